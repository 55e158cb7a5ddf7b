//! The same game code runs as client, dedicated server, listen server and single player.

use crate::common::*;

/// A game in three steps: the server gives, a system writes to a component, a transaction moves.
const STEPS: [fn(&mut App, Entity); 3] = [
    |app, entity| {
        with_inventories(app, move |inv| inv.insert_up_to(entity, TORCH.stack(5)).discard())
    },
    |app, entity| {
        app.world_mut().get_mut::<Hotbar>(entity).unwrap().set(1, AXE.stack(1)).unwrap();
        app.world_mut().get_mut::<Hotbar>(entity).unwrap().select(1);
    },
    |app, entity| {
        with_inventories(app, move |inv| {
            inv.transact(|tx| {
                tx.move_slot((entity, Inventory::slot(0)), (entity, Hotbar::slot(2)), Some(2))
            })
            .unwrap();
        });
    },
];

/// The events that the player must receive in every mode.
fn assert_events(events: &EventLog) {
    let slots: Vec<_> = events.slots.iter().map(|e| (e.slot, e.old, e.new, e.cause)).collect();
    let server = SlotCause::Server;
    assert_eq!(
        slots,
        [
            (Inventory::slot(0), None, Some(TORCH.stack(5)), server),
            (Hotbar::slot(1), None, Some(AXE.stack(1)), server),
            (Inventory::slot(0), Some(TORCH.stack(5)), Some(TORCH.stack(3)), server),
            (Hotbar::slot(2), None, Some(TORCH.stack(2)), server),
        ]
    );
    assert_eq!(events.selected.iter().map(|e| (e.old, e.new)).collect::<Vec<_>>(), [(0, 1)]);
    assert_eq!(events.opened.len(), 1);
    assert_eq!(events.opened[0].rights, Rights::all());
}

fn bundle(owner: ClientId) -> impl Bundle {
    (player(0), Inventory::default(), Hotbar::default(), Owner(owner))
}

/// Plays the steps on a dedicated server, for its only client.
fn on_a_dedicated_server() -> (Simulation, Entity) {
    let mut pair = pair(1);
    let owner = pair.client_id(0);
    let entity = pair.server.world_mut().spawn(bundle(owner)).id();
    pair.steps(3);
    for step in STEPS {
        step(&mut pair.server, entity);
        pair.steps(2);
    }
    (pair, entity)
}

#[test]
fn client_of_a_dedicated_server() {
    let (mut pair, _) = on_a_dedicated_server();
    assert_events(&events(&mut pair, 0));
    let world = pair.clients[0].app.world_mut();
    assert_eq!(world.query::<(&InView, &LocalInventory)>().iter(world).count(), 1);
}

#[test]
fn dedicated_server_has_no_local_player() {
    let (pair, entity) = on_a_dedicated_server();
    let server = pair.server.world().resource::<EventLog>();
    assert!(server.slots.is_empty() && server.opened.is_empty(), "it has no player");
    assert!(pair.server.world().get::<InView>(entity).is_none());
}

#[test]
fn listen_server() {
    let mut pair = pair(1);
    let entity = pair.server.world_mut().spawn(bundle(ClientId::Server)).id();
    let guest = Owner(pair.client_id(0));
    let theirs = (player(1), Inventory::default(), guest);
    let theirs = pair.server.world_mut().spawn(theirs).id();
    pair.steps(3);
    for step in STEPS {
        step(&mut pair.server, entity);
        assert!(inventory(&mut pair, theirs).add(TORCH.stack(1), 64).is_none());
        pair.steps(2);
    }
    assert_events(pair.server.world().resource::<EventLog>());
    assert!(pair.server.world().get::<LocalInventory>(entity).is_some());
    assert_eq!(events(&mut pair, 0).slots.len(), 3, "the guest receives only its own changes");
    assert!(pair.shown::<Inventory>(0, player(0)).is_none());
}

#[test]
fn single_player() {
    let mut app = Simulation::app(setup);
    let entity = app.world_mut().spawn(bundle(ClientId::Server)).id();
    app.update();
    for step in STEPS {
        step(&mut app, entity);
        app.update();
    }
    assert_events(app.world().resource::<EventLog>());
    assert!(app.world().get::<LocalInventory>(entity).is_some());
    assert!(app.world().get::<InView>(entity).is_some());
}

