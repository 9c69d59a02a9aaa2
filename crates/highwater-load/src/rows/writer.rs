//! One writer: transactions when they are due, again until they are committed.
//!
//! Invariant: a change is written once. A transaction that failed before its commit is made again; one whose commit
//! did not return is not, as it may be there: its changes are unknown until the history is read.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use highwater_measure::DueTimes;
use highwater_model::{Outcome, RecordId};
use postgres::{Client, Statement};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::choice::{self, Action, Change};
use super::database::{Database, query};
use super::error::RowError;
use super::load::{RolledBack, Shared};
use super::schema::TABLES;
use crate::{Clock, Ledger};

/// A request to stop is seen at least this often.
const LONGEST_SLEEP: Duration = Duration::from_millis(20);
/// Before a connection is tried again.
const RECONNECT: Duration = Duration::from_millis(100);
/// Failures in a row after which the load is given up although connections can be had.
const MOST_FAILURES: u32 = 50;
/// Bits of a revision for the sequence.
const SEQUENCE_BITS: u32 = 40;

/// The revision that a change leaves in its row.
#[must_use]
pub fn revision_of(writer: u32, sequence: u64) -> i64 {
    (i64::from(writer) << SEQUENCE_BITS) | (sequence & ((1 << SEQUENCE_BITS) - 1)).cast_signed()
}

/// The change that left this revision in a row; [`RecordId::UNSTAMPED`] of rows that were made before the load.
#[must_use]
pub fn record_of(revision: i64) -> RecordId {
    match u32::try_from(revision >> SEQUENCE_BITS) {
        Ok(producer) => RecordId {
            producer,
            sequence: (revision & ((1 << SEQUENCE_BITS) - 1)).cast_unsigned(),
        },
        Err(_) => RecordId::UNSTAMPED,
    }
}

/// A connection with its statements.
pub(super) struct Connection {
    client: Client,
    statements: Vec<[Statement; 3]>,
}

impl Connection {
    pub(super) fn open(database: &Database) -> Result<Self, RowError> {
        let mut client = database.connect()?;
        let failed = query("preparing the statements of a writer");
        let statements = TABLES
            .iter()
            .map(|table| {
                Ok([
                    client.prepare(&table.insert())?,
                    client.prepare(&table.update())?,
                    client.prepare(&table.delete())?,
                ])
            })
            .collect::<Result<_, _>>()
            .map_err(failed)?;
        Ok(Self { client, statements })
    }

