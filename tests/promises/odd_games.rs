//! Legal but unusual things that games do to the authority's world: nothing panics, nothing is stale.

use super::*;

#[test]
fn a_container_removed_in_the_tick_of_its_spawn() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(entity).remove::<Hotbar>();
    pair.steps(3);
    inventory(&mut pair, entity).set(0, TORCH.stack(1)).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
}

#[test]
fn the_only_container_is_replaced() {
    let mut pair = pair(1);
    let entity = spawn_chest(&mut pair, 1, &[0]);
    pair.steps(3);
    pair.server.world_mut().entity_mut(entity).remove::<Inventory>().insert(Inventory::new(9));
    pair.steps(5);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn host_observer_despawns_the_loot_bag_it_closed() {
    let mut pair = pair(2);
    pair.server.add_observer(
        |on: On<InventoryClosed>, bags: Query<&Inventory>, mut commands: Commands| {
            if bags.get(on.entity).is_ok_and(|bag| bag.iter().next().is_none()) {
                commands.entity(on.entity).try_despawn();
            }
        },
    );
    let bag = spawn_chest(&mut pair, 1, &[0, 1]);
    pair.server.world_mut().get_mut::<Viewers>(bag).unwrap().add(ClientId::Server, Rights::USE);
    inventory(&mut pair, bag).set(0, TORCH.stack(1)).unwrap();
    pair.steps(4);
    inventory(&mut pair, bag).set(0, None).unwrap();
    pair.server.world_mut().get_mut::<Viewers>(bag).unwrap().remove(ClientId::Server);
    pair.steps(30);
    assert!(pair.server.world().get_entity(bag).is_err());
    for client in 0..2 {
        assert!(
            pair.shown::<Inventory>(client, chest(1)).is_none(),
            "client {client} still shows the bag after 30 ticks"
        );
    }
}

#[test]
fn host_observer_removes_a_container_between_batch_and_encode() {
    let mut pair = pair(1);
    pair.server.add_observer(|on: On<InventoryClosed>, mut commands: Commands| {
        commands.entity(on.entity).remove::<Inventory>();
    });
    let e = spawn_player(&mut pair, 0);
    let mut v = Viewers::new();
    v.add(ClientId::Server, Rights::USE);
    pair.server.world_mut().entity_mut(e).insert(v);
    pair.steps(4);
    hotbar(&mut pair, e).set(8, TORCH.stack(1)).unwrap();
    pair.server.world_mut().get_mut::<Viewers>(e).unwrap().remove(ClientId::Server);
    pair.steps(4);
    let s = stats(&pair.clients[0].app);
    assert_eq!((s.gaps, s.unknown_views, s.decode_errors), (0, 0, 0));
    assert_same(&pair, 0, player(0));
}

#[test]
fn id_taken_off_and_given_back() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    pair.server.world_mut().entity_mut(entity).remove::<InventoryId>();
    inventory(&mut pair, entity).set(0, TORCH.stack(1)).unwrap();
    pair.steps(3);
    pair.server.world_mut().entity_mut(entity).insert(player(0));
    pair.steps(3);
    assert_same(&pair, 0, player(0));
}

#[test]
fn container_removed_while_without_id() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    pair.server
        .world_mut()
        .entity_mut(entity)
        .remove::<InventoryId>()
        .remove::<Hotbar>()
        .insert(player(0));
    pair.steps(5);
    assert_same(&pair, 0, player(0));
}

#[test]
fn too_many_slots_stay_unsynced() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    drop(inventory(&mut pair, entity).resize(9000));
    pair.steps(3);
    assert!(pair.server.world().get::<Unsynced>(entity).is_some());
    hotbar(&mut pair, entity).set(0, TORCH.stack(1)).unwrap();
    pair.steps(3);
    assert!(
        pair.server.world().get::<Unsynced>(entity).is_some(),
        "a change of the hotbar took the fault off"
    );
}

#[test]
fn other_container_shrinks() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.steps(3);
    drop(inventory(&mut pair, entity).resize(8183)); // 8183 + 9 = 8192 fits
    pair.steps(3);
    drop(hotbar(&mut pair, entity).slots.resize(20)); // does not
    hotbar(&mut pair, entity).set(15, AXE.stack(1)).unwrap();
    pair.steps(3);
    assert!(pair.server.world().get::<Unsynced>(entity).is_some());
    drop(inventory(&mut pair, entity).resize(27));
    pair.steps(5);
    assert_same(&pair, 0, player(0));
}

