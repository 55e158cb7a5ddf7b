//! A change on the server is the same change on the client, and nothing else.

use super::*;

#[test]
fn one_change_is_one_event_and_few_bytes() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    hotbar(&mut pair, entity).set(2, TORCH.stack(40)).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    assert_eq!(heard(&mut pair, 0).opened.len(), 1);
    assert!(heard(&mut pair, 0).slots.is_empty(), "an opening is one event");

    let before = bytes_down(&pair, 0);
    hotbar(&mut pair, entity).split(2, 1).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    assert_eq!(bytes_down(&pair, 0) - before, 2, "a single drop");
    let shown = pair.clients[0].app.world().resource::<InventoryIds>().get(player(0)).unwrap();
    let expected = SlotChanged {
        entity: shown,
        slot: Hotbar::slot(2),
        old: Some(TORCH.stack(40)),
        new: Some(TORCH.stack(39)),
        cause: SlotCause::Server,
    };
    assert_eq!(heard(&mut pair, 0).slots, [expected]);
}

#[test]
fn no_single_slot_change_costs_more_than_six_bytes() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    let contents = [
        Some(TORCH.stack(64)),
        Some(TORCH.stack(1)),
        None,
        Some(AXE.stack(1)),
        Some(AXE.stack(1).worn(3)),
        Some(AXE.stack(1).worn(900)),
        Some(COIN.stack(700)),
        None,
    ];
    for slot in [0, 13, 26] {
        for content in contents {
            let before = bytes_down(&pair, 0);
            inventory(&mut pair, entity).set(slot, content).unwrap();
            pair.steps(2);
            let cost = bytes_down(&pair, 0) - before;
            assert!((1..=6).contains(&cost), "{content:?} in slot {slot} cost {cost} bytes");
            assert_same(&pair, 0, player(0));
        }
    }
}

#[test]
fn the_client_never_echoes() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(5);
    let before = bytes_up(&pair, 0);
    for n in 1..=50 {
        inventory(&mut pair, entity).set(3, TORCH.stack(n)).unwrap();
        pair.step();
    }
    pair.steps(5);
    assert_same(&pair, 0, player(0));
    assert_eq!(bytes_up(&pair, 0), before);
}

#[test]
fn idle_costs_nothing() {
    let mut pair = pair(2);
    spawn_player(&mut pair, 0);
    spawn_player(&mut pair, 1);
    pair.steps(5);
    let before = [pair.clients[0].traffic, pair.clients[1].traffic];
    pair.steps(120);
    assert_eq!(before, [pair.clients[0].traffic, pair.clients[1].traffic]);
}

#[test]
fn s04_ten_sets_of_one_slot_send_one_entry() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    let entries = stats(&pair.server).entries_encoded;
    for n in 1..=10 {
        inventory(&mut pair, entity).set(7, TORCH.stack(n)).unwrap();
    }
    pair.steps(3);
    assert_eq!(stats(&pair.server).entries_encoded - entries, 1);
    assert_eq!(heard(&mut pair, 0).slots.len(), 1);
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().get(7), Some(TORCH.stack(10)));
}

#[test]
fn s05_changed_and_changed_back_is_silent() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    inventory(&mut pair, entity).set(0, TORCH.stack(5)).unwrap();
    pair.steps(3);
    let (traffic, commits) = (pair.clients[0].traffic, stats(&pair.server).commits);
    inventory(&mut pair, entity).set(0, None).unwrap();
    inventory(&mut pair, entity).set(0, TORCH.stack(5)).unwrap();
    pair.steps(3);
    assert_eq!(pair.clients[0].traffic, traffic);
    assert_eq!(stats(&pair.server).commits, commits);
    assert!(heard(&mut pair, 0).slots.is_empty());
}

#[test]
fn s06_eighteen_of_thirty_six_are_a_delta_and_nineteen_are_full() {
    for changed in [0, 1, 17, 18, 19, 28, 36] {
        let mut pair = pair(1);
        let entity = spawn_player(&mut pair, 0);
        pair.steps(3);
        let before = stats(&pair.server);
        for slot in 0..changed.min(27) {
            inventory(&mut pair, entity).set(slot, TORCH.stack(3)).unwrap();
        }
        for slot in 27..changed.max(27) {
            hotbar(&mut pair, entity).set(slot - 27, TORCH.stack(3)).unwrap();
        }
        pair.steps(3);
        let after = stats(&pair.server);
        let deltas = after.deltas_encoded - before.deltas_encoded;
        let fulls = after.fulls_encoded - before.fulls_encoded;
        let expected = match changed {
            0 => (0, 0),
            1..=18 => (1, 0),
            _ => (0, 1),
        };
        assert_eq!((deltas, fulls), expected, "{changed} slots");
        assert_same(&pair, 0, player(0));
        assert_eq!(heard(&mut pair, 0).slots.len(), changed);
        let cause = if changed > 18 { SlotCause::FullCopy } else { SlotCause::Server };
        assert!(heard(&mut pair, 0).slots.iter().all(|event| event.cause == cause));
    }
}

