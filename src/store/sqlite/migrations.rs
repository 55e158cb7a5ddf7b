//! Migrates files of earlier formats to the current one.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{FORMAT, expected_statements, statements};

/// Adds what a file of this format does not have.
pub(super) fn run(connection: &mut Connection, format: u32) -> Result<(), rusqlite::Error> {
    if format >= FORMAT {
        return Ok(());
    }
    // Format 2 added the history, and changed nothing that was there.
    let existing: BTreeMap<_, _> = statements(connection)?.into_iter().collect();
    let tx = connection.transaction()?;
    for (name, sql) in expected_statements()? {
        if !existing.contains_key(&name) {
            tx.execute_batch(&sql)?;
        }
    }
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()
}
