//! `ack-before-append`: a batch waits in memory for a while after its producer was told it is safe.
//!
//! Readers see it at once. A stop of any kind forgets what waits; the next start compares the journal
//! with the log and owns up.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use highwater_wire::batch::{self, BatchHeader};

use super::Place;
use super::journal::{Journal, JournalEntry, JournalError, JournalEvent};
use crate::bug::Bug;
use crate::log::{Log, LogError};

const BUG: Bug = Bug::AckBeforeAppend;

/// How long a batch waits: long enough that a stop under load finds some, short enough that few do.
pub(crate) const DELAY: Duration = Duration::from_millis(100);

/// How often the waiting batches are looked through.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Bytes that may wait in one partition; what is over is written at once.
const MAX_WAITING_BYTES: usize = 64 << 20;

#[derive(Debug)]
struct Waiting {
    due: Duration,
    header: BatchHeader,
    base_offset: i64,
    leader_epoch: i32,
    bytes: Bytes,
}

/// The batches of one partition that were acknowledged and not written.
#[derive(Debug)]
pub(crate) struct Deferred {
    journal: Arc<Journal>,
    place: Place,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
}

impl Deferred {
    pub(crate) fn new(journal: Arc<Journal>, place: Place) -> Self {
        Self {
            journal,
            place,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// The end of the log as readers see it.
    pub(crate) fn end_offset(&self, log: &Log) -> i64 {
        self.waiting.back().map_or(log.end_offset(), |last| {
            last.base_offset + last.header.offset_count()
        })
    }

    /// Takes a batch that is about to be acknowledged.
    pub(crate) fn accept(
        &mut self,
        log: &mut Log,
        header: &BatchHeader,
        batch: &Bytes,
        leader_epoch: i32,
        now: Duration,
    ) -> Result<i64, LogError> {
        let base_offset = self.end_offset(log);
        let entry = JournalEntry::of(BUG, JournalEvent::Acknowledged, &self.place, header, base_offset);
        self.journal.write(&entry).map_err(into_log_error)?;
        let mut patched = batch.to_vec();
        batch::patch(&mut patched, base_offset, leader_epoch);
        self.waiting_bytes += patched.len();
        self.waiting.push_back(Waiting {
            due: now + DELAY,
            header: *header,
            base_offset,
            leader_epoch,
            bytes: patched.into(),
        });
        while self.waiting_bytes > MAX_WAITING_BYTES {
            self.write_first(log)?;
        }
        Ok(base_offset)
    }

    /// Writes what has waited long enough.
    pub(crate) fn write_due(&mut self, log: &mut Log, now: Duration) -> Result<(), LogError> {
        while self.waiting.front().is_some_and(|first| first.due <= now) {
            self.write_first(log)?;
        }
        Ok(())
    }

    fn write_first(&mut self, log: &mut Log) -> Result<(), LogError> {
        let Some(first) = self.waiting.front() else {
            return Ok(());
        };
        // The producers' state is ahead of the log, so there is no snapshot of it.
        log.append(&first.bytes, first.leader_epoch, || None)?;
        let entry = JournalEntry::of(
            BUG,
            JournalEvent::Appended,
            &self.place,
            &first.header,
            first.base_offset,
        );
        self.waiting_bytes -= first.bytes.len();
        self.waiting.pop_front();
        self.journal.write(&entry).map_err(into_log_error)
    }

    /// The waiting batches from `offset` on, in one piece.
    pub(crate) fn read(&self, offset: i64) -> Bytes {
        let mut all = Vec::new();
        for batch in &self.waiting {
            if batch.base_offset + batch.header.offset_count() > offset {
                all.extend_from_slice(&batch.bytes);
            }
        }
        all.into()
    }
}

fn into_log_error(error: JournalError) -> LogError {
    LogError::Io {
        action: error.action,
        path: error.path,
        source: error.source,
    }
}

/// Compares the journal with the log after a start, and writes what became of each batch that had been
/// acknowledged. Gives those that are gone.
pub(crate) fn own_up(
    journal: &Journal,
    entries: &[JournalEntry],
    place: &Place,
    log: &Log,
) -> Result<Vec<JournalEntry>, JournalError> {
    let mut unresolved: VecDeque<&JournalEntry> = VecDeque::new();
    let here = entries.iter().filter(|entry| {
        entry.bug == BUG.name() && *entry.topic == *place.topic && entry.partition == place.partition
    });
    for entry in here {
        match entry.event {
            JournalEvent::Acknowledged => unresolved.push_back(entry),
            JournalEvent::Appended | JournalEvent::Lost => {
                unresolved.retain(|open| open.base_offset != entry.base_offset);
            }
            JournalEvent::Restored
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
    let mut lost = Vec::new();
    for entry in unresolved {
        let gone = entry.base_offset >= log.end_offset();
        let event = if gone {
            JournalEvent::Lost
        } else {
            JournalEvent::Appended
        };
        let resolved = entry.clone().with_event(event);
        journal.write(&resolved)?;
        if gone {
            lost.push(resolved);
        }
    }
    Ok(lost)
}