#[test]
fn the_threshold_can_be_set_and_granular_sync_can_be_turned_off() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    let change = |pair: &mut Pair, settings: SyncSettings, slots: usize| {
        pair.server.world_mut().insert_resource(settings);
        let before = stats(&pair.server);
        let torches =
            pair.shown::<Inventory>(0, player(0)).unwrap().get(0).map_or(0, |s| s.count());
        for slot in 0..slots {
            inventory(pair, entity).set(slot, TORCH.stack(torches + 1)).unwrap();
        }
        pair.steps(3);
        assert_same(pair, 0, player(0));
        let after = stats(&pair.server);
        (after.deltas_encoded - before.deltas_encoded, after.fulls_encoded - before.fulls_encoded)
    };
    let percent =
        |percent| SyncSettings { full_policy: FullPolicy::AbovePercent(percent), ..default() };
    assert_eq!(change(&mut pair, percent(10), 3), (1, 0));
    assert_eq!(change(&mut pair, percent(10), 4), (0, 1));
    assert_eq!(change(&mut pair, percent(100), 27), (1, 0));
    assert_eq!(change(&mut pair, SyncSettings { granular: false, ..default() }, 1), (0, 1));
}

#[test]
fn whichever_is_smaller_is_never_larger_than_either() {
    let cost = |policy: FullPolicy, changed: usize| {
        let mut pair = pair(1);
        pair.server.insert_resource(SyncSettings { full_policy: policy, ..default() });
        let entity = spawn_player(&mut pair, 0);
        for slot in 0..27 {
            inventory(&mut pair, entity).set(slot, AXE.stack(1).worn(slot as u16)).unwrap();
        }
        pair.steps(3);
        let before = bytes_down(&pair, 0);
        for slot in 0..changed {
            inventory(&mut pair, entity).set(slot, None).unwrap();
        }
        pair.steps(3);
        assert_same(&pair, 0, player(0));
        bytes_down(&pair, 0) - before
    };
    for changed in [1, 10, 20, 26, 27] {
        let delta = cost(FullPolicy::AbovePercent(100), changed);
        let full = cost(FullPolicy::AbovePercent(0), changed);
        assert_eq!(cost(FullPolicy::Smaller, changed), delta.min(full), "{changed} slots");
    }
}

#[test]
fn s24_versions_wrap_on_the_wire() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    for n in 0..200 {
        inventory(&mut pair, entity).set(0, TORCH.stack(1 + n % 64)).unwrap();
        pair.step();
        assert_same(&pair, 0, player(0));
    }
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.gaps, client.decode_errors, client.resyncs_requested), (0, 0, 0));
}

