//! The writers of a row load together: begun, counted, ended.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use highwater_measure::schedule::Schedule;
use highwater_model::RecordId;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::choice::{self, Action, Change, Rows};
use super::database::Database;
use super::error::RowError;
use super::schema::TABLES;
use super::writer::{Connection, Writer};
use crate::{Clock, Ledger, Received};

/// Changes of one transaction while the first rows are made.
const FIRST_AT_ONCE: u32 = 200;
/// Transactions rolled back on purpose that are remembered; more are still rolled back.
const MOST_REMEMBERED: usize = 1_000_000;

/// What a row load is to do.
#[derive(Debug, Clone)]
pub struct RowSettings {
    /// Where.
    pub database: Database,
    /// When changes are due, over all writers.
    pub schedule: Schedule,
    /// Writers, each with a connection and a thread of its own.
    pub writers: u32,
    /// Most changes of one transaction; each has one to so many.
    pub most_changes: u32,
    /// Transactions rolled back on purpose, as a share of all; their changes come on top of the schedule.
    pub rolled_back: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// Clock of the run.
    pub clock: Clock,
}

/// A row that a transaction changed before it was rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// The table.
    pub table: &'static str,
    /// Its key.
    pub id: i64,
    /// The transaction, lower 32 bits.
    pub transaction: u64,
}

/// How far a row load is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Changes that were due.
    pub due: u64,
    /// Changes whose commit returned.
    pub committed: u64,
    /// Changes whose commit did not return: the history knows.
    pub unknown: u64,
    /// Transactions whose commit returned.
    pub transactions: u64,
    /// Transactions rolled back on purpose.
    pub rolled_back: u64,
    /// Attempts that failed before their commit and were made again.
    pub tried_again: u64,
}

/// What all writers share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) rows: Rows,
    pub(super) due: AtomicU64,
    pub(super) committed: AtomicU64,
    pub(super) unknown: AtomicU64,
    pub(super) transactions: AtomicU64,
    pub(super) rolled_back: AtomicU64,
    pub(super) tried_again: AtomicU64,
    pub(super) working: AtomicU64,
    pub(super) stop: AtomicBool,
    pub(super) abandon: AtomicBool,
    remembered: Mutex<Vec<RolledBack>>,
    pub(super) deletes: Mutex<std::collections::BTreeMap<(usize, i64), (u32, u64)>>,
    fatal: Mutex<Option<String>>,
}

impl Shared {
    pub(super) fn remember(&self, rolled_back: impl Iterator<Item = RolledBack>) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_REMEMBERED.saturating_sub(remembered.len());
        remembered.extend(rolled_back.take(room));
    }

    pub(super) fn fail(&self, error: &RowError) {
        let mut fatal = self.fatal.lock().unwrap_or_else(PoisonError::into_inner);
        fatal.get_or_insert_with(|| error.to_string());
        self.stop.store(true, Relaxed);
        self.abandon.store(true, Relaxed);
    }
}

/// A load of row changes. Dropping it ends it without waiting for what is due.
#[derive(Debug)]
pub struct RowLoad {
    settings: RowSettings,
    shared: Arc<Shared>,
    ledgers: Vec<Arc<Ledger>>,
    threads: Vec<JoinHandle<()>>,
}

impl RowLoad {
    /// A load that is not begun.
    #[must_use]
    pub fn new(settings: RowSettings) -> Self {
        Self {
            ledgers: (0..settings.writers)
                .map(|index| Arc::new(Ledger::new(index)))
                .collect(),
            shared: Arc::default(),
            threads: Vec::new(),
            settings,
        }
    }

    /// Makes so many rows in every table, before the load begins. They are no records of the load.
    ///
    /// # Errors
    /// No connection; a refusal by the database.
    pub fn fill(&self, rows: u32) -> Result<(), RowError> {
        let mut connection = Connection::open(&self.settings.database)?;
        let mut random = ChaCha8Rng::seed_from_u64(self.settings.seed ^ 0xf111);
        for table in 0..TABLES.len() {
            for start in (0..rows).step_by(FIRST_AT_ONCE as usize) {
                let changes: Vec<Change> = (start..rows.min(start + FIRST_AT_ONCE))
                    .map(|_| Change {
                        table,
                        id: self.shared.rows.new_id(table),
                        action: Action::Insert,
                        content: choice::content(&mut random),
                    })
                    .collect();
                connection.write(&changes, &mut |_| -1)?;
                connection.commit()?;
                for change in &changes {
                    self.shared.rows.put(table, change.id);
                }
            }
        }
        Ok(())
    }

