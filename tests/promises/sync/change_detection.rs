//! Every change that Bevy can detect is sent, with its cause.

use crate::common::*;
use bevy_inventory_sync::server::baseline::Baseline;

#[test]
fn selection_past_the_end_is_the_same_on_both_sides() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    hotbar(&mut pair, entity).select(8);
    drop(hotbar(&mut pair, entity).slots.resize(4));
    pair.steps(4);
    let world = pair.clients[0].app.world_mut();
    let client = world.query::<&Hotbar>().single(world).unwrap().selected_index();
    let server = pair.server.world().get::<Hotbar>(entity).unwrap().selected_index();
    assert_eq!(client, server);
}

#[test]
fn changes_are_detected_with_the_default_fixed_tick() {
    // The server ticks in `FixedPostUpdate`.
    let mut app = App::new();
    app.add_plugins((
        MinimalPlugins,
        bevy::state::app::StatesPlugin,
        RepliconPlugins,
        InventoryPlugins,
    ))
    .insert_resource(bevy::time::TimeUpdateStrategy::ManualDuration(
        core::time::Duration::from_millis(3),
    ));
    setup(&mut app);
    app.finish();
    app.cleanup();
    app.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Running);
    app.update();
    let entity = app
        .world_mut()
        .spawn((player(0), Inventory::default(), Hotbar::default(), Owner(ClientId::Server)))
        .id();
    for _ in 0..20 {
        app.update();
    }
    for n in 0..5 {
        app.world_mut().get_mut::<Inventory>(entity).unwrap().set(n, TORCH.stack(1)).unwrap();
        for _ in 0..20 {
            app.update();
        }
    }
    assert_eq!(app.world().resource::<EventLog>().slots.len(), 5);
}

#[test]
fn two_containers_keep_their_own_selection() {
    let mut app = Simulation::app(|app| {
        app.add_container::<SpellBar>();
        setup(app);
    });
    let entity =
        app.world_mut().spawn((player(0), Hotbar::default(), SpellBar(Slots::new(9), 5))).id();
    app.world_mut().get_mut::<Hotbar>(entity).unwrap().select(2);
    app.update();
    with_inventories(&mut app, move |inv| inv.insert_up_to(entity, TORCH.stack(1)).discard());
    app.update();
    assert_eq!(
        (
            app.world().get::<Hotbar>(entity).unwrap().selected_index(),
            app.world().get::<SpellBar>(entity).unwrap().1
        ),
        (2, 5)
    );
}

/// All commits since the log was taken.
#[derive(Resource, Default)]
struct CommitLog(Vec<Commit>);

fn logged(app: &mut App) {
    setup(app);
    app.init_resource::<CommitLog>().add_systems(
        Last,
        |mut reader: MessageReader<Commit>, mut log: ResMut<CommitLog>| {
            log.0.extend(reader.read().copied());
        },
    );
}

#[test]
fn resize_in_the_same_tick_keeps_causes() {
    let mut app = Simulation::app(logged);
    let entity = app.world_mut().spawn((chest(1), Inventory::new(3), Hotbar::new(3))).id();
    app.update();
    with_inventories(&mut app, move |inv| {
        inv.transact(|tx| tx.put_into(entity, Hotbar::slot(0), TORCH.stack(1))).map(drop).unwrap()
    });
    drop(app.world_mut().get_mut::<Inventory>(entity).unwrap().resize(6));
    app.update();
    let log = &app.world().resource::<CommitLog>().0;
    assert_eq!(
        log.iter().map(|c| (c.slot, c.cause)).collect::<Vec<_>>(),
        [(Hotbar::slot(0), Cause::Transacted)]
    );
}

#[derive(Component)]
struct SpellBar(Slots, u8);
impl Container for SpellBar {
    const NAME: &'static str = "spells";
    const HAS_SELECTION: bool = true;
    fn from_slots(slots: Slots) -> Self {
        Self(slots, 0)
    }
    fn slots(&self) -> &Slots {
        &self.0
    }
    fn slots_mut(&mut self) -> &mut Slots {
        &mut self.0
    }
    fn selected(&self) -> Option<u8> {
        Some(self.1)
    }
    fn select(&mut self, slot: u8) {
        self.1 = slot;
    }
}

#[test]
fn selected_slot_that_does_not_exist_is_synced_as_the_last_one() {
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.add_container::<SpellBar>();
    });
    let entity = spawn_chest(&mut pair, 1, &[0]);
    pair.server.world_mut().entity_mut(entity).insert(SpellBar(Slots::new(4), 1));
    let mut selected = |slot| {
        pair.server.world_mut().get_mut::<SpellBar>(entity).unwrap().select(slot);
        pair.steps(30);
        let world = pair.clients[0].app.world_mut();
        let shown = world.query::<&SpellBar>().single(world).unwrap().1;
        (shown, stats(&pair.clients[0].app).decode_errors)
    };
    assert_eq!(selected(2), (2, 0));
    assert_eq!(selected(200), (3, 0));
    assert_eq!(selected(0), (0, 0));
}