#[test]
fn held_item_after_the_hotbar_went() {
    let mut pair = pair(2);
    let e = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(e).insert((Replicated, HeldItem::default()));
    hotbar(&mut pair, e).set(0, AXE.stack(1)).unwrap();
    pair.steps(4);
    pair.server.world_mut().entity_mut(e).remove::<Hotbar>();
    pair.steps(10);
    let world = pair.clients[1].app.world_mut();
    let held = world.query::<&HeldItem>().iter(world).next().copied();
    assert_ne!(held, Some(HeldItem(Some(AXE))), "bystanders see an axe that nobody holds");
}

#[test]
fn a_disabled_inventory_is_despawned() {
    use bevy::ecs::entity_disabling::Disabled;
    let mut pair = pair(1);
    let first = spawn_chest(&mut pair, 1, &[0]);
    pair.steps(3);
    pair.server.world_mut().entity_mut(first).insert(Disabled);
    pair.server.world_mut().despawn(first);
    pair.steps(3);
    let second = spawn_chest(&mut pair, 1, &[0]);
    pair.steps(3);
    assert!(
        pair.server.world().get::<Unsynced>(second).is_none(),
        "the id of a dead entity is taken"
    );
    assert_same(&pair, 0, chest(1));
}

#[test]
fn a_change_while_disabled() {
    use bevy::ecs::entity_disabling::Disabled;
    let mut pair = pair(1);
    let e = spawn_chest(&mut pair, 1, &[0]);
    pair.steps(3);
    pair.server.world_mut().entity_mut(e).insert(Disabled);
    inventory(&mut pair, e).set(0, TORCH.stack(1)).unwrap();
    pair.steps(3);
    pair.server.world_mut().entity_mut(e).remove::<Disabled>();
    pair.steps(3);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn an_observer_despawns_what_has_no_id_yet() {
    let mut app = Pair::app(setup);
    app.add_observer(|on: On<Add, Inventory>, mut commands: Commands| {
        commands.entity(on.entity).despawn()
    });
    app.world_mut().spawn(Inventory::new(3));
    app.update();
}

#[test]
fn an_observer_despawns_a_duplicate() {
    let mut app = Pair::app(setup);
    app.world_mut().spawn((chest(1), Inventory::new(3)));
    app.add_observer(|on: On<Add, InventoryId>, mut commands: Commands| {
        commands.entity(on.entity).despawn()
    });
    app.world_mut().spawn((chest(1), Inventory::new(3)));
    app.update();
}

#[test]
fn drawn_ids_avoid_those_that_are_taken() {
    let mut app = Pair::app(setup);
    let a = app.world_mut().spawn((InventoryId::sequential(1), Inventory::new(3))).id();
    let b = app.world_mut().spawn(Inventory::new(3)).id();
    app.update();
    assert_ne!(app.world().get::<InventoryId>(a), app.world().get::<InventoryId>(b));
}

#[test]
fn saving_a_huge_inventory() {
    let mut app = Pair::app(setup);
    let e = app.world_mut().spawn((chest(1), Inventory::new(70_000))).id();
    app.update();
    let saved = with_inventories(&mut app, move |inv| inv.save(e).map(drop));
    let _ = saved;
}

#[test]
fn load_on_an_entity_that_goes_in_the_same_tick() {
    let mut app = Pair::app(setup);
    let e = app.world_mut().spawn((chest(1), Inventory::new(3))).id();
    app.update();
    app.add_systems(
        Update,
        (
            move |mut c: Commands| {
                c.entity(e).try_despawn();
            },
            move |mut inv: Inventories| {
                let _ = inv.load(e, &SavedInventory::default());
            },
        )
            .chain_ignore_deferred(),
    );
    app.update();
}

#[test]
fn owner_given_before_the_containers() {
    let mut pair = pair(1);
    let owner = Owner(pair.client_id(0));
    let e = pair.server.world_mut().spawn((player(0), owner)).id();
    pair.steps(3);
    pair.server.world_mut().entity_mut(e).insert(Inventory::default());
    pair.steps(4);
    assert_same(&pair, 0, player(0));
}

#[test]
fn reset_keeps_working_with_default_tick() {
    // FixedPostUpdate server tick.
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
    let e = app
        .world_mut()
        .spawn((player(0), Inventory::default(), Hotbar::default(), Owner(ClientId::Server)))
        .id();
    for _ in 0..20 {
        app.update();
    }
    for n in 0..5 {
        app.world_mut().get_mut::<Inventory>(e).unwrap().set(n, TORCH.stack(1)).unwrap();
        for _ in 0..20 {
            app.update();
        }
    }
    assert_eq!(app.world().resource::<Heard>().slots.len(), 5);
}

#[test]
fn owner_given_before_the_client_entity_is_connected() {
    let mut pair = pair(1);
    let e = pair.server.world_mut().spawn_empty().id();
    pair.server.world_mut().spawn((player(5), Inventory::default(), Owner(ClientId::Client(e))));
    pair.steps(2);
    pair.server.world_mut().entity_mut(e).insert(ConnectedClient { max_size: 1200 });
    pair.steps(3);
    let views = pair.server_views();
    assert!(views.contains(&format!("client: {e}")), "{e}: {views}");
}

#[test]
fn stop_and_start() {
    let mut pair = pair(1);
    let e = spawn_player(&mut pair, 0);
    pair.steps(3);
    pair.server.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Stopped);
    pair.server.update();
    pair.server.update();
    assert!(pair.server.world().get::<Owner>(e).is_none());
}

