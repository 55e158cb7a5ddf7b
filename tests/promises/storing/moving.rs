//! Players move between worlds with exactly what they had, whatever ends when.

use super::*;
use crate::common::random::{self, sample};
use bevy_inventory_sync::{
    server::returns::ReturnsTo,
    store::{
        Store,
        batch::Fenced,
        error::StoreError,
        migrate::{MigrationError, RedeemTicket},
        ticket::{Ticket, TicketError},
    },
};

/// Two worlds in one store.
fn two_worlds() -> (MemoryStore, [MemoryStore; 2]) {
    let store = MemoryStore::default();
    let worlds = ["north", "south"].map(|name| store.of_world(name));
    (store, worlds)
}

fn migrate(app: &mut App, entity: Entity, to: &str) {
    let (account, to) = ("ada".to_owned(), to.to_owned());
    let inventories = vec![entity];
    app.world_mut().trigger(MigratePlayer { account, to, client: None, inventories });
}

/// Sends a player to another world, and returns its ticket.
fn send(app: &mut App, entity: Entity, to: &str) -> Ticket {
    migrate(app, entity, to);
    updates(app, 3);
    let mut reports = take_reports(app);
    assert_eq!((reports.departed.len(), reports.stayed.len()), (1, 0), "{reports:?}");
    reports.departed.remove(0).ticket
}

fn redeem(app: &mut App, ticket: &Ticket, account: &str) -> Result<TicketRedeemed, StoreError> {
    let (account, ticket) = (account.to_owned(), ticket.clone());
    app.world_mut().trigger(RedeemTicket { account, ticket });
    updates(app, 2);
    let mut reports = take_reports(app);
    match reports.tickets.pop() {
        Some(rejected) => Err(rejected.error),
        None => Ok(reports.redeemed.remove(0)),
    }
}

/// Every coin is there once, and every inventory can be claimed in at most one world.
fn check(store: &MemoryStore, what: &str) {
    let all = store.contents_everywhere();
    let players = (0..3).filter(|n| all.contains_key(&player(*n))).count() as u64;
    let stacks = all.values().flat_map(|stored| {
        let containers = stored.inventory.containers.iter().flat_map(|there| &there.slots);
        containers.chain(&stored.inventory.returned)
    });
    let coins: u64 = stacks.map(|stack| u64::from(stack.count)).sum();
    assert_eq!(coins, 10 * players, "{what}: {all:?}");
    let mut claimable = store.claimable();
    let number = claimable.len();
    claimable.dedup_by_key(|(id, _)| *id);
    let mut ids: Vec<_> = store.claimable().into_iter().map(|(id, _)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), number, "{what}: {:?}", store.claimable());
}

