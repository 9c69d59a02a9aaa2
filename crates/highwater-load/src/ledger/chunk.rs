//! The storage of a stretch of the ledger: structure of arrays, one atomic array for each column.
//!
//! A row takes 25 bytes, 29 where the run has consumers. Times other than the intent are kept in
//! microseconds after it, so that they fit into 32 bits; they saturate after 71 minutes.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};

use highwater_model::Outcome;

use super::{Found, Received, Row};

/// Rows in a chunk: 1.6 MiB each, so that allocating one takes under a millisecond and a short run little.
pub(super) const CHUNK_ROWS: usize = 65_536;

/// Absent time or offset.
const NO_TIME: u32 = u32::MAX;
/// Absent partition.
const NO_PARTITION: u16 = u16::MAX;
/// Absent offset.
const NO_OFFSET: u64 = OFFSET_MASK;
/// Offsets are kept in 40 bits: a trillion records in a partition.
const OFFSET_MASK: u64 = (1 << 40) - 1;

const NANOS_PER_MICRO: u64 = 1_000;

#[derive(Debug)]
pub(super) struct Chunk {
    intended_ns: Box<[AtomicU64]>,
    handed_us: Box<[AtomicU32]>,
    acknowledged_us: Box<[AtomicU32]>,
    /// Only runs with consumers of their own need this column.
    received_us: OnceLock<Box<[AtomicU32]>>,
    partition: Box<[AtomicU16]>,
    offset_low: Box<[AtomicU32]>,
    offset_high: Box<[AtomicU8]>,
    outcome: Box<[AtomicU8]>,
    times_found: Box<[AtomicU8]>,
}

impl Chunk {
    pub(super) fn new() -> Self {
        Self {
            intended_ns: column(|| AtomicU64::new(0)),
            handed_us: column(|| AtomicU32::new(NO_TIME)),
            acknowledged_us: column(|| AtomicU32::new(NO_TIME)),
            received_us: OnceLock::new(),
            partition: column(|| AtomicU16::new(NO_PARTITION)),
            offset_low: column(|| AtomicU32::new(u32::MAX)),
            offset_high: column(|| AtomicU8::new(u8::MAX)),
            outcome: column(|| AtomicU8::new(encode(Outcome::Pending))),
            times_found: column(|| AtomicU8::new(0)),
        }
    }

    pub(super) fn intended_ns(&self, row: usize) -> u64 {
        self.intended_ns[row].load(Relaxed)
    }

    pub(super) fn set_intended(&self, row: usize, intended_ns: u64) {
        self.intended_ns[row].store(intended_ns, Relaxed);
    }

    pub(super) fn handed(&self, row: usize, at_ns: u64) {
        self.handed_us[row].store(self.micros_after_intent(row, at_ns), Relaxed);
    }

    pub(super) fn not_handed(&self, row: usize) {
        self.handed_us[row].store(NO_TIME, Relaxed);
    }

    pub(super) fn is_handed(&self, row: usize) -> bool {
        self.handed_us[row].load(Relaxed) != NO_TIME
    }

    pub(super) fn outcome(&self, row: usize) -> Outcome {
        decode(self.outcome[row].load(Relaxed))
    }

    /// True if this settled it: an outcome is told once.
    pub(super) fn settle(&self, row: usize, outcome: Outcome) -> bool {
        self.outcome[row]
            .compare_exchange(encode(Outcome::Pending), encode(outcome), Relaxed, Relaxed)
            .is_ok()
    }

    /// Stores the moment and returns the exact response time in nanoseconds.
    pub(super) fn acknowledged(&self, row: usize, at_ns: u64) -> u64 {
        self.acknowledged_us[row].store(self.micros_after_intent(row, at_ns), Relaxed);
        at_ns.saturating_sub(self.intended_ns(row))
    }

    pub(super) fn received(&self, row: usize, at_ns: u64) -> Received {
        let received_us = self
            .received_us
            .get_or_init(|| column(|| AtomicU32::new(NO_TIME)));
        let micros = self.micros_after_intent(row, at_ns);
        match received_us[row].compare_exchange(NO_TIME, micros, Relaxed, Relaxed) {
            Ok(_) => Received::First {
                before_intent: at_ns < self.intended_ns(row),
            },
            Err(_) => Received::Again,
        }
    }

    pub(super) fn found(&self, row: usize, partition: i32, offset: i64) -> Found {
        let times_before = self.times_found[row].load(Relaxed);
        self.times_found[row].store(times_before.saturating_add(1), Relaxed);
        // What was promised is still needed when the record is found once more.
        if self.outcome(row) == Outcome::Acknowledged {
            return Found {
                times_before,
                first: None,
            };
        }
        let first = self.location(row).filter(|_| times_before > 0);
        if times_before == 0 {
            self.locate(row, partition, offset);
        }
        Found { times_before, first }
    }

    pub(super) fn locate(&self, row: usize, partition: i32, offset: i64) {
        let partition = u16::try_from(partition).unwrap_or(NO_PARTITION);
        let offset = u64::try_from(offset).map_or(NO_OFFSET, |offset| offset.min(NO_OFFSET));
        self.partition[row].store(partition, Relaxed);
        self.offset_low[row].store((offset & u64::from(u32::MAX)) as u32, Relaxed);
        self.offset_high[row].store((offset >> 32) as u8, Relaxed);
    }

    fn location(&self, row: usize) -> Option<(i32, i64)> {
        Some((self.partition(row)?, self.offset(row)?))
    }

    fn partition(&self, row: usize) -> Option<i32> {
        let partition = self.partition[row].load(Relaxed);
        (partition != NO_PARTITION).then(|| i32::from(partition))
    }

    fn offset(&self, row: usize) -> Option<i64> {
        let high = u64::from(self.offset_high[row].load(Relaxed)) << 32;
        let offset = high | u64::from(self.offset_low[row].load(Relaxed));
        (offset != NO_OFFSET).then_some(offset.cast_signed())
    }

    pub(super) fn read(&self, row: usize, sequence: u64) -> Row {
        let intended_ns = self.intended_ns(row);
        let moment = |column: &[AtomicU32]| {
            let micros = column[row].load(Relaxed);
            (micros != NO_TIME).then(|| intended_ns.saturating_add(u64::from(micros) * NANOS_PER_MICRO))
        };
        Row {
            sequence,
            intended_ns,
            handed_ns: moment(&self.handed_us),
            acknowledged_ns: moment(&self.acknowledged_us),
            received_ns: self.received_us.get().and_then(|column| moment(column)),
            outcome: self.outcome(row),
            partition: self.partition(row),
            offset: self.offset(row),
            times_found: self.times_found[row].load(Relaxed),
        }
    }

    fn micros_after_intent(&self, row: usize, at_ns: u64) -> u32 {
        let micros = at_ns.saturating_sub(self.intended_ns(row)) / NANOS_PER_MICRO;
        u32::try_from(micros).unwrap_or(NO_TIME).min(NO_TIME - 1)
    }
}

fn column<T>(cell: impl Fn() -> T) -> Box<[T]> {
    (0..CHUNK_ROWS).map(|_| cell()).collect()
}

fn encode(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Pending => 0,
        Outcome::Acknowledged => 1,
        Outcome::Failed => 2,
        Outcome::Unknown => 3,
    }
}

fn decode(outcome: u8) -> Outcome {
    match outcome {
        0 => Outcome::Pending,
        1 => Outcome::Acknowledged,
        2 => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}
