//! When the gateway runs, and when it does not.

use std::net::SocketAddr;

use bevy_inventory_sync::gateway::GatewayError;
use serde_json::Value;

use crate::common::*;

fn status(plugin: InventoryGatewayPlugin) -> GatewayStatus {
    let plugin = std::cell::RefCell::new(Some(plugin));
    let app = Simulation::app(|app| {
        setup(app);
        app.add_plugins(plugin.take().unwrap());
    });
    app.world().resource::<GatewayStatus>().clone()
}

#[test]
fn addresses_of_other_machines_need_a_proxy_and_a_host_name() {
    let public: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let failed = status(InventoryGatewayPlugin::new(public));
    assert_eq!(failed, GatewayStatus::Failed(GatewayError::NotLoopback { address: public }));
    let failed = status(InventoryGatewayPlugin::new(public).behind_tls_proxy());
    assert_eq!(failed, GatewayStatus::Failed(GatewayError::NoHosts));
    let proxied = InventoryGatewayPlugin::new(public).behind_tls_proxy().host("inventory.example");
    assert!(matches!(status(proxied), GatewayStatus::Listening(_)));
    for loopback in ["127.0.0.1:0", "127.0.0.9:0"] {
        let plugin = InventoryGatewayPlugin::new(loopback.parse::<SocketAddr>().unwrap());
        assert!(matches!(status(plugin), GatewayStatus::Listening(_)), "{loopback}");
    }
}

#[test]
fn address_in_use_is_reported() {
    let game = Game::new(0);
    let failed = status(InventoryGatewayPlugin::new(game.address));
    assert!(
        matches!(&failed, GatewayStatus::Failed(GatewayError::Listen { address, .. }) if *address == game.address),
        "{failed:?}"
    );
}

#[test]
fn behind_a_proxy_only_health_and_the_files_of_the_page_need_no_token() {
    let game = Game::with(0, |plugin| plugin.behind_tls_proxy().host("inventory.example"), |_| ());
    for path in ["/health", "/", "/state-sync.js", "/page.css"] {
        assert_eq!(game.get(path, None).status, 200, "{path}");
    }
    let spectator = game.tokens.issue(Scope::Spectator, None);
    for path in [
        "/world/init",
        "/world/snapshots",
        "/items",
        "/icons/coin",
        "/openapi.json",
        "/nowhere",
        "/events?x=1",
    ] {
        assert_eq!(game.get(path, None).problem().status, 401, "{path}");
        assert_ne!(game.get(path, Some(&spectator)).status, 401, "{path}");
    }
    // Limits count the addresses of callers, which the proxy adds.
    let one = [("X-Forwarded-For", "9.9.9.9, 192.0.2.1")];
    assert_eq!(game.send("/health", None, &one).status, 200);
    let wrong = game.send("/health", None, &[("X-Forwarded-For", "192.0.2.1, localhost")]);
    assert_eq!(wrong.problem().field.as_deref(), Some("X-Forwarded-For"));
}

#[test]
fn other_origins_may_read_responses_only_if_they_are_allowed() {
    let closed = Game::new(0);
    let open = Game::with(0, |plugin| plugin.allow_origin("https://game.example"), |_| ());
    let origin = |game: &Game, origin: &str| {
        let answer = game.send("/items", None, &[("Origin", origin)]);
        answer.header("access-control-allow-origin").to_owned()
    };
    assert_eq!(origin(&closed, "https://game.example"), "");
    assert_eq!(origin(&open, "https://game.example"), "https://game.example");
    assert_eq!(origin(&open, "https://evil.example"), "");
    let preflight = |host: &str| {
        let request = agent().options(open.url("/items")).header("Host", host);
        let request = request.header("Origin", "https://game.example");
        request.header("Access-Control-Request-Method", "GET").call().unwrap().status()
    };
    assert_eq!(
        (preflight("localhost"), preflight("evil.example")),
        (200.try_into().unwrap(), 421.try_into().unwrap())
    );
}

#[test]
fn epoch_changes_when_the_app_is_the_authority_again() {
    let mut game = Game::new(0);
    let token = game.operator.clone();
    let before = game.spawn((chest(1), slots([COIN.stack(7)])));
    game.tick();
    let first: WorldInit = game.operate("/world/init").json();
    let mut events = game.follow("/events", Some(&token), &[("Last-Event-ID", &first.event)]);
    events.expect("hello");
    // The app joins another server.
    let set = |game: &mut Game, state| {
        game.world().resource_mut::<NextState<ServerState>>().set(ServerState::Stopped);
        game.world().resource_mut::<NextState<ClientState>>().set(state);
        (0..5).for_each(|_| game.sim.server.update());
    };
    set(&mut game, ClientState::Connecting);
    wait_until(|| game.get("/health", None).status == 503);
    let health: Value = serde_json::from_str(&game.get("/health", None).body).unwrap();
    assert_eq!(
        (&health["status"], &health["reasons"][0]["code"]),
        (&"down".into(), &"not_running".into())
    );
    for path in ["/world/init", "/world/snapshots", "/inventories/1", "/events"] {
        assert_eq!(game.operate(path).problem().status, 503, "{path}");
    }
    game.world().despawn(before);
    game.spawn((chest(2), slots([COIN.stack(8)])));
    set(&mut game, ClientState::Disconnected);
    let reset: Value = events.expect("reset").json();
    assert_eq!(reset["reason"], "restarted");
    game.wait();
    let second: WorldInit = game.operate("/world/init").json();
    assert_ne!(second.epoch, first.epoch);
    let ids: Vec<_> = second.inventories.iter().map(|it| it.id.clone()).collect();
    assert_eq!(ids, [chest(2).to_string()]);
}

#[test]
fn streams_end_with_a_reason_when_the_game_ends() {
    let game = Game::new(0);
    let mut events = game.follow("/events", None, &[]);
    events.expect("hello");
    drop(game);
    assert_eq!(events.expect("end").json::<Value>()["reason"], "shutting_down");
    assert!(events.next().is_none());
}