    /// Begins a transaction and makes the changes; each gets the revision of its place. Gives the place of a change
    /// whose row is gone, and makes none behind it.
    pub(super) fn write(
        &mut self,
        changes: &[Change],
        revision: &mut dyn FnMut(usize) -> i64,
    ) -> Result<Option<usize>, RowError> {
        let failed = query("changing rows");
        self.client.batch_execute("BEGIN").map_err(&failed)?;
        for (place, change) in changes.iter().enumerate() {
            let [insert, update, delete] = &self.statements[change.table];
            let content = &change.content;
            let revision = revision(place);
            let done = match change.action {
                Action::Delete => self.client.execute(delete, &[&change.id]),
                Action::Insert | Action::Update => self.client.execute(
                    if change.action == Action::Insert {
                        insert
                    } else {
                        update
                    },
                    &[
                        &change.id,
                        &content.text,
                        &content.note,
                        &content.number,
                        &content.decimal,
                        &content.truth,
                        &content.at,
                        &revision,
                    ],
                ),
            };
            if done.map_err(&failed)? == 0 {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn transaction(&mut self) -> Result<u64, RowError> {
        let row = self
            .client
            .query_one("SELECT pg_current_xact_id()::text::bigint & 4294967295", &[])
            .map_err(query("asking for the transaction"))?;
        Ok(row.get::<_, i64>(0).cast_unsigned())
    }

    pub(super) fn commit(&mut self) -> Result<(), RowError> {
        self.client.batch_execute("COMMIT").map_err(query("committing"))
    }

    fn roll_back(&mut self) -> Result<(), RowError> {
        self.client
            .batch_execute("ROLLBACK")
            .map_err(query("rolling back"))
    }
}

/// One writer with all that it needs.
pub(super) struct Writer {
    pub(super) index: u32,
    pub(super) connection: Option<Connection>,
    pub(super) database: Database,
    pub(super) due: DueTimes,
    pub(super) start_ns: u64,
    pub(super) most_changes: u32,
    pub(super) rolled_back: f64,
    pub(super) clock: Clock,
    pub(super) ledger: Arc<Ledger>,
    pub(super) shared: Arc<Shared>,
    pub(super) random: ChaCha8Rng,
}

impl Writer {
    pub(super) fn run(mut self) {
        loop {
            if self.shared.stop.load(Relaxed) || !self.next() {
                break;
            }
        }
        self.shared.working.fetch_sub(1, Relaxed);
    }

    /// The next transaction; false if there is none.
    fn next(&mut self) -> bool {
        let wanted = self.random.random_range(1..=self.most_changes) as usize;
        let times: Vec<u64> = self.due.by_ref().take(wanted).collect();
        let Some(last) = times.last().map(|last| self.start_ns.saturating_add(*last)) else {
            return false;
        };
        if !self.wait_until(last) {
            return false;
        }
        let mut sequences = Vec::with_capacity(times.len());
        for _ in &times {
            let Some(sequence) = self.ledger.push_due(last) else {
                return false;
            };
            sequences.push(sequence);
        }
        self.shared.due.fetch_add(times.len() as u64, Relaxed);
        if self.random.random_bool(self.rolled_back.clamp(0.0, 1.0)) {
            self.roll_one_back();
        }
        let changes = choice::transaction(&self.shared.rows, times.len(), &mut self.random);
        self.remember_deletes(&changes, &sequences);
        self.until_committed(changes, &sequences);
        true
    }

    fn until_committed(&mut self, mut changes: Vec<Change>, sequences: &[u64]) {
        let mut failures = 0;
        loop {
            if self.shared.abandon.load(Relaxed) {
                for sequence in sequences {
                    self.ledger.settle(*sequence, Outcome::Failed);
                }
                return;
            }
            if failures == 0 {
                for sequence in sequences {
                    self.ledger.hand_over(*sequence, self.clock.now_ns());
                }
            }
            let index = self.index;
            let written = self.connected().and_then(|connection| {
                connection.write(&changes, &mut |place| revision_of(index, sequences[place]))
            });
            match written {
                Ok(None) => {}
                Ok(Some(gone)) => {
                    // Somebody deleted the row since it was chosen: another one is made instead.
                    changes[gone].action = Action::Insert;
                    changes[gone].id = self.shared.rows.new_id(changes[gone].table);
                    if self.connected().and_then(Connection::roll_back).is_err() {
                        self.connection = None;
                    }
                    continue;
                }
                Err(error) => {
                    failures += 1;
                    self.shared.tried_again.fetch_add(1, Relaxed);
                    self.lose_connection(&error, failures);
                    continue;
                }
            }
            let committed = self.connected().and_then(Connection::commit);
            match committed {
                Ok(()) => self.committed(&changes, sequences),
                Err(_) => self.unknown(sequences),
            }
            return;
        }
    }

    fn committed(&mut self, changes: &[Change], sequences: &[u64]) {
        let now_ns = self.clock.now_ns();
        for (change, sequence) in changes.iter().zip(sequences) {
            self.ledger.acknowledge(*sequence, now_ns, -1, -1);
            if change.action == Action::Insert {
                self.shared.rows.put(change.table, change.id);
            }
        }
        self.shared.committed.fetch_add(changes.len() as u64, Relaxed);
        self.shared.transactions.fetch_add(1, Relaxed);
    }

    /// The commit did not return: it is not made again, and its rows are left alone.
    fn unknown(&mut self, sequences: &[u64]) {
        self.connection = None;
        for sequence in sequences {
            self.ledger.settle(*sequence, Outcome::Unknown);
        }
        self.shared.unknown.fetch_add(sequences.len() as u64, Relaxed);
    }

    /// A transaction that changes rows and is rolled back: nothing of it may ever be told.
    fn roll_one_back(&mut self) {
        let count = self.random.random_range(1..=self.most_changes) as usize;
        let changes = choice::transaction(&self.shared.rows, count, &mut self.random);
        let done = self.connected().and_then(|connection| {
            connection.write(&changes, &mut |_| -2)?;
            let transaction = connection.transaction()?;
            connection.roll_back()?;
            Ok(transaction)
        });
        for change in changes.iter().filter(|change| change.action == Action::Delete) {
            self.shared.rows.put(change.table, change.id);
        }
        match done {
            Ok(transaction) => {
                self.shared.rolled_back.fetch_add(1, Relaxed);
                self.shared.remember(changes.iter().map(|change| RolledBack {
                    table: TABLES[change.table].name,
                    id: change.id,
                    transaction,
                }));
            }
            Err(_) => self.connection = None,
        }
    }

    fn remember_deletes(&self, changes: &[Change], sequences: &[u64]) {
        let mut deletes = self.shared.deletes.lock().unwrap_or_else(PoisonError::into_inner);
        for (change, sequence) in changes.iter().zip(sequences) {
            if change.action == Action::Delete {
                deletes.insert((change.table, change.id), (self.index, *sequence));
            }
        }
    }

    fn connected(&mut self) -> Result<&mut Connection, RowError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(Connection::open(&self.database)?)),
        }
    }

    /// Servers come back; what fails again and again with a server that answers is a mistake.
    fn lose_connection(&mut self, error: &RowError, failures: u32) {
        self.connection = None;
        match error {
            RowError::Query { source, .. } if source.as_db_error().is_some() && failures > MOST_FAILURES => {
                self.shared.fail(error);
            }
            _ => thread::sleep(RECONNECT),
        }
    }

    /// False if the load is to end before.
    fn wait_until(&self, at_ns: u64) -> bool {
        loop {
            let left = self.clock.until(at_ns);
            if left.is_zero() {
                return true;
            }
            if self.shared.stop.load(Relaxed) {
                return false;
            }
            thread::sleep(left.min(LONGEST_SLEEP));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_leads_back_to_its_change() {
        for (writer, sequence) in [(0, 0), (3, 17), (63, (1 << SEQUENCE_BITS) - 1)] {
            assert_eq!(
                record_of(revision_of(writer, sequence)),
                RecordId {
                    producer: writer,
                    sequence
                }
            );
        }
        assert_eq!(record_of(-1), RecordId::UNSTAMPED);
    }
}
