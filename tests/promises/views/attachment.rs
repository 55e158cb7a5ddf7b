//! An inventory is attached to the entity that carries it, whichever of the two arrives first.

use crate::common::*;

#[derive(Component, serde::Serialize, serde::Deserialize)]
struct Avatar;

fn with_avatars(clients: usize) -> Simulation {
    Simulation::new(clients, |app| {
        setup(app);
        app.replicate::<Avatar>();
    })
}

fn spawn_avatar(pair: &mut Simulation) -> Entity {
    let owner = Owner(pair.client_id(0));
    let bundle = (player(0), Inventory::default(), Hotbar::default(), owner, Avatar, Replicated);
    pair.server.world_mut().spawn(bundle).id()
}

/// Delays either replicon's messages (channels 0 and 1) or all others for a number of ticks.
fn delay(pair: &mut Simulation, replication: bool, ticks: usize) {
    let mut held: Vec<Vec<bevy_replicon::bytes::Bytes>> = vec![Vec::new(); 32];
    let mut left = ticks;
    pair.tamper(move |_, channel, bytes| {
        held[channel].push(bytes);
        if (channel <= 1) == replication && left > 0 {
            left -= 1;
            return vec![];
        }
        core::mem::take(&mut held[channel])
    });
}

#[test]
fn update_arrives_before_the_avatar() {
    let mut pair = with_avatars(1);
    delay(&mut pair, true, 3);
    let entity = spawn_avatar(&mut pair);
    pair.steps(2);
    assert!(events(&mut pair, 0).opened.is_empty());
    let world = pair.clients[0].app.world_mut();
    assert_eq!(
        world.query::<&Inventory>().iter(world).count(),
        0,
        "an avatar gets no second entity"
    );
    for n in 1..6 {
        inventory(&mut pair, entity).set(0, TORCH.stack(n)).unwrap();
        pair.server.world_mut().spawn(Replicated);
        pair.step();
    }
    pair.steps(3);
    assert_attached(&mut pair);
}

#[test]
fn avatar_arrives_before_the_update() {
    let mut pair = with_avatars(1);
    delay(&mut pair, false, 3);
    let entity = spawn_avatar(&mut pair);
    for n in 1..6 {
        pair.step();
        inventory(&mut pair, entity).set(0, TORCH.stack(n)).unwrap();
        let hidden = pair.shown::<Inventory>(0, player(0)).is_none();
        assert!(hidden || n > 3);
    }
    pair.steps(3);
    assert_attached(&mut pair);
}

#[track_caller]
fn assert_attached(pair: &mut Simulation) {
    assert_same(pair, 0, player(0));
    assert_eq!(events(pair, 0).opened.len(), 1);
    let world = pair.clients[0].app.world_mut();
    let carrier = world.query_filtered::<Entity, (With<Avatar>, With<Inventory>)>();
    let mut carrier = carrier;
    let entity = carrier.single(world).expect("the avatar carries it, and nothing else does");
    assert_eq!(events(pair, 0).opened[0].entity, entity);
    let world = pair.clients[0].app.world_mut();
    assert_eq!(world.query::<&Inventory>().iter(world).count(), 1);
}

#[test]
fn avatar_despawned_on_the_client_closes_the_view() {
    let mut pair = with_avatars(1);
    let entity = spawn_avatar(&mut pair);
    pair.steps(4);
    let world = pair.clients[0].app.world_mut();
    let avatar = world.query_filtered::<Entity, With<Avatar>>().single(world).unwrap();
    world.despawn(avatar);
    pair.steps(2);
    let reasons: Vec<_> = events(&mut pair, 0).closed.iter().map(|closed| closed.reason).collect();
    assert_eq!(reasons, [CloseReason::EntityHidden]);
    inventory(&mut pair, entity).set(0, TORCH.stack(1)).unwrap();
    pair.steps(2);
    let stats = stats(&pair.clients[0].app);
    assert_eq!(
        (stats.gaps, stats.unknown_views, stats.decode_errors),
        (0, 0, 0),
        "the view is still valid on the server"
    );
}

#[test]
fn chest_without_a_replicated_entity_gets_its_own_entity() {
    let mut pair = with_avatars(1);
    spawn_chest(&mut pair, 1, &[0]);
    pair.steps(3);
    assert_same(&pair, 0, chest(1));
    let world = pair.clients[0].app.world_mut();
    assert_eq!(
        world.query_filtered::<(), (With<Inventory>, Without<Remote>)>().iter(world).count(),
        1
    );
}

#[test]
fn despawned_avatar_closes_as_despawned() {
    let mut pair = Simulation::new(1, |app| {
        setup(app);
        app.replicate::<Avatar>();
    });
    let owner = Owner(pair.client_id(0));
    let entity = pair
        .server
        .world_mut()
        .spawn((player(0), Inventory::default(), owner, Avatar, Replicated))
        .id();
    pair.steps(4);
    pair.server.world_mut().despawn(entity);
    pair.steps(4);
    let reasons: Vec<_> = events(&mut pair, 0).closed.iter().map(|c| c.reason).collect();
    assert_eq!(reasons, [CloseReason::Despawned]);
}

#[test]
fn inventory_moves_when_its_entity_is_replicated_later_or_no_longer() {
    let Scene { mut pair, chest_entity: on_server, .. } =
        Scene::clients(1).chest([0]).stored(0, TORCH.stack(3)).build();
    pair.settle(60);
    let mirror = shown_entity(&pair, 0, chest(1));
    pair.server.world_mut().entity_mut(on_server).insert(Replicated);
    pair.settle(60);
    let replicated = shown_entity(&pair, 0, chest(1));
    assert_ne!(replicated, mirror);
    assert!(pair.clients[0].app.world().get::<Remote>(replicated).is_some());
    assert_same(&pair, 0, chest(1));
    pair.server.world_mut().entity_mut(on_server).remove::<Replicated>();
    pair.settle(60);
    assert_ne!(shown_entity(&pair, 0, chest(1)), replicated);
    assert_same(&pair, 0, chest(1));
    let events = events(&mut pair, 0);
    assert_eq!(events.opened.len(), events.closed.len() + 1);
}
