//! Whatever happens, the events of equipment add up to what is worn, and every client sees what is held.

use std::collections::BTreeMap;

use crate::common::{
    random::{each_value, size},
    *,
};
use bevy_inventory_sync::sim::Network;
use bevy_replicon::shared::server_entity_map::ServerEntityMap;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Wear { unit: usize, slot: usize, stack: Option<Stack> },
    Replace { unit: usize, stack: Option<Stack> },
    Resize { unit: usize, len: usize },
    ToggleEquipment { unit: usize },
    ToggleHotbar { unit: usize },
    Hold { unit: usize, slot: usize, stack: Option<Stack> },
    Select { unit: usize, slot: u8 },
    ExchangeIds { a: usize, b: usize },
    Respawn { unit: usize },
    Show { unit: usize, client: usize },
    Hide { unit: usize, client: usize },
    Reconnect { client: usize },
    Swap { client: usize, unit: usize, from: usize, to: usize },
    Step,
}

const UNITS: usize = 3;
const CLIENTS: usize = 2;

fn stack() -> impl Strategy<Value = Option<Stack>> {
    let item = prop::sample::select(vec![BOOTS, AXE, COIN]);
    prop::option::of((item, 1..3u32, 0..3u16))
        .prop_map(|stack| stack.map(|(item, count, wear)| item.stack(count).with_wear(wear)))
}

fn op() -> impl Strategy<Value = Op> {
    let (unit, client, slot) = (0..UNITS, 0..CLIENTS, 0..3usize);
    prop_oneof![
        6 => (unit.clone(), slot.clone(), stack())
            .prop_map(|(unit, slot, stack)| Op::Wear { unit, slot, stack }),
        1 => (unit.clone(), stack()).prop_map(|(unit, stack)| Op::Replace { unit, stack }),
        1 => (unit.clone(), 0..4usize).prop_map(|(unit, len)| Op::Resize { unit, len }),
        1 => unit.clone().prop_map(|unit| Op::ToggleEquipment { unit }),
        1 => unit.clone().prop_map(|unit| Op::ToggleHotbar { unit }),
        3 => (unit.clone(), slot.clone(), stack())
            .prop_map(|(unit, slot, stack)| Op::Hold { unit, slot, stack }),
        2 => (unit.clone(), 0..3u8).prop_map(|(unit, slot)| Op::Select { unit, slot }),
        1 => (unit.clone(), unit.clone()).prop_map(|(a, b)| Op::ExchangeIds { a, b }),
        1 => unit.clone().prop_map(|unit| Op::Respawn { unit }),
        3 => (unit.clone(), client.clone()).prop_map(|(unit, client)| Op::Show { unit, client }),
        1 => (unit.clone(), client.clone()).prop_map(|(unit, client)| Op::Hide { unit, client }),
        1 => client.clone().prop_map(|client| Op::Reconnect { client }),
        4 => (client, unit, slot.clone(), slot)
            .prop_map(|(client, unit, from, to)| Op::Swap { client, unit, from, to }),
        10 => Just(Op::Step),
    ]
}

/// What is worn in each slot according to the events.
#[derive(Resource, Default)]
struct Worn(BTreeMap<(Entity, usize), ItemId>);

impl Worn {
    fn equip(on: On<Equipped>, mut worn: ResMut<Self>) {
        let slot = on.slot.index_in::<Equipment>().unwrap();
        let before = worn.0.insert((on.entity, slot), on.stack.item);
        assert_eq!(before, None, "an item is equipped where another is worn");
    }

    fn unequip(on: On<Unequipped>, mut worn: ResMut<Self>) {
        let slot = on.slot.index_in::<Equipment>().unwrap();
        let before = worn.0.remove(&(on.entity, slot));
        assert_eq!(before, Some(on.stack.item), "another item is worn than is unequipped");
    }
}

fn setup(app: &mut App) {
    app.add_equipment::<Equipment>()
        .add_public_view::<HeldItem>()
        .insert_items(Items::<()>::from_ron(ITEMS).unwrap())
        .init_resource::<Worn>()
        .add_observer(Worn::equip)
        .add_observer(Worn::unequip);
}

struct Game {
    pair: Simulation,
    units: Vec<Entity>,
    /// Whether a client has just predicted an action, whose events follow in the next tick.
    predicted: [bool; CLIENTS],
}

fn spawn(pair: &mut Simulation, unit: usize, viewers: Viewers) -> Entity {
    let mut inventory = Inventory::default();
    inventory.set(0, BOOTS.stack(1)).unwrap();
    let worn = Equipment([Some(BOOTS.stack(1).with_wear(1)), None].into_iter().collect());
    let id = chest(unit as u64);
    let parts = (id, inventory, Hotbar::default(), worn, viewers, HeldItem::default(), Replicated);
    pair.server.world_mut().spawn(parts).id()
}

impl Game {
    fn new(network: Network, seed: u64) -> Self {
        let mut pair = Simulation::new(CLIENTS, setup);
        pair.network = network;
        pair.seed(seed);
        let units = (0..UNITS).map(|unit| spawn(&mut pair, unit, Viewers::new())).collect();
        Self { pair, units, predicted: [false; CLIENTS] }
    }