#[test]
fn s25_every_way_to_mutate_marks_exactly_the_right_slots() {
    type Mutation = (&'static str, fn(&mut World, Entity), Vec<Slot>);
    let i = |slots: &[usize]| slots.iter().map(|slot| Inventory::slot(*slot)).collect::<Vec<_>>();
    let ways: Vec<Mutation> = vec![
        ("set", |w, e| drop(inv(w, e).set(3, TORCH.stack(9))), i(&[3])),
        ("take", |w, e| drop(inv(w, e).take(0)), i(&[0])),
        ("split", |w, e| drop(inv(w, e).split(0, 2)), i(&[0])),
        ("swap", |w, e| inv(w, e).swap(0, 1).unwrap(), i(&[0, 1])),
        ("move", |w, e| inv(w, e).move_within(0, 5, None, 64).unwrap(), i(&[0, 5])),
        ("add", |w, e| assert!(inv(w, e).add(TORCH.stack(60), 64).is_none()), i(&[0, 2])),
        ("remove", |w, e| assert_eq!(inv(w, e).remove(TORCH, 3), 3), i(&[0])),
        ("sort", |w, e| inv(w, e).sort(|item| item != AXE, |_| 64), i(&[0, 1])),
        ("replace", |w, e| *inv(w, e) = Inventory::default(), i(&[0, 1])),
        ("insert", |w, e| drop(w.entity_mut(e).insert(Inventory::default()).id()), i(&[0, 1])),
        ("mem::take", |w, e| drop(core::mem::take(&mut *inv(w, e))), i(&[0, 1])),
        (
            "query",
            |w, e| {
                let mut query = w.query::<&mut Inventory>();
                query.get_mut(w, e).unwrap().set(26, COIN.stack(1)).unwrap();
            },
            i(&[26]),
        ),
        (
            "bypassed change detection is the one way that is not noticed",
            |w, e| drop(inv(w, e).bypass_change_detection().set(9, AXE.stack(1))),
            vec![],
        ),
        ("untouched deref", |w, e| assert!(!inv(w, e).as_mut().is_empty()), vec![]),
        (
            "hotbar",
            |w, e| drop(w.get_mut::<Hotbar>(e).unwrap().set(8, AXE.stack(1))),
            vec![Hotbar::slot(8)],
        ),
        (
            "custom container",
            |w, e| drop(w.get_mut::<Equipment>(e).unwrap().0.set(1, BOOTS.stack(1))),
            vec![Equipment::slot(1)],
        ),
    ];
    for (name, mutate, expected) in ways {
        let mut pair = pair(1);
        let entity = spawn_player(&mut pair, 0);
        pair.server.world_mut().entity_mut(entity).insert(Equipment(Slots::new(2)));
        inventory(&mut pair, entity).set(0, TORCH.stack(5)).unwrap();
        inventory(&mut pair, entity).set(1, AXE.stack(1)).unwrap();
        pair.steps(3);
        heard(&mut pair, 0).clear();
        mutate(pair.server.world_mut(), entity);
        pair.steps(3);
        let slots: Vec<_> = heard(&mut pair, 0).slots.iter().map(|event| event.slot).collect();
        assert_eq!(slots, expected, "{name}");
        if !name.starts_with("bypassed") {
            assert_same(&pair, 0, player(0));
        }
    }
}

#[test]
fn lists_that_change_places_or_are_reflected_into_are_noticed() {
    let mut pair = pair(2);
    let [a, b] = [0, 1].map(|client| spawn_player(&mut pair, client));
    inventory(&mut pair, a).set(0, TORCH.stack(5)).unwrap();
    inventory(&mut pair, b).set(7, AXE.stack(1)).unwrap();
    pair.steps(3);
    let same = |pair: &mut Pair| {
        pair.steps(3);
        (0..2).for_each(|client| assert_same(pair, client, player(client as u64)));
    };
    for round in 0..3 {
        let [mut mine, mut theirs] = pair
            .server
            .world_mut()
            .get_entity_mut([a, b])
            .unwrap()
            .map(|entity| entity.into_mut::<Inventory>())
            .map(Option::unwrap);
        core::mem::swap(&mut *mine, &mut *theirs);
        theirs.set(20, COIN.stack(1 + round)).unwrap();
        same(&mut pair);
    }
    // Out of the component, changed there, and back.
    let mut out = core::mem::take(&mut *inventory(&mut pair, a));
    out.set(11, TORCH.stack(1)).unwrap();
    same(&mut pair);
    *inventory(&mut pair, a) = out;
    same(&mut pair);
    let other = Inventory([Some(COIN.stack(9)), None, None].into_iter().collect());
    inventory(&mut pair, b).as_partial_reflect_mut().apply(&other);
    same(&mut pair);
    assert_eq!(pair.shown::<Inventory>(1, player(1)).unwrap().count(COIN), 9);
}

#[test]
fn what_was_left_out_for_its_unknown_item_is_looked_at_again() {
    let mut pair = pair(1);
    let a = spawn_player(&mut pair, 0);
    inventory(&mut pair, a).set(3, ItemId::of("nobody knows").stack(1)).unwrap();
    inventory(&mut pair, a).set(4, TORCH.stack(1)).unwrap();
    pair.steps(3);
    let refused = stats(&pair.server).slots_refused;
    inventory(&mut pair, a).set(5, TORCH.stack(1)).unwrap();
    pair.steps(3);
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().count(TORCH), 2);
    inventory(&mut pair, a).take(3).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    assert_eq!(stats(&pair.server).slots_refused, refused, "it is told of once");
}

fn inv(world: &mut World, entity: Entity) -> Mut<'_, Inventory> {
    world.get_mut::<Inventory>(entity).unwrap()
}

#[test]
fn the_selected_slot_is_synced_and_held_items_are_public() {
    let mut pair = pair(2);
    let entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(entity).insert((Replicated, HeldItem::default()));
    hotbar(&mut pair, entity).set(4, AXE.stack(1)).unwrap();
    pair.steps(4);
    hotbar(&mut pair, entity).select(4);
    let before = bytes_down(&pair, 0);
    pair.steps(4);
    let events = &heard(&mut pair, 0).selected;
    assert_eq!(events.iter().map(|e| (e.old, e.new)).collect::<Vec<_>>(), [(0, 4)]);
    assert!(bytes_down(&pair, 0) - before < 40);
    for client in 0..2 {
        let world = pair.clients[client].app.world_mut();
        let held = *world.query::<&HeldItem>().single(world).unwrap();
        assert_eq!(held, HeldItem(Some(AXE)), "client {client}");
    }
    let world = pair.clients[1].app.world_mut();
    assert_eq!(world.query::<&Hotbar>().iter(world).count(), 0, "a bystander has no hotbar");
}

