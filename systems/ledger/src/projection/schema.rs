//! The tables.

use rusqlite::Connection;

/// The version of these tables. A file of another version is not migrated: projections are made again from the log,
/// beside the old ones, so that no migration can be half done.
pub const SCHEMA_VERSION: i64 = 1;

/// Rows of a statement lie together by account; positions are next to them, in the same file.
const TABLES: &str = "
CREATE TABLE positions (
    partition INTEGER PRIMARY KEY,
    next      INTEGER NOT NULL
);
CREATE TABLE accounts (
    key     INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    balance INTEGER NOT NULL CHECK (balance >= 0),
    at_ms   INTEGER NOT NULL
);
CREATE TABLE statement (
    account  INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    change   INTEGER NOT NULL,
    balance  INTEGER NOT NULL,
    request  TEXT NOT NULL,
    other    TEXT,
    PRIMARY KEY (account, sequence)
) WITHOUT ROWID;
CREATE TABLE days (
    day         INTEGER PRIMARY KEY,
    events      INTEGER NOT NULL,
    deposited   INTEGER NOT NULL,
    withdrawn   INTEGER NOT NULL,
    transferred INTEGER NOT NULL
);
CREATE TABLE totals (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    events    INTEGER NOT NULL,
    put_in    INTEGER NOT NULL,
    under_way INTEGER NOT NULL
);
INSERT INTO totals VALUES (1, 0, 0, 0);
";

/// Makes the tables in a new file; false if the file has those of another version.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<bool> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        // In the file's header, so in the same transaction as the tables.
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
        return Ok(true);
    }
    Ok(version == SCHEMA_VERSION)
}