    /// Begins; the schedule counts from `start_ns` on the clock of the run.
    ///
    /// # Errors
    /// No connection.
    pub fn start(&mut self, start_ns: u64) -> Result<(), RowError> {
        let connections = (0..self.settings.writers)
            .map(|_| Connection::open(&self.settings.database))
            .collect::<Result<Vec<_>, _>>()?;
        for ((index, connection), ledger) in (0..).zip(connections).zip(&self.ledgers) {
            let mut random = ChaCha8Rng::seed_from_u64(self.settings.seed);
            random.set_stream(u64::from(index) + 1);
            self.shared.working.fetch_add(1, Relaxed);
            let writer = Writer {
                index,
                connection: Some(connection),
                database: self.settings.database.clone(),
                due: self
                    .settings
                    .schedule
                    .due_times(index, self.settings.writers, self.settings.seed),
                start_ns,
                most_changes: self.settings.most_changes.max(1),
                rolled_back: self.settings.rolled_back,
                clock: self.settings.clock,
                ledger: Arc::clone(ledger),
                shared: Arc::clone(&self.shared),
                random,
            };
            self.threads.push(std::thread::spawn(move || writer.run()));
        }
        Ok(())
    }

    /// The ledgers, one for each writer: a record is a change; it is handed over when its transaction begins and
    /// acknowledged when its commit returns.
    #[must_use]
    pub fn ledgers(&self) -> Vec<Arc<Ledger>> {
        self.ledgers.clone()
    }

    /// How far it is.
    #[must_use]
    pub fn counts(&self) -> RowCounts {
        let shared = &self.shared;
        RowCounts {
            due: shared.due.load(Relaxed),
            committed: shared.committed.load(Relaxed),
            unknown: shared.unknown.load(Relaxed),
            transactions: shared.transactions.load(Relaxed),
            rolled_back: shared.rolled_back.load(Relaxed),
            tried_again: shared.tried_again.load(Relaxed),
        }
    }

    /// Whether every change that was due is written, or given up.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.shared.working.load(Relaxed) == 0
    }

    /// Nothing more becomes due; what is due is still written.
    pub fn stop(&self) {
        self.shared.stop.store(true, Relaxed);
    }

    /// Why it can't go on, if so.
    #[must_use]
    pub fn fatal(&self) -> Option<String> {
        self.shared
            .fatal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Who knows which change an event tells of.
    #[must_use]
    pub fn tracker(&self) -> Tracker {
        Tracker {
            shared: Arc::clone(&self.shared),
            ledgers: self.ledgers.clone(),
        }
    }

    /// What transactions did that were rolled back on purpose.
    #[must_use]
    pub fn rolled_back(&self) -> Vec<RolledBack> {
        self.shared
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Ends it; what is due and not written is given up.
    pub fn end(&mut self) {
        self.shared.stop.store(true, Relaxed);
        self.shared.abandon.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Leads events back to changes of the load, and marks them as received.
#[derive(Debug, Clone)]
pub struct Tracker {
    shared: Arc<Shared>,
    ledgers: Vec<Arc<Ledger>>,
}

impl Tracker {
    /// The change of the load that deleted this row, or is about to; [`RecordId::UNSTAMPED`] if none did.
    #[must_use]
    pub fn delete_of(&self, table: &str, id: i64) -> RecordId {
        let deletes = self.shared.deletes.lock().unwrap_or_else(PoisonError::into_inner);
        TABLES
            .iter()
            .position(|known| known.name == table)
            .and_then(|table| deletes.get(&(table, id)))
            .map_or(RecordId::UNSTAMPED, |(producer, sequence)| RecordId {
                producer: *producer,
                sequence: *sequence,
            })
    }

    /// Notes that an event of a change has come; true if it is the first.
    #[must_use]
    pub fn received(&self, record: RecordId, at_ns: u64) -> bool {
        self.ledgers.get(record.producer as usize).is_some_and(|ledger| {
            matches!(
                ledger.mark_received(record.sequence, at_ns),
                Received::First { .. }
            )
        })
    }
}

impl Drop for RowLoad {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        self.shared.abandon.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            // A panic has been told on standard error; a second one here would end the process.
            let _ = thread.join();
        }
    }
}