    fn unit(&mut self, unit: usize) -> EntityWorldMut<'_> {
        self.pair.server.world_mut().entity_mut(self.units[unit])
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Wear { unit, slot, stack } => {
                if let Some(mut worn) = self.unit(unit).get_mut::<Equipment>() {
                    drop(worn.0.set(slot, stack));
                }
            }
            Op::Replace { unit, stack } => {
                self.unit(unit).insert(Equipment([stack].into_iter().collect()));
            }
            Op::Resize { unit, len } => {
                if let Some(mut worn) = self.unit(unit).get_mut::<Equipment>() {
                    drop(worn.0.resize(len));
                }
            }
            Op::ToggleEquipment { unit } => {
                let mut unit = self.unit(unit);
                if unit.take::<Equipment>().is_none() {
                    unit.insert(Equipment([Some(BOOTS.stack(1))].into_iter().collect()));
                }
            }
            Op::ToggleHotbar { unit } => {
                let mut unit = self.unit(unit);
                if unit.take::<Hotbar>().is_none() {
                    unit.insert(Hotbar::default());
                }
            }
            Op::Hold { unit, slot, stack } => {
                if let Some(mut hotbar) = self.unit(unit).get_mut::<Hotbar>() {
                    hotbar.set(slot, stack).unwrap();
                }
            }
            Op::Select { unit, slot } => {
                if let Some(mut hotbar) = self.unit(unit).get_mut::<Hotbar>() {
                    hotbar.select(slot);
                }
            }
            Op::ExchangeIds { a, b } => {
                let [old_a, old_b] = [a, b].map(|unit| *self.unit(unit).get().unwrap());
                self.unit(a).insert::<InventoryId>(chest(99));
                self.unit(b).insert::<InventoryId>(old_a);
                self.unit(a).insert::<InventoryId>(old_b);
            }
            Op::Respawn { unit } => {
                let viewers = self.unit(unit).get::<Viewers>().unwrap().clone();
                let id = *self.unit(unit).get::<InventoryId>().unwrap();
                self.pair.server.world_mut().despawn(self.units[unit]);
                self.units[unit] = spawn(&mut self.pair, unit, viewers);
                self.unit(unit).insert(id);
            }
            Op::Show { unit, client } => show(&mut self.pair, self.units[unit], client),
            Op::Hide { unit, client } => hide(&mut self.pair, self.units[unit], client),
            Op::Reconnect { client } => {
                self.pair.disconnect(client);
                self.pair.connect(client);
            }
            Op::Swap { client, unit, from, to } => self.swap(client, unit, from, to),
            Op::Step => self.step(),
        }
    }

    /// A client swaps a slot of its inventory with one of its equipment.
    fn swap(&mut self, client: usize, unit: usize, from: usize, to: usize) {
        let world = self.pair.clients[client].app.world();
        if let Some(entity) = world.resource::<InventoryIds>().get(chest(unit as u64)) {
            let (a, b) = ((entity, Inventory::slot(from)), (entity, Equipment::slot(to)));
            ask(&mut self.pair, client, InventoryAction::Swap { a, b });
            self.predicted[client] = true;
        }
    }

    fn step(&mut self) {
        self.pair.step();
        let world = self.pair.server.world_mut();
        let mut expected = BTreeMap::new();
        for (entity, worn) in world.query::<(Entity, &Equipment)>().iter(world) {
            expected.extend(worn.0.iter().map(|(slot, stack)| ((entity, slot), stack.item)));
        }
        assert_eq!(world.resource::<Worn>().0, expected, "on the server");
        for (hotbar, held) in world.query::<(Option<&Hotbar>, &HeldItem)>().iter(world) {
            assert_eq!(held.0, hotbar.and_then(Hotbar::held).map(|stack| stack.item));
        }
        for (client, predicted) in self.predicted.iter_mut().enumerate() {
            if !std::mem::take(predicted) {
                let world = self.pair.clients[client].app.world_mut();
                let mut expected = BTreeMap::new();
                let mut shown = world.query_filtered::<(Entity, &Equipment), With<InView>>();
                for (entity, worn) in shown.iter(world) {
                    expected
                        .extend(worn.0.iter().map(|(slot, stack)| ((entity, slot), stack.item)));
                }
                assert_eq!(world.resource::<Worn>().0, expected, "on client {client}");
            }
        }
    }

    fn check_held_items(&mut self) {
        self.pair.settle(400);
        for client in 0..CLIENTS {
            let world = self.pair.clients[client].app.world();
            for unit in &self.units {
                let shown = world.resource::<ServerEntityMap>().to_client()[unit];
                let held = self.pair.server.world().get::<HeldItem>(*unit);
                assert_eq!(world.get::<HeldItem>(shown), held, "on client {client}");
            }
        }
    }
}

#[test]
fn equipment_events_and_held_items_agree_with_the_containers() {
    let network = (0..5u64, prop::sample::select(vec![0.0f32, 0.05, 0.3]), any::<u64>());
    let input = (prop::collection::vec(op(), 1..150), network);
    each_value(size(25, 200), &input, |(ops, (latency_ticks, loss, seed))| {
        let mut game = Game::new(Network { latency_ticks, loss, ..default() }, seed);
        for op in ops {
            game.run(op);
        }
        game.check_held_items();
    });
}
