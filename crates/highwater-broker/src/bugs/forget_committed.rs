//! `forget-committed-offset`: a start passes over the newest commit of some partitions.

use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;
use crate::group::{Committed, OffsetKey};

/// Every so many partitions that a group has committed, beginning with the first.
const EVERY: usize = 3;

/// What is answered when there is nothing before the newest commit.
const NO_OFFSET: i64 = -1;

/// Whether the newest commit of the `turn`-th partition is forgotten.
pub(crate) fn chooses(turn: usize) -> bool {
    turn.is_multiple_of(EVERY)
}

/// Owns up before the older commit, or none, takes the newest one's place.
pub(crate) fn own_up(
    journal: &Journal,
    group: &str,
    key: &OffsetKey,
    newest: &Committed,
    before: Option<&Committed>,
) -> Result<(), JournalError> {
    let answered = before.map_or(NO_OFFSET, |committed| committed.offset);
    let entry = JournalEntry::of_commit(
        Bug::ForgetCommittedOffset,
        JournalEvent::Forgotten,
        group,
        key,
        (newest.offset, answered),
    );
    journal.write(&entry)
}
