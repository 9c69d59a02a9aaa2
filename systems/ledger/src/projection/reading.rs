//! Reading: what the bank says of itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use serde::Serialize;

use super::store::ProjectionError;
use crate::account::AccountId;

/// Most lines of one page of a statement.
const MOST_LINES: u64 = 1_000;
const BUSY: Duration = Duration::from_secs(5);

/// An account. Amounts are in cents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountRow {
    /// Its name.
    pub account: String,
    /// How many events it has.
    pub version: u64,
    /// What it may spend.
    pub balance: i64,
    /// When its last event was decided, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// A line of a statement. Amounts are in cents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The event's number.
    pub sequence: u64,
    /// When it was decided, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What happened.
    pub kind: String,
    /// By how much the balance changed.
    pub change: i64,
    /// The balance after it.
    pub balance: i64,
    /// The request that it goes back to.
    pub request: String,
    /// The other account of a transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
}

/// A day, in UTC. Amounts are in cents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayRow {
    /// As 2026-01-31.
    pub day: String,
    /// Events of all kinds.
    pub events: u64,
    /// What came from outside.
    pub deposited: i64,
    /// What went to the outside.
    pub withdrawn: i64,
    /// What arrived from other accounts.
    pub transferred: i64,
}

/// The whole bank, in one read. Amounts are in cents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Accounts with a history.
    pub accounts: u64,
    /// Their events.
    pub events: u64,
    /// The sum of all balances.
    pub balances: i64,
    /// What left an account and is in no other. Below zero while a partition that received is ahead of one that sent.
    pub under_way: i64,
    /// Deposits less withdrawals.
    pub put_in: i64,
    /// Whether `balances + under_way` is `put_in`.
    pub conserved: bool,
}

/// The reading side of one file of projections.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    /// Opens a file that a [`Projection`](super::Projection) has made.
    ///
    /// # Errors
    /// [`ProjectionError::Sqlite`].
    pub fn open(path: &Path) -> Result<Self, ProjectionError> {
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.busy_timeout(BUSY)?;
            Ok(connection)
        };
        let connection = open().map_err(|source| ProjectionError::Sqlite {
            what: "open",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// An account; none if it has no history here.
    ///
    /// # Errors
    /// [`ProjectionError::Sqlite`].
    pub fn account(&self, id: &AccountId) -> Result<Option<AccountRow>, ProjectionError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT id, version, balance, at_ms FROM accounts WHERE id = ?1")?
                .query_row([id.as_str()], |row| {
                    Ok(AccountRow {
                        account: row.get(0)?,
                        version: row.get(1)?,
                        balance: row.get(2)?,
                        at_ms: row.get(3)?,
                    })
                })
                .optional()
        };
        read().map_err(|source| self.failed(source))
    }

    /// Lines of an account from this number on, in order; at most 1,000.
    ///
    /// # Errors
    /// [`ProjectionError::Sqlite`].
    pub fn statement(&self, id: &AccountId, from: u64, limit: u64) -> Result<Vec<Line>, ProjectionError> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let limit = i64::try_from(limit.min(MOST_LINES)).unwrap_or(i64::MAX);
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT sequence, s.at_ms, kind, change, s.balance, request, other
                     FROM statement s JOIN accounts a ON a.key = s.account
                     WHERE a.id = ?1 AND sequence >= ?2 ORDER BY sequence LIMIT ?3",
                )?
                .query_map(rusqlite::params![id.as_str(), from, limit], line)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// The last days with events, newest first.
    ///
    /// # Errors
    /// [`ProjectionError::Sqlite`].
    pub fn days(&self, limit: u64) -> Result<Vec<DayRow>, ProjectionError> {
        let limit = i64::try_from(limit.min(MOST_LINES)).unwrap_or(i64::MAX);
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT date(day * 86400, 'unixepoch'), events, deposited, withdrawn, transferred
                     FROM days ORDER BY day DESC LIMIT ?1",
                )?
                .query_map([limit], |row| {
                    Ok(DayRow {
                        day: row.get::<_, Option<String>>(0)?.unwrap_or_default(),
                        events: row.get(1)?,
                        deposited: row.get(2)?,
                        withdrawn: row.get(3)?,
                        transferred: row.get(4)?,
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|source| self.failed(source))
    }

    /// The whole bank, in one statement and so of one moment.
    ///
    /// # Errors
    /// [`ProjectionError::Sqlite`].
    pub fn totals(&self) -> Result<Totals, ProjectionError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT (SELECT count(*) FROM accounts), events,
                            (SELECT coalesce(sum(balance), 0) FROM accounts), under_way, put_in
                     FROM totals",
                )?
                .query_row([], |row| {
                    let (balances, under_way, put_in): (i64, i64, i64) =
                        (row.get(2)?, row.get(3)?, row.get(4)?);
                    Ok(Totals {
                        accounts: row.get(0)?,
                        events: row.get(1)?,
                        balances,
                        under_way,
                        put_in,
                        conserved: balances.checked_add(under_way) == Some(put_in),
                    })
                })
        };
        read().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: rusqlite::Error) -> ProjectionError {
        ProjectionError::Sqlite {
            what: "read",
            path: self.path.clone(),
            source,
        }
    }
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        sequence: row.get(0)?,
        at_ms: row.get(1)?,
        kind: row.get(2)?,
        change: row.get(3)?,
        balance: row.get(4)?,
        request: row.get(5)?,
        other: row.get(6)?,
    })
}
