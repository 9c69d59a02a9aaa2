//! The ledger: one row for each record that was due.
//!
//! ```text
//!             due          handed over        acknowledged         received
//!  producer ──┼─────────────────┼──────────────────┼───────────────────┼──▶ time
//!             └ intended        └ service starts   └ poll thread       └ consumer thread
//! ```
//!
//! Invariant: a row is written once per column and never moves; the outcome of a record changes once, from
//! pending. Columns are atomics with relaxed order: a column has one writing thread while the load runs, and
//! readers that look before it has ended see a row a moment late, never torn.
//!
//! The ledger does not judge: it does not know what a loss or a duplicate is.

mod chunk;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use highwater_model::Outcome;

use chunk::{CHUNK_ROWS, Chunk};

/// Most chunks in one ledger.
const MAX_CHUNKS: usize = 4_096;

/// Most records of one producer: 268 million, 6.3 GiB of ledger. A run that needs more takes more producers.
pub const MAX_RECORDS: u64 = (MAX_CHUNKS * CHUNK_ROWS) as u64;

/// Everything known about the records of one producer.
#[derive(Debug)]
pub struct Ledger {
    producer: u32,
    len: AtomicU64,
    chunks: Box<[OnceLock<Box<Chunk>>]>,
}

/// What is known about one record. Times count from the start of the run, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Place in the producer's sequence, from 0.
    pub sequence: u64,
    /// When it was due; for a saturating schedule, when it was handed over.
    pub intended_ns: u64,
    /// When the client took it, to the microsecond; none if it never did.
    pub handed_ns: Option<u64>,
    /// When its acknowledgement was seen, to the microsecond.
    pub acknowledged_ns: Option<u64>,
    /// When a consumer of the run first received it, to the microsecond.
    pub received_ns: Option<u64>,
    /// What the client said.
    pub outcome: Outcome,
    /// Partition it was acknowledged in; without an acknowledgement, the one it was first found in.
    pub partition: Option<i32>,
    /// Offset it was acknowledged at; without an acknowledgement, the one it was first found at.
    pub offset: Option<i64>,
    /// How often it was found at read-back; stays at 255.
    pub times_found: u8,
}

/// What the ledger knew about a record when it was found in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// How often it had been found before.
    pub times_before: u8,
    /// If it had been found before, partition and offset of the first time. The row of an acknowledged record
    /// keeps the place of its acknowledgement instead, so this is none for it.
    pub first: Option<(i32, i64)>,
}

/// What a consumer's delivery of a record was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// The first delivery.
    First {
        /// True if the record seems to have arrived before it was due: the clock can't be trusted.
        before_intent: bool,
    },
    /// Delivered before.
    Again,
    /// No such record was offered.
    Unheard,
}

