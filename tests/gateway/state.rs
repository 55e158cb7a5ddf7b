//! What the endpoints return of the world.

use serde_json::{Value, json};

use crate::common::*;

#[test]
fn operators_see_everything_and_spectators_public_views() {
    let mut game = Game::new(1);
    let ada = Owner(game.sim.client_id(0));
    let text = "for you".to_owned();
    let ring = Engraving { text, by: player(1) };
    let ring = game.world().resource_mut::<DataPool>().insert(&ring).unwrap();
    let mut hotbar = Hotbar::default();
    hotbar.set(2, AXE.stack(1).with_wear(9)).unwrap();
    hotbar.select(2);
    let engraved = slots([COIN.stack(5).with_data(ring)]);
    game.spawn((player(1), Name::new("Ada"), ada, engraved, hotbar, HeldItem::default()));
    game.spawn((chest(1), slots([COIN.stack(7)])));
    game.tick();
    let all: WorldInit = game.operate("/world/init").json();
    assert_eq!((all.scope.as_str(), all.inventories.len()), ("operator", 2));
    let ids = [player(1), chest(1)].map(|id| id.to_string());
    let of = |id: &str| all.inventories.iter().find(|there| there.id == id).unwrap();
    let ada = serde_json::to_value(of(&ids[0])).unwrap();
    let data = json!({"type": "engraving", "value": {"text": "for you", "by": ids[0]}});
    assert_eq!(
        ada,
        json!({"id": ids[0], "name": "Ada", "owner": ada["owner"], "selected": 2, "containers": [
            {"name": "inventory", "size": 4, "slots": [{"slot": 0, "item": "coin", "count": 5, "data": data}]},
            {"name": "hotbar", "size": 9, "slots": [{"slot": 2, "item": "axe", "count": 1, "wear": 9}]},
        ]})
    );
    assert!(ada["owner"].as_str().unwrap().starts_with("client "));
    assert!(all.latest.is_some_and(|latest| latest.tick <= all.tick));
    let public: WorldInit = game.get("/world/init", None).json();
    assert_eq!((public.scope.as_str(), public.inventories.len()), ("spectator", 0));
    let views = serde_json::to_value(&public.views).unwrap();
    assert_eq!(views, json!([{"inventory": ids[0], "view": "HeldItem", "value": "axe"}]));
    assert_eq!(all.views, public.views);
}

#[test]
fn one_inventory_is_returned() {
    let mut game = Game::new(0);
    game.spawn((player(1), slots([COIN.stack(5)]), Hotbar::default(), HeldItem::default()));
    game.spawn((chest(1), slots([COIN.stack(7)])));
    game.spawn(slots([COIN.stack(9)]));
    game.tick();
    let found: InventoryFound = game.operate(&format!("/inventories/{}", chest(1))).json();
    assert_eq!(found.inventory.unwrap().id, chest(1).to_string());
    let found: InventoryFound = game.operate("/inventories/1").json();
    assert_eq!(found.inventory.unwrap().id, "1", "ids in sequence are decimal numbers");
    let found: InventoryFound = game.get(&format!("/inventories/{}", player(1)), None).json();
    assert!(found.inventory.is_none() && found.views.len() == 1);
    let hidden = game.get(&format!("/inventories/{}", chest(1)), None);
    let missing = game.get(&format!("/inventories/{}", chest(2)), None);
    assert_eq!((hidden.status, missing.status), (404, 404));
    assert_eq!(hidden.problem(), missing.problem(), "the answers must not differ");
}

#[test]
fn unchanged_state_is_not_sent_again() {
    let mut game = Game::new(0);
    let bank = game.spawn((chest(1), slots([COIN.stack(7)])));
    game.tick();
    for path in ["/world/init", "/items", "/", "/state-sync.js"] {
        let first = game.operate(path);
        let tag = first.header("etag").to_owned();
        game.ticks(3);
        let token = Some(game.operator.clone());
        let same = game.send(path, token.as_ref(), &[("If-None-Match", &tag)]);
        assert_eq!((same.status, same.body.as_str()), (304, ""), "{path}");
        let other = game.send(path, token.as_ref(), &[("If-None-Match", "\"other\"")]);
        assert_eq!(other.status, 200, "{path}");
    }
    let tag = game.operate("/world/init").header("etag").to_owned();
    game.world().get_mut::<Inventory>(bank).unwrap().set(0, None).unwrap();
    game.tick();
    let changed = game.send("/world/init", Some(&game.operator), &[("If-None-Match", &tag)]);
    assert_eq!(changed.status, 200);
    let spectator = game.send("/world/init", None, &[("If-None-Match", &tag)]);
    assert_eq!(spectator.status, 200, "callers do not share a cache");
    let vary = changed.headers.get_all("vary").iter().map(|it| it.to_str().unwrap().to_lowercase());
    let vary = vary.collect::<Vec<_>>().join(", ");
    assert!(vary.contains("authorization") && vary.contains("accept-encoding"), "{vary}");
}

