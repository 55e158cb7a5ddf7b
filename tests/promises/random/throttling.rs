//! Every deferred update is sent once there are bytes for it.

use crate::common::{
    random::{each_value, size},
    *,
};
use core::time::Duration;
use proptest::prelude::*;

const CLIENTS: usize = 3;
const UNITS: usize = 12;
const PACES: [Pace; 3] = [Pace::Critical, Pace::Normal, Pace::Low];

#[derive(Clone, Debug)]
enum Op {
    Set { unit: usize, slot: usize, count: u32 },
    SetAll { slot: usize, count: u32 },
    Fill { unit: usize, count: u32 },
    Resize { unit: usize, len: usize },
    Pace { unit: usize, pace: Option<Pace> },
    PaceOf { unit: usize, client: usize, pace: Pace },
    Rights { unit: usize, client: usize, rights: Rights },
    Show { unit: usize, client: usize },
    Hide { unit: usize, client: usize },
    Respawn { unit: usize },
    Rename { unit: usize },
    Reconnect { client: usize },
    Confuse { client: usize },
    Act { client: usize, unit: usize },
    Budgets { one: u32, all: u32 },
    Debounce { millis: u64 },
    Granular { granular: bool },
    Steps { steps: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let (unit, client, slot) = (|| 0..UNITS, || 0..CLIENTS, || 0..30usize);
    let pace = || prop::sample::select(PACES.to_vec());
    let bytes = || prop::sample::select(vec![1, 40, 200, 1000, 50_000, u32::MAX]);
    let rights = prop::sample::select(vec![Rights::SEE, Rights::USE, Rights::SEE | Rights::TAKE]);
    prop_oneof![
        12 => (unit(), slot(), 1..1_000_000u32)
            .prop_map(|(unit, slot, count)| Op::Set { unit, slot, count }),
        4 => (slot(), 1..1_000_000u32).prop_map(|(slot, count)| Op::SetAll { slot, count }),
        1 => (unit(), 1..1_000_000u32).prop_map(|(unit, count)| Op::Fill { unit, count }),
        1 => (unit(), 20..32usize).prop_map(|(unit, len)| Op::Resize { unit, len }),
        2 => (unit(), prop::option::of(pace())).prop_map(|(unit, pace)| Op::Pace { unit, pace }),
        2 => (unit(), client(), pace())
            .prop_map(|(unit, client, pace)| Op::PaceOf { unit, client, pace }),
        1 => (unit(), client(), rights)
            .prop_map(|(unit, client, rights)| Op::Rights { unit, client, rights }),
        2 => (unit(), client()).prop_map(|(unit, client)| Op::Show { unit, client }),
        2 => (unit(), client()).prop_map(|(unit, client)| Op::Hide { unit, client }),
        1 => unit().prop_map(|unit| Op::Respawn { unit }),
        1 => unit().prop_map(|unit| Op::Rename { unit }),
        1 => client().prop_map(|client| Op::Reconnect { client }),
        1 => client().prop_map(|client| Op::Confuse { client }),
        3 => (client(), unit()).prop_map(|(client, unit)| Op::Act { client, unit }),
        3 => (bytes(), bytes()).prop_map(|(one, all)| Op::Budgets { one, all }),
        1 => prop::sample::select(vec![0, 50, 300]).prop_map(|millis| Op::Debounce { millis }),
        1 => any::<bool>().prop_map(|granular| Op::Granular { granular }),
        14 => (1..8usize).prop_map(|steps| Op::Steps { steps }),
    ]
}

struct Game {
    pair: Pair,
    units: Vec<Entity>,
    /// How often each has been renamed.
    names: Vec<u64>,
    /// How often each client was made to believe that it had lost its place.
    confused: [u64; CLIENTS],
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
        Self { pair, units, names: vec![0; UNITS], confused: [0; CLIENTS] }
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
            Op::Pace { unit, pace } => {
                let mut entity = self.pair.server.world_mut().entity_mut(self.units[unit]);
                match pace {
                    Some(pace) => drop(entity.insert(pace)),
                    None => drop(entity.remove::<Pace>()),
                }
            }
            Op::PaceOf { unit, client, pace } => {
                let client = self.pair.client_id(client);
                self.viewers(unit).set_pace(client, pace);
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
            Op::Confuse { client } => {
                confuse(&mut self.pair, client);
                self.confused[client] += 1;
            }
            Op::Act { client, unit } => {
                let ids = self.pair.clients[client].app.world().resource::<InventoryIds>();
                let Some(there) = ids.get(self.id(unit)) else { return };
                ask(&mut self.pair, client, Action::Swap { a: inv(there, 0), b: inv(there, 1) });
            }
            Op::Budgets { one, all } => {
                let mut settings = self.settings();
                (settings.bytes_per_second, settings.total_bytes_per_second) = (one, all);
            }
            Op::Debounce { millis } => self.settings().debounce = Duration::from_millis(millis),
            Op::Granular { granular } => self.settings().granular = granular,
            Op::Steps { steps } => self.pair.steps(steps),
        }
    }

    fn set(&mut self, unit: usize, slot: usize, count: u32) {
        drop(inventory(&mut self.pair, self.units[unit]).set(slot, COIN.stack(count)));
    }

    /// Bytes are there again, and nothing happens any more.
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
            assert_eq!((sync.behind, sync.bulk), (0, 0), "client {client}: {sync:?}");
            let heard = stats(&self.pair.clients[client].app);
            assert!(heard.resyncs_requested <= self.confused[client], "client {client}: {heard:?}");
            assert_eq!(heard.digest_mismatches, 0);
            if self.confused[client] == 0 {
                assert_eq!((heard.gaps, heard.unknown_views, heard.decode_errors), (0, 0, 0));
            }
        }
        assert_eq!(self.pair.server.world().resource::<SyncHealth>().status(), default());
        // Nothing is told that was told.
        let told = |stats: InventoryStats| stats.deltas_encoded + stats.fulls_encoded;
        let most = (UNITS * CLIENTS) as u64 * 2;
        let news = told(stats(&self.pair.server)) - told(before);
        assert!(news <= most, "{news} updates for what was left over");
    }
}

fn sync_of(pair: &Pair, client: usize) -> ClientSync {
    *pair.server.world().get::<ClientSync>(pair.client_id(client).entity().unwrap()).unwrap()
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