impl Ledger {
    /// An empty ledger for the producer with this index.
    #[must_use]
    pub fn new(producer: u32) -> Self {
        Self {
            producer,
            len: AtomicU64::new(0),
            chunks: (0..MAX_CHUNKS).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Index of the producer in the run.
    #[must_use]
    pub fn producer(&self) -> u32 {
        self.producer
    }

    /// Number of records that have been due so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// True if no record has been due yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a row for a record that is due; returns its sequence, none if the ledger is full
    /// ([`MAX_RECORDS`]). To be called by one thread only.
    pub fn push_due(&self, intended_ns: u64) -> Option<u64> {
        let sequence = self.len.load(Ordering::Relaxed);
        let cell = self.chunks.get(index(sequence).0)?;
        let chunk = cell.get_or_init(|| Box::new(Chunk::new()));
        chunk.set_intended(index(sequence).1, intended_ns);
        self.len.store(sequence + 1, Ordering::Release);
        Some(sequence)
    }

    /// Moves the intent of a record that waits: only a saturating schedule, which has no intent of its own,
    /// does this.
    pub(crate) fn restate_intent(&self, sequence: u64, intended_ns: u64) {
        if let Some((chunk, row)) = self.row(sequence) {
            chunk.set_intended(row, intended_ns);
        }
    }

    /// When the record was due.
    #[must_use]
    pub fn intended_ns(&self, sequence: u64) -> Option<u64> {
        self.row(sequence).map(|(chunk, row)| chunk.intended_ns(row))
    }

    /// What the client said about the record so far.
    #[must_use]
    pub fn outcome(&self, sequence: u64) -> Option<Outcome> {
        self.row(sequence).map(|(chunk, row)| chunk.outcome(row))
    }

    /// Notes that the client takes the record now.
    pub fn hand_over(&self, sequence: u64, at_ns: u64) {
        if let Some((chunk, row)) = self.row(sequence) {
            chunk.handed(row, at_ns);
        }
    }

    /// Notes that the client did not take the record after all.
    pub(crate) fn take_back(&self, sequence: u64) {
        if let Some((chunk, row)) = self.row(sequence) {
            chunk.not_handed(row);
        }
    }

    /// True once the client has taken the record.
    pub(crate) fn is_handed_over(&self, sequence: u64) -> bool {
        self.row(sequence)
            .is_some_and(|(chunk, row)| chunk.is_handed(row))
    }

    /// Notes an acknowledgement. `offset` is below zero if the broker told none (acks=0). Returns the
    /// response time in nanoseconds, none if the record had an outcome already or was never due.
    pub fn acknowledge(&self, sequence: u64, at_ns: u64, partition: i32, offset: i64) -> Option<u64> {
        let (chunk, row) = self.row(sequence)?;
        chunk.settle(row, Outcome::Acknowledged).then(|| {
            chunk.locate(row, partition, offset);
            chunk.acknowledged(row, at_ns)
        })
    }

    /// Notes that the record certainly is not in the log ([`Outcome::Failed`]) or may be
    /// ([`Outcome::Unknown`]). False if it had an outcome already or was never due.
    pub fn settle(&self, sequence: u64, outcome: Outcome) -> bool {
        self.row(sequence)
            .is_some_and(|(chunk, row)| chunk.settle(row, outcome))
    }

    /// Notes that a consumer of the run received the record.
    pub fn mark_received(&self, sequence: u64, at_ns: u64) -> Received {
        self.row(sequence)
            .map_or(Received::Unheard, |(chunk, row)| chunk.received(row, at_ns))
    }

    /// Notes that the record was found in the log; none if no such record was ever due.
    pub fn mark_found(&self, sequence: u64, partition: i32, offset: i64) -> Option<Found> {
        let (chunk, row) = self.row(sequence)?;
        Some(chunk.found(row, partition, offset))
    }

    /// The row of one record, none if it was never due.
    #[must_use]
    pub fn get(&self, sequence: u64) -> Option<Row> {
        self.row(sequence).map(|(chunk, row)| chunk.read(row, sequence))
    }

    /// Every row in the order in which the records were due.
    pub fn rows(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.len()).filter_map(|sequence| self.get(sequence))
    }

    /// First sequence at or after `from` that has no outcome yet; the length if all have one.
    pub(crate) fn first_pending(&self, from: u64) -> u64 {
        let end = self.len();
        (from..end)
            .find(|sequence| self.outcome(*sequence) == Some(Outcome::Pending))
            .unwrap_or(end)
    }

    fn row(&self, sequence: u64) -> Option<(&Chunk, usize)> {
        if sequence >= self.len.load(Ordering::Acquire) {
            return None;
        }
        let (chunk, row) = index(sequence);
        Some((self.chunks.get(chunk)?.get()?, row))
    }
}

/// Chunk and row of a sequence. Chunks past the end of the address space do not exist.
fn index(sequence: u64) -> (usize, usize) {
    let chunk = usize::try_from(sequence / CHUNK_ROWS as u64).unwrap_or(usize::MAX);
    (chunk, (sequence % CHUNK_ROWS as u64) as usize)
}

#[cfg(test)]
mod tests;
