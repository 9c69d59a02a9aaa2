//! The history of the rows, read back.

use postgres::fallible_iterator::FallibleIterator;

use super::database::{Database, query};
use super::error::RowError;

/// Changes that are read at most: 5 million, some gigabytes of rows.
pub const MOST_CHANGES: u64 = 5_000_000;

/// One committed change, as the history table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryLine {
    /// Its number: drawn after the row was locked, so that of the changes of one row the later has the higher.
    pub sequence: i64,
    /// The table.
    pub table: String,
    /// `c`, `u` or `d`.
    pub operation: String,
    /// The row before, as a JSON object of texts.
    pub before: Option<String>,
    /// The row after.
    pub after: Option<String>,
    /// Transaction, lower 32 bits.
    pub transaction: u64,
    /// Position in the write-ahead log at which the change was made, in bytes.
    pub wal_position: u64,
}

/// Reads the whole history in order.
///
/// # Errors
/// No connection; more than [`MOST_CHANGES`] lines; what `take` says of a line.
pub fn read(
    database: &Database,
    take: &mut dyn FnMut(HistoryLine) -> Result<(), String>,
) -> Result<u64, RowError> {
    let mut client = database.connect()?;
    let failed = query("reading the history");
    let mut lines = client
        .query_raw(
            "SELECT sequence, table_name, operation, before::text, after::text, transaction, wal_position \
             FROM highwater_history ORDER BY sequence",
            std::iter::empty::<&str>(),
        )
        .map_err(&failed)?;
    let mut read = 0;
    while let Some(row) = lines.next().map_err(&failed)? {
        let sequence = row.get(0);
        let wrong = |reason| RowError::History { sequence, reason };
        if read == MOST_CHANGES {
            return Err(wrong(format!("more than {MOST_CHANGES} changes can't be judged")));
        }
        read += 1;
        take(HistoryLine {
            sequence,
            table: row.get(1),
            operation: row.get(2),
            before: row.get(3),
            after: row.get(4),
            transaction: row.get::<_, i64>(5).cast_unsigned(),
            wal_position: row.get::<_, i64>(6).cast_unsigned(),
        })
        .map_err(wrong)?;
    }
    Ok(read)
}
