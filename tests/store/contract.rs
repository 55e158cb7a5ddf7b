//! What every store promises.

use bevy_inventory_sync::store::{
    Store,
    archive::{Archived, Restoration, restore},
    batch::{Batch, Fence, Fenced, Rejected},
    error::StoreError,
    memory::MemoryStore,
    record::StoredInventory,
    ticket::{Redeemed, Ticket, TicketError},
    worlds::{Location, Presence, claim},
};

use crate::common::*;

/// Returns the reason of the only rejection.
fn reason(rejected: &[Rejected]) -> Option<Fenced> {
    match rejected {
        [] => None,
        [one] => Some(one.reason),
        more => panic!("{more:?}"),
    }
}

fn coins(store: &mut dyn Store, number: u64) -> u32 {
    let stored = store.load(player(number)).unwrap().unwrap();
    stored.inventory.containers[0].slots.iter().map(|stack| stack.count).sum()
}

#[test]
fn everything_in_a_record_is_read_again() {
    for_each_store(|open| {
        let mut store = open();
        let fence = create(store.as_mut(), player(1), &everything());
        create(store.as_mut(), player(2), &StoredInventory::default());
        store.release(&[(player(1), fence)]).unwrap();
        drop(store);
        let mut store = open();
        let claim = store.claim(player(1)).unwrap();
        assert_eq!((claim.version, claim.found), (1, Some(everything())));
        assert!(claim.fence > fence);
        assert_eq!(store.claim(player(2)).unwrap().found, Some(StoredInventory::default()));
        let mut ids = vec![player(1), player(2)];
        ids.sort();
        assert_eq!(store.list().unwrap(), ids);
        assert_eq!(store.latest_tick().unwrap(), 1);
        assert_eq!(store.load(player(3)), Ok(None));
    });
}

#[test]
fn commit_by_an_earlier_claim_is_rejected() {
    for_each_store(|open| {
        let mut store = open();
        let fence = create(store.as_mut(), player(1), &everything());
        let later = store.claim(player(1)).unwrap().fence;
        let stored = inventory(vec![stack(3, "coin", 5)]);
        let mut try_with = |fence, version| {
            reason(&commit(store.as_mut(), 2, vec![write(player(1), fence, version, &stored)]))
        };
        assert_eq!(try_with(fence, 2), Some(Fenced::NotOwned));
        let lost = Some(Fenced::RolledBack { stored: 1 });
        assert_eq!(try_with(Fence(later.0 + 1), 2), lost, "no such claim is stored");
        assert_eq!(try_with(later, 1), Some(Fenced::Superseded { stored: 1 }));
        assert_eq!(try_with(later, 3), lost, "the commit before it is not stored");
        assert_eq!(try_with(later, 2), None);
        store.release(&[(player(1), later)]).unwrap();
        let released = commit(store.as_mut(), 3, vec![write(player(1), later, 3, &everything())]);
        assert_eq!(reason(&released), Some(Fenced::NotOwned));
        let unknown = commit(store.as_mut(), 3, vec![write(player(9), later, 3, &everything())]);
        assert_eq!(reason(&unknown), Some(Fenced::RolledBack { stored: 0 }));
        assert_eq!(store.load(player(1)).unwrap(), Some(stored.clone()));
    });
}

#[test]
fn what_exchanged_items_is_committed_together_or_not_at_all() {
    for_each_store(|open| {
        let mut store = open();
        let store = store.as_mut();
        let full = inventory(vec![stack(0, "coin", 10)]);
        let empty = inventory(vec![]);
        let from = create(store, player(1), &full);
        let stale = create(store, player(2), &empty);
        let other = create(store, player(3), &empty);
        store.claim(player(2)).unwrap();
        let writes = vec![write(player(1), from, 2, &empty), write(player(2), stale, 2, &full)];
        let alone = vec![write(player(3), other, 2, &full)];
        let unions = [writes, alone].map(union).to_vec();
        let rejected = store.commit(&Batch { tick: 2, unions, ..Batch::default() }).unwrap();
        assert_eq!(rejected.len(), 1);
        assert_eq!((rejected[0].union, rejected[0].id), (0, player(2)));
        assert_eq!([1, 2, 3].map(|n| coins(store, n)), [10, 0, 10]);
    });
}