#[test]
fn responses_are_compressed_if_the_caller_accepts_it() {
    let mut game = Game::new(0);
    game.spawn((chest(1), Inventory((0..5000).map(|n| Some(COIN.stack(n % 9 + 1))).collect())));
    game.tick();
    let token = Some(game.operator.clone());
    let plain = game.get("/world/init", token.as_ref());
    let gzip = game.send("/world/init", token.as_ref(), &[("Accept-Encoding", "gzip")]);
    assert_eq!((plain.header("content-encoding"), gzip.header("content-encoding")), ("", "gzip"));
    assert!(gzip.body.len() < plain.body.len() / 4, "{} {}", gzip.body.len(), plain.body.len());
    let init: WorldInit = plain.json();
    assert_eq!(init.inventories[0].containers[0].slots.len(), 5000);
}

#[test]
fn items_have_icons_only_in_the_folder_of_icons() {
    let folder = tempfile::TempDir::new().unwrap();
    let icons = folder.path().join("icons");
    std::fs::create_dir(&icons).unwrap();
    std::fs::write(icons.join("coin.png"), b"a picture").unwrap();
    std::fs::write(folder.path().join("secret.png"), b"not for callers").unwrap();
    let game = Game::with(0, |plugin| plugin.icons(&icons), |_| ());
    let items: Value = game.get("/items", None).json();
    let of =
        |key: &str| items["items"].as_array().unwrap().iter().find(|it| it["key"] == key).unwrap();
    assert_eq!(
        (&of("coin")["icon"], &of("coin")["name"]),
        (&"/icons/coin".into(), &"Gold coin".into())
    );
    assert_eq!(of("axe").get("icon"), None, "it is outside of the folder");
    let icon = game.get("/icons/coin", None);
    assert_eq!(
        (icon.status, icon.header("content-type"), &*icon.body),
        (200, "image/png", "a picture")
    );
    for path in
        ["/icons/axe", "/icons/canary", "/icons/..%2Fsecret.png", "/icons/%2e%2e/secret.png"]
    {
        assert_eq!(game.get(path, None).status, 404, "{path}");
    }
}

#[test]
fn metrics_have_all_counters_with_descriptions() {
    let mut game = Game::new(1);
    game.spawn((chest(1), slots([COIN.stack(7)])));
    game.tick();
    let answer = game.operate("/metrics");
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let lines: Vec<&str> = answer.body.lines().collect();
    for metric in lines.chunks(3) {
        let [help, kind, value] = metric else { panic!("{metric:?}") };
        let (name, number) = value.split_once(' ').unwrap();
        assert!(
            help.starts_with(&format!("# HELP {name} ")) && help.len() > name.len() + 12,
            "{help}"
        );
        let expected = if name.ends_with("_total") { "counter" } else { "gauge" };
        assert_eq!(*kind, format!("# TYPE {name} {expected}"));
        assert!(number.parse::<u64>().is_ok(), "{value}");
    }
    let stats = *game.world().resource::<bevy_inventory_sync::shared::stats::InventoryStats>();
    assert!(stats.slots_marked > 0);
    for counter in stats.counters() {
        let line = format!("inventory_sync_{}_total {}", counter.name, counter.value);
        assert!(lines.contains(&line.as_str()), "{line}");
    }
    assert!(lines.contains(&"inventory_sync_clients 1"));
    assert_eq!(game.get("/metrics", None).status, 401);
}

#[test]
fn inventory_is_shown_again_when_another_with_its_id_is_gone() {
    let mut game = Game::new(0);
    game.spawn((chest(1), slots([COIN.stack(7)])));
    game.tick();
    let token = game.operator.clone();
    let mut events = game.follow("/events", Some(&token), &[]);
    events.expect("hello");
    let counts = |game: &Game| -> Vec<u32> {
        let all: WorldInit = game.operate("/world/init").json();
        let slots = all.inventories.iter().flat_map(|it| &it.containers[0].slots);
        slots.map(|slot| slot.stack.count).collect()
    };
    let second = game.spawn((chest(1), slots([COIN.stack(8)])));
    game.ticks(2);
    assert_eq!(counts(&game), [7], "the first one keeps its id");
    game.world().despawn(second);
    game.ticks(2);
    assert_eq!(counts(&game), [7]);
    assert!(events.try_next().is_none_or(|event| !event.data.contains("removed")));
}

#[test]
fn changed_catalog_is_served() {
    let mut game = Game::new(0);
    let before = game.get("/items", None);
    assert!(before.body.contains("Gold coin"));
    let items = Items::<()>::from_ron(&ITEMS.replace("Gold coin", "Silver coin")).unwrap();
    game.world().insert_resource(items.catalog().clone());
    game.tick();
    let after = game.send("/items", None, &[("If-None-Match", before.header("etag"))]);
    assert!(after.body.contains("Silver coin"), "{after:?}");
}
