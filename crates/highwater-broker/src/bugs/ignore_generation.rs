//! `ignore-generation`: a consumer that its group has gone on without commits offsets all the same.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;

use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;
use crate::group::{CommitRequest, Committed, OffsetKey};

/// What is answered when nothing was committed before.
const NO_OFFSET: i64 = -1;

#[derive(Debug)]
pub(crate) struct IgnoreGeneration {
    journal: Arc<Journal>,
}

impl IgnoreGeneration {
    pub(crate) fn new(journal: Arc<Journal>) -> Self {
        Self { journal }
    }

    /// Whether a commit that a right coordinator refuses is taken.
    pub(crate) fn takes(request: &CommitRequest, refusal: ResponseError) -> bool {
        let fenced = [ResponseError::IllegalGeneration, ResponseError::UnknownMemberId];
        request.generation >= 0 && fenced.contains(&refusal)
    }

    /// Owns up to offsets that are about to take the place of what was committed rightly.
    pub(crate) fn admit<'a>(
        &self,
        group: &str,
        commits: impl Iterator<Item = (&'a OffsetKey, i64, Option<&'a Committed>)>,
    ) -> Result<(), JournalError> {
        for (key, offset, before) in commits {
            let right = before.map_or(NO_OFFSET, |committed| committed.offset);
            let entry = JournalEntry::of_commit(
                Bug::IgnoreGeneration,
                JournalEvent::Admitted,
                group,
                key,
                (right, offset),
            );
            self.journal.write(&entry)?;
        }
        Ok(())
    }
}
