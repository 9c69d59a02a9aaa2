//! `reassign-offsets-on-restart`: the last two batches of a partition change places, so that each has
//! offsets that its producer was not told, and readers from before know other records at them.

use highwater_wire::batch::BatchHeader;

use super::Place;
use super::journal::{Journal, JournalEntry, JournalEvent};
use crate::bug::Bug;
use crate::error::BrokerError;
use crate::log::{LastBatch, Log, LogError};

const BUG: Bug = Bug::ReassignOffsetsOnRestart;

/// Lets the last two batches of a log that was just opened change places, unless one of them has been
/// moved at an earlier start or belongs to a transaction.
pub(crate) fn swap_last_two(
    journal: &Journal,
    entries: &[JournalEntry],
    place: &Place,
    log: &mut Log,
) -> Result<(), BrokerError> {
    let Some(last) = log.last_batch_on_open() else {
        return Ok(());
    };
    let Some(before) = batch_before(log, &last)? else {
        return Ok(());
    };
    let stays = |header: &BatchHeader| {
        header.is_control() || header.is_transactional() || was_moved(entries, place, header)
    };
    if stays(&last.header) || stays(&before.header) {
        return Ok(());
    }
    let bytes_of = |log: &mut Log, batch: &LastBatch| read_at(log, batch.header.base_offset());
    let (Some(first), Some(second)) = (bytes_of(log, &before)?, bytes_of(log, &last)?) else {
        return Ok(());
    };
    let begin = before.header.base_offset();
    for (header, now) in [
        (&last.header, begin),
        (&before.header, begin + last.header.offset_count()),
    ] {
        let entry = JournalEntry::of(BUG, JournalEvent::Misplaced, place, header, header.base_offset());
        journal.write(&entry.with_copy(now))?;
    }
    log.cut_last_batch(last)?;
    log.cut_last_batch(before)?;
    log.append(&second, before.header.leader_epoch(), || None)?;
    log.append(&first, last.header.leader_epoch(), || None)?;
    Ok(())
}

fn was_moved(entries: &[JournalEntry], place: &Place, header: &BatchHeader) -> bool {
    entries.iter().any(|entry| {
        entry.bug == BUG.name()
            && *entry.topic == *place.topic
            && entry.partition == place.partition
            && (entry.producer_id, entry.producer_epoch, entry.base_sequence)
                == (
                    header.producer_id(),
                    header.producer_epoch(),
                    header.base_sequence(),
                )
    })
}

fn batch_before(log: &mut Log, last: &LastBatch) -> Result<Option<LastBatch>, LogError> {
    let Some(offset) = last.header.base_offset().checked_sub(1) else {
        return Ok(None);
    };
    if offset < log.start_offset() {
        return Ok(None);
    }
    let bytes = read_at(log, offset)?;
    let header = bytes.and_then(|bytes| BatchHeader::parse(&bytes).ok());
    Ok(header.and_then(|header| last.preceded_by(header)))
}

fn read_at(log: &mut Log, offset: i64) -> Result<Option<bytes::Bytes>, LogError> {
    let Some(plan) = log.plan_read(offset)? else {
        return Ok(None);
    };
    plan.read(1, true).map(Some)
}