#[test]
fn host_receives_open_close_and_resize_events() {
    let mut app = Simulation::app(setup);
    let viewers = viewer(ClientId::Server, Rights::USE);
    let entity = app.world_mut().spawn((chest(1), Inventory::default(), viewers)).id();
    app.update();
    let lost = app.world_mut().get_mut::<Inventory>(entity).unwrap().resize(9);
    assert!(lost.is_empty());
    app.update();
    app.world_mut().get_mut::<Viewers>(entity).unwrap().remove(ClientId::Server);
    app.update();
    assert!(app.world().get::<InView>(entity).is_none());
    app.world_mut().get_mut::<Viewers>(entity).unwrap().add(ClientId::Server, Rights::SEE);
    app.update();
    app.world_mut().despawn(entity);
    app.update();
    let events = app.world().resource::<EventLog>();
    assert_eq!((events.opened.len(), events.resized.len()), (2, 1));
    let reasons: Vec<_> = events.closed.iter().map(|closed| closed.reason).collect();
    assert_eq!(reasons, [CloseReason::Hidden, CloseReason::Despawned]);
}

/// Runs an app with some plugins disabled, and an inventory that spawns and despawns.
fn run_without(
    replicon: bevy::app::PluginGroupBuilder,
    ours: bevy::app::PluginGroupBuilder,
) -> App {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, bevy::state::app::StatesPlugin, replicon, ours));
    setup(&mut app);
    app.finish();
    app.cleanup();
    for _ in 0..3 {
        let entity =
            app.world_mut().spawn((chest(1), Inventory::default(), Hotbar::default())).id();
        app.update();
        app.world_mut().get_mut::<Inventory>(entity).unwrap().set(0, TORCH.stack(1)).unwrap();
        app.update();
        app.world_mut().despawn(entity);
        app.update();
    }
    app
}

#[test]
fn client_works_without_the_server_plugin() {
    let ours = || InventoryPlugins.build().disable::<InventoryServerPlugin>();
    let _ = run_without(RepliconPlugins.build(), ours());
    let replicon =
        RepliconPlugins.build().disable::<ServerPlugin>().disable::<ServerMessagePlugin>();
    let _ = run_without(replicon, ours());
    let replicon =
        RepliconPlugins.build().disable::<ServerPlugin>().disable::<ServerMessagePlugin>();
    let _ = run_without(replicon, InventoryPlugins.build());
}

#[test]
fn dedicated_server_works_without_the_client_plugin() {
    let ours = || InventoryPlugins.build().disable::<InventoryClientPlugin>();
    let _ = run_without(RepliconPlugins.build(), ours());
    let replicon =
        RepliconPlugins.build().disable::<ClientPlugin>().disable::<ClientMessagePlugin>();
    let app = run_without(replicon, ours());
    assert!(stats(&app).slots_marked >= 3);
}

#[test]
fn inventory_spawned_while_connected_is_local_after_disconnect() {
    let Scene { mut pair, .. } = Scene::clients(1).players(1).build();
    let app = &mut pair.clients[0].app;
    let own = (chest(5), Inventory::default(), Owner(ClientId::Server));
    let entity = app.world_mut().spawn(own).id();
    app.update();
    assert!(app.world().get::<InView>(entity).is_none(), "a client is not an authority");
    pair.disconnect(0);
    pair.clients[0].app.update();
    assert!(pair.clients[0].app.world().get::<InView>(entity).is_some());
}

#[test]
fn host_actions_obey_rules_and_apply_at_once() {
    let mut app = Simulation::app(|app| {
        setup(app);
        app.add_rule::<With<Openable>, _>(|ask: In<AccessRequest>| match ask.kind {
            AccessKind::Act { ref losses, .. } if losses.iter().any(|s| s.item == AXE) => {
                AccessDecision::Deny(Rejection::Locked)
            }
            _ => AccessDecision::Allow,
        });
    });
    let world = app.world_mut();
    let me = world
        .spawn((player(0), Inventory::default(), Hotbar::default(), Owner(ClientId::Server)))
        .id();
    let there = world.spawn((chest(1), Inventory::default(), Openable::default())).id();
    let mut inventory = world.get_mut::<Inventory>(there).unwrap();
    inventory.set(0, TORCH.stack(10)).unwrap();
    inventory.set(1, AXE.stack(1)).unwrap();
    app.update();
    let from = |slot| (there, Inventory::slot(slot));
    let act = |app: &mut App, action: InventoryAction| {
        with_actions(app, move |actions| actions.request(action));
        let events = app.world().resource::<EventLog>();
        events.rejected.last().map(|rejected| rejected.1)
    };
    let take = InventoryAction::QuickMove { from: from(0), to: me.into() };
    assert_eq!(act(&mut app, take.clone()), Some(Rejection::NotInView), "not open yet");
    with_actions(&mut app, move |actions| actions.open(there));
    app.update();
    assert!(app.world().get::<InView>(there).is_some());
    app.world_mut().resource_mut::<EventLog>().clear();
    assert_eq!(act(&mut app, take), None);
    assert_eq!(app.world().get::<Inventory>(me).unwrap().count(TORCH), 10, "at once");
    let take = InventoryAction::QuickMove { from: from(1), to: me.into() };
    assert_eq!(act(&mut app, take), Some(Rejection::Locked));
    app.update();
    let events = app.world().resource::<EventLog>();
    assert_eq!((events.confirmed.len(), events.slots.len()), (1, 2));
    with_actions(&mut app, move |actions| actions.close(there));
    app.update();
    assert!(app.world().get::<InView>(there).is_none());
}

