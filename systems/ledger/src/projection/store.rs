//! Writing: a batch of events becomes one transaction of SQLite.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::rows::{Balance, Sums};
use super::schema;
use crate::account::{AccountId, Event, Fact};

/// How long a writer waits for a lock; only checkpoints take one.
const BUSY: Duration = Duration::from_secs(5);
/// Pages kept in memory, in KiB (the sign is SQLite's way to say so).
const CACHE_KIB: i64 = -65_536;

/// An event and where it lies in the log.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Partition of the events topic.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// What happened.
    pub event: Event,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Events that changed rows.
    pub new: usize,
    /// Events that were there before.
    pub repeated: usize,
}

/// Why a projection can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// SQLite refused.
    #[error("can't {what} {}", .path.display())]
    Sqlite {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
    /// The directory can't be used.
    #[error("can't {what} {}", .path.display())]
    Files {
        /// What was tried.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The tables are of another version of this program.
    #[error("{} has tables of another version: delete it, or let it be made again beside", .path.display())]
    Schema {
        /// The file.
        path: PathBuf,
    },
    /// Another process has the directory.
    #[error("another process keeps its projections in {}: give each instance a --directory of its own", .directory.display())]
    InUse {
        /// The directory.
        directory: PathBuf,
    },
    /// An event is missing.
    #[error(
        "event {sequence} of {account} at {partition}@{offset} came where {expected} was due: something else wrote to the topic, or records are gone"
    )]
    Gap {
        /// Of which account.
        account: AccountId,
        /// The number that was due.
        expected: u64,
        /// The number that came.
        sequence: u64,
        /// Partition of the events topic.
        partition: i32,
        /// Its offset there.
        offset: i64,
    },
    /// The balance does not follow from the one before.
    #[error(
        "the balance in event {sequence} of {account} at {partition}@{offset} does not follow from the one before"
    )]
    Balance {
        /// Of which account.
        account: AccountId,
        /// Which event.
        sequence: u64,
        /// Partition of the events topic.
        partition: i32,
        /// Its offset there.
        offset: i64,
    },
}

impl ProjectionError {
    /// The partition whose events can't be applied; none if it is not a matter of events.
    pub fn partition(&self) -> Option<i32> {
        match self {
            Self::Gap { partition, .. } | Self::Balance { partition, .. } => Some(*partition),
            Self::Sqlite { .. } | Self::Files { .. } | Self::Schema { .. } | Self::InUse { .. } => None,
        }
    }
}

/// The writing side of one file of projections; one per file.
#[derive(Debug)]
pub struct Projection {
    connection: Connection,
    path: PathBuf,
}

