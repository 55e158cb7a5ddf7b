//! A player's token shows what that player's client sees at this moment, and ends with its rights.

use std::time::Duration;

use bevy_inventory_sync::gateway::json::PlayerFound;
use serde_json::Value;

use crate::common::*;

struct Scene {
    game: Game,
    ada: Entity,
    chest: Entity,
    token: GatewayToken,
}

/// Ada, who owns a body and sees a chest, and Ben.
fn scene() -> Scene {
    let mut game = Game::new(2);
    let (ada, ben) = (game.sim.client_id(0), game.sim.client_id(1));
    let body = game.spawn((player(1), Owner(ada), Name::new("Ada"), slots([COIN.stack(5)])));
    game.spawn((player(2), Owner(ben), slots([COIN.stack(6)])));
    let mut viewers = Viewers::new();
    viewers.add(ada, Rights::SEE);
    let chest = game.spawn((chest(1), viewers, slots([COIN.stack(7)])));
    game.tick();
    let token = game.tokens.issue(Scope::Player(player(1)), None);
    Scene { game, ada: body, chest, token }
}

fn ids(init: &WorldInit) -> Vec<String> {
    init.inventories.iter().map(|there| there.id.clone()).collect()
}

#[test]
fn players_see_what_their_clients_see() {
    let Scene { mut game, ada, chest: bank, token } = scene();
    let mut expected = [player(1), chest(1)].map(|id| id.to_string()).to_vec();
    expected.sort();
    let mut seen = ids(&game.ask("/world/init", Some(&token)).json());
    seen.sort();
    assert_eq!(seen, expected);
    let init: WorldInit = game.ask("/world/init", Some(&token)).json();
    assert_eq!((init.scope.as_str(), init.latest), ("player", None));
    assert!(init.inventories.iter().all(|it| it.name.is_none() && it.owner.is_none()));
    assert_eq!(game.ask(&format!("/inventories/{}", player(2)), Some(&token)).status, 404);
    let found: PlayerFound = game.ask(&format!("/players/{}", player(1)), Some(&token)).json();
    assert_eq!(found.inventories, [player(1).to_string()]);
    assert_eq!((found.sees.len(), found.name), (2, None));
    assert_eq!(game.ask(&format!("/players/{}", player(2)), Some(&token)).status, 403);
    let operator = game.operator.clone();
    let found: PlayerFound = game.ask(&format!("/players/{}", player(1)), Some(&operator)).json();
    assert_eq!(found.name.as_deref(), Some("Ada"));
    assert_eq!(game.ask(&format!("/players/{}", chest(1)), Some(&operator)).status, 404);
    // The chest closes.
    game.world().entity_mut(bank).remove::<Viewers>();
    assert_eq!(ids(&game.ask("/world/init", Some(&token)).json()), [player(1).to_string()]);
    // The player leaves.
    game.world().entity_mut(ada).remove::<Owner>();
    assert_eq!(ids(&game.ask("/world/init", Some(&token)).json()), Vec::<String>::new());
    assert_eq!(game.ask(&format!("/players/{}", player(1)), Some(&token)).status, 404);
}

#[test]
fn open_streams_of_players_follow_their_rights() {
    let Scene { mut game, ada, chest: bank, token } = scene();
    let mut events = game.follow("/events", Some(&token), &[]);
    // The game must run, to say what the player sees.
    wait_until(|| {
        game.sim.step();
        events.try_next().is_some_and(|event| event.name == "hello")
    });
    let all: TickEvent = events.expect("tick").json();
    assert!(all.replace && all.inventories.len() == 2);
    game.world().get_mut::<Inventory>(bank).unwrap().set(0, COIN.stack(8)).unwrap();
    game.tick();
    let event: TickEvent = events.expect("tick").json();
    assert_eq!((event.slots.len(), &event.slots[0].inventory), (1, &chest(1).to_string()));
    assert_eq!(event.slots[0].actor, None);
    // In the tick in which the chest closes, something is put into it.
    game.world().entity_mut(bank).remove::<Viewers>();
    game.world().get_mut::<Inventory>(bank).unwrap().set(1, AXE.stack(1)).unwrap();
    game.tick();
    let event: TickEvent = events.expect("tick").json();
    assert_eq!((event.removed, event.slots.len()), (vec![chest(1).to_string()], 0));
    // Nothing of it is sent any more.
    game.world().get_mut::<Inventory>(bank).unwrap().set(1, None).unwrap();
    game.world().get_mut::<Inventory>(ada).unwrap().set(1, AXE.stack(1)).unwrap();
    game.tick();
    let event: TickEvent = events.expect("tick").json();
    assert_eq!((event.slots.len(), &event.slots[0].inventory), (1, &player(1).to_string()));
    // It opens again, and is sent as a whole, without what was in it before.
    let mut viewers = Viewers::new();
    viewers.add(game.sim.client_id(0), Rights::SEE);
    game.world().entity_mut(bank).insert(viewers);
    game.world().get_mut::<Inventory>(bank).unwrap().set(0, COIN.stack(99)).unwrap();
    game.tick();
    let event: TickEvent = events.expect("tick").json();
    assert_eq!((&event.inventories[0].id, event.slots.len()), (&chest(1).to_string(), 0));
    assert_eq!(event.inventories[0].containers[0].slots[0].stack.count, 99);
    // The player loses the body.
    game.world().entity_mut(ada).remove::<Owner>();
    game.tick();
    let event: TickEvent = events.expect("tick").json();
    assert_eq!(event.removed.len(), 2);
}

#[test]
fn host_sees_what_the_local_player_sees() {
    let mut game = Game::new(0);
    game.spawn((player(1), Owner(ClientId::Server), slots([COIN.stack(5)])));
    game.spawn((player(2), slots([COIN.stack(5)])));
    game.tick();
    let token = game.tokens.issue(Scope::Player(player(1)), None);
    assert_eq!(ids(&game.ask("/world/init", Some(&token)).json()), [player(1).to_string()]);
}

#[test]
fn streams_end_with_their_tokens() {
    let mut game = Game::new(0);
    game.spawn((chest(1), slots([COIN.stack(7)])));
    game.tick();
    let soon = game.tokens.issue(Scope::Operator, Some(Duration::from_millis(300)));
    let (first, second) =
        (game.tokens.issue(Scope::Operator, None), game.tokens.issue(Scope::Spectator, None));
    let mut streams =
        [&soon, &first, &second].map(|token| game.follow("/events", Some(token), &[]));
    streams.iter_mut().for_each(|events| drop(events.expect("hello")));
    game.tokens.revoke(&first);
    game.tokens.revoke_all(Scope::Spectator);
    for (events, reason) in
        streams.iter_mut().zip(["token_expired", "token_revoked", "token_revoked"])
    {
        let end: Value = events.expect("end").json();
        assert_eq!(end["reason"], reason);
        assert!(events.next().is_none());
    }
    for token in [soon, first, second] {
        assert_eq!(game.get("/world/init", Some(&token)).status, 401);
    }
}
