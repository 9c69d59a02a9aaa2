//! `ignore-producer-epoch`: a producer that was fenced goes on writing, in its transaction or outside.

use std::sync::Arc;

use highwater_wire::batch::BatchHeader;
use kafka_protocol::error::ResponseError;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;

#[derive(Debug)]
pub(crate) struct IgnoreEpoch {
    journal: Arc<Journal>,
    place: Place,
}

impl IgnoreEpoch {
    pub(crate) fn new(journal: Arc<Journal>, place: Place) -> Self {
        Self { journal, place }
    }

    /// Whether an answer of the coordinator is not taken to heart.
    pub(crate) fn ignores(&self, error: ResponseError) -> bool {
        error == ResponseError::InvalidProducerEpoch
    }

    /// Owns up to a batch that is about to be appended at `base_offset` against its epoch.
    pub(crate) fn admit(&self, header: &BatchHeader, base_offset: i64) -> Result<(), JournalError> {
        let event = JournalEvent::Admitted;
        let entry = JournalEntry::of(Bug::IgnoreProducerEpoch, event, &self.place, header, base_offset);
        self.journal.write(&entry)
    }
}
