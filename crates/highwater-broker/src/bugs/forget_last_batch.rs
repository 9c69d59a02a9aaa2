//! `forget-last-batch-on-restart`: recovery takes one good batch for a torn one.

use super::Place;
use super::journal::{Journal, JournalEntry, JournalEvent};
use crate::bug::Bug;
use crate::error::BrokerError;
use crate::log::Log;

/// Cuts the last batch of a log that was just opened; gives what was lost, if there was one.
pub(crate) fn cut(
    journal: &Journal,
    place: &Place,
    log: &mut Log,
) -> Result<Option<JournalEntry>, BrokerError> {
    let Some(last) = log.last_batch_on_open() else {
        return Ok(None);
    };
    let entry = JournalEntry::of(
        Bug::ForgetLastBatchOnRestart,
        JournalEvent::Lost,
        place,
        &last.header,
        last.header.base_offset(),
    );
    journal.write(&entry)?;
    log.cut_last_batch(last)?;
    Ok(Some(entry))
}