#[test]
fn player_moves_with_its_items_and_components() {
    let (store, [north, south]) = two_worlds();
    let mut a = world(&north, "a");
    let mut b = world(&south, "b");
    let ada = join(&mut a, player(1));
    a.world_mut().entity_mut(ada).insert(Health(7));
    inventories(&mut a, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    let ticket = send(&mut a, ada, "south");
    assert_eq!(ticket.world(), "north");
    assert!(a.world().get_entity(ada).is_err());
    let ticket: Ticket = ticket.to_string().parse().unwrap();
    let redeemed = redeem(&mut b, &ticket, "ada").unwrap();
    assert_eq!(redeemed.inventories, [player(1)]);
    let there = join(&mut b, player(1));
    assert_eq!(coins(&b, there), Some(15));
    assert_eq!(b.world().get::<Health>(there), Some(&Health(7)));
    assert!(take_reports(&mut b).loaded[0].found);
    // It is no longer in the first world.
    spawn(&mut a, player(1));
    updates(&mut a, 3);
    let error = StoreError::Elsewhere { id: player(1), world: "south".into() };
    assert_eq!(take_reports(&mut a).failed[0].error, error);
    assert_eq!(store.claimable(), [(player(1), "south".to_owned())]);
    assert_eq!(store.contents_everywhere().len(), 1);
    let stats = a.world().resource::<InventoryStats>();
    assert_eq!((stats.store_loads, stats.store_loads_failed, stats.store_departures), (1, 1, 1));
    assert!(stats.store_commits > 0);
}

#[test]
fn player_moves_back_and_forth() {
    let (store, [north, south]) = two_worlds();
    let mut apps = [world(&north, "a"), world(&south, "b")];
    for round in 0..6 {
        let (here, to) = (round % 2, ["south", "north"][round % 2]);
        let ada = join(&mut apps[here], player(1));
        assert_eq!(coins(&apps[here], ada), Some(10 + round as u64));
        inventories(&mut apps[here], move |all| all.insert(ada, COIN.stack(1))).unwrap();
        send(&mut apps[here], ada, to);
        assert_eq!(store.claimable().len(), 0, "it has left, and has not arrived");
    }
    assert_eq!(store.contents_everywhere().len(), 1);
}

#[test]
fn what_the_player_exchanged_items_with_is_stored_in_the_same_commit() {
    let (store, [north, _south]) = two_worlds();
    let mut app = world_with(&north, "a", Durability::Interval(Duration::from_secs(5)));
    let (ada, bank) = (join(&mut app, player(1)), join(&mut app, player(2)));
    updates(&mut app, 600);
    take_reports(&mut app);
    for operations in 0..6 {
        inventories(&mut app, move |all| {
            all.transact(|tx| {
                let stacks = tx.take(bank, COIN, 1)?;
                stacks.into_iter().try_for_each(|stack| tx.insert(ada, stack))
            })
        })
        .unwrap();
        store.fail_after(Some(operations), operations % 2 == 0);
        app.update();
        check(&store, "before");
        store.fail_after(None, false);
        updates(&mut app, 60);
    }
    migrate(&mut app, ada, "south");
    for _ in 0..600 {
        app.update();
        check(&store, "while it leaves");
    }
    assert_eq!(take_reports(&mut app).departed.len(), 1);
    assert_eq!(stored_coins(&north, player(2)), Some(4));
}

#[test]
fn what_was_on_its_way_returns_before_the_player_leaves() {
    let (store, [north, _south]) = two_worlds();
    let mut app = world(&north, "a");
    let ada = join(&mut app, player(1));
    app.world_mut().entity_mut(ada).insert(Owner(ClientId::Server));
    let offer = Inventory([Some(COIN.stack(4)), None].into_iter().collect());
    let offer = app.world_mut().spawn((offer, ReturnsTo { to: ada })).id();
    let (account, to) = ("ada".to_owned(), "south".to_owned());
    let client = Some(ClientId::Server);
    app.world_mut().trigger(MigratePlayer { account, to, client, inventories: vec![] });
    updates(&mut app, 3);
    assert_eq!(take_reports(&mut app).departed[0].inventories, [player(1)]);
    let stored = &store.contents_everywhere()[&player(1)].inventory;
    assert_eq!(stored.containers[0].slots.iter().map(|stack| stack.count).sum::<u32>(), 14);
    assert_eq!(stored.returned, []);
    assert_eq!(coins(&app, offer), Some(0));
}

#[test]
fn ticket_is_for_one_account_and_world_and_is_used_once() {
    let (_, [north, south]) = two_worlds();
    let (mut a, mut b) = (world(&north, "a"), world(&south, "b"));
    let ada = join(&mut a, player(1));
    let ticket = send(&mut a, ada, "south");
    let rejected = |error| Err(StoreError::Ticket(error));
    assert_eq!(redeem(&mut b, &ticket, "eve"), rejected(TicketError::OtherAccount), "stolen");
    assert_eq!(redeem(&mut a, &ticket, "ada"), rejected(TicketError::OtherWorld));
    let guess: Ticket = format!("north:{:032x}", 1).parse().unwrap();
    assert_eq!(redeem(&mut b, &guess, "ada"), rejected(TicketError::Unknown));
    assert!(redeem(&mut b, &ticket, "ada").is_ok());
    assert_eq!(redeem(&mut b, &ticket, "ada"), rejected(TicketError::Unknown), "reused");
    for text in ["", "north", ":00", "north:12", "north:zz000000000000000000000000000000"] {
        assert_eq!(text.parse::<Ticket>(), Err(TicketError::Malformed), "{text}");
    }
    assert!(!format!("{ticket:?}").contains(ticket.to_string().split_once(':').unwrap().1));
}

#[test]
fn expired_ticket_is_rejected_and_the_player_can_load_without_it() {
    let (_, [north, south]) = two_worlds();
    let (mut a, mut b) = (world(&north, "a"), world(&south, "b"));
    let ada = join(&mut a, player(1));
    let ticket = send(&mut a, ada, "south");
    north.expire_tickets();
    let unknown = Err(StoreError::Ticket(TicketError::Unknown));
    assert_eq!(redeem(&mut b, &ticket, "ada"), unknown);
    let there = join(&mut b, player(1));
    assert_eq!(coins(&b, there), Some(10));
}

#[test]
fn player_that_cannot_leave_stays_with_what_it_has() {
    let (store, [north, _south]) = two_worlds();
    let mut app = world(&north, "a");
    let ada = join(&mut app, player(1));
    app.world_mut().entity_mut(ada).insert(Owner(ClientId::Server));
    for (to, coin) in [("nowhere", 11), ("north", 12)] {
        inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
        migrate(&mut app, ada, to);
        updates(&mut app, 6);
        let reports = take_reports(&mut app);
        assert_eq!(reports.stayed[0].error, MigrationError::NoSuchWorld, "{to}");
        assert_eq!((coins(&app, ada), stored_coins(&north, player(1))), (Some(coin), Some(coin)));
        assert_eq!(app.world().get::<Owner>(ada), Some(&Owner(ClientId::Server)));
        assert_eq!(reports.reverted, []);
    }
    inventories(&mut app, move |all| all.take(ada, COIN, 12).map(drop)).unwrap();
    updates(&mut app, 3);
    assert_eq!(stored_coins(&north, player(1)), Some(0), "it is stored as before");
    assert_eq!(store.claimable().len(), 1);
}

#[test]
fn player_that_cannot_leave_and_is_gone_is_released() {
    let (_, [north, _south]) = two_worlds();
    let mut app = world(&north, "a");
    let ada = join(&mut app, player(1));
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(1))).unwrap();
    migrate(&mut app, ada, "nowhere");
    app.world_mut().flush();
    app.world_mut().despawn(ada);
    updates(&mut app, 6);
    assert_eq!(take_reports(&mut app).stayed[0].error, MigrationError::NoSuchWorld);
    assert_eq!(stored_coins(&north, player(1)), Some(11));
    let claim = north.of_server("b").claim(player(1));
    assert!(claim.is_ok(), "{claim:?}");
}

