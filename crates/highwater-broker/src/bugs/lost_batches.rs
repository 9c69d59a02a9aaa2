//! Batches that a bug switch lost at this or an earlier start, and whether their producer brought them
//! back.
//!
//! A batch whose answer never reached its producer is sent again; then nothing is missing in the end,
//! and the journal must say so, or a test would look for a loss that is none.

use std::sync::Arc;

use highwater_wire::batch::{BatchHeader, NO_PRODUCER_ID};

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};

#[derive(Debug, Default)]
pub(crate) struct LostBatches {
    journal: Option<Arc<Journal>>,
    lost: Vec<JournalEntry>,
}

impl LostBatches {
    /// What the journal says was lost at earlier starts and never came back. A broker may stop again
    /// before the producers of the lost batches have returned.
    pub(crate) fn recall(journal: &Arc<Journal>, entries: &[JournalEntry], place: &Place) -> Self {
        let mut lost: Vec<JournalEntry> = Vec::new();
        let here = entries
            .iter()
            .filter(|entry| *entry.topic == *place.topic && entry.partition == place.partition);
        for entry in here {
            match entry.event {
                JournalEvent::Lost => lost.push(entry.clone()),
                JournalEvent::Restored => lost.retain(|open| {
                    open.base_offset != entry.base_offset
                        || open.producer_id != entry.producer_id
                        || open.base_sequence != entry.base_sequence
                }),
                JournalEvent::Acknowledged
                | JournalEvent::Appended
                | JournalEvent::Duplicated
                | JournalEvent::Misplaced
                | JournalEvent::Hidden
                | JournalEvent::Admitted
                | JournalEvent::Shown
                | JournalEvent::EndedWrongly
                | JournalEvent::LeftOpen
                | JournalEvent::Compacted
                | JournalEvent::Forgotten
                | JournalEvent::Regressed => {}
            }
        }
        Self {
            journal: Some(Arc::clone(journal)),
            lost,
        }
    }

    pub(crate) fn add(&mut self, lost: impl IntoIterator<Item = JournalEntry>) {
        self.lost.extend(lost);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lost.is_empty()
    }

    /// Notes a batch that was appended at `base_offset`.
    pub(crate) fn appended(&mut self, header: &BatchHeader, base_offset: i64) -> Result<(), JournalError> {
        if self.lost.is_empty() || header.producer_id() == NO_PRODUCER_ID {
            return Ok(());
        }
        let same = |entry: &JournalEntry| {
            entry.producer_id == header.producer_id()
                && entry.producer_epoch == header.producer_epoch()
                && entry.base_sequence == header.base_sequence()
        };
        let Some(index) = self.lost.iter().position(same) else {
            return Ok(());
        };
        let entry = self.lost.swap_remove(index);
        let restored = entry.with_event(JournalEvent::Restored).with_copy(base_offset);
        match &self.journal {
            Some(journal) => journal.write(&restored),
            None => Ok(()),
        }
    }
}
