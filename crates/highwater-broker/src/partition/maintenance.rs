//! What happens to a partition besides appends and reads: records are deleted, retention is applied,
//! settings change; and lookups by time, which read from files.
//!
//! Invariant: nothing at or above the high watermark is ever removed. Files are read without the lock.

use crate::bugs::keeps_older::KeepsOlder;
use crate::lock::LockExt;
use crate::log::{KeysBug, LogConfig, LogError, TimestampOffset};

use super::{Partition, State};

/// Why records are not deleted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeleteError {
    #[error("offset {offset} is outside of {start}..={end}")]
    OutOfRange { offset: i64, start: i64, end: i64 },
    #[error("the topic was deleted")]
    Closed,
    #[error("delete from the log")]
    Storage(#[from] LogError),
}

impl Partition {
    /// What the partition's log was told of the topic's settings.
    pub(crate) fn log_config(&self) -> LogConfig {
        self.state.guard().log.config()
    }

    /// Takes other settings from now on.
    pub(crate) fn configure(&self, config: LogConfig) {
        self.state.guard().log.configure(config);
    }

    /// Deletes every record below `offset`, or below the high watermark if that is `None`; gives the
    /// first offset that is left.
    pub(crate) fn delete_before(&self, offset: Option<i64>) -> Result<i64, DeleteError> {
        let mut state = self.state.guard();
        if state.closed {
            return Err(DeleteError::Closed);
        }
        let bounds = state.bounds();
        let offset = offset.unwrap_or(bounds.high_watermark);
        if !(0..=bounds.high_watermark).contains(&offset) {
            return Err(DeleteError::OutOfRange {
                offset,
                start: bounds.start_offset,
                end: bounds.high_watermark,
            });
        }
        state.log.delete_before(offset)?;
        Ok(state.log.start_offset())
    }

    /// Removes what retention no longer covers at this time of day; gives the number of segments.
    pub(crate) fn retain(&self, now_ms: i64) -> Result<usize, LogError> {
        let mut state = self.state.guard();
        if state.closed {
            return Ok(0);
        }
        let below = state.log.end_offset();
        let State {
            log,
            epochs,
            producers,
            defects,
            ..
        } = &mut *state;
        let is_ahead = defects.deferred.is_some();
        log.retain(now_ms, below, || {
            // With batches held back the producers' state is ahead of the log.
            let producers = producers.snapshot().filter(|_| !is_ahead)?;
            epochs.snapshot_with(producers)
        })
    }

    /// Compacts what is worth it at this time of day; whether anything was.
    pub(crate) fn compact(&self, now_ms: i64) -> Result<bool, LogError> {
        let (plan, mut bug) = {
            let state = self.state.guard();
            if state.closed {
                return Ok(false);
            }
            let stable = state.bounds().last_stable_offset.min(state.log.end_offset());
            let journal = state.defects.keeps_older.clone();
            let bug = journal.map(|journal| KeepsOlder::new(journal, self.place.clone()));
            (state.log.plan_compaction(now_ms, stable), bug)
        };
        let Some(plan) = plan else { return Ok(false) };
        let bug = bug.as_mut().map(|bug| bug as &mut dyn KeysBug);
        let compacted_to = plan.run(bug, |cleaned| {
            let mut state = self.state.guard();
            // The directory may belong to another topic by now.
            if state.closed {
                Ok(())
            } else {
                state.log.replace(cleaned)
            }
        })?;
        let mut state = self.state.guard();
        if !state.closed {
            state.log.compacted_to(compacted_to)?;
        }
        Ok(true)
    }

    /// The first record of at least this timestamp.
    pub(crate) fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampOffset>, LogError> {
        let mut from = self.bounds().start_offset;
        loop {
            let plan = self.state.guard().log.plan_timestamp(timestamp, from)?;
            let Some(plan) = plan else { return Ok(None) };
            if let Some(found) = plan.record_at(timestamp)? {
                return Ok(Some(found));
            }
            from = plan.behind();
        }
    }

    /// The first record with the largest timestamp.
    pub(crate) fn offset_of_max_timestamp(&self) -> Result<Option<TimestampOffset>, LogError> {
        let largest = self.state.guard().log.max_timestamp();
        match largest {
            Some(largest) => self.offset_for_timestamp(largest),
            None => Ok(None),
        }
    }
}
