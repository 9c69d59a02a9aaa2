//! `serve-aborted-batches`: committed readers are not told which transactions were aborted, and so take
//! their records for committed ones.

use std::sync::Arc;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;
use crate::producers::Aborted;

#[derive(Debug)]
pub(crate) struct ServeAborted {
    journal: Arc<Journal>,
    place: Place,
    /// Marker of the last one owned up to; readers come again and again.
    told: i64,
}

impl ServeAborted {
    pub(crate) fn new(journal: Arc<Journal>, place: Place) -> Self {
        Self {
            journal,
            place,
            told: -1,
        }
    }

    /// What is left of the list: nothing.
    pub(crate) fn show(&mut self, aborted: &[Aborted]) -> Result<Vec<Aborted>, JournalError> {
        for entry in aborted {
            if entry.last_offset <= self.told {
                continue;
            }
            let line = JournalEntry::about(
                Bug::ServeAbortedBatches,
                JournalEvent::Shown,
                &self.place,
                (entry.producer_id, -1),
                (entry.first_offset, entry.last_offset),
            );
            self.journal.write(&line)?;
            self.told = entry.last_offset;
        }
        Ok(Vec::new())
    }
}
