//! Redis is away, full, read-only, or answers nonsense.

use std::{
    io::{Read, Write},
    net::TcpListener,
    time::Duration,
};

use bevy_inventory_sync::store::{
    Store,
    batch::Batch,
    error::StoreError,
    redis::{RedisSettings, RedisSettingsError, RedisStore},
};

use super::server::{RedisServer, free_port};
use crate::common::*;

#[test]
fn redis_that_is_away_is_an_error_and_its_return_is_noticed() {
    let Some(mut redis) = RedisServer::start() else { return };
    let mut store = redis.open("a");
    let fence = create(&mut store, player(1), &everything());
    redis.kill();
    for _ in 0..3 {
        assert!(matches!(store.load(player(1)), Err(StoreError::Failed(_))));
    }
    assert!(redis.run());
    assert_eq!(store.load(player(1)).unwrap(), Some(everything()));
    assert_eq!(commit(&mut store, 2, vec![write(player(1), fence, 2, &inventory(vec![]))]), []);
}

#[test]
fn redis_that_is_out_of_memory_is_an_error_and_keeps_what_it_has() {
    let Some(redis) = RedisServer::start() else { return };
    let mut store = redis.open("a");
    let fence = create(&mut store, player(1), &everything());
    let _: String = redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let batch = |version| Batch {
        tick: version,
        unions: vec![union(vec![write(player(1), fence, version, &inventory(vec![]))])],
        ..Batch::default()
    };
    assert_eq!(store.commit(&batch(2)), Err(StoreError::Full { place: redis.url() }));
    assert_eq!(store.load(player(1)).unwrap(), Some(everything()));
    let _: String = redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(store.commit(&batch(2)), Ok(vec![]));
}

#[test]
fn replica_is_read_only() {
    let Some(redis) = RedisServer::start() else { return };
    let mut store = redis.open("a");
    let port = free_port().to_string();
    let _: String = redis.command(&["REPLICAOF", "127.0.0.1", &port]);
    let error = store.claim(player(1));
    assert!(matches!(error, Err(StoreError::ReadOnly { .. })), "{error:?}");
    let _: String = redis.command(&["REPLICAOF", "NO", "ONE"]);
    assert!(store.claim(player(1)).is_ok());
}

#[test]
fn commit_without_enough_replicas_is_not_reported_as_stored() {
    let Some(redis) = RedisServer::start() else { return };
    let timeout = Duration::from_millis(400);
    let settings = RedisSettings { replicas: 1, timeout, ..redis.settings("a") };
    let mut store = RedisStore::open(settings).unwrap();
    let fence = store.claim(player(1)).unwrap().fence;
    let unions = vec![union(vec![write(player(1), fence, 1, &everything())])];
    let batch = Batch { id: 5, tick: 1, unions, ..Batch::default() };
    let failed =
        |result| matches!(result, Err(StoreError::Failed(what)) if what.contains("only 0 of 1"));
    assert!(failed(store.commit(&batch)));
    assert!(failed(store.commit(&batch)), "the second attempt is not enough either");
    let mut replica = RedisServer::start().unwrap();
    let [_, port] =
        redis.url().rsplit_once(':').map(|(host, port)| [host, port]).unwrap().map(str::to_owned);
    let _: String = replica.command(&["REPLICAOF", "127.0.0.1", &port]);
    let stored = (0..100).find(|_| {
        std::thread::sleep(Duration::from_millis(50));
        store.commit(&batch) == Ok(vec![])
    });
    assert!(stored.is_some());
    replica.kill();
}

#[test]
fn server_that_is_not_redis_is_an_error() {
    let answers: [&[u8]; 5] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"+OK\r\n",
        b":1\r\n",
        b"*1\r\n$-1\r\n",
        b"\xff\xfe\r\n",
    ];
    for answer in answers {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 4096];
            while stream.read(&mut bytes).is_ok_and(|read| read > 0) {
                if stream.write_all(answer).is_err() {
                    break;
                }
            }
        });
        let timeout = Duration::from_millis(500);
        let settings = RedisSettings {
            timeout,
            ..RedisSettings::new(format!("redis://127.0.0.1:{port}"), "w")
        };
        let error = RedisStore::open(settings).map(drop);
        assert!(matches!(error, Err(StoreError::Failed(_))), "{answer:?}: {error:?}");
        server.join().unwrap();
    }
}

