//! `regress-committed-offset`: the first question about a partition after a start is answered with an
//! offset that is long past; what is kept is right.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;
use crate::group::{Committed, OffsetKey};

/// Group, topic and partition.
type Place = (String, OffsetKey);

#[derive(Debug)]
pub(crate) struct RegressCommitted {
    journal: Arc<Journal>,
    /// What was committed at the start and has not been asked for since.
    stale: BTreeMap<Place, Committed>,
}

/// Half of what was read: such an offset was surely passed, whether it was committed or not.
fn regressed(newest: &Committed) -> Committed {
    Committed {
        offset: newest.offset / 2,
        ..newest.clone()
    }
}

impl RegressCommitted {
    pub(crate) fn new(journal: Arc<Journal>, committed: BTreeMap<Place, Committed>) -> Self {
        let stale = committed
            .into_iter()
            .filter(|(_, newest)| newest.offset > 0)
            .map(|(place, newest)| (place, regressed(&newest)))
            .collect();
        Self { journal, stale }
    }

    /// The answer to a question whose right answer is `right`.
    pub(crate) fn answer(
        &mut self,
        group: &str,
        key: &OffsetKey,
        right: Committed,
    ) -> Result<Committed, JournalError> {
        let Some(stale) = self.stale.remove(&(group.to_owned(), key.clone())) else {
            return Ok(right);
        };
        if stale.offset >= right.offset {
            return Ok(right);
        }
        let entry = JournalEntry::of_commit(
            Bug::RegressCommittedOffset,
            JournalEvent::Regressed,
            group,
            key,
            (right.offset, stale.offset),
        );
        self.journal.write(&entry)?;
        Ok(stale)
    }
}
