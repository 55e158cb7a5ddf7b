//! Random actions of several clients, under random latency, jitter and lost connections, agree with a plain
//! model that applies what the server says it has applied.

use crate::common::{
    random::{each_seed, size},
    *,
};
use core::ops::Range;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An action with a number, unlike all others.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark(u32);

impl GameAction for Mark {
    const NAME: &'static str = "mark";
    type Output = ();

    fn apply(&self, _: &mut Transaction) -> Result<(), Rejection> {
        Ok(())
    }
}

/// Applied actions, in order.
#[derive(Resource, Default)]
struct AcceptedActions(Vec<(Option<InventoryAction>, Option<u32>)>);

fn record_accepted(
    mut decisions: MessageReader<ActionResolved>,
    mut decided: ResMut<AcceptedActions>,
) {
    for decision in decisions.read().filter(|decision| decision.result.is_ok()) {
        let mark = decision.action.get::<Mark>().map(|mark| mark.0);
        decided.0.push((decision.action.get::<InventoryAction>().cloned(), mark));
    }
}

/// The same slots without this crate: a list of (item, count) per inventory, the hotbar after the backpack.
#[derive(Default, PartialEq, Debug)]
struct Model(BTreeMap<Entity, Vec<Option<(ItemId, u32)>>>);

const MAX: fn(ItemId) -> u32 = |item| if item == TORCH { 64 } else { 1 };

impl Model {
    fn at(&mut self, (entity, slot): SlotRef) -> &mut Option<(ItemId, u32)> {
        let index = usize::from(slot.index)
            + if slot.container == ContainerKey::of(Hotbar::NAME) { 27 } else { 0 };
        &mut self.0.get_mut(&entity).expect("one of the three inventories")[index]
    }

    fn put(&mut self, at: SlotRef, (item, count): (ItemId, u32)) -> u32 {
        let cell = self.at(at);
        let there = match cell {
            Some((other, _)) if *other != item => return count,
            Some((_, there)) => *there,
            None => 0,
        };
        let moved = count.min(MAX(item) - there);
        if moved > 0 {
            *cell = Some((item, there + moved));
        }
        count - moved
    }

    fn moved(&mut self, from: SlotRef, to: SlotRef, count: Option<u32>) {
        if from == to {
            return;
        }
        let (item, have) = self.at(from).unwrap();
        let count = count.unwrap_or(have);
        let foreign = self.at(to).is_some_and(|(other, _)| other != item);
        if foreign && count == have {
            let there = self.at(to).take();
            *self.at(to) = self.at(from).take();
            *self.at(from) = there;
        } else {
            let left = have - count + self.put(to, (item, count));
            *self.at(from) = (left > 0).then_some((item, left));
        }
    }

    fn quick(&mut self, from: SlotRef, to: Entity) {
        let (item, mut left) = self.at(from).take().unwrap();
        let places: Vec<SlotRef> = (0..self.0[&to].len()).map(|n| place(to, n)).collect();
        for stacks in [true, false] {
            for at in places.iter().filter(|at| **at != from) {
                if left > 0 && self.at(*at).is_some() == stacks {
                    left = self.put(*at, (item, left));
                }
            }
        }
        *self.at(from) = (left > 0).then_some((item, left));
    }

    fn done(&mut self, action: &InventoryAction) {
        match action {
            InventoryAction::Move { from, to, count } => self.moved(*from, *to, *count),
            InventoryAction::Swap { a, b } => {
                let (in_a, in_b) = (*self.at(*a), *self.at(*b));
                *self.at(*a) = in_b;
                *self.at(*b) = in_a;
            }
            InventoryAction::QuickMove { from, to } => self.quick(*from, to.entity),
            InventoryAction::Drop { from, count } => {
                let (item, have) = self.at(*from).unwrap();
                let left = have - count.unwrap_or(have);
                *self.at(*from) = (left > 0).then_some((item, left));
            }
            other => panic!("{other:?} is not part of the model"),
        }
    }
}

fn place(entity: Entity, n: usize) -> SlotRef {
    (entity, if n < 27 { Inventory::slot(n) } else { Hotbar::slot(n - 27) })
}

struct ModelWorld {
    pair: Simulation,
    players: Vec<Entity>,
    chest: Entity,
    model: Model,
    random: fastrand::Rng,
    marks: u32,
}

impl ModelWorld {
    fn new(seed: u64) -> Self {
        let mut pair = Simulation::new(2, |app| {
            setup(app);
            app.add_action::<Mark>()
                .init_resource::<AcceptedActions>()
                .add_systems(Update, record_accepted);
        });
        pair.seed(seed);
        let players = (0..2).map(|client| spawn_player(&mut pair, client)).collect();
        let chest = spawn_chest(&mut pair, 1, &[0, 1]);
        let random = fastrand::Rng::with_seed(seed);
        Self { pair, players, chest, model: Model::default(), random, marks: 0 }
    }

    /// Fills all inventories with random stacks.
    fn restock(&mut self) {
        let random = &mut self.random;
        let mut units = self.players.clone();
        units.push(self.chest);
        self.model.0.clear();
        for unit in units {
            let mut cells = Vec::new();
            for _ in 0..if unit == self.chest { 27 } else { 36 } {
                cells.push(match random.u32(0..6) {
                    0 => Some((TORCH, random.u32(1..=64))),
                    1 => Some((AXE, 1)),
                    _ => None,
                });
            }
            let stack = |cell: &Option<(ItemId, u32)>| cell.map(|(item, count)| item.stack(count));
            let slots = |range: Range<usize>| cells[range].iter().map(stack).collect::<Slots>();
            *inventory(&mut self.pair, unit) = Inventory(slots(0..27));
            if unit != self.chest {
                hotbar(&mut self.pair, unit).slots = slots(27..36);
            }
            self.model.0.insert(unit, cells);
        }
    }

