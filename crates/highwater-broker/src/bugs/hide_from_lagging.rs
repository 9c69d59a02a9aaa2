//! `hide-from-lagging-readers`: a reader that is far behind is not shown some batches.
//!
//! The batch at the front of an answer is left out, so the reader goes on behind it and never asks
//! again. Readers at the end of the log see everything.

use std::sync::Arc;

use bytes::Bytes;
use highwater_wire::batch::BatchHeader;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;

/// A reader is far behind when this many records lie between it and the end.
const LAG_RECORDS: i64 = 1_000;

/// Every so many answers to such readers leave a batch out, beginning with the first.
const EVERY: u64 = 10;

#[derive(Debug)]
pub(crate) struct HideFromLagging {
    journal: Arc<Journal>,
    place: Place,
    answers: u64,
}

impl HideFromLagging {
    pub(crate) fn new(journal: Arc<Journal>, place: Place) -> Self {
        Self {
            journal,
            place,
            answers: 0,
        }
    }

    /// What of `records`, read from `offset` on in a log that ends at `end_offset`, the reader sees.
    /// The only batch of an answer stays, or the reader would ask for it for ever.
    pub(crate) fn show(
        &mut self,
        offset: i64,
        end_offset: i64,
        records: Bytes,
    ) -> Result<Bytes, JournalError> {
        if end_offset - offset < LAG_RECORDS {
            return Ok(records);
        }
        let Ok(first) = BatchHeader::parse(&records) else {
            return Ok(records);
        };
        if records.len() <= first.length() || first.base_offset() < offset {
            return Ok(records);
        }
        self.answers += 1;
        if !(self.answers - 1).is_multiple_of(EVERY) {
            return Ok(records);
        }
        let entry = JournalEntry::of(
            Bug::HideFromLaggingReaders,
            JournalEvent::Hidden,
            &self.place,
            &first,
            first.base_offset(),
        );
        self.journal.write(&entry)?;
        Ok(records.slice(first.length()..))
    }
}
