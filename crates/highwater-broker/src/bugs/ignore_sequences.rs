//! `ignore-sequences`: batches of idempotent producers are appended whatever their sequence: retries
//! once more, and batches behind a gap.

use std::sync::Arc;

use highwater_wire::batch::BatchHeader;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;

#[derive(Debug)]
pub(crate) struct IgnoreSequences {
    journal: Arc<Journal>,
    place: Place,
}

impl IgnoreSequences {
    pub(crate) fn new(journal: Arc<Journal>, place: Place) -> Self {
        Self { journal, place }
    }

    /// Owns up to a batch that is about to be appended at `base_offset` against its sequence.
    pub(crate) fn admit(&self, header: &BatchHeader, base_offset: i64) -> Result<(), JournalError> {
        let event = JournalEvent::Admitted;
        let entry = JournalEntry::of(Bug::IgnoreSequences, event, &self.place, header, base_offset);
        self.journal.write(&entry)
    }
}
