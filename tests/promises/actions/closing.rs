//! A window that the player closes stays closed, however early it closes it. The request to open it and the request to
//! close it are both answered.

use crate::common::*;

fn openable(host: bool, latency: u64) -> (Simulation, Entity) {
    let mut scene = Scene::clients(1).players(1).chest([]).stored(0, TORCH.stack(3)).build();
    let parts = (Openable::default(), Replicated);
    scene.pair.server.world_mut().entity_mut(scene.chest_entity).insert(parts);
    scene.pair.settle(60);
    if host {
        scene.pair.disconnect(0);
        scene.pair.settle(60);
    }
    scene.pair.network.latency_ticks = latency;
    (scene.pair, scene.chest_entity)
}

fn app(pair: &mut Simulation, host: bool) -> &mut App {
    if host { &mut pair.server } else { &mut pair.clients[0].app }
}

/// The chest's entity on the client, in view or not.
fn replicated(pair: &mut Simulation, host: bool, chest: Entity) -> Entity {
    use bevy_replicon::shared::server_entity_map::ServerEntityMap;
    if host {
        return chest;
    }
    let world = pair.clients[0].app.world();
    world.resource::<ServerEntityMap>().to_client().get(&chest).copied().unwrap()
}

#[derive(Clone, Copy, Debug)]
enum Way {
    /// Opens an entity, and closes the entity.
    Entity,
    /// Opens an entity, and cancels the request.
    EntityByRequest,
    /// Opens an id, and cancels the request.
    IdByRequest,
}

#[test]
fn inventory_closed_at_any_time_after_the_request_to_open_ends_closed() {
    for way in [Way::Entity, Way::EntityByRequest, Way::IdByRequest] {
        for host in [false, true] {
            for wait in 0..16 {
                let (mut pair, entity) = openable(host, 6);
                let there = replicated(&mut pair, host, entity);
                app(&mut pair, host).world_mut().resource_mut::<EventLog>().clear();
                let opened = with_actions(app(&mut pair, host), move |actions| match way {
                    Way::IdByRequest => actions.open_by_id(chest(1)),
                    _ => actions.open(there),
                });
                pair.steps(wait);
                let closed = with_actions(app(&mut pair, host), move |actions| match way {
                    Way::Entity => actions.close(there),
                    _ => actions.cancel(opened),
                });
                pair.settle(60);
                let case = format!("{way:?}, host: {host}, closed after {wait} ticks");
                let world = pair.server.world();
                assert!(world.get::<Viewers>(entity).is_none_or(Viewers::is_empty), "{case}");
                let log = app(&mut pair, host).world().resource::<EventLog>();
                assert_eq!(log.confirmed, [opened, closed], "{case}");
                assert_eq!(log.opened.len(), log.closed.len(), "{case}");
                let in_view = app(&mut pair, host).world().get::<InView>(there).is_some();
                assert!(!in_view, "{case}");
            }
        }
    }
}

#[test]
fn cancel_ends_only_what_its_own_request_opened() {
    let (mut pair, entity) = openable(false, 3);
    let second = spawn_chest(&mut pair, 2, &[]);
    pair.server.world_mut().entity_mut(second).insert(Openable::default());
    let opened = [1, 2].map(|n| {
        let id = with_actions(&mut pair.clients[0].app, move |a| a.open_by_id(chest(n)));
        pair.step();
        id
    });
    with_actions(&mut pair.clients[0].app, move |actions| actions.cancel(opened[0]));
    pair.settle(60);
    let viewers = |of: Entity| pair.server.world().get::<Viewers>(of).map_or(0, Viewers::len);
    assert_eq!((viewers(entity), viewers(second)), (0, 1));
}

#[test]
fn cancel_of_a_rejected_or_repeated_open_changes_nothing() {
    let (mut pair, entity) = openable(false, 3);
    let hidden = with_actions(&mut pair.clients[0].app, |actions| actions.open_by_id(chest(9)));
    let first = with_actions(&mut pair.clients[0].app, move |actions| actions.cancel(hidden));
    let opened = with_actions(&mut pair.clients[0].app, |actions| actions.open_by_id(chest(1)));
    let ends = [0, 1]
        .map(|_| with_actions(&mut pair.clients[0].app, move |actions| actions.cancel(opened)));
    pair.settle(60);
    let log = events(&mut pair, 0);
    assert_eq!(log.rejected, [(hidden, Rejection::NotInView)]);
    assert_eq!(log.confirmed, [first, opened, ends[0], ends[1]]);
    assert_eq!(pair.server.world().get::<Viewers>(entity).map_or(0, Viewers::len), 0);
}

#[test]
fn inventory_that_the_game_shows_is_not_closed_by_a_cancel() {
    let (mut pair, entity) = openable(false, 3);
    let opened = with_actions(&mut pair.clients[0].app, |actions| actions.open_by_id(chest(1)));
    pair.settle(30);
    show(&mut pair, entity, 0);
    with_actions(&mut pair.clients[0].app, move |actions| actions.cancel(opened));
    pair.settle(30);
    assert_eq!(pair.server.world().get::<Viewers>(entity).map_or(0, Viewers::len), 1);
    assert_same(&pair, 0, chest(1));
}

#[test]
fn inventory_opened_twice_and_then_closed_ends_closed() {
    for host in [false, true] {
        for wait in 0..16 {
            let (mut pair, entity) = openable(host, 6);
            let there = replicated(&mut pair, host, entity);
            let app = app(&mut pair, host);
            with_actions(app, move |actions| (actions.open(there), actions.open(there)));
            pair.steps(wait);
            with_actions(self::app(&mut pair, host), move |actions| actions.close(there));
            pair.settle(60);
            let viewers = pair.server.world().get::<Viewers>(entity);
            let viewers = viewers.map_or(0, |viewers| viewers.iter().count());
            assert_eq!(viewers, 0, "host {host}, closed after {wait} ticks");
        }
    }
}
