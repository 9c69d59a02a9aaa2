use super::index::Index;
use super::{Outcome, What};

/// How much a history says: what a verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Operations.
    pub operations: u64,
    /// Operations of which nobody knows whether they happened.
    pub unknown: u64,
    /// Records that were sent.
    pub sent: u64,
    /// Records whose send certainly happened.
    pub acknowledged: u64,
    /// Records that a reader got.
    pub read: u64,
    /// Records whose send certainly happened, that no reader got, and whose partition was not read back to its end.
    pub unseen: u64,
    /// Partitions with records.
    pub partitions: u64,
    /// Partitions that were read back to their end.
    pub read_back: u64,
    /// Partitions that were read back to their end while a transaction was open.
    pub open: u64,
    /// Moments at which something broke: a fault, a lost connection, a killed process.
    pub disturbances: u64,
}

impl Coverage {
    /// Counts what the index does not keep.
    pub(super) fn step(&mut self, what: &What) {
        self.disturbances += u64::from(matches!(what, What::Disturbed));
    }

    pub(super) fn close(mut self, index: &Index) -> Self {
        self.operations = index.operations().len() as u64;
        let unknown = |outcome| outcome == Outcome::Unknown;
        self.unknown = count(index.operations().iter().filter(|op| unknown(op.outcome)));
        for record in index.records() {
            self.read += u64::from(index.was_read(record));
            let mut writers = index.writers(record).peekable();
            self.sent += u64::from(writers.peek().is_some());
            if writers.any(|writer| index.happened(writer, record)) {
                self.acknowledged += 1;
                let seen = index.was_read(record) || index.places(record).any(|place| index.shown(place));
                self.unseen += u64::from(!seen && index.whole(index.name(record).0).is_none());
            }
        }
        for partition in index.partitions() {
            self.partitions += 1;
            if let Some(end) = index.whole(partition) {
                self.read_back += 1;
                self.open += u64::from(end.last_stable_offset < end.high_watermark);
            }
        }
        self
    }
}

fn count(of: impl Iterator) -> u64 {
    of.count() as u64
}
