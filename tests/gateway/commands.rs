//! Commands of operators.

use bevy_inventory_sync::gateway::json::Audit;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::common::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Give {
    to: InventoryId,
    item: String,
    count: u32,
}

#[derive(Serialize)]
struct Given {
    count: u32,
}

fn give(
    In(Give { to, item, count }): In<Give>,
    ids: Res<InventoryIds>,
    mut inventories: Inventories,
) -> Result<Given, String> {
    let entity = ids.get(to).ok_or("there is no such inventory")?;
    let stack = Stack::new(ItemId::of(&item), count).ok_or("the count is zero")?;
    inventories.insert(entity, stack).map_err(|error| error.to_string())?;
    Ok(Given { count })
}

fn game() -> Game {
    let mut game = Game::with(
        0,
        |plugin| plugin,
        |app| {
            app.add_gateway_command("give", give);
        },
    );
    game.spawn((player(1), slots([])));
    game.tick();
    game
}

fn post(game: &mut Game, path: &str, token: Option<&GatewayToken>, body: &str) -> (u16, Value) {
    let (url, body, token) = (game.url(path), body.to_owned(), token.cloned());
    game.run_until(move || {
        let mut request = agent().post(url).content_type("application/json");
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {}", token.secret()));
        }
        let mut response = request.send(body).unwrap();
        let body = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&body).unwrap())
    })
}

#[test]
fn operators_run_the_commands_of_the_game() {
    let mut game = game();
    let operator = game.operator.clone();
    let body = json!({"to": player(1).to_string(), "item": "coin", "count": 5}).to_string();
    let answer = post(&mut game, "/commands/give", Some(&operator), &body);
    assert_eq!(answer, (200, json!({"count": 5})));
    game.ticks(2);
    let audit: Audit = game.operate(&format!("/audit?inventory={}", player(1))).json();
    let change = &audit.ticks.last().unwrap().changes[0];
    assert_eq!((change.cause.as_str(), change.new.as_ref().unwrap().count), ("operator", 5));
    // The cause is that of the command only.
    let world = game.world();
    let entity = world.resource::<InventoryIds>().get(player(1)).unwrap();
    world.get_mut::<Inventory>(entity).unwrap().set(1, AXE.stack(1)).unwrap();
    game.tick();
    let audit: Audit = game.operate("/audit?item=axe").json();
    assert_eq!(audit.ticks[0].changes[0].cause, "undeclared");
}

#[test]
fn commands_that_cannot_be_run_are_rejected() {
    let mut game = game();
    let operator = game.operator.clone();
    let to = player(1).to_string();
    let table = [
        ("/commands/take", json!({}).to_string(), 404),
        ("/commands/give", json!({}).to_string(), 400),
        ("/commands/give", json!({"to": "x", "item": "coin", "count": 1}).to_string(), 400),
        ("/commands/give", json!({"to": to, "item": "coin", "count": -1}).to_string(), 400),
        ("/commands/give", json!({"to": to, "item": "coin", "count": 1, "by": 2}).to_string(), 400),
        ("/commands/give", "{".into(), 400),
        ("/commands/give", json!({"to": to, "item": "nothing", "count": 1}).to_string(), 409),
        ("/commands/give", json!({"to": to, "item": "coin", "count": 0}).to_string(), 409),
        ("/commands/give", json!({"to": "9", "item": "coin", "count": 1}).to_string(), 409),
    ];
    for (path, body, status) in table {
        let (found, problem) = post(&mut game, path, Some(&operator), &body);
        assert_eq!(found, status, "{body}: {problem}");
        let problem: Problem = serde_json::from_value(problem).unwrap();
        assert_eq!(problem.field.is_some(), status == 400, "{problem:?}");
    }
    let body = json!({"to": to, "item": "coin", "count": 1}).to_string();
    let player = game.tokens.issue(Scope::Player(player(1)), None);
    assert_eq!(post(&mut game, "/commands/give", Some(&player), &body).0, 403);
    assert_eq!(post(&mut game, "/commands/give", None, &body).0, 401);
    let form = agent()
        .post(game.url("/commands/give"))
        .header("Authorization", format!("Bearer {}", operator.secret()));
    assert_eq!(form.content_type("text/plain").send(body).unwrap().status(), 415);
    let world = game.world();
    let mut inventories = world.query::<&Inventory>();
    assert_eq!(inventories.single(world).unwrap().0.iter().count(), 0, "nothing was given");
}
