//! Errors of transactions.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::{model::id::InventoryId, store::error::StoreError};

/// Why a transaction ended.
pub(super) enum Failure {
    Store(StoreError),
    Sqlite(rusqlite::Error),
}

impl Failure {
    /// Converts it to an error that names the file.
    pub(super) fn explain(self, path: &Path) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sqlite(error) => describe(path, &error),
        }
    }

    /// Reports a value that cannot be read as damage of this record.
    pub(super) fn in_record(self, id: InventoryId) -> Self {
        match self {
            Self::Sqlite(error) if is_damage(&error) => {
                Self::Store(StoreError::Damaged { id, what: error.to_string() })
            }
            other => other,
        }
    }
}

/// Returns `true` if a value in the file has the wrong type, or is not text.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
    )
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Converts an SQLite error to a [`StoreError`].
pub(super) fn describe(path: &Path, error: &rusqlite::Error) -> StoreError {
    let (path, place) = (path.to_owned(), path.display().to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { place },
        Some(ErrorCode::DiskFull) => StoreError::Full { place },
        Some(ErrorCode::DatabaseCorrupt) => {
            StoreError::DamagedFile { path, what: error.to_string() }
        }
        None if is_damage(error) => StoreError::DamagedFile { path, what: error.to_string() },
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore { path },
        _ => StoreError::Failed(format!("{}: {error}", path.display())),
    }
}
