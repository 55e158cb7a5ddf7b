//! Nothing of a private inventory is in any response to those who may not see it.

use std::sync::{Mutex, PoisonError};

use bevy_inventory_sync::model::id::DataId;
use log::{Level, Log, Metadata, Record};

use crate::common::*;

/// Occurs only in a private inventory: as the name of its entity, in instance data, and as the key of an item.
const CANARY: &str = "canary";

static LOGGED: Mutex<String> = Mutex::new(String::new());

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        if record.level() <= Level::Debug || record.target().starts_with("bevy_inventory_sync") {
            let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
            logged.push_str(&record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Ada, whose inventory has the canary, and Ben.
fn scene() -> (Game, Entity, DataId) {
    let mut game = Game::new(2);
    let (ada, ben) = (game.sim.client_id(0), game.sim.client_id(1));
    let text = CANARY.to_owned();
    let secret = Engraving { text, by: player(9) };
    let secret = game.world().resource_mut::<DataPool>().insert(&secret).unwrap();
    let private = slots([ItemId::of(CANARY).stack(1), COIN.stack(3).with_data(secret)]);
    let private =
        game.spawn((player(1), Owner(ada), Name::new(CANARY), private, HeldItem::default()));
    game.spawn((player(2), Owner(ben), slots([COIN.stack(1)]), HeldItem::default()));
    game.tick();
    (game, private, secret)
}

#[test]
fn canary_is_in_no_response_without_the_right_token() {
    log::set_logger(&Logger).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let (mut game, private, secret) = scene();
    let callers = [
        None,
        Some(game.tokens.issue(Scope::Spectator, None)),
        Some(game.tokens.issue(Scope::Player(player(2)), None)),
        Some(game.tokens.issue(Scope::Player(player(77)), None)),
    ];
    let id = player(1).to_string();
    let (inventory, of_player) = (format!("/inventories/{id}"), format!("/players/{id}"));
    let (audit, named) = (format!("/audit?player={id}"), format!("/events?inventories={id}"));
    let paths = [
        "/world/init",
        "/world/snapshots",
        &inventory,
        &of_player,
        &audit,
        "/audit?item=coin",
        "/servers",
        "/metrics",
        "/health",
        "/commands/give",
        "/openapi.json",
        "/nowhere",
    ];
    let streams = callers
        .iter()
        .flat_map(|token| ["/events", &named].map(|path| game.follow(path, token.as_ref(), &[])));
    let mut streams: Vec<Events> = streams.collect();
    for events in &mut streams {
        wait_until(|| {
            game.sim.step();
            events.try_next().is_some_and(|event| event.name == "hello")
        });
    }
    for count in 2..6 {
        let mut slots = game.world().get_mut::<Inventory>(private).unwrap();
        slots.set(0, ItemId::of(CANARY).stack(count)).unwrap();
        slots.set(1, COIN.stack(count).with_data(secret)).unwrap();
        game.world().entity_mut(private).insert(Name::new(format!("{CANARY} {count}")));
        game.ticks(3);
        for token in &callers {
            for path in paths {
                let answer = game.ask(path, token.as_ref());
                assert!(!answer.body.contains(CANARY), "{path}: {answer:?}");
                let headers = format!("{:?}", answer.headers);
                assert!(!headers.contains(CANARY), "{path}: {headers}");
            }
        }
    }
    // The operator has it in all of these.
    let operator = game.operator.clone();
    for path in ["/world/init", "/world/snapshots", &inventory, &of_player, &audit] {
        assert!(game.ask(path, Some(&operator)).body.contains(CANARY), "{path}");
    }
    // The item is in the list of all items, which everyone has.
    assert!(game.get("/items", None).body.contains(CANARY));
    for events in &mut streams {
        while let Some(event) = events.try_next() {
            assert!(!event.data.contains(CANARY), "{event:?}");
        }
    }
    let logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(logged.contains("listens on"), "the log is recorded: {logged}");
    let operator = operator.secret().rsplit('-').next().unwrap().to_owned();
    assert!(!logged.contains(CANARY) && !logged.contains(&operator), "{logged}");
}
