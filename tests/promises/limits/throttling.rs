//! Throttled updates are sent in order of priority and waiting time.

use super::limit;
use crate::common::*;

#[test]
fn idle_minute_allows_one_burst() {
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
fn debt_is_scaled_when_the_rate_changes() {
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
    // A client without debt starts without debt, and a large debt is not forgotten.
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

/// Twenty chests that change in every tick and use all bytes, and one that changes now and then.
fn crowded() -> (Simulation, Vec<Entity>, Entity) {
    let mut pair = pair(1);
    let busy = (0..20).map(|n| spawn_chest(&mut pair, n, &[0])).collect();
    let quiet = spawn_chest(&mut pair, 50, &[0]);
    pair.server.world_mut().entity_mut(quiet).insert(SyncPriority::Low);
    inventory(&mut pair, quiet).set(1, AXE.stack(1)).unwrap();
    pair.settle(100);
    limit(&mut pair, 300, u32::MAX);
    (pair, busy, quiet)
}

fn change_all(pair: &mut Simulation, busy: &[Entity], ticks: u32) {
    for n in 1..=ticks {
        for there in busy {
            let count = inventory(pair, *there).get(0).map_or(0, |stack| stack.count());
            inventory(pair, *there).set(0, COIN.stack(1 + (count + n * 7919) % 999_999)).unwrap();
        }
        pair.step();
    }
}

#[test]
fn update_that_becomes_critical_while_throttled_is_sent_first() {
    let whole = |pair: &mut Simulation, quiet: Entity, priority: Option<SyncPriority>| {
        let mut entity = pair.server.world_mut().entity_mut(quiet);
        match priority {
            Some(priority) => *entity.get_mut::<SyncPriority>().unwrap() = priority,
            None => drop(entity.remove::<SyncPriority>()),
        }
    };
    for way in 0..3 {
        let (mut pair, busy, quiet) = crowded();
        change_all(&mut pair, &busy, 120);
        inventory(&mut pair, quiet).set(0, TORCH.stack(7)).unwrap();
        change_all(&mut pair, &busy, 300);
        let shown = pair.shown::<Inventory>(0, chest(50)).unwrap().get(0);
        assert_eq!(shown, None, "critical updates are sent first");
        match way {
            0 => whole(&mut pair, quiet, Some(SyncPriority::Critical)),
            1 => whole(&mut pair, quiet, None),
            _ => {
                let client = pair.client_id(0);
                let mut viewers = pair.server.world_mut().get_mut::<Viewers>(quiet).unwrap();
                viewers.set_priority(client, SyncPriority::Critical);
            }
        }
        change_all(&mut pair, &busy, 20);
        let shown = pair.shown::<Inventory>(0, chest(50)).unwrap().get(0);
        assert_eq!(shown, Some(TORCH.stack(7)), "it has waited longest: way {way}");
    }
}

#[test]
fn closed_and_resynced_inventories_leave_the_queue() {
    let (mut pair, busy, quiet) = crowded();
    change_all(&mut pair, &busy, 120);
    inventory(&mut pair, quiet).set(0, TORCH.stack(7)).unwrap();
    change_all(&mut pair, &busy, 60);
    let before = sync_of(&pair, 0).behind;
    assert!(before > 10, "{before}");
    // The response to the player's own action is sent at once, with all pending changes of that inventory.
    let there = shown_entity(&pair, 0, chest(50));
    ask(&mut pair, 0, InventoryAction::Swap { a: inv(there, 1), b: inv(there, 2) });
    pair.steps(4);
    assert_same(&pair, 0, chest(50));
    pair.steps(30);
    assert!(sync_of(&pair, 0).behind <= 20, "the quiet chest is no longer counted");
    limit(&mut pair, 1, u32::MAX);
    busy.iter().for_each(|there| hide(&mut pair, *there, 0));
    pair.steps(60);
    assert_eq!(sync_of(&pair, 0).behind, 0, "no pending inventory is in view");
    assert_eq!(pair.server.world().resource::<SyncHealth>().status(), default());
    // A resync sends every inventory again.
    busy.iter().for_each(|there| show(&mut pair, *there, 0));
    pair.steps(10);
    change_all(&mut pair, &busy, 60);
    assert_eq!(sync_of(&pair, 0).behind, 20);
    simulate_gap(&mut pair, 0);
    pair.steps(60);
    assert_eq!(sync_of(&pair, 0).behind, 0, "the full updates were up to date");
}

fn sync_of(pair: &Simulation, client: usize) -> ClientSyncStats {
    *pair.server.world().get::<ClientSyncStats>(pair.client_id(client).entity().unwrap()).unwrap()
}
