//! Several servers share a world.

use std::time::Duration;

use bevy_inventory_sync::store::{
    Store,
    batch::{Batch, Fenced, Union},
    error::StoreError,
    history::{HistoryQuery, StoredNote, StoredTick},
    redis::{RedisSettings, RedisStore},
};

use super::server::RedisServer;
use crate::common::*;

/// Ends the heartbeat of a server, as when it has been silent for too long.
fn silence(redis: &RedisServer, server: &str) {
    let deleted: u32 = redis.command(&["DEL", &format!("heartbeat:{{w}}:{server}")]);
    assert_eq!(deleted, 1);
}

#[test]
fn inventory_of_a_server_that_is_alive_is_not_claimed_by_another() {
    let Some(redis) = RedisServer::start() else { return };
    let (mut a, mut b) = (redis.open("a"), redis.open("b"));
    let fence = create(&mut a, player(1), &everything());
    let owned = StoreError::Owned { id: player(1), by: "a".into() };
    assert_eq!(b.claim(player(1)), Err(owned.clone()));
    let owners = b.owners().unwrap();
    assert_eq!(owners.len(), 1);
    assert_eq!((owners[0].inventory, owners[0].server.as_str()), (player(1), "a"));
    assert!(b.is_alive("a").unwrap());
    a.release(&[(player(1), fence)]).unwrap();
    assert_eq!(b.claim(player(1)).unwrap().found, Some(everything()));
    assert_eq!(b.owners().unwrap()[0].server, "b");
}

#[test]
fn history_of_servers_that_commit_the_same_tick_has_every_change_once() {
    let Some(redis) = RedisServer::start() else { return };
    let (mut a, mut b) = (redis.open("a"), redis.open("b"));
    for (store, number, from) in [(&mut a, 1, 8), (&mut b, 2, 6)] {
        let fence = store.claim(player(number)).unwrap().fence;
        let note = StoredNote { inventory: player(number), note: format!("note {number}") };
        let history = vec![StoredTick { tick: 10, notes: vec![note], ..StoredTick::default() }];
        let writes = vec![write(player(number), fence, 1, &everything())];
        let union = Union { writes, history };
        let batch = Batch { id: number, from, tick: 10, unions: vec![union], ..Batch::default() };
        assert_eq!(store.commit(&batch).unwrap(), []);
    }
    let history = a.history(&HistoryQuery { from: 6, ..HistoryQuery::default() }).unwrap();
    let mut notes: Vec<_> = history.ticks.iter().flat_map(|tick| &tick.notes).collect();
    notes.sort_by_key(|note| &note.note);
    let notes: Vec<_> = notes.into_iter().map(|note| note.note.as_str()).collect();
    assert_eq!(notes, ["note 1", "note 2"]);
}

#[test]
fn server_that_was_replaced_while_it_was_silent_has_its_late_commit_rejected() {
    let Some(redis) = RedisServer::start() else { return };
    let (mut a, mut b) = (redis.open("a"), redis.open("b"));
    let fence = create(&mut a, player(1), &everything());
    let kept = create(&mut a, player(2), &everything());
    silence(&redis, "a");
    assert!(!b.is_alive("a").unwrap());
    assert!(b.claim(player(1)).unwrap().fence > fence);
    let late = |id, fence| union(vec![write(id, fence, 2, &inventory(vec![]))]);
    let batch = Batch {
        tick: 2,
        unions: vec![late(player(1), fence), late(player(2), kept)],
        ..Batch::default()
    };
    let rejected = a.commit(&batch).unwrap();
    assert_eq!(rejected.len(), 1);
    assert_eq!((rejected[0].id, rejected[0].reason), (player(1), Fenced::NotOwned));
    assert_eq!(b.load(player(1)).unwrap(), Some(everything()));
    assert_eq!(b.load(player(2)).unwrap(), Some(inventory(vec![])), "nobody has claimed it");
}

#[test]
fn server_that_speaks_again_before_it_was_replaced_keeps_what_it_owns() {
    let Some(redis) = RedisServer::start() else { return };
    let (mut a, mut b) = (redis.open("a"), redis.open("b"));
    let fence = create(&mut a, player(1), &everything());
    silence(&redis, "a");
    let heartbeat = a.heartbeat().unwrap();
    assert_eq!(
        (heartbeat.next, heartbeat.lost_commits),
        (Some(Duration::from_secs(10) / 3), false)
    );
    assert!(matches!(b.claim(player(1)), Err(StoreError::Owned { .. })));
    assert_eq!(commit(&mut a, 2, vec![write(player(1), fence, 2, &inventory(vec![]))]), []);
}

#[test]
fn newer_process_of_a_server_replaces_the_older_one_at_once() {
    let Some(redis) = RedisServer::start() else { return };
    let mut old = redis.open("a");
    let fence = create(&mut old, player(1), &everything());
    let mut new = redis.open("a");
    let late = commit(&mut old, 2, vec![write(player(1), fence, 2, &inventory(vec![]))]);
    assert_eq!(late[0].reason, Fenced::NotOwned);
    let replaced = StoreError::Replaced { server: "a".into() };
    assert_eq!(old.claim(player(2)), Err(replaced.clone()));
    assert_eq!(old.heartbeat(), Err(replaced));
    assert!(new.claim(player(1)).unwrap().fence > fence);
}

#[test]
fn redis_that_may_evict_keys_is_rejected() {
    let Some(redis) = RedisServer::start() else { return };
    let policy = "allkeys-lru";
    let _: String = redis.command(&["CONFIG", "SET", "maxmemory-policy", policy]);
    let error = RedisStore::open(redis.settings("a")).map(drop);
    let place = format!("{}, world `w`", redis.url());
    assert_eq!(error, Err(StoreError::Evicts { place, policy: policy.into() }));
}

#[test]
fn keys_of_a_later_version_are_left_alone() {
    let Some(redis) = RedisServer::start() else { return };
    create(&mut redis.open("a"), player(1), &everything());
    let _: String = redis.command(&["SET", "format:{w}", "2"]);
    let error = RedisStore::open(redis.settings("a")).map(drop);
    let place = format!("{}, world `w`", redis.url());
    assert_eq!(error, Err(StoreError::UnsupportedFormat { place, found: 2, supported: 1 }));
}

#[test]
fn worlds_in_one_redis_are_apart() {
    let Some(redis) = RedisServer::start() else { return };
    create(&mut redis.open("a"), player(1), &everything());
    let other = RedisSettings { world: "other".into(), ..redis.settings("a") };
    let mut other = RedisStore::open(other).unwrap();
    assert_eq!(other.list(), Ok(vec![]));
    assert_eq!(other.claim(player(1)).unwrap().found, None);
}

#[test]
fn only_heartbeats_expire() {
    let Some(redis) = RedisServer::start() else { return };
    let mut store = redis.open("a");
    let fence = create(&mut store, player(1), &everything());
    commit(&mut store, 2, vec![delete(player(1), fence, 2)]);
    create(&mut store, player(2), &everything());
    let keys: Vec<String> = redis.command(&["KEYS", "*"]);
    assert!(keys.len() >= 6, "{keys:?}");
    for key in keys {
        let ttl: i64 = redis.command(&["TTL", &key]);
        assert_eq!(ttl >= 0, key.starts_with("heartbeat:"), "{key}: {ttl}");
    }
}
