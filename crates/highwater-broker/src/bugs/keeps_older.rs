//! `compaction-keeps-older`: of one key in each pass, the value before the last one stays instead.

use std::sync::Arc;

use highwater_wire::batch::BatchHeader;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalEvent};
use crate::bug::Bug;
use crate::log::{KeysBug, LogError};

const BUG: Bug = Bug::CompactionKeepsOlder;

#[derive(Debug)]
pub(crate) struct KeepsOlder {
    journal: Arc<Journal>,
    place: Place,
}

impl KeepsOlder {
    pub(crate) fn new(journal: Arc<Journal>, place: Place) -> Self {
        Self { journal, place }
    }
}

impl KeysBug for KeepsOlder {
    fn keeps_older(&mut self, header: &BatchHeader, older: i64, newer: i64) -> Result<bool, LogError> {
        let mut entry = JournalEntry::of(BUG, JournalEvent::Compacted, &self.place, header, newer);
        entry.last_offset = newer;
        entry.copy_base_offset = Some(older);
        entry.copy_last_offset = Some(older);
        self.journal.write(&entry).map_err(|error| LogError::Io {
            action: error.action,
            path: error.path,
            source: error.source,
        })?;
        Ok(true)
    }
}
