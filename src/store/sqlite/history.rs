//! The history.

use core::{ops::RangeInclusive, time::Duration};
use std::borrow::Cow;

use rusqlite::{Row, Transaction, named_params, params};

use crate::{
    model::{
        id::InventoryId,
        saved::{SavedData, SavedStack},
    },
    store::{
        batch::{Batch, Rejected},
        error::StoreError,
        history::{Gap, History, HistoryQuery, StoredChange, StoredNote, StoredTick},
    },
};

use super::{Failure, key};

/// Maximum number of rows of each table that one commit deletes beyond the number that it adds, so that none takes long.
const DELETED_MAX: i64 = 100;

/// Writes the changes of all unions that were committed, and deletes old ones.
pub(super) fn write(
    tx: &Transaction,
    batch: &Batch,
    rejected: &[Rejected],
    keep: Duration,
) -> Result<(), rusqlite::Error> {
    if let Some(Gap { from, to }) = batch.gap {
        let add = "INSERT INTO gaps VALUES (?1, ?2) ON CONFLICT DO UPDATE SET last = max(last, ?2)";
        tx.prepare_cached(add)?.execute([from.cast_signed(), to.cast_signed()])?;
    }
    let mut rows = 0;
    let unions = batch.committed(rejected).filter(|_| !keep.is_zero());
    for tick in unions.flat_map(|union| &union.history) {
        for change in &tick.changes {
            add_change(tx, tick, change)?;
            rows += 1;
        }
        for note in &tick.notes {
            add_note(tx, tick, note)?;
            rows += 1;
        }
    }
    let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
    prune(tx, batch.time.saturating_sub(keep), rows + DELETED_MAX)
}

fn add_change(
    tx: &Transaction,
    StoredTick { tick, time, .. }: &StoredTick,
    change: &StoredChange,
) -> Result<(), rusqlite::Error> {
    let StoredChange { inventory, container, slot, old, new, cause, actor } = change;
    let add = "INSERT INTO history (tick, time, inventory, container, slot, cause, actor, \
               old_item, old_count, old_wear, old_data_type, old_data, \
               new_item, new_count, new_wear, new_data_type, new_data, checksum) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let data = |stack: &Option<SavedStack>| stack.as_ref().and_then(|stack| stack.data.clone());
    let (old_data, new_data) = (data(old), data(new));
    tx.prepare_cached(add)?.execute(params![
        tick.cast_signed(),
        time.cast_signed(),
        key(*inventory),
        container,
        slot,
        cause,
        actor.map(key),
        old.as_ref().map(|stack| &stack.item),
        old.as_ref().map(|stack| stack.count),
        old.as_ref().map(|stack| stack.wear),
        old_data.as_ref().map(|data| &data.name),
        old_data.as_ref().map(|data| &data.bytes),
        new.as_ref().map(|stack| &stack.item),
        new.as_ref().map(|stack| stack.count),
        new.as_ref().map(|stack| stack.wear),
        new_data.as_ref().map(|data| &data.name),
        new_data.as_ref().map(|data| &data.bytes),
        change.checksum(*tick, *time).cast_signed(),
    ])?;
    Ok(())
}

fn add_note(
    tx: &Transaction,
    StoredTick { tick, time, .. }: &StoredTick,
    note: &StoredNote,
) -> Result<(), rusqlite::Error> {
    let add = "INSERT INTO notes (tick, time, inventory, note, checksum) VALUES (?, ?, ?, ?, ?)";
    let checksum = note.checksum(*tick, *time).cast_signed();
    let (tick, time) = (tick.cast_signed(), time.cast_signed());
    let values = params![tick, time, key(note.inventory), note.note, checksum];
    tx.prepare_cached(add)?.execute(values)?;
    Ok(())
}

