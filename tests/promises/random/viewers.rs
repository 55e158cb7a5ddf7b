//! Whatever a game does to inventories and viewers, every viewer ends with the slots of the server.

use crate::common::{
    random::{each_value, size},
    *,
};
use bevy_inventory_sync::sim::Network;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Set { unit: usize, slot: usize, stack: Option<Stack> },
    Fill { unit: usize, from: usize, to: usize, count: u32 },
    Swap { unit: usize, a: usize, b: usize },
    Select { unit: usize, slot: u8 },
    Show { unit: usize, client: usize },
    Hide { unit: usize, client: usize },
    Respawn { unit: usize },
    Resize { unit: usize, len: usize },
    Reconnect { client: usize },
    Step,
}

const UNITS: usize = 4;
const CLIENTS: usize = 3;

fn stack() -> impl Strategy<Value = Option<Stack>> {
    let item = prop::sample::select(vec![TORCH, AXE, COIN]);
    prop::option::of((item, 1..70u32, prop::sample::select(vec![0u16, 1, 500])))
        .prop_map(|stack| stack.map(|(item, count, wear)| item.stack(count).with_wear(wear)))
}

fn op() -> impl Strategy<Value = Op> {
    let (unit, client, slot) = (0..UNITS, 0..CLIENTS, 0..40usize);
    prop_oneof![
        8 => (unit.clone(), slot.clone(), stack())
            .prop_map(|(unit, slot, stack)| Op::Set { unit, slot, stack }),
        2 => (unit.clone(), slot.clone(), slot.clone(), 1..60u32)
            .prop_map(|(unit, from, to, count)| Op::Fill { unit, from, to, count }),
        2 => (unit.clone(), slot.clone(), slot).prop_map(|(unit, a, b)| Op::Swap { unit, a, b }),
        1 => (unit.clone(), 0..12u8).prop_map(|(unit, slot)| Op::Select { unit, slot }),
        2 => (unit.clone(), client.clone()).prop_map(|(unit, client)| Op::Show { unit, client }),
        1 => (unit.clone(), client.clone()).prop_map(|(unit, client)| Op::Hide { unit, client }),
        1 => unit.clone().prop_map(|unit| Op::Respawn { unit }),
        1 => (unit, 0..60usize).prop_map(|(unit, len)| Op::Resize { unit, len }),
        1 => client.prop_map(|client| Op::Reconnect { client }),
        10 => Just(Op::Step),
    ]
}

struct Game {
    pair: Simulation,
    units: Vec<Entity>,
}

fn spawn(pair: &mut Simulation, unit: usize, viewers: Viewers) -> Entity {
    let entity =
        pair.server.world_mut().spawn((chest(unit as u64), Inventory::default(), viewers)).id();
    if unit.is_multiple_of(2) {
        pair.server.world_mut().entity_mut(entity).insert(Hotbar::default());
    }
    entity
}

impl Game {
    fn run(&mut self, op: Op) {
        let Self { pair, units } = self;
        match op {
            Op::Set { unit, slot, stack } => drop(inventory(pair, units[unit]).set(slot, stack)),
            Op::Fill { unit, from, to, count } => {
                for slot in from..to {
                    drop(inventory(pair, units[unit]).set(slot, TORCH.stack(count)));
                }
            }
            Op::Swap { unit, a, b } => drop(inventory(pair, units[unit]).swap(a, b)),
            Op::Select { unit, slot } => {
                if let Some(mut hotbar) = pair.server.world_mut().get_mut::<Hotbar>(units[unit]) {
                    hotbar.select(slot);
                }
            }
            Op::Show { unit, client } => {
                let client = pair.client_id(client);
                viewers(pair, units[unit]).add(client, Rights::USE);
            }
            Op::Hide { unit, client } => {
                let client = pair.client_id(client);
                viewers(pair, units[unit]).remove(client);
            }
            Op::Respawn { unit } => {
                let kept = viewers(pair, units[unit]).clone();
                pair.server.world_mut().despawn(units[unit]);
                units[unit] = spawn(pair, unit, kept);
            }
            Op::Resize { unit, len } => drop(inventory(pair, units[unit]).resize(len)),
            Op::Reconnect { client } => {
                pair.disconnect(client);
                pair.connect(client);
            }
            Op::Step => pair.step(),
        }
    }
}

fn viewers(pair: &mut Simulation, entity: Entity) -> Mut<'_, Viewers> {
    pair.server.world_mut().get_mut::<Viewers>(entity).unwrap()
}

fn check(ops: Vec<Op>, network: Network, seed: u64) {
    let mut world = Game { pair: pair(CLIENTS), units: Vec::new() };
    world.pair.network = network;
    world.pair.seed(seed);
    world.units = (0..UNITS).map(|unit| spawn(&mut world.pair, unit, Viewers::new())).collect();
    for op in ops {
        world.run(op);
    }
    world.pair.settle(400);
    for unit in 0..UNITS {
        for client in 0..CLIENTS {
            let id = world.pair.client_id(client);
            let sees = viewers(&mut world.pair, world.units[unit]).rights_of(id).is_some();
            if sees {
                assert_same(&world.pair, client, chest(unit as u64));
            } else {
                assert!(world.pair.shown::<Inventory>(client, chest(unit as u64)).is_none());
            }
        }
    }
    for client in 0..CLIENTS {
        let app = &mut world.pair.clients[client].app;
        let client = stats(app);
        assert_eq!((client.gaps, client.unknown_views, client.decode_errors), (0, 0, 0));
        assert_eq!((client.resyncs_requested, client.slots_reverted), (0, 0));
        let (mirrors, views) = (
            app.world_mut().query::<&InventoryId>().iter(app.world()).count(),
            app.world_mut().query::<&InView>().iter(app.world()).count(),
        );
        assert_eq!(mirrors, views, "no entity is left behind");
    }
}

#[test]
fn every_viewer_ends_with_the_servers_slots() {
    let network = (0..5u64, prop::sample::select(vec![0.0f32, 0.05, 0.3]), any::<u64>());
    let input = (prop::collection::vec(op(), 1..150), network);
    each_value(size(25, 200), &input, |(ops, (latency_ticks, loss, seed))| {
        check(ops, Network { latency_ticks, loss, ..default() }, seed);
    });
}