    fn random_place(&mut self, client: usize) -> Option<SlotRef> {
        let ids = [player(client as u64), chest(1)];
        let (id, len) = if self.random.bool() { (ids[0], 36) } else { (ids[1], 27) };
        let world = self.pair.clients[client].app.world();
        let entity = world.resource::<InventoryIds>().get(id)?;
        // Few slots, so that actions collide.
        let slot = self.random.usize(0..len);
        Some(place(entity, if self.random.bool() { slot % 4 } else { slot }))
    }

    fn act(&mut self, client: usize) -> Option<RequestId> {
        let (a, b) = (self.random_place(client)?, self.random_place(client)?);
        let count = self.random.bool().then(|| self.random.u32(1..20));
        let action = match self.random.u32(0..9) {
            0..4 => InventoryAction::Move { from: a, to: b, count },
            4..6 => InventoryAction::Swap { a, b },
            6 => InventoryAction::QuickMove { from: a, to: b.0.into() },
            7 => InventoryAction::Drop { from: a, count },
            _ => {
                self.marks += 1;
                return Some(ask(&mut self.pair, client, Mark(self.marks)));
            }
        };
        Some(ask(&mut self.pair, client, action))
    }

    /// Steps, applies the accepted actions to the model, and compares it with the server.
    fn step(&mut self, marked: &mut Vec<u32>) {
        self.pair.step();
        let world = self.pair.server.world_mut();
        let decided = core::mem::take(&mut world.resource_mut::<AcceptedActions>().0);
        for (action, mark) in &decided {
            action.iter().for_each(|action| self.model.done(action));
            marked.extend(*mark);
        }
        let world = self.pair.server.world();
        for (unit, cells) in &self.model.0 {
            let there = world.get::<Inventory>(*unit).unwrap().as_slice().iter();
            let behind = world.get::<Hotbar>(*unit).map(|h| h.as_slice()).unwrap_or_default();
            let plain = there.chain(behind).map(|s| s.map(|s| (s.item, s.count())));
            let plain: Vec<_> = plain.collect();
            assert_eq!(plain, *cells, "unit {unit} after {decided:?}");
        }
        for client in &self.pair.clients {
            assert_eq!(stats(&client.app).rebase_mismatches, 0);
        }
    }

    fn case(&mut self) {
        self.restock();
        self.pair.network = default();
        let mut marked = Vec::new();
        (0..6).for_each(|_| self.step(&mut marked));
        for client in 0..2 {
            events(&mut self.pair, client).clear();
        }
        let (mut asked, first_mark) = (vec![0, 0], self.marks);
        let mut cut = false;
        for _ in 0..self.random.u32(4..14) {
            self.pair.network.latency_ticks = self.random.u64(0..9);
            for (client, asked) in asked.iter_mut().enumerate() {
                if self.random.u32(0..3) > 0 {
                    *asked += usize::from(self.act(client).is_some());
                }
            }
            self.step(&mut marked);
            if self.random.u32(0..60) == 0 {
                cut = true;
                self.pair.disconnect(1);
                self.step(&mut marked);
                self.pair.connect(1);
                let client = self.pair.client_id(1);
                let world = self.pair.server.world_mut();
                world.entity_mut(self.players[1]).insert(Owner(client));
                world.get_mut::<Viewers>(self.chest).unwrap().add(client, Rights::USE);
            }
        }
        for _ in 0..if cut { 80 } else { 24 } {
            self.step(&mut marked);
        }
        self.check(&asked, marked, first_mark);
    }

    fn check(&mut self, asked: &[usize], mut marked: Vec<u32>, first_mark: u32) {
        for (client, asked) in asked.iter().enumerate() {
            assert_same(&self.pair, client, player(client as u64));
            assert_same(&self.pair, client, chest(1));
            let events = events(&mut self.pair, client);
            assert_eq!(events.confirmed.len() + events.rejected.len(), *asked, "all were answered");
            let mut open: Vec<(Entity, Slot)> = Vec::new();
            for SlotPendingChanged { entity, slot, pending } in events.pending.iter().copied() {
                open.retain(|there| *there != (entity, slot));
                if pending {
                    open.push((entity, slot));
                }
            }
            assert_eq!(open, [], "no slot stays pending");
        }
        let times = marked.len();
        marked.sort_unstable();
        marked.dedup();
        assert_eq!(marked.len(), times, "each at most once");
        assert!(marked.iter().all(|mark| *mark > first_mark));
        // Loot of this case is not part of the next.
        let world = self.pair.server.world_mut();
        let mut loot = world.query_filtered::<Entity, With<Loot>>();
        for entity in loot.iter(world).collect::<Vec<_>>() {
            world.despawn(entity);
        }
    }
}

/// Cases that one seed runs, one after the other in the same world.
const CASES: u64 = 50;

/// Runs a quarter of all seeds: four tests share the work of two processors evenly.
fn run(part: u64) {
    let first = part * 1_000_000;
    each_seed(first..first + size(3, 50), |seed| {
        let mut world = ModelWorld::new(seed);
        (0..CASES).for_each(|_| world.case());
    });
}

#[test]
fn random_actions_agree_with_a_model_part_1() {
    run(1);
}

#[test]
fn random_actions_agree_with_a_model_part_2() {
    run(2);
}

#[test]
fn random_actions_agree_with_a_model_part_3() {
    run(3);
}

#[test]
fn random_actions_agree_with_a_model_part_4() {
    run(4);
}
