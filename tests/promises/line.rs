//! Whoever waits for bytes is told in the end, in the right order, whatever happens meanwhile.

use super::*;
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

fn limit(pair: &mut Pair, bytes_per_second: u32, total_bytes_per_second: u32) {
    let settings = SyncSettings { bytes_per_second, total_bytes_per_second, ..default() };
    pair.server.insert_resource(settings);
}

/// As many cases as a variable says, for a longer look.
fn cases() -> u32 {
    std::env::var("LINE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        max_shrink_iters: 400,
        ..default()
    })]

    #[test]
    fn whatever_waits_is_told_once_there_are_bytes(ops in prop::collection::vec(op(), 1..120)) {
        let mut game = Game::new();
        ops.into_iter().for_each(|op| game.run(op));
        game.end();
    }
}

#[test]
fn after_a_minute_of_silence_a_tick_takes_no_more_than_a_burst_and_one_update() {
    for (one, all) in [(2000, u32::MAX), (u32::MAX, 2000)] {
        let mut pair = pair(1);
        let chests: Vec<Entity> = (0..200).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
        pair.settle(100);
        limit(&mut pair, one, all);
        pair.steps(3600);
        let before = bytes_down(&pair, 0);
        for there in &chests {
            inventory(&mut pair, *there).set(0, TORCH.stack(2)).unwrap();
        }
        pair.step();
        let bytes = bytes_down(&pair, 0) - before;
        let (burst, update) = (2000 / 4, 8);
        assert!((burst / 3..=burst + update).contains(&bytes), "{bytes} in one tick");
        pair.steps(60);
        let bytes = bytes_down(&pair, 0) - before;
        assert!(bytes <= 2000 + burst + update, "{bytes} in a second");
        pair.settle(100);
        (0..200).for_each(|n| assert_same(&pair, 0, chest(n)));
    }
}

#[test]
fn whoever_owes_bytes_owes_no_more_of_them_at_another_rate() {
    for (one, all) in [(1, u32::MAX), (u32::MAX, 1)] {
        for lifted in [50_000, u32::MAX] {
            let mut pair = pair(1);
            let there = spawn_chest(&mut pair, 0, &[0]);
            pair.settle(50);
            limit(&mut pair, one, all);
            let later = spawn_chest(&mut pair, 1, &[0]);
            pair.server.world_mut().entity_mut(later).insert(noise(27, 1));
            pair.steps(4);
            inventory(&mut pair, there).set(0, TORCH.stack(1)).unwrap();
            pair.steps(60);
            assert!(pair.shown::<Inventory>(0, chest(0)).unwrap().get(0).is_none(), "it waits");
            limit(&mut pair, lifted, lifted);
            pair.steps(30);
            assert_same(&pair, 0, chest(0));
        }
    }
    // Who owes nothing does not begin with debts, and who owes much is not forgiven.
    let mut pair = pair(1);
    let there = spawn_chest(&mut pair, 0, &[0]);
    pair.settle(50);
    pair.steps(60);
    limit(&mut pair, 1000, u32::MAX);
    inventory(&mut pair, there).0 = noise(27, 1).0;
    pair.step();
    assert_same(&pair, 0, chest(0));
    let before = bytes_down(&pair, 0);
    for n in 1..=600 {
        limit(&mut pair, if n % 2 == 0 { 1000 } else { 900 }, u32::MAX);
        inventory(&mut pair, there).0 = noise(27, n).0;
        pair.step();
    }
    let bytes = bytes_down(&pair, 0) - before;
    assert!((7000..11_000).contains(&bytes), "{bytes} in ten seconds");
}

/// Twenty chests that always change and take all bytes, and one that has changed and waits.
fn crowded() -> (Pair, Vec<Entity>, Entity) {
    let mut pair = pair(1);
    let busy = (0..20).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    let quiet = spawn_chest(&mut pair, 50, &[0]);
    pair.server.world_mut().entity_mut(quiet).insert(Pace::Low);
    inventory(&mut pair, quiet).set(1, AXE.stack(1)).unwrap();
    pair.settle(100);
    limit(&mut pair, 300, u32::MAX);
    (pair, busy, quiet)
}

fn commotion(pair: &mut Pair, busy: &[Entity], ticks: u32) {
    for n in 1..=ticks {
        for there in busy {
            let count = inventory(pair, *there).get(0).map_or(0, |stack| stack.count());
            inventory(pair, *there).set(0, COIN.stack(1 + (count + n * 7919) % 999_999)).unwrap();
        }
        pair.step();
    }
}

#[test]
fn what_becomes_critical_while_it_waits_goes_with_what_is_critical() {
    let whole = |pair: &mut Pair, quiet: Entity, pace: Option<Pace>| {
        let mut entity = pair.server.world_mut().entity_mut(quiet);
        match pace {
            Some(pace) => *entity.get_mut::<Pace>().unwrap() = pace,
            None => drop(entity.remove::<Pace>()),
        }
    };
    for way in 0..3 {
        let (mut pair, busy, quiet) = crowded();
        commotion(&mut pair, &busy, 120);
        inventory(&mut pair, quiet).set(0, TORCH.stack(7)).unwrap();
        commotion(&mut pair, &busy, 300);
        let shown = pair.shown::<Inventory>(0, chest(50)).unwrap().get(0);
        assert_eq!(shown, None, "what is critical goes first");
        match way {
            0 => whole(&mut pair, quiet, Some(Pace::Critical)),
            1 => whole(&mut pair, quiet, None),
            _ => {
                let client = pair.client_id(0);
                let mut viewers = pair.server.world_mut().get_mut::<Viewers>(quiet).unwrap();
                viewers.set_pace(client, Pace::Critical);
            }
        }
        commotion(&mut pair, &busy, 20);
        let shown = pair.shown::<Inventory>(0, chest(50)).unwrap().get(0);
        assert_eq!(shown, Some(TORCH.stack(7)), "it has waited longest: way {way}");
    }
}

#[test]
fn what_is_closed_or_told_otherwise_does_not_wait() {
    let (mut pair, busy, quiet) = crowded();
    commotion(&mut pair, &busy, 120);
    inventory(&mut pair, quiet).set(0, TORCH.stack(7)).unwrap();
    commotion(&mut pair, &busy, 60);
    let before = sync_of(&pair, 0).behind;
    assert!(before > 10, "{before}");
    // The player's own action is told at once, with all that waits there.
    let there = shown_entity(&pair, 0, chest(50));
    ask(&mut pair, 0, Action::Swap { a: inv(there, 1), b: inv(there, 2) });
    pair.steps(4);
    assert_same(&pair, 0, chest(50));
    pair.steps(30);
    assert!(sync_of(&pair, 0).behind <= 20, "the quiet one is not counted any more");
    limit(&mut pair, 1, u32::MAX);
    busy.iter().for_each(|there| hide(&mut pair, *there, 0));
    pair.steps(60);
    assert_eq!(sync_of(&pair, 0).behind, 0, "nothing is in view of which there is news");
    assert_eq!(pair.server.world().resource::<SyncHealth>().status(), default());
    // A client that begins anew is told everything anew.
    busy.iter().for_each(|there| show(&mut pair, *there, 0));
    pair.steps(10);
    commotion(&mut pair, &busy, 60);
    assert_eq!(sync_of(&pair, 0).behind, 20);
    confuse(&mut pair, 0);
    pair.steps(60);
    assert_eq!(sync_of(&pair, 0).behind, 0, "the full copies were the newest");
}
