//! A Redis server whose clock jumps.

use std::{fs, process::Command};

use bevy_inventory_sync::store::{
    Store,
    batch::{Batch, Fence, Fenced, Union},
    error::StoreError,
    history::{HistoryQuery, StoredTick},
};
use tempfile::TempDir;

use super::server::RedisServer;
use crate::common::*;

const HOUR: i64 = 3600;

/// The clock of a Redis server.
struct Clock(TempDir);

impl Clock {
    fn jump(&self, seconds: i64) {
        fs::write(self.0.path().join("offset"), seconds.to_ne_bytes()).unwrap();
    }

    /// Starts a server with a clock that is right at first. Returns `None` if there is no Redis or no C compiler here.
    fn start() -> Option<(Self, RedisServer)> {
        if !cfg!(target_os = "linux") {
            return None;
        }
        let clock = Self(TempDir::new().unwrap());
        clock.jump(0);
        let (library, offset) = (clock.0.path().join("clock.so"), clock.0.path().join("offset"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/store/redis/clock.c");
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
        if !compiled.is_ok_and(|status| status.success()) {
            assert!(std::env::var("CI").is_err(), "clock.c was not compiled");
            eprintln!("SKIPPED: clock.c was not compiled");
            return None;
        }
        let environment = [("LD_PRELOAD", library), ("CLOCK_OFFSET", offset)];
        Some((clock, RedisServer::start_in(environment)?))
    }
}

fn commit_empty(store: &mut dyn Store, tick: u64, version: u64) -> Option<Fenced> {
    let writes = vec![write(player(1), Fence::FIRST, version, &inventory(vec![]))];
    let history = vec![StoredTick { tick, ..StoredTick::default() }];
    let batch =
        Batch { tick, from: tick, unions: vec![Union { writes, history }], ..Batch::default() };
    store.commit(&batch).unwrap().first().map(|rejected| rejected.reason)
}

#[test]
fn server_keeps_what_it_owns_when_the_clock_of_redis_jumps() {
    let Some((clock, redis)) = Clock::start() else { return };
    let (mut a, mut b) = (redis.open("a"), redis.open("b"));
    create(&mut a, player(1), &everything());
    let owned = Err(StoreError::Owned { id: player(1), by: "a".into() });
    for offset in [HOUR, 0, -HOUR, 0] {
        clock.jump(offset);
        assert!(!a.heartbeat().unwrap().lost_commits);
        assert_eq!(b.claim(player(1)), owned);
    }
    assert_eq!(commit_empty(&mut a, 2, 2), None);
    assert_eq!(redis.open("a").claim(player(1)).unwrap().found, Some(inventory(vec![])));
}

#[test]
fn server_that_is_replaced_because_the_clock_has_jumped_has_its_commit_rejected() {
    let Some((clock, redis)) = Clock::start() else { return };
    let (mut a, mut b) = (redis.open("a"), redis.open("b"));
    create(&mut a, player(1), &everything());
    clock.jump(HOUR);
    assert_eq!(b.claim(player(1)).unwrap().found, Some(everything()));
    assert_eq!(commit_empty(&mut a, 2, 2), Some(Fenced::NotOwned));
    assert_eq!(b.load(player(1)).unwrap(), Some(everything()));
}

#[test]
fn claim_of_a_crashed_server_lasts_longer_if_the_clock_is_set_back() {
    let Some((clock, redis)) = Clock::start() else { return };
    let (mut a, mut b) = (redis.open("a"), redis.open("b"));
    create(&mut a, player(1), &everything());
    drop(a);
    clock.jump(-HOUR);
    assert_eq!(b.claim(player(1)), Err(StoreError::Owned { id: player(1), by: "a".into() }));
    // A new process of the same server, or an operator, ends it.
    assert!(redis.open("a").claim(player(1)).is_ok());
    let deleted: u32 = redis.command(&["DEL", "heartbeat:{w}:a"]);
    assert_eq!(deleted, 1);
    assert!(b.claim(player(1)).is_ok());
}

#[test]
fn history_that_expires_early_is_reported_as_gone() {
    let Some((clock, redis)) = Clock::start() else { return };
    let mut a = redis.open("a");
    create(&mut a, player(1), &everything());
    assert_eq!(commit_empty(&mut a, 5, 2), None);
    let read = |store: &mut dyn Store, from| {
        let query = HistoryQuery { from, ..HistoryQuery::default() };
        store.history(&query).map(|history| history.gaps.len())
    };
    assert_eq!(read(&mut a, 5), Ok(0));
    clock.jump(HOUR);
    assert_eq!(read(&mut a, 5), Err(StoreError::Gone { earliest: 6 }));
    assert_eq!(commit_empty(&mut a, 6, 3), None);
    assert_eq!(read(&mut a, 6), Ok(0));
    assert_eq!(read(&mut a, 5), Err(StoreError::Gone { earliest: 6 }));
    // What is written after the clock was set back expires first.
    clock.jump(0);
    assert_eq!(commit_empty(&mut a, 7, 4), None);
    clock.jump(HOUR - 1);
    assert_eq!(read(&mut a, 7), Err(StoreError::Gone { earliest: 8 }));
    assert_eq!(commit_empty(&mut a, 8, 5), None);
    assert_eq!(read(&mut a, 8), Ok(0));
    assert_eq!(a.load(player(1)).unwrap(), Some(inventory(vec![])), "the state never expires");
}
