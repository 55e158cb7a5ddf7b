//! Reads a database file while a game server writes to it.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Transaction};

use crate::store::{
    error::StoreError,
    history::{History, HistoryQuery},
    reader::StoreReader,
};

use super::{APPLICATION_ID, FORMAT, Failure, describe, history, read};

/// Reads a database file while a game server writes to it.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Connection,
    path: PathBuf,
}

impl SqliteReader {
    /// Opens a database file that a game server uses. The file is opened read-only.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotAStore`] if the file is not a store, [`StoreError::UnsupportedFormat`] if its format
    /// differs from the format of this version, or [`StoreError::Failed`] if it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let failed = |error| describe(&path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        let number = |pragma: &str| {
            connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)).map_err(failed)
        };
        if number("application_id")? != APPLICATION_ID {
            return Err(StoreError::NotAStore { path });
        }
        let found = number("user_version")?.cast_unsigned();
        if found != FORMAT {
            let place = path.display().to_string();
            return Err(StoreError::UnsupportedFormat { place, found, supported: FORMAT });
        }
        Ok(Self { connection, path })
    }

    fn transaction<T>(
        &mut self,
        run: impl FnOnce(&Transaction) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let path = &self.path;
        let tx = self.connection.transaction().map_err(|error| describe(path, &error))?;
        run(&tx).map_err(|failure| failure.explain(path))
    }
}

impl StoreReader for SqliteReader {
    fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError> {
        self.transaction(|tx| history::read(tx, query))
    }

    fn latest_tick(&mut self) -> Result<u64, StoreError> {
        self.transaction(|tx| Ok(read::tick(tx)?))
    }
}
