//! `marker-in-one-partition-only`: some transactions are ended in their first partition only, and stay
//! open for ever in the others.

use std::sync::Arc;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;

/// The first transaction that is chosen, of those in more than one partition.
const FIRST: u64 = 3;

/// Every so many after it.
const EVERY: u64 = 20;

#[derive(Debug)]
pub(crate) struct MarkerInOne {
    journal: Arc<Journal>,
    seen: u64,
}

impl MarkerInOne {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self { journal, seen: 0 }
    }

    /// Whether a transaction in so many partitions is ended in one of them only.
    pub(crate) fn chooses(&mut self, partitions: usize) -> bool {
        if partitions < 2 {
            return false;
        }
        self.seen += 1;
        self.seen >= FIRST && (self.seen - FIRST).is_multiple_of(EVERY)
    }

    /// Owns up to a partition without its marker.
    pub(crate) fn tell(&self, place: &Place, producer: (i64, i16)) -> Result<(), JournalError> {
        let event = JournalEvent::LeftOpen;
        let bug = Bug::MarkerInOnePartitionOnly;
        self.journal
            .write(&JournalEntry::about(bug, event, place, producer, (-1, -1)))
    }
}
