//! Bad requests are rejected with a problem that names what is wrong.

use std::time::Duration;

use crate::common::*;

#[test]
fn problems_name_the_field_that_is_wrong() {
    let mut game = Game::new(0);
    game.spawn((chest(1), slots([COIN.stack(7)])));
    game.tick();
    let long = "x".repeat(300);
    let long_item = format!("/audit?item={long}");
    let many = format!(
        "/events?inventories={}",
        ["1"; 65].iter().enumerate().map(|(n, _)| n.to_string()).collect::<Vec<_>>().join(",")
    );
    let table: &[(&str, u16, Option<&str>)] = &[
        ("/nowhere", 404, None),
        ("/world", 404, None),
        ("/world/init?verbose=1", 400, Some("verbose")),
        ("/world/snapshots?from=x", 400, Some("from")),
        ("/world/snapshots?from=-1", 400, Some("from")),
        ("/world/snapshots?from=%2B1", 400, Some("from")),
        ("/world/snapshots?from=1.5", 400, Some("from")),
        ("/world/snapshots?from=99999999999999999999", 400, Some("from")),
        ("/world/snapshots?from=9&to=8", 400, Some("to")),
        ("/world/snapshots?from=1&from=2", 400, Some("from")),
        ("/world/snapshots?limit=0", 400, Some("limit")),
        ("/world/snapshots?limit=1001", 400, Some("limit")),
        ("/world/snapshots?epoch=other", 410, None),
        ("/world/snapshots?from=0", 410, None),
        ("/world/snapshots?%ff=%ff", 400, Some("\u{fffd}")),
        ("/inventories/", 404, None),
        ("/inventories/chest", 400, Some("id")),
        ("/inventories/-1", 400, Some("id")),
        ("/inventories/%ff", 400, Some("id")),
        ("/inventories/0123456789abcdef", 400, Some("id")),
        ("/inventories/123456789", 404, None),
        ("/inventories/8000000000000000", 404, None),
        ("/players/ada", 400, Some("id")),
        ("/events?inventories=", 400, Some("inventories")),
        ("/events?inventories=1,two", 400, Some("inventories")),
        (&many, 400, Some("inventories")),
        ("/events?after=1", 400, Some("after")),
        ("/events?after=1-x", 400, Some("after")),
        ("/events?x=1", 400, Some("x")),
        ("/audit?item=", 400, Some("item")),
        (&long_item, 400, Some("item")),
        ("/audit?player=ada", 400, Some("player")),
        ("/audit?inventory=x", 400, Some("inventory")),
        ("/audit?limit=10001", 400, Some("limit")),
        ("/audit?from=2&to=1", 400, Some("to")),
        ("/audit?who=me", 400, Some("who")),
        ("/servers", 404, None),
        ("/icons/nothing", 404, None),
        ("/metrics?x", 400, Some("x")),
        ("/health?x=1", 400, Some("x")),
    ];
    for (path, status, field) in table {
        let answer = game.operate(path);
        let problem = answer.problem();
        assert_eq!(
            (problem.status, problem.field.as_deref()),
            (*status, *field),
            "{path}: {problem:?}"
        );
    }
    let operator = Some(game.operator.clone());
    for id in ["x", "1", "-", "1-1-1", "1-18446744073709551616", &"9".repeat(100)] {
        let answer = game.send("/events", operator.as_ref(), &[("Last-Event-ID", id)]);
        assert_eq!(answer.problem().field.as_deref(), Some("Last-Event-ID"), "{id}");
    }
}

#[test]
fn tokens_that_are_wrong_missing_or_expired_are_rejected() {
    let game = Game::new(0);
    let expired = game.tokens.issue(Scope::Operator, Some(Duration::ZERO));
    let unknown = GatewayToken::random();
    let mut headers = vec![
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Basic YTpi".to_owned(),
        game.operator.secret().to_owned(),
        format!("Bearer {}x", game.operator.secret()),
        format!("Bearer {}", unknown.secret()),
        format!("Bearer {}", expired.secret()),
    ];
    headers.push(format!("Bearer {}", game.operator.secret().to_uppercase()));
    for header in headers {
        for path in ["/world/init", "/items", "/events", "/metrics"] {
            let answer = game.send(path, None, &[("Authorization", &header)]);
            let problem = answer.problem();
            assert_eq!((problem.status, problem.field.as_deref()), (401, Some("Authorization")));
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            let secret = header.rsplit('-').next().filter(|secret| secret.len() > 60);
            assert!(!secret.is_some_and(|secret| answer.body.contains(secret)), "{answer:?}");
        }
    }
    for path in ["/audit", "/servers", "/metrics"] {
        assert_eq!(game.get(path, None).problem().status, 401, "{path}");
        let spectator = game.tokens.issue(Scope::Spectator, None);
        assert_eq!(game.get(path, Some(&spectator)).problem().status, 403, "{path}");
    }
}

#[test]
fn other_methods_are_rejected_with_those_that_are_supported() {
    let game = Game::new(0);
    let response = agent().post(game.url("/world/init")).send("{}").unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET,HEAD");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let answer = game.operate("/commands/give");
    assert_eq!((answer.problem().status, answer.header("allow")), (405, "POST"));
    let head = agent().head(game.url("/health")).call().unwrap();
    assert_eq!(head.status(), 200);
}