#[test]
fn what_is_public_stays_when_a_view_closes() {
    let mut pair = pair(2);
    let entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(entity).insert((Replicated, HeldItem::default()));
    hotbar(&mut pair, entity).set(0, AXE.stack(1)).unwrap();
    pair.steps(4);
    pair.server.world_mut().entity_mut(entity).remove::<Owner>();
    pair.steps(4);
    let world = pair.clients[0].app.world_mut();
    assert_eq!(world.query::<&Hotbar>().iter(world).count(), 0, "the view is closed");
    let held = *world.query::<&HeldItem>().single(world).unwrap();
    assert_eq!(held, HeldItem(Some(AXE)));
}

#[test]
fn messages_and_observers_hear_the_same() {
    #[derive(Resource, Default)]
    struct Read(Vec<SlotChanged>);
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.init_resource::<Read>().add_systems(
            Update,
            |mut reader: MessageReader<SlotChanged>, mut read: ResMut<Read>| {
                read.0.extend(reader.read().copied());
            },
        );
    });
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    for slot in 0..5 {
        inventory(&mut pair, entity).set(slot, TORCH.stack(1)).unwrap();
        pair.step();
    }
    pair.steps(2);
    let observed = heard(&mut pair, 0).slots.clone();
    assert_eq!(observed.len(), 5);
    assert_eq!(pair.clients[0].app.world().resource::<Read>().0, observed);
}

#[test]
fn commits_say_who_did_it() {
    #[derive(Resource, Default)]
    struct Log(Vec<Commit>);
    let mut pair = Pair::new(1, |app| {
        setup(app);
        app.init_resource::<Log>().add_systems(
            Last,
            |mut reader: MessageReader<Commit>, mut log: ResMut<Log>| {
                log.0.extend(reader.read().copied());
            },
        );
    });
    let entity = pair
        .server
        .world_mut()
        .spawn((
            chest(1),
            Inventory::from_slots([Some(AXE.stack(1)), None, None].into_iter().collect()),
        ))
        .id();
    let causes = |pair: &mut Pair| {
        pair.step();
        let log = core::mem::take(&mut pair.server.world_mut().resource_mut::<Log>().0);
        log.iter()
            .map(|commit| (commit.slot.index, commit.cause, commit.version))
            .collect::<Vec<_>>()
    };
    assert_eq!(causes(&mut pair), [(0, Cause::Spawned, 1)]);
    with_inventories(&mut pair.server, move |inv| inv.give(entity, TORCH.stack(3)).discard());
    assert_eq!(causes(&mut pair), [(1, Cause::Given, 2)]);
    inventory(&mut pair, entity).set(2, COIN.stack(1)).unwrap();
    assert_eq!(causes(&mut pair), [(2, Cause::Undeclared, 3)]);
    with_inventories(&mut pair.server, move |inv| inv.take(entity, TORCH, 3).unwrap());
    assert_eq!(causes(&mut pair), [(1, Cause::Taken, 4)]);
    pair.server.world_mut().despawn(entity);
    assert_eq!(causes(&mut pair), [(0, Cause::Removed, 5), (2, Cause::Removed, 5)]);
}

#[test]
fn what_the_same_clients_see_goes_to_them_as_one_part() {
    let mut pair = pair(3);
    let own = spawn_player(&mut pair, 0);
    let chests: Vec<_> = (0..4).map(|n| spawn_chest(&mut pair, n, &[0, 1, 2])).collect();
    let other = spawn_chest(&mut pair, 9, &[0, 1]);
    pair.settle(50);
    let sent = stats(&pair.server).messages_sent;
    for (n, chest) in chests.iter().enumerate() {
        inventory(&mut pair, *chest).set(n, TORCH.stack(1)).unwrap();
    }
    pair.step();
    assert_eq!(stats(&pair.server).messages_sent - sent, 3, "one for each client");
    for chest in chests.iter().chain([&other, &own]) {
        inventory(&mut pair, *chest).set(9, AXE.stack(1)).unwrap();
    }
    pair.step();
    for (client, chests) in [(0, 5), (1, 5), (2, 4)] {
        for n in (0..4).chain([9]).take(chests) {
            assert_same(&pair, client, chest(n));
        }
    }
    assert_same(&pair, 0, player(0));
    assert_eq!(stats(&pair.clients[0].app).resyncs_requested, 0);
}