#[test]
fn unknown_item_spam() {
    let mut app = Pair::app(setup);
    #[derive(Resource, Default)]
    struct N(usize);
    app.init_resource::<N>()
        .add_systems(Last, |mut r: MessageReader<InventoryFault>, mut n: ResMut<N>| {
            n.0 += r.read().count()
        });
    let e = app.world_mut().spawn((chest(1), Inventory::default())).id();
    app.world_mut()
        .get_mut::<Inventory>(e)
        .unwrap()
        .set(3, ItemId::of("mystery").stack(1))
        .unwrap();
    for n in 0..100 {
        app.world_mut().get_mut::<Inventory>(e).unwrap().set(0, COIN.stack(n + 1)).unwrap();
        app.update();
    }
    assert!(app.world().resource::<N>().0 < 3, "{} faults", app.world().resource::<N>().0);
}

#[test]
fn two_containers_with_a_selection() {
    let mut app = Pair::app(|app| {
        app.add_container::<SpellBar>();
        setup(app);
    });
    let e = app.world_mut().spawn((player(0), Hotbar::default(), SpellBar(Slots::new(9), 5))).id();
    app.world_mut().get_mut::<Hotbar>(e).unwrap().select(2);
    app.update();
    with_inventories(&mut app, move |inv| inv.give(e, TORCH.stack(1)).discard());
    app.update();
    assert_eq!(
        (
            app.world().get::<Hotbar>(e).unwrap().selected_index(),
            app.world().get::<SpellBar>(e).unwrap().1
        ),
        (2, 5)
    );
}

#[test]
fn causes_after_a_resize_in_the_same_tick() {
    let mut app = Pair::app(setup);
    #[derive(Resource, Default)]
    struct L(Vec<Commit>);
    app.init_resource::<L>().add_systems(Last, |mut r: MessageReader<Commit>, mut n: ResMut<L>| {
        n.0.extend(r.read().copied())
    });
    let e = app.world_mut().spawn((chest(1), Inventory::new(3), Hotbar::new(3))).id();
    app.update();
    with_inventories(&mut app, move |inv| {
        inv.transact(|tx| tx.put_into(e, Hotbar::slot(0), TORCH.stack(1))).map(drop).unwrap()
    });
    drop(app.world_mut().get_mut::<Inventory>(e).unwrap().resize(6));
    app.update();
    let l = &app.world().resource::<L>().0;
    assert_eq!(
        l.iter().map(|c| (c.slot, c.cause)).collect::<Vec<_>>(),
        [(Hotbar::slot(0), Cause::Transacted)]
    );
}

#[derive(Component)]
struct SpellBar(Slots, u8);
impl Container for SpellBar {
    const NAME: &'static str = "spells";
    const SELECTS: bool = true;
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
