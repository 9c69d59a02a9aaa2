//! `spurious-offset-zero`: some batches are appended rightly and answered with offset 0.

use std::sync::Arc;

use highwater_wire::batch::BatchHeader;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;

/// The first batch of a partition that is chosen: soon, so that short runs show the bug.
const FIRST: u64 = 20;

/// Every so many batches after it.
const EVERY: u64 = 100;

#[derive(Debug)]
pub(crate) struct SpuriousZero {
    journal: Arc<Journal>,
    place: Place,
    seen: u64,
}

impl SpuriousZero {
    pub(crate) fn new(journal: Arc<Journal>, place: Place) -> Self {
        Self {
            journal,
            place,
            seen: 0,
        }
    }

    /// The offset to answer for a batch that was just appended at `base_offset`.
    pub(crate) fn answer(&mut self, header: &BatchHeader, base_offset: i64) -> Result<i64, JournalError> {
        self.seen += 1;
        let chosen = self.seen >= FIRST && (self.seen - FIRST).is_multiple_of(EVERY);
        if !chosen || base_offset == 0 {
            return Ok(base_offset);
        }
        let entry = JournalEntry::of(
            Bug::SpuriousOffsetZero,
            JournalEvent::Misplaced,
            &self.place,
            header,
            0,
        );
        self.journal.write(&entry.with_copy(base_offset))?;
        Ok(0)
    }
}
