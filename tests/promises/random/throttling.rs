//! Every deferred update is sent once there are bytes for it.

use crate::common::{
    random::{each_value, size},
    *,
};
use core::time::Duration;
use proptest::prelude::*;

const CLIENTS: usize = 3;
const UNITS: usize = 12;
const PACES: [SyncPriority; 3] = [SyncPriority::Critical, SyncPriority::Normal, SyncPriority::Low];

#[derive(Clone, Debug)]
enum Op {
    Set { unit: usize, slot: usize, count: u32 },
    SetAll { slot: usize, count: u32 },
    Fill { unit: usize, count: u32 },
    Resize { unit: usize, len: usize },
    SyncPriority { unit: usize, priority: Option<SyncPriority> },
    PaceOf { unit: usize, client: usize, priority: SyncPriority },
    Rights { unit: usize, client: usize, rights: Rights },
    Show { unit: usize, client: usize },
    Hide { unit: usize, client: usize },
    Respawn { unit: usize },
    Rename { unit: usize },
    Reconnect { client: usize },
    Gap { client: usize },
    Act { client: usize, unit: usize },
    Budgets { one: u32, all: u32 },
    Debounce { millis: u64 },
    Granular { deltas_enabled: bool },
    Steps { steps: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let (unit, client, slot) = (|| 0..UNITS, || 0..CLIENTS, || 0..30usize);
    let priority = || prop::sample::select(PACES.to_vec());
    let bytes = || prop::sample::select(vec![1, 40, 200, 1000, 50_000, u32::MAX]);
    let rights = prop::sample::select(vec![Rights::SEE, Rights::USE, Rights::SEE | Rights::TAKE]);
    prop_oneof![
        12 => (unit(), slot(), 1..1_000_000u32)
            .prop_map(|(unit, slot, count)| Op::Set { unit, slot, count }),
        4 => (slot(), 1..1_000_000u32).prop_map(|(slot, count)| Op::SetAll { slot, count }),
        1 => (unit(), 1..1_000_000u32).prop_map(|(unit, count)| Op::Fill { unit, count }),
        1 => (unit(), 20..32usize).prop_map(|(unit, len)| Op::Resize { unit, len }),
        2 => (unit(), prop::option::of(priority())).prop_map(|(unit, priority)| Op::SyncPriority { unit, priority }),
        2 => (unit(), client(), priority())
            .prop_map(|(unit, client, priority)| Op::PaceOf { unit, client, priority }),
        1 => (unit(), client(), rights)
            .prop_map(|(unit, client, rights)| Op::Rights { unit, client, rights }),
        2 => (unit(), client()).prop_map(|(unit, client)| Op::Show { unit, client }),
        2 => (unit(), client()).prop_map(|(unit, client)| Op::Hide { unit, client }),
        1 => unit().prop_map(|unit| Op::Respawn { unit }),
        1 => unit().prop_map(|unit| Op::Rename { unit }),
        1 => client().prop_map(|client| Op::Reconnect { client }),
        1 => client().prop_map(|client| Op::Gap { client }),
        3 => (client(), unit()).prop_map(|(client, unit)| Op::Act { client, unit }),
        3 => (bytes(), bytes()).prop_map(|(one, all)| Op::Budgets { one, all }),
        1 => prop::sample::select(vec![0, 50, 300]).prop_map(|millis| Op::Debounce { millis }),
        1 => any::<bool>().prop_map(|deltas_enabled| Op::Granular { deltas_enabled }),
        14 => (1..8usize).prop_map(|steps| Op::Steps { steps }),
    ]
}

struct Game {
    pair: Simulation,
    units: Vec<Entity>,
    /// Number of renames of each inventory.
    names: Vec<u64>,
    /// Number of gaps simulated for each client.
    gaps: [u64; CLIENTS],
}

impl Game {
    fn new() -> Self {
        let mut pair = pair(CLIENTS);
        let spawn = |unit: usize| {
            let seen: Vec<usize> =
                (0..CLIENTS).filter(|client| !(unit + client).is_multiple_of(4)).collect();
            spawn_chest(&mut pair, unit as u64, &seen)
        };
        let units = (0..UNITS).map(spawn).collect();
        pair.settle(100);
        Self { pair, units, names: vec![0; UNITS], gaps: [0; CLIENTS] }
    }

    fn id(&self, unit: usize) -> InventoryId {
        chest(unit as u64 + 100 * self.names[unit])
    }

    fn viewers(&mut self, unit: usize) -> Mut<'_, Viewers> {
        self.pair.server.world_mut().get_mut(self.units[unit]).unwrap()
    }

