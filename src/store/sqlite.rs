//! A store in one SQLite file, for one game server.
//!
//! The file can be opened with other tools at any time. Its tables are described in `sqlite/schema.sql`, and by
//! `.schema` in the file itself.

mod failure;
mod history;
mod migrations;
mod read;
mod reader;
mod write;

use failure::{Failure, describe};
pub use reader::SqliteReader;

/// The library that reads and writes the file, for tools.
pub use rusqlite;

use core::time::Duration;
use std::{
    collections::BTreeMap,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

use crate::model::id::InventoryId;

use super::{
    Claim, Store,
    archive::Archived,
    batch::{Batch, Fence, Rejected},
    error::StoreError,
    history::{History, HistoryQuery},
    record::StoredInventory,
};

/// Identifies the file as a store of inventories.
const APPLICATION_ID: i32 = 0x0042_4953;

/// Version of the tables.
const FORMAT: u32 = 2;

/// How long changes are kept.
const KEEP_HISTORY: Duration = Duration::from_secs(30 * 24 * 3600);

const SCHEMA: &str = include_str!("sqlite/schema.sql");

/// A store in one SQLite file. Every commit has reached the disk when it returns.
///
/// Only one game server can use a file at a time. Its lock, a file of the same name with `-lock` appended, is released
/// when the process ends, even if it is killed.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    server: String,
    /// The last batch: its number, and what was rejected. It was carried out if the file has its number.
    last: (u64, Vec<Rejected>),
    keep_history: Duration,
    _lock: File,
}

impl SqliteStore {
    /// Opens or creates a file. Reads the whole file once to check it.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`] if another game server uses the file, [`StoreError::NotAStore`],
    /// [`StoreError::UnsupportedFormat`], [`StoreError::ReadOnly`], [`StoreError::DamagedFile`], or
    /// [`StoreError::Failed`] if it cannot be opened.
    pub fn open(path: impl Into<PathBuf>, server: impl Into<String>) -> Result<Self, StoreError> {
        let (path, server) = (path.into(), server.into());
        let lock = lock(&path)?;
        let failed = |error| describe(&path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        prepare(&mut connection, &path)?;
        let last = (0, Vec::new());
        let keep_history = KEEP_HISTORY;
        let mut store = Self { connection, path, server, last, keep_history, _lock: lock };
        store.end_claims()?;
        Ok(store)
    }

    /// Sets how long changes are kept for [`history`](Store::history). Zero for none. Default: 30 days.
    ///
    /// ```
    /// # use core::time::Duration;
    /// # use bevy_inventory_sync::store::{InventoryStorePlugin, sqlite::SqliteStore};
    /// const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
    ///
    /// let open = || Ok(SqliteStore::open("world.db", "server")?.keep_history(WEEK));
    /// let plugin = InventoryStorePlugin::new(open);
    /// ```
    #[must_use]
    pub fn keep_history(self, time: Duration) -> Self {
        Self { keep_history: time, ..self }
    }

    /// Ends the claims of processes that used the file before. The lock shows that none of them is alive.
    fn end_claims(&mut self) -> Result<(), StoreError> {
        self.transaction(|tx, _| {
            tx.execute("UPDATE inventories SET owner = NULL WHERE owner IS NOT NULL", [])?;
            tx.execute("DELETE FROM world WHERE key = 'batch'", [])?;
            Ok(())
        })
    }

    /// Runs a transaction, which is rolled back if it returns an error.
    fn transaction<T>(
        &mut self,
        run: impl FnOnce(&Transaction, &str) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let tx = begun.map_err(|error| describe(path, &error))?;
        let result = run(&tx, &self.server).map_err(|failure| failure.explain(path))?;
        tx.commit().map_err(|error| describe(path, &error))?;
        Ok(result)
    }
}

/// The stored header of an inventory.
struct Header {
    version: u64,
    fence: Fence,
    owner: Option<String>,
    deleted: bool,
}

/// Returns the key of an inventory in all tables.
fn key(id: InventoryId) -> i64 {
    id.to_bits().cast_signed()
}

fn header(tx: &Transaction, id: InventoryId) -> Result<Option<Header>, rusqlite::Error> {
    let select = "SELECT version, fence, owner, deleted FROM inventories WHERE id = ?";
    let mut statement = tx.prepare_cached(select)?;
    let header = |row: &rusqlite::Row| {
        Ok(Header {
            version: row.get::<_, i64>(0)?.cast_unsigned(),
            fence: Fence(row.get::<_, i64>(1)?.cast_unsigned()),
            owner: row.get(2)?,
            deleted: row.get(3)?,
        })
    };
    statement.query_row([key(id)], header).optional()
}

impl Store for SqliteStore {
    fn claim(&mut self, id: InventoryId) -> Result<Claim, StoreError> {
        self.transaction(|tx, server| {
            let header = header(tx, id)?;
            if header.as_ref().is_some_and(|header| header.deleted) {
                return Err(StoreError::Deleted { id }.into());
            }
            let owner = header.as_ref().and_then(|header| header.owner.clone());
            if let Some(by) = owner.filter(|owner| owner != server) {
                return Err(StoreError::Owned { id, by }.into());
            }
            let version = header.as_ref().map_or(0, |header| header.version);
            let found = match &header {
                Some(_) => read::stored(tx, id).map_err(|failure| failure.in_record(id))?,
                None => None,
            };
            let fence = Fence(1 + header.as_ref().map_or(0, |header| header.fence.0));
            write::claim(tx, id, server, fence, header.is_none())?;
            Ok(Claim { fence, version, found })
        })
    }

