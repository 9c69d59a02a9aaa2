//! `end-transaction-of-another`: some ends of a transaction are applied to another one that is open, and
//! answered as if nothing had happened; the one that was meant stays open.

use std::sync::Arc;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;

/// The first end that is chosen, of those that find another open transaction.
const FIRST: u64 = 3;

/// Every so many after it: no multiple of how many producers there are in most pipelines, so that not always the same
/// one is hit.
const EVERY: u64 = 7;

#[derive(Debug)]
pub(crate) struct EndAnother {
    journal: Arc<Journal>,
    seen: u64,
}

impl EndAnother {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self { journal, seen: 0 }
    }

    /// Whether this end goes to the wrong transaction.
    pub(crate) fn chooses(&mut self) -> bool {
        self.seen += 1;
        self.seen >= FIRST && (self.seen - FIRST).is_multiple_of(EVERY)
    }

    /// Owns up to the end of a transaction in one of its partitions.
    pub(crate) fn tell(&self, place: &Place, producer: (i64, i16)) -> Result<(), JournalError> {
        let event = JournalEvent::EndedWrongly;
        let bug = Bug::EndTransactionOfAnother;
        self.journal
            .write(&JournalEntry::about(bug, event, place, producer, (-1, -1)))
    }
}