/// Deletes rows that were written before a time, the oldest ones first, and records up to which tick.
fn prune(tx: &Transaction, before: u64, rows: i64) -> Result<(), rusqlite::Error> {
    let mut last = None;
    for table in ["history", "notes"] {
        // The clock may have been set back, so only rows before the first one that is kept are deleted.
        let oldest = format!("SELECT number, tick, time FROM {table} ORDER BY number LIMIT ?");
        let mut statement = tx.prepare_cached(&oldest)?;
        let oldest = statement.query_map([rows], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })?;
        let mut end = None;
        for row in oldest {
            let (number, tick, time) = row?;
            if time.cast_unsigned() >= before {
                break;
            }
            (end, last) = (Some(number), last.max(Some(tick)));
        }
        if let Some(end) = end {
            let delete = format!("DELETE FROM {table} WHERE number <= ?");
            tx.prepare_cached(&delete)?.execute([end])?;
        }
    }
    if let Some(last) = last {
        let set = "INSERT INTO world VALUES ('history', ?1) \
                   ON CONFLICT DO UPDATE SET value = max(value, ?1)";
        tx.prepare_cached(set)?.execute([last + 1])?;
        tx.prepare_cached("DELETE FROM gaps WHERE last <= ?")?.execute([last])?;
    }
    Ok(())
}

/// Reads a part of the history.
pub(super) fn read(tx: &Transaction, query: &HistoryQuery) -> Result<History, Failure> {
    let select = "SELECT coalesce((SELECT value FROM world WHERE key = 'history'), 0)";
    let earliest = tx.query_row(select, [], |row| row.get::<_, i64>(0))?.cast_unsigned();
    if query.from < earliest {
        return Err(StoreError::Gone { earliest }.into());
    }
    // No file has higher numbers.
    let clamp = |tick: u64| i64::try_from(tick).unwrap_or(i64::MAX);
    let end = last_tick(tx, query, clamp(query.from)..=clamp(query.to))?;
    let ticks = clamp(query.from)..=end.unwrap_or(clamp(query.to));
    let mut found = changes(tx, query, &ticks)?;
    if query.item.is_none() {
        found.append(&mut notes(tx, query, &ticks)?);
    }
    let mut history = query.select(found);
    history.next = history.next.or(end.map(|end| end.cast_unsigned() + 1));
    let mut statement = tx.prepare_cached("SELECT first, last FROM gaps ORDER BY first")?;
    let gaps = statement.query_map([], |row| {
        let (from, to) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
        Ok(Gap { from: from.cast_unsigned(), to: to.cast_unsigned() })
    })?;
    for gap in gaps {
        history.gaps.extend(Some(gap?).filter(|gap| gap.overlaps(query)));
    }
    Ok(history)
}

/// Returns the tick with which the limit of a query is exceeded, if it is.
fn last_tick(
    tx: &Transaction,
    query: &HistoryQuery,
    ticks: RangeInclusive<i64>,
) -> Result<Option<i64>, rusqlite::Error> {
    let select = format!(
        "SELECT tick FROM history WHERE {} \
         UNION ALL SELECT tick FROM notes WHERE tick BETWEEN :from AND :to \
           AND (:inventory IS NULL OR inventory = :inventory) AND :item IS NULL \
         ORDER BY tick LIMIT 1 OFFSET :limit",
        filter(query)
    );
    let mut statement = tx.prepare_cached(&select)?;
    let mut rows = statement.query(named_params! {
        ":from": ticks.start(),
        ":to": ticks.end(),
        ":inventory": query.inventory.map(key),
        ":item": query.item,
        ":limit": i64::try_from(query.limit).unwrap_or(i64::MAX),
    })?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

/// Reads the matching changes, each as a separate tick.
fn changes(
    tx: &Transaction,
    query: &HistoryQuery,
    ticks: &RangeInclusive<i64>,
) -> Result<Vec<StoredTick>, Failure> {
    let select = format!("SELECT * FROM history WHERE {} ORDER BY tick, number", filter(query));
    let mut statement = tx.prepare_cached(&select)?;
    let mut rows = statement.query(named_params! {
        ":from": ticks.start(),
        ":to": ticks.end(),
        ":inventory": query.inventory.map(key),
        ":item": query.item,
    })?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (tick, time) = tick_and_time(row)?;
        let change = change(row)?;
        check(row, "history", change.checksum(tick, time))?;
        found.push(StoredTick { tick, time, changes: vec![change], notes: Vec::new() });
    }
    Ok(found)
}