#[test]
fn batch_that_is_sent_again_is_carried_out_once_with_the_same_result() {
    for_each_store(|open| {
        let mut store = open();
        let store = store.as_mut();
        let fence = create(store, player(1), &everything());
        let stale = create(store, player(2), &everything());
        let gone = create(store, player(3), &everything());
        store.claim(player(2)).unwrap();
        let unions = [
            vec![
                write(player(1), fence, 2, &inventory(vec![])),
                write(player(4), Fence::NEW, 1, &everything()),
            ],
            vec![write(player(2), stale, 2, &inventory(vec![]))],
            vec![delete(player(3), gone, 2)],
        ];
        let unions = unions.map(union).to_vec();
        let batch = Batch { id: 7, tick: 2, unions, ..Batch::default() };
        let first = store.commit(&batch).unwrap();
        assert_eq!((first.len(), first[0].union, first[0].id), (1, 1, player(2)));
        assert_eq!(store.commit(&batch), Ok(first.clone()));
        // Even if another server has claimed one of them since.
        let later = store.claim(player(1)).unwrap();
        assert_eq!(later.version, 2);
        assert_eq!(store.commit(&batch), Ok(first));
        let other = Batch { id: 8, ..batch };
        assert_eq!(store.commit(&other).unwrap().len(), 3, "another batch is another commit");
    });
}

#[test]
fn new_inventory_is_created_by_its_first_commit() {
    for_each_store(|open| {
        let mut store = open();
        let store = store.as_mut();
        let loot = inventory(vec![stack(0, "coin", 3)]);
        let new = |version| vec![write(player(1), Fence::NEW, version, &loot)];
        assert_eq!(commit(store, 1, new(1)), []);
        assert_eq!(commit(store, 2, vec![write(player(1), Fence::FIRST, 2, &loot)]), []);
        let again = reason(&commit(store, 3, new(3)));
        assert_eq!(again, Some(Fenced::Superseded { stored: 2 }));
        assert_eq!(coins(store, 1), 3);
    });
}

#[test]
fn deleted_inventory_stays_deleted() {
    for_each_store(|open| {
        let mut store = open();
        let store = store.as_mut();
        let fence = create(store, player(1), &everything());
        let wrong = commit(store, 2, vec![delete(player(1), Fence(fence.0 + 1), 2)]);
        assert_eq!(reason(&wrong), Some(Fenced::RolledBack { stored: 1 }));
        assert_eq!(store.load(player(1)), Ok(Some(everything())));
        assert_eq!(commit(store, 2, vec![delete(player(1), fence, 2)]), []);
        assert_eq!(store.load(player(1)), Ok(None));
        assert_eq!(store.list(), Ok(vec![]));
        assert_eq!(store.claim(player(1)), Err(StoreError::Deleted { id: player(1) }));
        for (fence, version) in [(fence, 3), (Fence::NEW, 1)] {
            let late = commit(store, 3, vec![write(player(1), fence, version, &everything())]);
            assert_eq!(reason(&late), Some(Fenced::Deleted));
        }
    });
}

#[test]
fn claim_of_a_process_that_has_ended_does_not_stop_the_next_one() {
    for_each_store(|open| {
        let mut store = open();
        let fence = create(store.as_mut(), player(1), &everything());
        // Not released, as after a crash.
        drop(store);
        let mut store = open();
        let claim = store.claim(player(1)).unwrap();
        assert!(claim.fence > fence);
        assert_eq!(claim.found, Some(everything()));
    });
}

#[test]
fn copies_replace_what_is_missing_or_older_and_nothing_else() {
    for_each_store(|open| {
        let mut store = open();
        let store = store.as_mut();
        let full = |count| inventory(vec![stack(0, "coin", count)]);
        // Another store with versions 1 to 3.
        let mut other = MemoryStore::default().of_server("other");
        for number in 1..=4 {
            let fence = create(&mut other, player(number), &full(1));
            commit(&mut other, 2, vec![write(player(number), fence, 2, &full(20))]);
        }
        // Player 1 is missing here, 2 is older, 3 is newer, and 4 is owned.
        let older = create(store, player(2), &full(1));
        store.release(&[(player(2), older)]).unwrap();
        let newer = create(store, player(3), &full(1));
        commit(store, 2, vec![write(player(3), newer, 2, &full(2))]);
        commit(store, 3, vec![write(player(3), newer, 3, &full(3))]);
        store.release(&[(player(3), newer)]).unwrap();
        create(store, player(4), &full(4));
        let mut worlds = [Restoration { archive: &mut other, store }];
        assert_eq!(restore(&mut worlds), Ok(4));
        assert_eq!([1, 2, 3, 4].map(|n| coins(store, n)), [20, 20, 3, 4]);
        // A server that had it before cannot write any more.
        let late = commit(store, 4, vec![write(player(2), older, 3, &full(1))]);
        assert_eq!(reason(&late), Some(Fenced::NotOwned));
        let claim = store.claim(player(1)).unwrap();
        assert_eq!((claim.version, claim.found), (2, Some(full(20))));
        let deleted = Archived { id: player(9), fence: Fence(3), version: 5, stored: None };
        store.archive(9, &[deleted]).unwrap();
        assert_eq!(store.claim(player(9)), Err(StoreError::Deleted { id: player(9) }));
    });
}