    fn settings(&mut self) -> Mut<'_, SyncSettings> {
        self.pair.server.world_mut().resource_mut()
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Set { unit, slot, count } => self.set(unit, slot, count),
            Op::SetAll { slot, count } => (0..UNITS).for_each(|unit| self.set(unit, slot, count)),
            Op::Fill { unit, count } => (0..30).for_each(|slot| self.set(unit, slot, count + 1)),
            Op::Resize { unit, len } => {
                drop(inventory(&mut self.pair, self.units[unit]).resize(len));
            }
            Op::SyncPriority { unit, priority } => {
                let mut entity = self.pair.server.world_mut().entity_mut(self.units[unit]);
                match priority {
                    Some(priority) => drop(entity.insert(priority)),
                    None => drop(entity.remove::<SyncPriority>()),
                }
            }
            Op::PaceOf { unit, client, priority } => {
                let client = self.pair.client_id(client);
                self.viewers(unit).set_priority(client, priority);
            }
            Op::Rights { unit, client, rights } => {
                let client = self.pair.client_id(client);
                self.viewers(unit).add(client, rights);
            }
            Op::Show { unit, client } => show(&mut self.pair, self.units[unit], client),
            Op::Hide { unit, client } => hide(&mut self.pair, self.units[unit], client),
            Op::Respawn { unit } => {
                let kept = self.viewers(unit).clone();
                let id = self.id(unit);
                let world = self.pair.server.world_mut();
                world.despawn(self.units[unit]);
                self.units[unit] = world.spawn((id, Inventory::default(), kept)).id();
            }
            Op::Rename { unit } => {
                self.names[unit] += 1;
                let id = self.id(unit);
                self.pair.server.world_mut().entity_mut(self.units[unit]).insert(id);
            }
            Op::Reconnect { client } => {
                self.pair.disconnect(client);
                self.pair.connect(client);
            }
            Op::Gap { client } => {
                simulate_gap(&mut self.pair, client);
                self.gaps[client] += 1;
            }
            Op::Act { client, unit } => {
                let ids = self.pair.clients[client].app.world().resource::<InventoryIds>();
                let Some(there) = ids.get(self.id(unit)) else { return };
                ask(
                    &mut self.pair,
                    client,
                    InventoryAction::Swap { a: inv(there, 0), b: inv(there, 1) },
                );
            }
            Op::Budgets { one, all } => {
                let mut settings = self.settings();
                (settings.bytes_per_second, settings.total_bytes_per_second) = (one, all);
            }
            Op::Debounce { millis } => {
                self.settings().debounce_delay = Duration::from_millis(millis)
            }
            Op::Granular { deltas_enabled } => self.settings().deltas_enabled = deltas_enabled,
            Op::Steps { steps } => self.pair.steps(steps),
        }
    }

    fn set(&mut self, unit: usize, slot: usize, count: u32) {
        drop(inventory(&mut self.pair, self.units[unit]).set(slot, COIN.stack(count)));
    }

    /// Restores the budgets and checks the state after everything was sent.
    fn end(&mut self) {
        let before = stats(&self.pair.server);
        self.pair.server.insert_resource(SyncSettings::default());
        self.pair.steps(60);
        self.pair.settle(300);
        self.pair.steps(60);
        for client in 0..CLIENTS {
            for unit in 0..UNITS {
                let seen = self.pair.client_id(client);
                let seen = self.viewers(unit).rights_of(seen).is_some();
                if seen {
                    assert_same(&self.pair, client, self.id(unit));
                } else {
                    let shown = self.pair.shown::<Inventory>(client, self.id(unit));
                    assert!(shown.is_none(), "{unit} is hidden from {client}");
                }
            }
            let sync = sync_of(&self.pair, client);
            assert_eq!((sync.behind, sync.chunked), (0, 0), "client {client}: {sync:?}");
            let there = stats(&self.pair.clients[client].app);
            assert!(there.resyncs_requested <= self.gaps[client], "client {client}: {there:?}");
            assert_eq!(there.checksum_mismatches, 0);
            if self.gaps[client] == 0 {
                assert_eq!((there.gaps, there.unknown_views, there.decode_errors), (0, 0, 0));
            }
        }
        assert_eq!(self.pair.server.world().resource::<SyncHealth>().status(), default());
        // Nothing is sent twice.
        let updates = |stats: InventoryStats| stats.deltas_encoded + stats.full_updates_encoded;
        let most = (UNITS * CLIENTS) as u64 * 2;
        let news = updates(stats(&self.pair.server)) - updates(before);
        assert!(news <= most, "{news} updates for the remaining changes");
    }
}

fn sync_of(pair: &Simulation, client: usize) -> ClientSyncStats {
    *pair.server.world().get::<ClientSyncStats>(pair.client_id(client).entity().unwrap()).unwrap()
}

#[test]
fn every_deferred_update_is_sent_once_there_are_bytes() {
    let ops = prop::collection::vec(op(), 1..120);
    each_value(size(12, 100), &ops, |ops| {
        let mut game = Game::new();
        ops.into_iter().for_each(|op| game.run(op));
        game.end();
    });
}
