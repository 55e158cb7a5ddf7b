//! Writes records.

use rusqlite::{Transaction, params};

use crate::{
    model::{
        id::InventoryId,
        saved::{SavedContainer, SavedStack},
    },
    store::{
        archive::Archived,
        batch::{Batch, Change, Fence, Fenced, Rejected, Union, Write},
        record::StoredInventory,
    },
};

use super::{
    Header, header, key,
    read::{self, RETURNED, hash_of},
};

/// Records a claim. `is_new` is `true` if the inventory has no row yet.
pub(super) fn claim(
    tx: &Transaction,
    id: InventoryId,
    server: &str,
    fence: Fence,
    is_new: bool,
) -> Result<(), rusqlite::Error> {
    if is_new {
        let xor = read::ids_xor(tx)?.map(|xor| xor ^ hash_of(id));
        let set = "UPDATE world SET value = ? WHERE key = 'ids'";
        tx.prepare_cached(set)?.execute([xor])?;
    }
    let insert = "INSERT INTO inventories (id, name, version, tick, owner, fence, deleted) \
                  VALUES (?1, ?2, 0, 0, ?3, ?4, 0) \
                  ON CONFLICT (id) DO UPDATE SET owner = ?3, fence = ?4";
    let values = params![key(id), id.to_string(), server, fence.0.cast_signed()];
    tx.prepare_cached(insert)?.execute(values)?;
    Ok(())
}

/// Writes all unions that this server may write, and returns the others.
pub(super) fn batch(
    tx: &Transaction,
    server: &str,
    batch: &Batch,
) -> Result<Vec<Rejected>, rusqlite::Error> {
    let mut rejected = Vec::new();
    for (index, union) in batch.unions.iter().enumerate() {
        match fenced(tx, server, union)? {
            Some((id, reason)) => rejected.push(Rejected { union: index, id, reason }),
            None => {
                for write in &union.writes {
                    if write.fence == Fence::NEW {
                        claim(tx, write.id, server, Fence::FIRST, true)?;
                    }
                    one(tx, write, batch.tick)?;
                }
            }
        }
    }
    set_tick(tx, batch.tick)?;
    let set = "INSERT INTO world VALUES ('batch', ?1) ON CONFLICT DO UPDATE SET value = ?1";
    tx.prepare_cached(set)?.execute([batch.id.cast_signed()])?;
    Ok(rejected)
}

/// Writes copies of inventories that are not stored here, or in an older version.
pub(super) fn copies(
    tx: &Transaction,
    server: &str,
    tick: u64,
    copies: &[Archived],
) -> Result<(), rusqlite::Error> {
    for Archived { id, fence, version, stored } in copies {
        let current = header(tx, *id)?;
        let is_newer = |current: &Header| {
            current.deleted || current.owner.is_some() || current.version >= *version
        };
        if current.as_ref().is_some_and(is_newer) {
            continue;
        }
        claim(tx, *id, server, *fence, current.is_none())?;
        let change = match stored {
            Some(stored) => Change::Save { stored: stored.clone(), slots: None },
            None => Change::Delete,
        };
        one(tx, &Write { id: *id, fence: *fence, version: *version, change }, tick)?;
        let release = "UPDATE inventories SET owner = NULL WHERE id = ?";
        tx.prepare_cached(release)?.execute([key(*id)])?;
    }
    set_tick(tx, tick)
}

fn set_tick(tx: &Transaction, tick: u64) -> Result<(), rusqlite::Error> {
    let set =
        "INSERT INTO world VALUES ('tick', ?1) ON CONFLICT DO UPDATE SET value = max(value, ?1)";
    tx.prepare_cached(set)?.execute([tick.cast_signed()])?;
    Ok(())
}

/// Returns the first inventory that this server may not write, and the reason.
fn fenced(
    tx: &Transaction,
    server: &str,
    union: &Union,
) -> Result<Option<(InventoryId, Fenced)>, rusqlite::Error> {
    for Write { id, fence, version, change } in &union.writes {
        if matches!(change, Change::Depart { .. }) {
            return Ok(Some((*id, Fenced::CannotMove)));
        }
        let reason = match header(tx, *id)? {
            Some(current) if current.deleted => Fenced::Deleted,
            Some(current) if *fence == Fence::NEW => Fenced::Superseded { stored: current.version },
            Some(current) if current.fence < *fence => {
                Fenced::RolledBack { stored: current.version }
            }
            Some(current)
                if current.owner.as_deref() != Some(server) || current.fence != *fence =>
            {
                Fenced::NotOwned
            }
            Some(current) if current.version >= *version => {
                Fenced::Superseded { stored: current.version }
            }
            Some(current) if current.version + 1 < *version => {
                Fenced::RolledBack { stored: current.version }
            }
            Some(_) => continue,
            None if *fence == Fence::NEW => continue,
            None => Fenced::RolledBack { stored: 0 },
        };
        return Ok(Some((*id, reason)));
    }
    Ok(None)
}