/// Runs a test with two worlds of each kind of store that has several.
fn for_two_worlds(test: impl Fn(&mut dyn Store, &mut dyn Store)) {
    let memory = MemoryStore::default();
    let [mut north, mut south] = ["north", "south"].map(|name| memory.of_world(name));
    test(&mut north, &mut south);
    #[cfg(feature = "redis")]
    if let Some(server) = crate::redis::server::RedisServer::start() {
        let [mut north, mut south] = ["north", "south"].map(|name| server.open_world(name));
        test(&mut north, &mut south);
    }
}

#[test]
fn inventory_that_has_left_is_claimed_in_the_other_world_only() {
    for_two_worlds(|north, south| {
        let fence = claim(north, player(1)).unwrap().fence;
        assert_eq!(commit(north, 1, vec![write(player(1), fence, 1, &inventory(vec![]))]), []);
        let in_north = StoreError::Elsewhere { id: player(1), world: "north".into() };
        assert_eq!(claim(south, player(1)), Err(in_north));
        send(north, player(1), (fence, 2));
        assert_eq!((north.list(), north.load(player(1))), (Ok(vec![]), Ok(None)));
        let in_south = StoreError::Elsewhere { id: player(1), world: "south".into() };
        assert_eq!(claim(north, player(1)), Err(in_south.clone()));
        let late = commit(north, 9, vec![write(player(1), fence, 3, &everything())]);
        assert_eq!(reason(&late), Some(Fenced::Moved));
        for _ in 0..2 {
            let there = claim(south, player(1)).unwrap();
            assert_eq!((there.version, there.found), (2, Some(everything())));
            assert!(there.fence > fence);
        }
        assert_eq!(claim(north, player(1)), Err(in_south));
        let north = north.worlds().unwrap();
        assert_eq!(north.presence("north", player(1)), Ok(Presence::Absent));
        assert_eq!(north.presence("south", player(1)), Ok(Presence::Present));
        assert_eq!(south.worlds().unwrap().arrival(player(1)), Ok(None));
    });
}

#[test]
fn step_of_an_earlier_move_has_no_effect() {
    for_two_worlds(|north, south| {
        let fence = create(north, player(1), &everything());
        send(north, player(1), (fence, 2));
        let worlds = south.worlds().unwrap();
        let from = worlds.arrival(player(1)).unwrap().unwrap();
        let Ok(Presence::Leaving(departed)) = worlds.presence("north", player(1)) else { panic!() };
        // The player arrives, and goes back.
        let there = claim(south, player(1)).unwrap();
        let back = Location { world: "south".into(), fence: Fence(there.fence.0 + 1) };
        south.worlds().unwrap().announce("north", &[(player(1), back)]).unwrap();
        let (write, _) = depart(player(1), (there.fence, 3), "north");
        assert_eq!(commit(south, 9, vec![write]), []);
        assert_eq!(claim(north, player(1)).unwrap().version, 3);
        // Another server does what it has begun before.
        let worlds = south.worlds().unwrap();
        worlds.create_arrived(player(1), &from, &departed).unwrap();
        worlds.forget(player(1), &from).unwrap();
        worlds.clear_arrival(player(1), &from).unwrap();
        assert_eq!(worlds.presence("south", player(1)), Ok(Presence::Absent));
        assert_eq!(worlds.presence("north", player(1)), Ok(Presence::Present));
        let expected = StoreError::Elsewhere { id: player(1), world: "north".into() };
        assert_eq!(claim(south, player(1)), Err(expected));
    });
}

#[test]
fn record_that_is_out_of_date_does_not_lock_a_player_out() {
    for_two_worlds(|north, south| {
        // A process ended after it had created the inventory in the north, and before it recorded that.
        north.claim(player(1)).unwrap();
        let fence = claim(south, player(1)).unwrap().fence;
        assert_eq!(commit(south, 1, vec![write(player(1), fence, 1, &inventory(vec![]))]), []);
        let elsewhere = StoreError::Elsewhere { id: player(1), world: "south".into() };
        assert_eq!(claim(north, player(1)), Err(elsewhere));
        let from = Location { world: "south".into(), fence: Fence(fence.0 + 1) };
        south.worlds().unwrap().announce("north", &[(player(1), from)]).unwrap();
        let (departs, _) = depart(player(1), (fence, 2), "north");
        assert_eq!(commit(south, 2, vec![departs]), []);
        // A process that began to finish the move has ended before it created the record.
        north.worlds().unwrap().set_home(player(1), Fence(fence.0 + 1)).unwrap();
        assert_eq!(claim(north, player(1)).unwrap().found, Some(everything()));
    });
}