#[test]
fn only_loaded_inventories_can_leave() {
    let (_, [north, _south]) = two_worlds();
    let mut app = world(&north, "a");
    let plain = app.world_mut().spawn(Inventory::new(3)).id();
    migrate(&mut app, plain, "south");
    let loading = spawn(&mut app, player(1));
    migrate(&mut app, loading, "south");
    let client = Some(ClientId::Server);
    let (account, to) = ("eve".to_owned(), "south".to_owned());
    app.world_mut().trigger(MigratePlayer { account, to, client, inventories: vec![] });
    app.update();
    let errors: Vec<_> =
        take_reports(&mut app).stayed.into_iter().map(|failed| failed.error).collect();
    let not_stored = MigrationError::NotStored;
    assert_eq!(errors, [not_stored(plain), not_stored(loading), MigrationError::NoInventories]);
    updates(&mut app, 3);
    assert_eq!(coins(&app, loading), Some(10));
}

#[test]
fn departure_by_a_server_that_was_replaced_is_rejected() {
    let (store, [north, _south]) = two_worlds();
    let mut app = world(&north, "a");
    let ada = join(&mut app, player(1));
    store.of_world("north").end_claim(player(1));
    north.of_server("b").claim(player(1)).unwrap();
    migrate(&mut app, ada, "south");
    updates(&mut app, 4);
    let reports = take_reports(&mut app);
    assert_eq!(reports.stayed[0].error, MigrationError::Rejected(Fenced::NotOwned));
    assert_eq!(reports.failed[0].error, StoreError::Owned { id: player(1), by: "b".into() });
    assert_eq!(store.claimable(), [(player(1), "north".to_owned())]);
}

#[test]
fn world_that_has_lost_a_departure_does_not_bring_the_player_back() {
    let (store, [north, south]) = two_worlds();
    let (mut a, mut b) = (world(&north, "a"), world(&south, "b"));
    let ada = join(&mut a, player(1));
    updates(&mut a, 2);
    let backup = north.backup();
    send(&mut a, ada, "south");
    join(&mut b, player(1));
    north.roll_back(&backup);
    spawn(&mut a, player(1));
    updates(&mut a, 3);
    let error = StoreError::Elsewhere { id: player(1), world: "south".into() };
    assert_eq!(take_reports(&mut a).failed[0].error, error);
    assert_eq!(store.contents_everywhere().len(), 1);
}