#[test]
fn changed_rights_do_not_reopen_on_the_host() {
    let mut app = Simulation::app(setup);
    let viewers = viewer(ClientId::Server, Rights::USE);
    let entity = app.world_mut().spawn((chest(1), Inventory::default(), viewers)).id();
    app.update();
    app.update();
    app.world_mut().get_mut::<Viewers>(entity).unwrap().add(ClientId::Server, Rights::SEE);
    app.update();
    app.update();
    assert_eq!(
        app.world().resource::<EventLog>().opened.len(),
        1,
        "as on a client, it is emitted once"
    );
}

#[test]
fn changed_id_closes_and_opens_on_the_host() {
    let mut app = Simulation::app(setup);
    let viewers = viewer(ClientId::Server, Rights::USE);
    let entity = app.world_mut().spawn((chest(1), Inventory::default(), viewers)).id();
    app.update();
    app.update();
    app.world_mut().entity_mut(entity).insert(chest(2));
    app.update();
    app.update();
    let log = app.world().resource::<EventLog>();
    assert_eq!((log.opened.len(), log.closed.len()), (2, 1));
}

#[test]
fn host_and_client_receive_the_same_events_for_a_shrink_and_a_removal() {
    let mut pair = pair(1);
    let client = pair.client_id(0);
    let mut viewers = Viewers::new();
    viewers.add(client, Rights::USE);
    viewers.add(ClientId::Server, Rights::USE);
    let entity = pair
        .server
        .world_mut()
        .spawn((chest(1), Inventory::default(), Hotbar::default(), viewers))
        .id();
    inventory(&mut pair, entity).set(20, TORCH.stack(3)).unwrap();
    hotbar(&mut pair, entity).set(2, TORCH.stack(3)).unwrap();
    pair.steps(4);
    drop(inventory(&mut pair, entity).resize(9));
    pair.steps(3);
    pair.server.world_mut().entity_mut(entity).remove::<Hotbar>();
    pair.steps(3);
    let host = pair
        .server
        .world()
        .resource::<EventLog>()
        .slots
        .iter()
        .map(|s| (s.slot, s.old, s.new))
        .collect::<Vec<_>>();
    let there =
        events(&mut pair, 0).slots.iter().map(|s| (s.slot, s.old, s.new)).collect::<Vec<_>>();
    assert_eq!(host, there);
}

#[test]
fn joining_a_server_leaves_the_local_world_alone() {
    let mut pair = Simulation::new(0, setup);
    let client = pair.add_client(setup);
    let app = &mut pair.clients[client].app;
    let mine =
        app.world_mut().spawn((player(0), Inventory::default(), Owner(ClientId::Server))).id();
    app.world_mut().get_mut::<Inventory>(mine).unwrap().set(0, AXE.stack(1)).unwrap();
    app.update();
    app.update();
    pair.connect(client);
    let server = spawn_player(&mut pair, client);
    inventory(&mut pair, server).set(5, TORCH.stack(5)).unwrap();
    pair.steps(5);
    let world = pair.clients[client].app.world_mut();
    let local = world.query::<&LocalInventory>().iter(world).count();
    world.get_mut::<Inventory>(mine).unwrap().set(1, AXE.stack(1)).unwrap();
    pair.steps(3);
    let world = pair.clients[client].app.world_mut();
    let mine = world.get::<Inventory>(mine).unwrap();
    assert_eq!(
        (mine.get(0), mine.get(5)),
        (Some(AXE.stack(1)), None),
        "the local world's slots were overwritten"
    );
    assert_eq!(local, 1);
}