#[test]
fn announcement_of_a_departure_that_was_lost_does_not_stop_the_next_one() {
    for_two_worlds(|north, south| {
        let fence = create(north, player(1), &everything());
        let lost = Location { world: "north".into(), fence: Fence(fence.0 + 9) };
        north.worlds().unwrap().announce("south", &[(player(1), lost)]).unwrap();
        send(north, player(1), (fence, 2));
        assert_eq!(claim(south, player(1)).unwrap().found, Some(everything()));
    });
}

#[test]
fn inventory_whose_last_world_has_lost_it_is_not_created_anew() {
    for_two_worlds(|north, south| {
        north.worlds().unwrap().set_home(player(1), Fence(3)).unwrap();
        let reason = Fenced::RolledBack { stored: 0 };
        let lost = Err(StoreError::Lost { id: player(1), reason });
        assert_eq!(claim(south, player(1)), lost);
        assert_eq!(claim(north, player(1)), lost);
    });
}

#[test]
fn new_inventory_that_appears_in_two_worlds_is_created_in_one() {
    for_two_worlds(|north, south| {
        // A process in the north has ended before it created the inventory.
        north.worlds().unwrap().reserve_home(player(1)).unwrap();
        let in_north = StoreError::Elsewhere { id: player(1), world: "north".into() };
        assert_eq!(claim(south, player(1)), Err(in_north.clone()));
        assert_eq!(claim(north, player(1)).unwrap().version, 0);
        assert_eq!(claim(south, player(1)), Err(in_north));
    });
    for_two_worlds(|north, south| {
        // A record that was never committed, and whose home was lost, does not count.
        south.claim(player(1)).unwrap();
        north.worlds().unwrap().reserve_home(player(1)).unwrap();
        let in_north = StoreError::Elsewhere { id: player(1), world: "north".into() };
        assert_eq!(claim(south, player(1)), Err(in_north));
        // The home with the highest fence stays.
        let home = south.worlds().unwrap().set_home(player(1), Fence(3)).unwrap();
        assert_eq!(home, Location { world: "south".into(), fence: Fence(3) });
        assert_eq!(north.worlds().unwrap().set_home(player(1), Fence(1)), Ok(home));
    });
    for_two_worlds(|north, south| {
        for id in (0..50).map(player) {
            let claims = std::thread::scope(|scope| {
                let other = scope.spawn(|| claim(south, id).is_ok());
                [claim(north, id).is_ok(), other.join().unwrap()]
            });
            assert!(claims == [true, false] || claims == [false, true], "{claims:?}");
        }
    });
}

#[test]
fn ticket_is_for_one_account_and_world_and_is_used_once() {
    for_two_worlds(|north, south| {
        let fence = create(north, player(1), &everything());
        let ticket = send(north, player(1), (fence, 2));
        let rejected = |error| Err(StoreError::Ticket(error));
        let redeem = |store: &mut dyn Store, ticket: &Ticket, account: &str| {
            store.worlds().unwrap().redeem(ticket, account)
        };
        assert_eq!(redeem(south, &ticket, "eve"), rejected(TicketError::OtherAccount));
        assert_eq!(redeem(north, &ticket, "ada"), rejected(TicketError::OtherWorld));
        let guess: Ticket = "north:000000000000000000000000000000ff".parse().unwrap();
        assert_eq!(redeem(south, &guess, "ada"), rejected(TicketError::Unknown));
        let inventories = vec![player(1)];
        assert_eq!(redeem(south, &ticket, "ada"), Ok(Redeemed { inventories }));
        assert_eq!(redeem(south, &ticket, "ada"), rejected(TicketError::Unknown));
    });
}

#[test]
fn world_that_does_not_exist_expects_nobody() {
    for_two_worlds(|north, _| {
        let from = Location { world: "north".into(), fence: Fence(2) };
        let worlds = north.worlds().unwrap();
        assert_eq!(worlds.announce("nowhere", &[(player(1), from)]), Ok(false));
    });
}

#[test]
fn ticks_only_grow() {
    for_each_store(|open| {
        let mut store = open();
        assert_eq!(store.latest_tick(), Ok(0));
        for (tick, latest) in [(5, 5), (9, 9), (7, 9)] {
            assert_eq!(store.commit(&Batch { tick, ..Batch::default() }), Ok(vec![]));
            assert_eq!(store.latest_tick(), Ok(latest));
        }
    });
}