    fn load(&mut self, id: InventoryId) -> Result<Option<StoredInventory>, StoreError> {
        self.transaction(|tx, _| match header(tx, id)?.filter(|header| !header.deleted) {
            Some(_) => read::stored(tx, id).map_err(|failure| failure.in_record(id)),
            None => Ok(None),
        })
    }

    fn commit(&mut self, batch: &Batch) -> Result<Vec<Rejected>, StoreError> {
        let last = core::mem::take(&mut self.last);
        let mut result = (batch.id, Vec::new());
        let keep_history = self.keep_history;
        let committed = self.transaction(|tx, server| {
            result.1 = if batch.id != 0 && last.0 == batch.id && read::batch(tx)? == batch.id {
                last.1
            } else {
                let rejected = write::batch(tx, server, batch)?;
                history::write(tx, batch, &rejected, keep_history)?;
                rejected
            };
            Ok(())
        });
        self.last = result;
        committed.map(|()| self.last.1.clone())
    }

    fn release(&mut self, inventories: &[(InventoryId, Fence)]) -> Result<(), StoreError> {
        self.transaction(|tx, server| {
            let update =
                "UPDATE inventories SET owner = NULL WHERE id = ? AND owner = ? AND fence <= ?";
            let mut statement = tx.prepare_cached(update)?;
            for (id, fence) in inventories {
                statement.execute(params![key(*id), server, fence.0.cast_signed()])?;
            }
            Ok(())
        })
    }

    fn list(&mut self) -> Result<Vec<InventoryId>, StoreError> {
        self.transaction(|tx, _| Ok(read::list(tx)?))
    }

    fn latest_tick(&mut self) -> Result<u64, StoreError> {
        self.transaction(|tx, _| Ok(read::tick(tx)?))
    }

    fn archive(&mut self, tick: u64, copies: &[Archived]) -> Result<(), StoreError> {
        self.transaction(|tx, server| Ok(write::copies(tx, server, tick, copies)?))
    }

    fn versions(&mut self) -> Result<Vec<(InventoryId, u64)>, StoreError> {
        self.transaction(|tx, _| Ok(read::versions(tx)?))
    }

    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError> {
        self.transaction(|tx, _| history::read(tx, query))
    }

    fn read_copy(&mut self, id: InventoryId) -> Result<Archived, StoreError> {
        self.transaction(|tx, _| {
            let missing = || StoreError::Damaged { id, what: "it has no record".into() };
            let Header { version, fence, deleted, .. } = header(tx, id)?.ok_or_else(missing)?;
            if deleted {
                return Ok(Archived { id, fence, version, stored: None });
            }
            let stored = read::stored(tx, id).map_err(|failure| failure.in_record(id))?;
            let stored = Some(Arc::new(stored.ok_or_else(missing)?));
            Ok(Archived { id, fence, version, stored })
        })
    }
}

/// Locks a store for this process.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { place: path.display().to_string() }
        }
        _ => StoreError::Failed(format!("{}: {error}", name.display())),
    };
    let options = File::options().create(true).truncate(false).write(true).clone();
    let file = options.open(&name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Checks that a file is a store that can be read, and creates its tables if it is new.
fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error| describe(path, &error);
    let number = |connection: &Connection, pragma: &str| {
        connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)).map_err(failed)
    };
    let id = number(connection, "application_id")?;
    let found = number(connection, "user_version")?.cast_unsigned();
    let tables = number(connection, "schema_version")?;
    if tables != 0 && id != APPLICATION_ID {
        return Err(StoreError::NotAStore { path: path.to_owned() });
    }
    if found > FORMAT {
        let place = path.display().to_string();
        return Err(StoreError::UnsupportedFormat { place, found, supported: FORMAT });
    }
    connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
    connection.pragma_update(None, "cell_size_check", true).map_err(failed)?;
    if tables != 0 {
        migrations::run(connection, found).map_err(failed)?;
        check_tables(connection, path)?;
        check_pages(connection, path)?;
    } else {
        let tx = connection.transaction().map_err(failed)?;
        tx.execute_batch(SCHEMA).map_err(failed)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        tx.pragma_update(None, "user_version", FORMAT).map_err(failed)?;
        tx.commit().map_err(failed)?;
    }
    Ok(())
}

/// Checks that the tables are those of this format. A file may also have other tables.
fn check_tables(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error| describe(path, &error);
    let expected = expected_statements().map_err(failed)?;
    let found: BTreeMap<_, _> = statements(connection).map_err(failed)?.into_iter().collect();
    match expected.iter().find(|(name, sql)| found.get(name) != Some(sql)) {
        Some((name, _)) => Err(StoreError::DamagedFile {
            path: path.to_owned(),
            what: format!("the table `{name}` is not that of format {FORMAT}"),
        }),
        None => Ok(()),
    }
}

/// Returns the tables, indexes and views of a file by name, with their statements, in the order in which they were created.
fn statements(connection: &Connection) -> Result<Vec<(String, String)>, rusqlite::Error> {
    let select = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
    let mut statement = connection.prepare(select)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Returns the statements of this format.
fn expected_statements() -> Result<Vec<(String, String)>, rusqlite::Error> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    statements(&connection)
}

/// Checks the structure of all pages. A damaged page may otherwise look as if an inventory had never been stored.
fn check_pages(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let check = connection.pragma_query_value(None, "quick_check", |row| row.get::<_, String>(0));
    match check.map_err(|error| describe(path, &error))?.as_str() {
        "ok" if read::has_all_ids(connection).map_err(|error| describe(path, &error))? => Ok(()),
        "ok" => Err(StoreError::DamagedFile {
            path: path.to_owned(),
            what: "an inventory has disappeared or appeared".into(),
        }),
        what => Err(StoreError::DamagedFile { path: path.to_owned(), what: what.to_owned() }),
    }
}
