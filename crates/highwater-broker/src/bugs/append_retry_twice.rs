//! `append-retry-twice`: a retry that should be recognised is appended again.
//!
//! To make clients retry, some batches are answered with `NOT_ENOUGH_REPLICAS_AFTER_APPEND`, which is
//! an honest thing to say for a broker with replicas: the batch is in the log, and the client must ask
//! again. A right broker recognises the retry by its sequence; this one does not.

use std::sync::Arc;

use highwater_wire::batch::{BatchHeader, NO_PRODUCER_ID};

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;
use crate::producers::Appended;

/// The first batch of a partition that is chosen: soon, so that short runs show the bug.
const FIRST: u64 = 20;

/// Every so many batches after it: often enough to be found, seldom enough to be realistic.
const EVERY: u64 = 100;

/// Batches that are remembered until their retry comes; a client that never retries is forgotten.
const MAX_EXPECTED: usize = 64;

type Key = (i64, i16, i32);

#[derive(Debug)]
pub(crate) struct RetryTwice {
    journal: Arc<Journal>,
    place: Place,
    seen: u64,
    expected: Vec<Key>,
}

fn key(header: &BatchHeader) -> Key {
    (
        header.producer_id(),
        header.producer_epoch(),
        header.base_sequence(),
    )
}

impl RetryTwice {
    pub(crate) fn new(journal: Arc<Journal>, place: Place) -> Self {
        Self {
            journal,
            place,
            seen: 0,
            expected: Vec::new(),
        }
    }

    /// Whether a batch that was just appended is answered with the error that makes clients retry.
    pub(crate) fn provokes_retry(&mut self, header: &BatchHeader) -> bool {
        if header.producer_id() == NO_PRODUCER_ID {
            return false;
        }
        self.seen += 1;
        let chosen = self.seen >= FIRST && (self.seen - FIRST).is_multiple_of(EVERY);
        if chosen {
            if self.expected.len() == MAX_EXPECTED {
                self.expected.remove(0);
            }
            self.expected.push(key(header));
        }
        chosen
    }

    /// Whether this is the retry that was provoked, to be appended again at `copy_base_offset`.
    pub(crate) fn appends_again(
        &mut self,
        header: &BatchHeader,
        first: Appended,
        copy_base_offset: i64,
    ) -> Result<bool, JournalError> {
        let wanted = key(header);
        let Some(index) = self.expected.iter().position(|&known| known == wanted) else {
            return Ok(false);
        };
        self.expected.swap_remove(index);
        let entry = JournalEntry::of(
            Bug::AppendRetryTwice,
            JournalEvent::Duplicated,
            &self.place,
            header,
            first.base_offset,
        );
        self.journal.write(&entry.with_copy(copy_base_offset))?;
        Ok(true)
    }
}