impl Projection {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`ProjectionError::Sqlite`], [`ProjectionError::Schema`].
    pub fn open(path: &Path) -> Result<Self, ProjectionError> {
        let failed = |what| {
            move |source| ProjectionError::Sqlite {
                what,
                path: path.to_owned(),
                source,
            }
        };
        let mut connection = Connection::open(path).map_err(failed("open"))?;
        let settle = || -> rusqlite::Result<()> {
            connection.busy_timeout(BUSY)?;
            // Readers go on beside the writer. A power cut may take the last transactions, whole, with their positions:
            // they are read from the log again.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.pragma_update(None, "cache_size", CACHE_KIB)
        };
        settle().map_err(failed("set up"))?;
        if !schema::prepare(&mut connection).map_err(failed("make the tables of"))? {
            return Err(ProjectionError::Schema {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The next offset of each partition that was ever read.
    ///
    /// # Errors
    /// [`ProjectionError::Sqlite`].
    pub fn positions(&self) -> Result<BTreeMap<i32, i64>, ProjectionError> {
        let read = || -> rusqlite::Result<BTreeMap<i32, i64>> {
            let mut statement = self.connection.prepare("SELECT partition, next FROM positions")?;
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        read().map_err(|source| self.failed("read the positions of", source))
    }

    /// Applies a batch: all of it, or nothing.
    ///
    /// # Errors
    /// [`ProjectionError`]; with [`ProjectionError::partition`] when events of one partition are to blame.
    pub fn apply(&mut self, batch: &[Placed]) -> Result<Applied, ProjectionError> {
        let path = self.path.clone();
        let failed = |what| move |source| ProjectionError::Sqlite { what, path, source };
        let transaction = self
            .connection
            .transaction()
            .map_err(failed.clone()("write to"))?;
        let mut sums = Sums::default();
        let mut next: BTreeMap<i32, i64> = BTreeMap::new();
        let (mut balances, mut fresh) = (HashMap::new(), Vec::with_capacity(batch.len()));
        let mut applied = Applied::default();
        for placed in batch {
            let id = &placed.event.account;
            let balance = match balances.get_mut(id) {
                Some(balance) => balance,
                None => {
                    let row = row(&transaction, id).map_err(failed.clone()("read an account of"))?;
                    balances.entry(id.clone()).or_insert(row)
                }
            };
            let end = next.entry(placed.partition).or_default();
            *end = (*end).max(placed.offset + 1);
            if balance.take(placed)? {
                sums.add(&placed.event);
                fresh.push((balance.key, &placed.event));
                applied.new += 1;
            } else {
                applied.repeated += 1;
            }
        }
        // Neighbours in the table are written one after the other.
        fresh.sort_unstable_by_key(|(key, event)| (*key, event.sequence));
        write(&transaction, &fresh, &balances, &sums, &next).map_err(failed.clone()("write to"))?;
        transaction.commit().map_err(failed("commit to"))?;
        Ok(applied)
    }

    fn failed(&self, what: &'static str, source: rusqlite::Error) -> ProjectionError {
        ProjectionError::Sqlite {
            what,
            path: self.path.clone(),
            source,
        }
    }
}

/// The row of an account, made if it is not there.
fn row(transaction: &Transaction<'_>, id: &AccountId) -> rusqlite::Result<Balance> {
    let found = transaction
        .prepare_cached("SELECT key, version, balance, at_ms FROM accounts WHERE id = ?1")?
        .query_row([id.as_str()], |row| {
            Ok(Balance {
                key: row.get(0)?,
                version: row.get(1)?,
                balance: row.get(2)?,
                at_ms: row.get(3)?,
            })
        })
        .optional()?;
    if let Some(found) = found {
        return Ok(found);
    }
    transaction
        .prepare_cached("INSERT INTO accounts (id, version, balance, at_ms) VALUES (?1, 0, 0, 0)")?
        .execute([id.as_str()])?;
    Ok(Balance {
        key: transaction.last_insert_rowid(),
        ..Balance::default()
    })
}

fn write(
    transaction: &Transaction<'_>,
    fresh: &[(i64, &Event)],
    balances: &HashMap<AccountId, Balance>,
    sums: &Sums,
    next: &BTreeMap<i32, i64>,
) -> rusqlite::Result<()> {
    let mut line = transaction.prepare_cached(
        "INSERT INTO statement (account, sequence, at_ms, kind, change, balance, request, other)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (key, event) in fresh {
        let (request, other) = names(event);
        let Event {
            sequence,
            at_ms,
            balance,
            fact,
            ..
        } = event;
        line.execute(params![
            key,
            sequence,
            at_ms,
            fact.name(),
            fact.change(),
            balance.signed(),
            request,
            other
        ])?;
    }
    let mut account = transaction
        .prepare_cached("UPDATE accounts SET version = ?2, balance = ?3, at_ms = ?4 WHERE key = ?1")?;
    for balance in balances.values() {
        account.execute(params![
            balance.key,
            balance.version,
            balance.balance,
            balance.at_ms
        ])?;
    }
    let mut day = transaction.prepare_cached(
        "INSERT INTO days VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (day) DO UPDATE SET
         events = events + ?2, deposited = deposited + ?3, withdrawn = withdrawn + ?4, transferred = transferred + ?5",
    )?;
    for (number, sums) in &sums.days {
        day.execute(params![
            number,
            sums.events,
            sums.deposited,
            sums.withdrawn,
            sums.transferred
        ])?;
    }
    transaction.execute(
        "UPDATE totals SET events = events + ?1, put_in = put_in + ?2, under_way = under_way + ?3",
        params![sums.events, sums.put_in, sums.under_way],
    )?;
    let mut position = transaction.prepare_cached(
        "INSERT INTO positions VALUES (?1, ?2) ON CONFLICT (partition) DO UPDATE SET next = max(next, ?2)",
    )?;
    for (partition, next) in next {
        position.execute(params![partition, next])?;
    }
    Ok(())
}

/// The request and the other account that a line of a statement names.
fn names(event: &Event) -> (&str, Option<&str>) {
    match &event.fact {
        Fact::Deposited { request, .. }
        | Fact::Withdrawn { request, .. }
        | Fact::TransferCompleted { request }
        | Fact::TransferReversed { request, .. } => (request.as_str(), None),
        Fact::TransferBegun { request, to, .. } => (request.as_str(), Some(to.as_str())),
        Fact::TransferReceived { transfer, .. } | Fact::TransferDeclined { transfer, .. } => {
            (transfer.request.as_str(), Some(transfer.from.as_str()))
        }
    }
}
