//! Entities, ids, owners and containers may appear, change and disappear in any order, also in observers.

use crate::common::*;

#[test]
fn container_removed_in_the_tick_of_its_spawn() {
    let mut pair = pair(1);
    let entity = spawn_player(&mut pair, 0);
    pair.server.world_mut().entity_mut(entity).remove::<Hotbar>();
    pair.steps(3);
    inventory(&mut pair, entity).set(0, TORCH.stack(1)).unwrap();
    pair.steps(3);
    assert_same(&pair, 0, player(0));
}

#[test]
fn only_container_is_replaced() {
    let Scene { mut pair, chest_entity: entity, .. } = Scene::clients(1).chest([0]).build();
    pair.server.world_mut().entity_mut(entity).remove::<Inventory>().insert(Inventory::new(9));
    pair.steps(5);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn host_observer_despawns_the_bag_it_closed() {
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
    within(&mut pair, 30, |pair| {
        let hidden = |client| pair.shown::<Inventory>(client, chest(1)).is_none();
        pair.server.world().get_entity(bag).is_err() && hidden(0) && hidden(1)
    });
}

#[test]
fn host_observer_removes_a_container_between_batch_and_encode() {
    let mut pair = pair(1);
    pair.server.add_observer(|on: On<InventoryClosed>, mut commands: Commands| {
        commands.entity(on.entity).remove::<Inventory>();
    });
    let entity = spawn_player(&mut pair, 0);
    let viewers = viewer(ClientId::Server, Rights::USE);
    pair.server.world_mut().entity_mut(entity).insert(viewers);
    pair.steps(4);
    hotbar(&mut pair, entity).set(8, TORCH.stack(1)).unwrap();
    pair.server.world_mut().get_mut::<Viewers>(entity).unwrap().remove(ClientId::Server);
    pair.steps(4);
    let client = stats(&pair.clients[0].app);
    assert_eq!((client.gaps, client.unknown_views, client.decode_errors), (0, 0, 0));
    assert_same(&pair, 0, player(0));
}

#[test]
fn id_removed_and_inserted_again() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    pair.server.world_mut().entity_mut(entity).remove::<InventoryId>();
    inventory(&mut pair, entity).set(0, TORCH.stack(1)).unwrap();
    pair.steps(3);
    pair.server.world_mut().entity_mut(entity).insert(player(0));
    pair.steps(3);
    assert_same(&pair, 0, player(0));
}

#[test]
fn container_removed_while_without_id() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
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
fn inventory_despawned_while_disabled_frees_its_id() {
    use bevy::ecs::entity_disabling::Disabled;
    let Scene { mut pair, chest_entity: first, .. } = Scene::clients(1).chest([0]).build();
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
fn change_while_disabled_is_sent_when_enabled() {
    use bevy::ecs::entity_disabling::Disabled;
    let Scene { mut pair, chest_entity: entity, .. } = Scene::clients(1).chest([0]).build();
    pair.server.world_mut().entity_mut(entity).insert(Disabled);
    inventory(&mut pair, entity).set(0, TORCH.stack(1)).unwrap();
    pair.steps(3);
    pair.server.world_mut().entity_mut(entity).remove::<Disabled>();
    pair.steps(3);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn observer_despawns_an_inventory_without_id() {
    let mut app = Simulation::app(setup);
    app.add_observer(|on: On<Add, Inventory>, mut commands: Commands| {
        commands.entity(on.entity).despawn()
    });
    app.world_mut().spawn(Inventory::new(3));
    app.update();
}

#[test]
fn observer_despawns_a_duplicate() {
    let mut app = Simulation::app(setup);
    app.world_mut().spawn((chest(1), Inventory::new(3)));
    app.add_observer(|on: On<Add, InventoryId>, mut commands: Commands| {
        commands.entity(on.entity).despawn()
    });
    app.world_mut().spawn((chest(1), Inventory::new(3)));
    app.update();
}

#[test]
fn owner_inserted_before_the_containers() {
    let mut pair = pair(1);
    let owner = Owner(pair.client_id(0));
    let entity = pair.server.world_mut().spawn((player(0), owner)).id();
    pair.steps(3);
    pair.server.world_mut().entity_mut(entity).insert(Inventory::default());
    pair.steps(4);
    assert_same(&pair, 0, player(0));
}

#[test]
fn owner_inserted_before_the_client_is_connected() {
    let mut pair = pair(1);
    let entity = pair.server.world_mut().spawn_empty().id();
    pair.server.world_mut().spawn((
        player(5),
        Inventory::default(),
        Owner(ClientId::Client(entity)),
    ));
    pair.steps(2);
    pair.server.world_mut().entity_mut(entity).insert(ConnectedClient { max_size: 1200 });
    pair.steps(3);
    let views = pair.server_views();
    assert!(views.contains(&format!("client: {entity}")), "{entity}: {views}");
}

#[test]
fn stopped_server_removes_owners() {
    let Scene { mut pair, player_entity: entity, .. } = Scene::clients(1).players(1).build();
    pair.server.world_mut().resource_mut::<NextState<ServerState>>().set(ServerState::Stopped);
    pair.server.update();
    pair.server.update();
    assert!(pair.server.world().get::<Owner>(entity).is_none());
}

#[derive(Component, serde::Serialize, serde::Deserialize)]
struct Avatar;

#[test]
fn client_observer_despawns_on_added_container() {
    let mut pair = pair(1);
    pair.clients[0].app.add_observer(|on: On<Add, Inventory>, mut commands: Commands| {
        commands.entity(on.entity).despawn()
    });
    spawn_player(&mut pair, 0);
    pair.steps(4);
}

#[test]
fn client_observer_despawns_on_opening() {
    let mut pair = pair(1);
    pair.clients[0].app.add_observer(|on: On<Add, InView>, mut commands: Commands| {
        commands.entity(on.entity).despawn()
    });
    spawn_player(&mut pair, 0);
    pair.steps(4);
}

#[test]
fn client_observer_despawns_on_closing() {
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.replicate::<Avatar>();
    });
    pair.clients[0].app.add_observer(|on: On<Remove, Inventory>, mut commands: Commands| {
        commands.entity(on.entity).try_despawn()
    });
    let owner = Owner(pair.client_id(0));
    let entity = pair
        .server
        .world_mut()
        .spawn((player(0), Inventory::default(), Hotbar::default(), owner, Avatar, Replicated))
        .id();
    pair.steps(4);
    pair.server.world_mut().entity_mut(entity).remove::<Owner>();
    pair.steps(4);
}