#[test]
fn world_that_has_lost_an_arrival_does_not_start_anew() {
    let (_, [north, south]) = two_worlds();
    let (mut a, mut b) = (world(&north, "a"), world(&south, "b"));
    let ada = join(&mut a, player(1));
    let backup = south.backup();
    send(&mut a, ada, "south");
    // It has lost the announcement only.
    south.roll_back(&backup);
    let there = join(&mut b, player(1));
    assert_eq!(coins(&b, there), Some(10));
    take_reports(&mut b);
    b.world_mut().despawn(there);
    updates(&mut b, 3);
    south.roll_back(&backup);
    spawn(&mut b, player(1));
    updates(&mut b, 3);
    let reason = Fenced::RolledBack { stored: 0 };
    assert_eq!(take_reports(&mut b).failed[0].error, StoreError::Lost { id: player(1), reason });
}

#[test]
fn lost_commits_are_found_without_further_changes() {
    let store = MemoryStore::default();
    let mut app = world(&store, "a");
    let (ada, bob) = (join(&mut app, player(1)), join(&mut app, player(2)));
    let backup = store.backup();
    inventories(&mut app, move |all| all.insert(ada, COIN.stack(5))).unwrap();
    updates(&mut app, 3);
    store.roll_back(&backup);
    updates(&mut app, 120);
    let reverted = take_reports(&mut app).reverted;
    assert_eq!(reverted.len(), 1);
    assert_eq!(reverted[0].reason, Fenced::RolledBack { stored: 1 });
    assert_eq!([ada, bob].map(|entity| coins(&app, entity)), [None, Some(10)]);
}

#[test]
fn player_leaves_or_stays_with_all_inventories_when_an_answer_is_lost() {
    for operation in 0..12 {
        let (store, [north, _south]) = two_worlds();
        let mut app = world(&north, "a");
        let both = [join(&mut app, player(1)), join(&mut app, player(2))];
        take_reports(&mut app);
        store.fail_after(Some(operation % 6), operation >= 6);
        inventories(&mut app, move |all| all.insert(both[0], COIN.stack(1))).unwrap();
        app.update();
        let (account, to) = ("ada".into(), "south".into());
        let inventories = both.to_vec();
        app.world_mut().trigger(MigratePlayer { account, to, client: None, inventories });
        updates(&mut app, 20);
        store.fail_after(None, false);
        updates(&mut app, 600);
        let reports = take_reports(&mut app);
        let what = format!("operation {operation}: {reports:?}");
        assert_eq!(reports.reverted, [], "{what}");
        match reports.departed.as_slice() {
            [departed] => {
                assert_eq!(departed.inventories.len(), 2, "{what}");
                assert_eq!(store.claimable(), [], "{what}");
            }
            [] => {
                assert_eq!(reports.stayed.len(), 1, "{what}");
                assert_eq!(both.map(|entity| coins(&app, entity)), [Some(11), Some(10)], "{what}");
            }
            more => panic!("{more:?}"),
        }
        let coins: u64 = [1, 2].iter().filter_map(|n| stored_coins(&north, player(*n))).sum();
        assert_eq!(coins, 21, "{what}");
    }
}

/// Servers of both worlds, which start again after a crash.
struct Servers<'a> {
    worlds: &'a [MemoryStore; 2],
    apps: [App; 2],
    /// Number of departures that were stored.
    departed: usize,
}

impl<'a> Servers<'a> {
    fn start(worlds: &'a [MemoryStore; 2]) -> Self {
        Self { worlds, apps: [0, 1].map(|n| world(&worlds[n], "server")), departed: 0 }
    }

    fn kill(&mut self, n: usize) {
        self.apps[n] = world(&self.worlds[n], "server");
    }

