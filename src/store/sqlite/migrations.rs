//! Makes a file of an earlier format one of the current format.

use rusqlite::Connection;

use super::{FORMAT, SCHEMA};

/// Adds what a file of this format does not have.
pub(super) fn run(connection: &mut Connection, format: u32) -> Result<(), rusqlite::Error> {
    if format >= FORMAT {
        return Ok(());
    }
    // Format 2 added the history. Statements of other tables are already in the file.
    let expected = Connection::open_in_memory()?;
    expected.execute_batch(SCHEMA)?;
    let tx = connection.transaction()?;
    let select = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
    let mut statement = expected.prepare(select)?;
    let tables =
        statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    for table in tables {
        let (name, sql) = table?;
        let exists = "SELECT count(*) FROM sqlite_schema WHERE name = ?";
        if tx.query_row(exists, [&name], |row| row.get::<_, i64>(0))? == 0 {
            tx.execute_batch(&sql)?;
        }
    }
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()
}