fn one(tx: &Transaction, write: &Write, tick: u64) -> Result<(), rusqlite::Error> {
    let Write { id, version, change, .. } = write;
    let (version, tick) = (version.cast_signed(), tick.cast_signed());
    let Change::Save { stored, slots } = change else { return delete(tx, *id, version, tick) };
    let update = "UPDATE inventories SET selected = ?2, version = ?3, tick = ?4, checksum = ?5 WHERE id = ?1";
    let checksum = stored.checksum(*id, version.cast_unsigned()).cast_signed();
    let values = params![key(*id), stored.inventory.selected, version, tick, checksum];
    tx.prepare_cached(update)?.execute(values)?;
    let containers = &stored.inventory.containers;
    match slots.as_ref().filter(|_| containers.iter().all(|container| is_plain(&container.slots))) {
        Some(slots) => {
            for (name, slot) in slots {
                let delete = "DELETE FROM slots WHERE inventory = ? AND container = ? AND slot = ?";
                tx.prepare_cached(delete)?.execute(params![key(*id), name, slot])?;
                let container = containers.iter().find(|container| container.name == *name);
                let stack = container
                    .and_then(|container| container.slots.iter().find(|s| s.slot == *slot));
                if let Some(stack) = stack {
                    insert(tx, *id, name, 0, stack)?;
                }
            }
        }
        None => {
            clear(tx, *id)?;
            for (position, container) in containers.iter().enumerate() {
                let SavedContainer { name, len, slots } = container;
                let add =
                    "INSERT INTO containers (inventory, position, name, len) VALUES (?, ?, ?, ?)";
                let position = i64::try_from(position).unwrap_or(i64::MAX);
                tx.prepare_cached(add)?.execute(params![key(*id), position, name, len])?;
                insert_all(tx, *id, name, slots)?;
            }
            insert_all(tx, *id, RETURNED, &stored.inventory.returned)?;
        }
    }
    components(tx, *id, stored)
}

/// Returns `true` if the stacks are in ascending order of their slots, each in another slot.
fn is_plain(slots: &[SavedStack]) -> bool {
    slots.is_sorted_by(|a, b| a.slot < b.slot)
}

/// Writes all stacks of a container. Their order is kept: those after the first that is out of order are numbered.
fn insert_all(
    tx: &Transaction,
    id: InventoryId,
    container: &str,
    stacks: &[SavedStack],
) -> Result<(), rusqlite::Error> {
    let plain = stacks.windows(2).take_while(|pair| pair[0].slot < pair[1].slot).count() + 1;
    for (at, stack) in stacks.iter().enumerate() {
        let kept = (at + 1).saturating_sub(plain);
        insert(tx, id, container, i64::try_from(kept).unwrap_or(i64::MAX), stack)?;
    }
    Ok(())
}

fn insert(
    tx: &Transaction,
    id: InventoryId,
    container: &str,
    kept: i64,
    stack: &SavedStack,
) -> Result<(), rusqlite::Error> {
    let add = "INSERT INTO slots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let SavedStack { slot, item, count, wear, data } = stack;
    let (name, bytes) = data.as_ref().map(|data| (&data.name, &data.bytes)).unzip();
    let values = params![key(id), container, kept, slot, item, count, wear, name, bytes];
    tx.prepare_cached(add)?.execute(values)?;
    Ok(())
}

/// Writes the components that differ from the stored ones.
fn components(
    tx: &Transaction,
    id: InventoryId,
    stored: &StoredInventory,
) -> Result<(), rusqlite::Error> {
    let id = key(id);
    let names = stored.components.keys().map(String::as_str).collect::<Vec<_>>();
    let mut statement = tx.prepare_cached("SELECT name FROM components WHERE inventory = ?")?;
    let columns = statement.query_map([id], |row| row.get::<_, String>(0))?;
    for name in columns.collect::<Result<Vec<_>, _>>()? {
        if names.binary_search(&name.as_str()).is_err() {
            let delete = "DELETE FROM components WHERE inventory = ? AND name = ?";
            tx.prepare_cached(delete)?.execute(params![id, name])?;
        }
    }
    for (name, value) in &stored.components {
        let set = "INSERT INTO components VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO UPDATE SET value = ?3 WHERE value <> ?3";
        tx.prepare_cached(set)?.execute(params![id, name, value])?;
    }
    Ok(())
}

/// Deletes an inventory. A row remains, so that later commits are rejected.
fn delete(
    tx: &Transaction,
    id: InventoryId,
    version: i64,
    tick: i64,
) -> Result<(), rusqlite::Error> {
    clear(tx, id)?;
    tx.prepare_cached("DELETE FROM components WHERE inventory = ?")?.execute([key(id)])?;
    let update = "UPDATE inventories SET deleted = 1, owner = NULL, selected = NULL, version = ?2, tick = ?3, \
                  checksum = NULL WHERE id = ?1";
    tx.prepare_cached(update)?.execute(params![key(id), version, tick])?;
    Ok(())
}

fn clear(tx: &Transaction, id: InventoryId) -> Result<(), rusqlite::Error> {
    tx.prepare_cached("DELETE FROM slots WHERE inventory = ?")?.execute([key(id)])?;
    tx.prepare_cached("DELETE FROM containers WHERE inventory = ?")?.execute([key(id)])?;
    Ok(())
}