#[test]
fn damaged_entries_are_errors_of_their_inventory_only() {
    let Some(redis) = RedisServer::start() else { return };
    let mut store = redis.open("a");
    for number in 0..4 {
        let fence = create(&mut store, player(number), &everything());
        store.release(&[(player(number), fence)]).unwrap();
    }
    let field = |number| format!("{:016x}", player(number).to_bits());
    let _: i64 = redis.command(&["HSET", "full_state:{w}", &field(0), "nonsense"]);
    let _: i64 = redis.command(&["HSET", "owner:{w}", &field(1), "nonsense"]);
    let _: i64 = redis.command(&["HDEL", "full_state:{w}", &field(2)]);
    for number in 0..3 {
        let expected = player(number);
        for error in [store.load(expected).map(drop), store.claim(expected).map(drop)] {
            let right = matches!(error, Err(StoreError::Damaged { id, .. }) if id == expected);
            assert!(right, "{number}: {error:?}");
        }
    }
    assert_eq!(store.claim(player(3)).unwrap().found, Some(everything()));
}

#[test]
fn every_damaged_byte_of_a_record_is_noticed() {
    let Some(redis) = RedisServer::start() else { return };
    let mut store = redis.open("a");
    create(&mut store, player(1), &everything());
    let field = format!("{:016x}", player(1).to_bits());
    let mut connection = redis.connection();
    let record: Vec<u8> = redis.command(&["HGET", "full_state:{w}", &field]);
    for at in 0..record.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = record.clone();
            damaged[at] ^= flip;
            let mut set = bevy_inventory_sync::store::redis::redis::cmd("HSET");
            set.arg("full_state:{w}").arg(&field).arg(damaged);
            set.query::<i64>(&mut connection).unwrap();
            let error = store.load(player(1));
            assert!(matches!(error, Err(StoreError::Damaged { .. })), "byte {at}: {error:?}");
        }
    }
}

#[test]
fn settings_are_read_from_the_environment_and_checked() {
    let read = |variables: &[(&str, &str)]| {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        RedisSettings::from_variables(move |name| {
            variables.iter().find(|(there, _)| there == name).map(|(_, value)| value.clone())
        })
    };
    assert_eq!(read(&[]), Ok(RedisSettings::default()));
    let all = read(&[
        ("REDIS_URL", "redis://a:1, redis://b:2"),
        ("INVENTORY_WORLD", "overworld"),
        ("INVENTORY_SERVER", "eu-1"),
        ("INVENTORY_HEARTBEAT_SECONDS", "5"),
        ("INVENTORY_REPLICAS", "1"),
    ]);
    let expected = RedisSettings {
        urls: vec!["redis://a:1".into(), "redis://b:2".into()],
        world: "overworld".into(),
        server: "eu-1".into(),
        heartbeat_ttl: Duration::from_secs(5),
        replicas: 1,
        ..RedisSettings::default()
    };
    assert_eq!(all, Ok(expected));
    let error = |name, value| -> RedisSettingsError { read(&[(name, value)]).unwrap_err() };
    let secret = error("REDIS_URL", "http://user:secret@host");
    assert_eq!(secret.name, "urls");
    assert!(!secret.to_string().contains("secret"), "{secret}");
    assert_eq!(error("INVENTORY_WORLD", "a{b}").name, "world");
    assert_eq!(error("INVENTORY_SERVER", "a#1").name, "server");
    assert_eq!(error("INVENTORY_REPLICAS", "many").value, "many");
    assert_eq!(error("INVENTORY_HEARTBEAT_SECONDS", "0").name, "heartbeat_ttl");
    let settings = RedisSettings::new("not an address", "w");
    assert!(matches!(RedisStore::open(settings).map(drop), Err(StoreError::Settings(_))));
}
