//! Game servers and Redis itself are killed.

use std::ffi::OsStr;

use bevy_inventory_sync::store::{Store, batch::Fenced};

use super::server::RedisServer;
use crate::{
    common::*,
    kill::{check, rounds, run_and_kill},
};

#[test]
fn killed_server_keeps_what_it_reported_as_stored_and_every_coin() {
    let Some(redis) = RedisServer::start() else { return };
    let mut shown = 0;
    for round in 0..rounds() {
        let prints = fastrand::usize(1..60);
        let now = run_and_kill(OsStr::new(&redis.url()), round % 2 == 0, prints);
        assert!(now > shown, "round {round}: {now} after {shown}");
        assert_eq!(check(&mut redis.open("test"), now), Ok(()), "round {round}");
        shown = now;
    }
}

#[test]
fn redis_that_is_killed_keeps_what_it_has_acknowledged() {
    let Some(mut redis) = RedisServer::start() else { return };
    let mut shown = 0;
    for round in 0..rounds() / 4 {
        let now = run_and_kill(OsStr::new(&redis.url()), true, fastrand::usize(1..60));
        redis.kill();
        assert!(redis.run());
        assert_eq!(check(&mut redis.open("test"), now), Ok(()), "round {round}");
        assert!(now > shown);
        shown = now;
    }
}

#[test]
fn commits_that_redis_has_lost_are_noticed() {
    // It writes its file once a second, or when it ends in an orderly way.
    let Some(mut redis) = RedisServer::start_with(&["--appendonly", "no"]) else { return };
    let mut store = redis.open("a");
    let fence = create(&mut store, player(1), &everything());
    let _: String = redis.command(&["SAVE"]);
    assert_eq!(commit(&mut store, 2, vec![write(player(1), fence, 2, &inventory(vec![]))]), []);
    let late = store.claim(player(2)).unwrap().fence;
    assert!(!store.heartbeat().unwrap().lost_commits);
    redis.kill();
    assert!(redis.run());
    // The first attempt finds the connection closed.
    assert!(store.heartbeat().is_err());
    assert!(store.heartbeat().unwrap().lost_commits);
    assert!(!store.heartbeat().unwrap().lost_commits, "it is reported once");
    let next = commit(&mut store, 3, vec![write(player(1), fence, 3, &inventory(vec![]))]);
    assert_eq!(next[0].reason, Fenced::RolledBack { stored: 1 });
    let next = commit(&mut store, 3, vec![write(player(2), late, 1, &inventory(vec![]))]);
    assert_eq!(next[0].reason, Fenced::RolledBack { stored: 0 });
    assert_eq!(store.load(player(1)).unwrap(), Some(everything()), "it is not overwritten");
}

#[test]
fn lost_commits_are_noticed_after_further_commits_of_all_servers() {
    let Some(redis) = RedisServer::start() else { return };
    let (mut a, mut b) = (redis.open("a"), redis.open("b"));
    let (in_a, in_b) =
        (create(&mut a, player(1), &everything()), create(&mut b, player(2), &everything()));
    assert_eq!(commit(&mut a, 5, vec![write(player(1), in_a, 2, &inventory(vec![]))]), []);
    // As if Redis had lost the last commit of the first server, while it was not looking.
    let _: i64 = redis.command(&["HSET", "ticks:{w}", "a", "1"]);
    assert_eq!(commit(&mut b, 9, vec![write(player(2), in_b, 2, &inventory(vec![]))]), []);
    assert_eq!(commit(&mut a, 10, vec![write(player(1), in_a, 3, &inventory(vec![]))]), []);
    assert!(a.heartbeat().unwrap().lost_commits);
    assert!(!a.heartbeat().unwrap().lost_commits);
    assert!(!b.heartbeat().unwrap().lost_commits);
}

#[test]
fn redis_that_has_lost_everything_is_noticed() {
    let Some(redis) = RedisServer::start() else { return };
    let mut store = redis.open("a");
    let fence = create(&mut store, player(1), &everything());
    let _: String = redis.command(&["FLUSHALL"]);
    assert!(store.heartbeat().unwrap().lost_commits);
    let next = commit(&mut store, 2, vec![write(player(1), fence, 2, &everything())]);
    assert_eq!(next[0].reason, Fenced::RolledBack { stored: 0 });
}
