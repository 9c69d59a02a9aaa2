//! `last-stable-offset-off-by-one`: committed readers are shown the first batch of an open transaction.

use std::sync::Arc;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;

#[derive(Debug)]
pub(crate) struct StableOffsetOffByOne {
    journal: Arc<Journal>,
    place: Place,
    /// The last one owned up to, so that a waiting reader does not fill the journal.
    told: i64,
}

impl StableOffsetOffByOne {
    pub(crate) fn new(journal: Arc<Journal>, place: Place) -> Self {
        Self {
            journal,
            place,
            told: -1,
        }
    }

    /// The last stable offset to go by, given the right one, at which the producer's transaction began.
    pub(crate) fn raise(&mut self, offset: i64, producer_id: i64) -> Result<i64, JournalError> {
        if self.told < offset {
            let bug = Bug::LastStableOffsetOffByOne;
            let entry = JournalEntry::about(
                bug,
                JournalEvent::Shown,
                &self.place,
                (producer_id, -1),
                (offset, offset),
            );
            self.journal.write(&entry)?;
            self.told = offset;
        }
        Ok(offset + 1)
    }
}