#[test]
fn every_way_to_mutate_marks_exactly_the_changed_slots() {
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
            "bypassed change detection is the one way that is not detected",
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
        events(&mut pair, 0).clear();
        mutate(pair.server.world_mut(), entity);
        pair.steps(3);
        let slots: Vec<_> = events(&mut pair, 0).slots.iter().map(|event| event.slot).collect();
        assert_eq!(slots, expected, "{name}");
        if !name.starts_with("bypassed") {
            assert_same(&pair, 0, player(0));
        }
    }
}

#[test]
fn swapped_taken_and_reflected_containers_are_detected() {
    let mut pair = pair(2);
    let [a, b] = [0, 1].map(|client| spawn_player(&mut pair, client));
    inventory(&mut pair, a).set(0, TORCH.stack(5)).unwrap();
    inventory(&mut pair, b).set(7, AXE.stack(1)).unwrap();
    pair.steps(3);
    let same = |pair: &mut Simulation| {
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
    // Taken out of the component, changed outside, and put back.
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
fn contents_that_are_replaced_by_copies_of_another_inventory_are_detected() {
    let mut pair = pair(2);
    let [a, b] = [0, 1].map(|client| spawn_player(&mut pair, client));
    inventory(&mut pair, a).set(0, TORCH.stack(5)).unwrap();
    pair.steps(3);
    let plain = inventory(&mut pair, a).clone();
    let mut changed = plain.clone();
    changed.set(5, AXE.stack(1)).unwrap();
    for copied in [&changed, &plain, &changed, &plain] {
        inventory(&mut pair, b).clone_from(copied);
        pair.steps(3);
        (0..2).for_each(|client| assert_same(&pair, client, player(client as u64)));
    }
}

#[test]
fn slot_skipped_for_an_unknown_item_is_checked_again() {
    let Scene { mut pair, player_entity: a, .. } = Scene::clients(1)
        .players(1)
        .carried(3, ItemId::of("nobody knows").stack(1))
        .carried(4, TORCH.stack(1))
        .build();
    let skipped = stats(&pair.server).slots_skipped;
    inventory(&mut pair, a).set(5, TORCH.stack(1)).unwrap();
    pair.steps(3);
    assert_eq!(pair.shown::<Inventory>(0, player(0)).unwrap().count(TORCH), 2);
    inventory(&mut pair, a).take(3).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
    assert_eq!(stats(&pair.server).slots_skipped, skipped, "it is counted once");
}

fn inv(world: &mut World, entity: Entity) -> Mut<'_, Inventory> {
    world.get_mut::<Inventory>(entity).unwrap()
}

#[test]
fn commits_name_their_cause() {
    let mut pair = Simulation::new(1, logged);
    let entity = pair
        .server
        .world_mut()
        .spawn((
            chest(1),
            Inventory::from_slots([Some(AXE.stack(1)), None, None].into_iter().collect()),
        ))
        .id();
    let causes = |pair: &mut Simulation| {
        pair.step();
        let log = core::mem::take(&mut pair.server.world_mut().resource_mut::<CommitLog>().0);
        log.iter()
            .map(|commit| (commit.slot.index, commit.cause, commit.version))
            .collect::<Vec<_>>()
    };
    assert_eq!(causes(&mut pair), [(0, Cause::Spawned, 1)]);
    with_inventories(&mut pair.server, move |inv| {
        inv.insert_up_to(entity, TORCH.stack(3)).discard()
    });
    assert_eq!(causes(&mut pair), [(1, Cause::Inserted, 2)]);
    inventory(&mut pair, entity).set(2, COIN.stack(1)).unwrap();
    assert_eq!(causes(&mut pair), [(2, Cause::Undeclared, 3)]);
    with_inventories(&mut pair.server, move |inv| inv.take(entity, TORCH, 3).unwrap());
    assert_eq!(causes(&mut pair), [(1, Cause::Taken, 4)]);
    pair.server.world_mut().despawn(entity);
    assert_eq!(causes(&mut pair), [(0, Cause::Removed, 5), (2, Cause::Removed, 5)]);
}

#[test]
fn commits_of_a_removed_container_have_the_version_of_that_change() {
    for despawned_first in [true, false] {
        let mut pair = Simulation::new(1, logged);
        let gone = spawn_chest(&mut pair, 1, &[]);
        let entity = spawn_chest(&mut pair, 2, &[]);
        pair.server.world_mut().entity_mut(entity).insert(Hotbar::new(3));
        inventory(&mut pair, entity).set(4, AXE.stack(1)).unwrap();
        for n in 1..20 {
            inventory(&mut pair, gone).set(0, COIN.stack(n)).unwrap();
            pair.step();
        }
        let world = pair.server.world_mut();
        world.resource_mut::<CommitLog>().0.clear();
        if despawned_first {
            world.despawn(gone);
        }
        world.entity_mut(entity).remove::<Inventory>();
        if !despawned_first {
            world.despawn(gone);
        }
        pair.step();
        let world = pair.server.world();
        let version = world.get::<Baseline>(entity).unwrap().version();
        let log = world.resource::<CommitLog>().0.iter().filter(|commit| commit.entity == entity);
        let log: Vec<_> = log.map(|commit| (commit.slot, commit.old, commit.version)).collect();
        assert_eq!(log, [(Inventory::slot(4), Some(AXE.stack(1)), version)]);
        assert!(version > 19, "copies of the inventory that is gone are older");
    }
}
