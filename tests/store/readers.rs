//! Tools read a store while game servers use it.

use bevy_inventory_sync::store::{
    Store,
    batch::{Batch, Union},
    error::StoreError,
    history::{HistoryQuery, StoredNote, StoredTick},
    reader::StoreReader,
    sqlite::SqliteReader,
};

use crate::common::*;

/// Commits a note of a player in a tick.
fn commit(store: &mut dyn Store, number: u64, tick: u64) {
    let claim = store.claim(player(number)).unwrap();
    let note = StoredNote { inventory: player(number), note: format!("note {number}") };
    let history = vec![StoredTick { tick, notes: vec![note], ..StoredTick::default() }];
    let writes = vec![write(player(number), claim.fence, claim.version + 1, &everything())];
    let unions = vec![Union { writes, history }];
    let batch = Batch { id: tick, from: tick, tick, unions, ..Batch::default() };
    assert_eq!(store.commit(&batch).unwrap(), []);
}

fn notes(reader: &mut dyn StoreReader) -> Vec<String> {
    let history = reader.history(&HistoryQuery::default()).unwrap();
    history.ticks.into_iter().flat_map(|tick| tick.notes).map(|note| note.note).collect()
}

#[test]
fn file_is_read_while_a_server_writes_to_it() {
    let place = Place::new();
    assert!(SqliteReader::open(place.file()).is_err(), "there is no file");
    let mut store = place.open("a").unwrap();
    let mut reader = SqliteReader::open(place.file()).unwrap();
    assert_eq!(notes(&mut reader), [""; 0]);
    for tick in 1..4 {
        commit(&mut store, tick, tick);
        assert_eq!(reader.latest_tick(), Ok(tick));
        assert_eq!(notes(&mut reader).len() as u64, tick);
    }
    assert_eq!(reader.owners(), Ok(None), "a file has one server");
    let other = place.file().with_extension("txt");
    std::fs::write(&other, b"not a store").unwrap();
    assert!(SqliteReader::open(other).is_err());
    let empty = place.file().with_extension("empty");
    std::fs::write(&empty, b"").unwrap();
    assert_eq!(SqliteReader::open(&empty).err(), Some(StoreError::NotAStore { path: empty }));
}

#[cfg(feature = "redis")]
#[test]
fn redis_is_read_while_servers_write_to_it() {
    use bevy_inventory_sync::store::redis::RedisReader;

    let Some(redis) = crate::redis::server::RedisServer::start() else { return };
    let (mut a, mut b) = (redis.open("a"), redis.open("b"));
    // Even with the name of a server, it does not replace that server.
    let mut reader = RedisReader::open(redis.settings("a")).unwrap();
    commit(&mut a, 1, 1);
    commit(&mut b, 2, 2);
    commit(&mut a, 3, 3);
    assert_eq!(StoreReader::latest_tick(&mut reader), Ok(3));
    assert_eq!(notes(&mut reader), ["note 1", "note 2", "note 3"]);
    let owners = reader.owners().unwrap().unwrap();
    let mut of_a = vec![player(1), player(3)];
    of_a.sort_unstable();
    assert_eq!(owners["a"], of_a);
    assert_eq!(owners["b"], [player(2)]);
    assert_eq!(owners.len(), 2);
}
