//! Reads records.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    model::{
        id::InventoryId,
        saved::{SavedContainer, SavedData, SavedInventory, SavedStack},
    },
    store::{error::StoreError, record::StoredInventory},
};

use super::{Failure, key};

/// Name of the container of stacks that wait to be returned.
pub(super) const RETURNED: &str = "";

/// Reads the record of an inventory and compares it with its checksum. Returns `None` if it was never committed.
pub(super) fn stored(
    tx: &Transaction,
    id: InventoryId,
) -> Result<Option<StoredInventory>, Failure> {
    let damaged = |what: String| StoreError::Damaged { id, what };
    let select = "SELECT version, selected, checksum FROM inventories WHERE id = ?";
    let mut statement = tx.prepare_cached(select)?;
    let head = |row: &Row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get(2)?));
    let (version, selected, checksum): (_, _, Option<i64>) =
        statement.query_row([key(id)], head)?;
    if version == 0 && checksum.is_none() {
        return Ok(None);
    }
    let selected = selected.map(u8::try_from).transpose();
    let selected = selected.map_err(|_| damaged("the selected slot is out of range".into()))?;
    let mut inventory = SavedInventory { selected, ..SavedInventory::default() };
    let select = "SELECT name, len FROM containers WHERE inventory = ? ORDER BY position";
    let mut statement = tx.prepare_cached(select)?;
    let mut rows = statement.query([key(id)])?;
    while let Some(row) = rows.next()? {
        let (name, len): (String, i64) = (row.get(0)?, row.get(1)?);
        let len = u16::try_from(len)
            .map_err(|_| damaged(format!("container `{name}` has {len} slots")))?;
        inventory.containers.push(SavedContainer { name, len, slots: Vec::new() });
    }
    let select = "SELECT container, slot, item, count, wear, data_type, data FROM slots \
                  WHERE inventory = ? ORDER BY container, kept, slot";
    let mut statement = tx.prepare_cached(select)?;
    let mut rows = statement.query([key(id)])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let stack = stack(row)?.map_err(|what| damaged(format!("container `{name}`: {what}")))?;
        if name == RETURNED {
            inventory.returned.push(stack);
            continue;
        }
        let container = inventory.containers.iter_mut().find(|container| container.name == name);
        container
            .ok_or_else(|| damaged(format!("there is no container `{name}`")))?
            .slots
            .push(stack);
    }
    let select = "SELECT name, value FROM components WHERE inventory = ?";
    let mut statement = tx.prepare_cached(select)?;
    let rows = statement.query_map([key(id)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let components = rows.collect::<Result<BTreeMap<String, Vec<u8>>, _>>()?;
    let stored = StoredInventory { inventory, components };
    match checksum {
        Some(checksum)
            if checksum.cast_unsigned() != stored.checksum(id, version.cast_unsigned()) =>
        {
            Err(damaged("it does not match its checksum".into()).into())
        }
        _ => Ok(Some(stored)),
    }
}

/// Reads a stack. The inner error says what is out of range.
fn stack(row: &Row) -> Result<Result<SavedStack, String>, rusqlite::Error> {
    let (slot, item): (i64, String) = (row.get(1)?, row.get(2)?);
    let (count, wear): (i64, i64) = (row.get(3)?, row.get(4)?);
    let data = match (row.get::<_, Option<String>>(5)?, row.get::<_, Option<Vec<u8>>>(6)?) {
        (Some(name), Some(bytes)) => Some(SavedData { name, bytes }),
        (None, None) => None,
        _ => return Ok(Err(format!("slot {slot} has half of its instance data"))),
    };
    let numbers = (u16::try_from(slot), u32::try_from(count), u16::try_from(wear));
    Ok(match numbers {
        (Ok(slot), Ok(count), Ok(wear)) => Ok(SavedStack { slot, item, count, wear, data }),
        _ => Err(format!("slot {slot} has count {count} and wear {wear}")),
    })
}

/// Returns the hash of an id, as a signed number.
pub(super) fn hash_of(id: InventoryId) -> i64 {
    xxh3_64(&id.to_bits().to_le_bytes()).cast_signed()
}

/// Returns the stored XOR of the hashes of all ids. `None` if an operator has removed it.
pub(super) fn ids_xor(tx: &Connection) -> Result<Option<i64>, rusqlite::Error> {
    let select = "SELECT value FROM world WHERE key = 'ids'";
    tx.prepare_cached(select)?.query_row([], |row| row.get(0)).optional()
}

/// Returns `true` if no row of an inventory has disappeared, or appeared.
pub(super) fn has_all_ids(connection: &Connection) -> Result<bool, rusqlite::Error> {
    let mut statement = connection.prepare("SELECT id FROM inventories")?;
    let ids = statement.query_map([], |row| row.get::<_, i64>(0))?;
    let hash = |id: i64| hash_of(InventoryId::from_bits(id.cast_unsigned()));
    let sum = ids.map(|id| id.map(hash)).try_fold(0, |sum, id| Ok(sum ^ id?));
    let sum: Result<i64, rusqlite::Error> = sum;
    let (sum, stored) = (sum?, ids_xor(connection)?);
    Ok(stored.is_none_or(|stored| stored == sum))
}

pub(super) fn list(tx: &Transaction) -> Result<Vec<InventoryId>, rusqlite::Error> {
    let select = "SELECT id FROM inventories WHERE NOT deleted AND version > 0";
    let mut statement = tx.prepare_cached(select)?;
    let ids = statement.query_map([], |row| row.get::<_, i64>(0))?;
    let ids = ids.map(|id| Ok(InventoryId::from_bits(id?.cast_unsigned())));
    let mut ids = ids.collect::<Result<Vec<InventoryId>, rusqlite::Error>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// Returns the versions of all inventories that were ever committed.
pub(super) fn versions(tx: &Transaction) -> Result<Vec<(InventoryId, u64)>, rusqlite::Error> {
    let mut statement =
        tx.prepare_cached("SELECT id, version FROM inventories WHERE version > 0")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    let version = |row: Result<(i64, i64), rusqlite::Error>| {
        let (id, version) = row?;
        Ok((InventoryId::from_bits(id.cast_unsigned()), version.cast_unsigned()))
    };
    rows.map(version).collect()
}

/// Returns the number of the last batch. Zero if there is none.
pub(super) fn batch(tx: &Transaction) -> Result<u64, rusqlite::Error> {
    let select = "SELECT coalesce((SELECT value FROM world WHERE key = 'batch'), 0)";
    tx.query_row(select, [], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))
}

pub(super) fn tick(tx: &Transaction) -> Result<u64, rusqlite::Error> {
    let select = "SELECT coalesce((SELECT value FROM world WHERE key = 'tick'), 0)";
    tx.query_row(select, [], |row| Ok(row.get::<_, i64>(0)?.cast_unsigned()))
}