/// Reads the matching notes, each as a separate tick.
fn notes(
    tx: &Transaction,
    query: &HistoryQuery,
    ticks: &RangeInclusive<i64>,
) -> Result<Vec<StoredTick>, Failure> {
    let select = "SELECT * FROM notes WHERE tick BETWEEN :from AND :to \
                  AND (:inventory IS NULL OR inventory = :inventory) ORDER BY tick, number";
    let mut statement = tx.prepare_cached(select)?;
    let mut rows = statement.query(named_params! {
        ":from": ticks.start(),
        ":to": ticks.end(),
        ":inventory": query.inventory.map(key),
    })?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (tick, time) = tick_and_time(row)?;
        let inventory = InventoryId::from_bits(row.get::<_, i64>("inventory")?.cast_unsigned());
        let note = StoredNote { inventory, note: row.get("note")? };
        check(row, "notes", note.checksum(tick, time))?;
        found.push(StoredTick { tick, time, changes: Vec::new(), notes: vec![note] });
    }
    Ok(found)
}

fn tick_and_time(row: &Row) -> Result<(u64, u64), rusqlite::Error> {
    let (tick, time) = (row.get::<_, i64>("tick")?, row.get::<_, i64>("time")?);
    Ok((tick.cast_unsigned(), time.cast_unsigned()))
}

/// Compares a row with its checksum.
fn check(row: &Row, table: &str, expected: u64) -> Result<(), Failure> {
    let checksum: Option<i64> = row.get("checksum")?;
    if checksum.is_none_or(|checksum| checksum.cast_unsigned() == expected) {
        return Ok(());
    }
    let number: i64 = row.get("number")?;
    let what = format!("row {number} of the table `{table}` does not match its checksum");
    Err(StoreError::DamagedHistory { what }.into())
}

/// Returns the condition for rows of the history, such that SQLite can use an index.
fn filter(query: &HistoryQuery) -> &'static str {
    match (&query.inventory, &query.item) {
        (None, None) => "tick BETWEEN :from AND :to AND :inventory IS NULL AND :item IS NULL",
        (Some(_), None) => {
            "(inventory = :inventory OR actor = :inventory) AND tick BETWEEN :from AND :to \
             AND :item IS NULL"
        }
        (None, Some(_)) => {
            "(old_item = :item OR new_item = :item) AND tick BETWEEN :from AND :to \
             AND :inventory IS NULL"
        }
        (Some(_), Some(_)) => {
            "(inventory = :inventory OR actor = :inventory) AND tick BETWEEN :from AND :to \
             AND (old_item = :item OR new_item = :item)"
        }
    }
}

fn change(row: &Row) -> Result<StoredChange, rusqlite::Error> {
    let inventory = InventoryId::from_bits(row.get::<_, i64>("inventory")?.cast_unsigned());
    let actor = row.get::<_, Option<i64>>("actor")?;
    let actor = actor.map(|actor| InventoryId::from_bits(actor.cast_unsigned()));
    let slot: u16 = row.get("slot")?;
    let (old, new) = (stack(row, slot, "old")?, stack(row, slot, "new")?);
    let cause = Cow::Owned(row.get("cause")?);
    Ok(StoredChange { inventory, container: row.get("container")?, slot, old, new, cause, actor })
}

fn stack(row: &Row, slot: u16, side: &str) -> Result<Option<SavedStack>, rusqlite::Error> {
    let column = |name: &str| format!("{side}_{name}");
    let Some(item) = row.get(column("item").as_str())? else { return Ok(None) };
    let name: Option<String> = row.get(column("data_type").as_str())?;
    let bytes: Option<Vec<u8>> = row.get(column("data").as_str())?;
    let data = name.zip(bytes).map(|(name, bytes)| SavedData { name, bytes });
    let (count, wear) = (row.get(column("count").as_str())?, row.get(column("wear").as_str())?);
    Ok(Some(SavedStack { slot, item, count, wear, data }))
}