    /// Does something random with a player, wherever it is.
    fn act(&mut self, random: &mut fastrand::Rng, players: u64) {
        let id = player(random.u64(0..players));
        let here =
            (0..2).find(|n| self.apps[*n].world().resource::<InventoryIds>().get(id).is_some());
        let Some(n) = here else {
            // It may have to try both.
            let n = random.usize(0..2);
            spawn(&mut self.apps[n], id);
            return;
        };
        let app = &mut self.apps[n];
        let entity = app.world().resource::<InventoryIds>().get(id).unwrap();
        match random.u8(0..8) {
            0 => drop(app.world_mut().despawn(entity)),
            1..4 => migrate(app, entity, ["south", "north"][n]),
            _ => {
                let mut all = app.world_mut().query_filtered::<Entity, With<Inventory>>();
                let all: Vec<Entity> = all.iter(app.world()).collect();
                let other = all.get(random.usize(0..all.len().max(1))).copied();
                let count = random.u32(1..4);
                let drops = random.u8(0..4) == 0;
                // It fails if there are too few coins, or if one of them is loading.
                let _ = inventories(app, move |inventories| {
                    inventories.transact(|tx| match other {
                        Some(other) if !drops => {
                            let stacks = tx.take(other, COIN, count)?;
                            stacks.into_iter().try_for_each(|stack| tx.insert(entity, stack))
                        }
                        _ => {
                            tx.take(entity, COIN, count)?.into_iter().for_each(|s| tx.drop(s));
                            Ok(())
                        }
                    })
                });
            }
        }
    }

    /// Despawns entities of players that could not be loaded, as a game would.
    fn remove_failed(&mut self) {
        for app in &mut self.apps {
            let reports = take_reports(app);
            self.departed += reports.departed.len();
            for failed in reports.failed {
                if let Ok(there) = app.world_mut().get_entity_mut(failed.entity) {
                    there.despawn();
                }
            }
        }
    }

    fn update(&mut self) {
        self.apps.iter_mut().for_each(App::update);
        self.remove_failed();
    }
}

/// Brings all players into one world, and counts their coins there.
fn gather(store: &MemoryStore, worlds: &[MemoryStore; 2], players: u64, what: &str) {
    store.fail_after(None, false);
    let mut servers = Servers::start(worlds);
    (0..10).for_each(|_| servers.update());
    for n in 0..players {
        let id = player(n);
        if !store.contents_everywhere().contains_key(&id) {
            continue;
        }
        let loaded = [0, 1].map(|n| {
            let entity = spawn(&mut servers.apps[n], id);
            (0..4).for_each(|_| servers.apps[n].update());
            coins(&servers.apps[n], entity).is_some()
        });
        assert_eq!(loaded.iter().filter(|loaded| **loaded).count(), 1, "{what}: {id} {loaded:?}");
    }
    check(store, what);
}

#[test]
fn move_ends_well_when_the_store_fails_or_a_server_is_killed_at_any_operation() {
    for answer_lost in [false, true] {
        for operation in sample(0..60, 20) {
            for killed in [None, Some(0), Some(1)] {
                let what = format!("operation {operation}, lost {answer_lost}, killed {killed:?}");
                let (store, worlds) = two_worlds();
                let mut servers = Servers::start(&worlds);
                store.fail_after(Some(operation), answer_lost);
                let mut random = fastrand::Rng::with_seed(operation);
                for tick in 0..60 {
                    servers.act(&mut random, 1);
                    servers.update();
                    check(&store, &format!("{what}, tick {tick}"));
                    if tick == 40 {
                        if let Some(n) = killed {
                            servers.kill(n);
                        }
                        // It fails again during the recovery.
                        store.fail_after(Some(operation % 7), answer_lost);
                    }
                    if tick == 50 {
                        store.fail_after(None, false);
                    }
                }
                drop(servers);
                check(&store, &what);
                gather(&store, &worlds, 1, &what);
            }
        }
    }
}

#[test]
fn coins_are_conserved_when_players_move_and_servers_crash_at_random() {
    let mut departed = 0;
    for seed in 0..if random::is_long() { 200 } else { 25 } {
        let (store, worlds) = two_worlds();
        let mut servers = Servers::start(&worlds);
        let mut random = fastrand::Rng::with_seed(seed);
        for tick in 0..150 {
            servers.act(&mut random, 3);
            servers.update();
            let what = format!("seed {seed}, tick {tick}");
            check(&store, &what);
            match random.u8(0..40) {
                0 => servers.kill(random.usize(0..2)),
                1 => store.fail_after(Some(random.u64(0..6)), random.bool()),
                2..8 => store.fail_after(None, false),
                _ => {}
            }
        }
        departed += servers.departed;
        drop(servers);
        gather(&store, &worlds, 3, &format!("seed {seed}"));
    }
    assert!(departed > 100, "{departed}");
}
