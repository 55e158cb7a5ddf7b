//! The same game code in all four modes: client, dedicated server, listen server, single player.

use super::*;

/// The game, in three steps: the server gives, a system writes to a component, a transaction moves.
const STEPS: [fn(&mut App, Entity); 3] = [
    |app, entity| with_inventories(app, move |inv| inv.give(entity, TORCH.stack(5)).discard()),
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

/// What the player of that game must hear, in every mode.
fn assert_heard(heard: &Heard) {
    let slots: Vec<_> = heard.slots.iter().map(|e| (e.slot, e.old, e.new, e.cause)).collect();
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
    assert_eq!(heard.selected.iter().map(|e| (e.old, e.new)).collect::<Vec<_>>(), [(0, 1)]);
    assert_eq!(heard.opened.len(), 1);
    assert_eq!(heard.opened[0].rights, Rights::all());
}

fn bundle(owner: ClientId) -> impl Bundle {
    (player(0), Inventory::default(), Hotbar::default(), Owner(owner))
}

#[test]
fn client_of_a_dedicated_server() {
    let mut pair = pair(1);
    let owner = pair.client_id(0);
    let entity = pair.server.world_mut().spawn(bundle(owner)).id();
    pair.steps(3);
    for step in STEPS {
        step(&mut pair.server, entity);
        pair.steps(2);
    }
    assert_heard(&heard(&mut pair, 0));
    let world = pair.clients[0].app.world_mut();
    assert_eq!(world.query::<(&InView, &LocalInventory)>().iter(world).count(), 1);
}

#[test]
fn dedicated_server_itself() {
    let mut pair = pair(1);
    let owner = pair.client_id(0);
    let entity = pair.server.world_mut().spawn(bundle(owner)).id();
    pair.steps(3);
    for step in STEPS {
        step(&mut pair.server, entity);
        pair.steps(2);
    }
    let server = pair.server.world().resource::<Heard>();
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
    assert_heard(pair.server.world().resource::<Heard>());
    assert!(pair.server.world().get::<LocalInventory>(entity).is_some());
    assert_eq!(heard(&mut pair, 0).slots.len(), 3, "and the guest hears of its own only");
    assert!(pair.shown::<Inventory>(0, player(0)).is_none());
}

#[test]
fn single_player() {
    let mut app = Pair::app(setup);
    let entity = app.world_mut().spawn(bundle(ClientId::Server)).id();
    app.update();
    for step in STEPS {
        step(&mut app, entity);
        app.update();
    }
    assert_heard(app.world().resource::<Heard>());
    assert!(app.world().get::<LocalInventory>(entity).is_some());
    assert!(app.world().get::<InView>(entity).is_some());
}

#[test]
fn the_host_hears_of_openings_closings_and_resizing() {
    let mut app = Pair::app(setup);
    let mut viewers = Viewers::new();
    viewers.add(ClientId::Server, Rights::USE);
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
    let heard = app.world().resource::<Heard>();
    assert_eq!((heard.opened.len(), heard.resized.len()), (2, 1));
    let reasons: Vec<_> = heard.closed.iter().map(|closed| closed.reason).collect();
    assert_eq!(reasons, [CloseReason::Hidden, CloseReason::Despawned]);
}

/// An app with some plugins left out, run for a while with an inventory that comes and goes.
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
fn a_client_may_leave_the_server_half_out() {
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
fn a_dedicated_server_may_leave_the_client_half_out() {
    let ours = || InventoryPlugins.build().disable::<InventoryClientPlugin>();
    let _ = run_without(RepliconPlugins.build(), ours());
    let replicon =
        RepliconPlugins.build().disable::<ClientPlugin>().disable::<ClientMessagePlugin>();
    let app = run_without(replicon, ours());
    assert!(stats(&app).slots_marked >= 3);
}

#[test]
fn what_was_spawned_while_connected_is_ones_own_after_the_connection_is_gone() {
    let mut pair = pair(1);
    spawn_player(&mut pair, 0);
    pair.steps(3);
    let app = &mut pair.clients[0].app;
    let own = (chest(5), Inventory::default(), Owner(ClientId::Server));
    let entity = app.world_mut().spawn(own).id();
    app.update();
    assert!(app.world().get::<InView>(entity).is_none(), "a client is no authority");
    pair.disconnect(0);
    pair.clients[0].app.update();
    assert!(pair.clients[0].app.world().get::<InView>(entity).is_some());
}
