//! Whole segments that go: because they are too old, because the log is too large, or because somebody
//! deleted the records in them.
//!
//! Invariant: segments go from the front only, the segment file before its seal, and the last one only
//! after the next has its file; so whenever the process dies the log has no hole and its end offset.
//! The seal of the newest segment that went stays, as what is known of producers follows from the
//! batches that went too. Readers that have a file open go on.

use super::error::LogError;
use super::store::Log;

impl Log {
    /// Deletes every record below `offset`, which the caller has compared with the high watermark.
    ///
    /// # Errors
    /// [`LogError::Io`]; nothing is deleted then, or what is left of it at the next call.
    pub(crate) fn delete_before(&mut self, offset: i64) -> Result<(), LogError> {
        if offset > self.start_offset() {
            let mut kept = self.kept;
            kept.start = offset;
            kept.write(&self.dir, self.config.durability())?;
            self.kept = kept;
        }
        while self.segments.len() > 1 && self.segments[1].base_offset <= self.start_offset() {
            self.remove_first()?;
        }
        Ok(())
    }

    /// Removes what the topic's retention no longer covers; gives the number of segments. `now_ms` is
    /// the time of day, `below` what may go at all: the high watermark. `snapshot` is asked for the state
    /// if the active segment is closed for this.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub(crate) fn retain(
        &mut self,
        now_ms: i64,
        below: i64,
        snapshot: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Result<usize, LogError> {
        let count = self.count_expired(now_ms, below);
        if count == self.segments.len() {
            self.roll(snapshot)?;
        }
        for _ in 0..count {
            self.remove_first()?;
        }
        Ok(count)
    }

    fn count_expired(&self, now_ms: i64, below: i64) -> usize {
        let config = &self.config;
        let mut count = 0;
        let total: u64 = self.segments.iter().map(|segment| segment.length).sum();
        let mut excess = match config.retention_bytes {
            Some(limit) if config.delete => total.saturating_sub(limit),
            _ => 0,
        };
        for (position, segment) in self.segments.iter().enumerate() {
            let is_active = position + 1 == self.segments.len();
            if segment.length == 0 || segment.next_offset > below {
                break;
            }
            let too_old = config.delete
                && config.retention_ms.is_some_and(|limit| {
                    let age = now_ms.saturating_sub(segment.newest_ms());
                    u64::try_from(age).is_ok_and(|age| age > limit)
                });
            let too_much = excess >= segment.length;
            let unreadable = !is_active && self.segments[position + 1].base_offset <= self.start_offset();
            if !too_old && !too_much && !unreadable {
                break;
            }
            excess = excess.saturating_sub(segment.length);
            count += 1;
        }
        count
    }

    fn remove_first(&mut self) -> Result<(), LogError> {
        debug_assert!(self.segments.len() > 1, "a log has an active segment");
        self.segments[0].remove_batches()?;
        let segment = self.segments.remove(0);
        if let Some(older) = self.inherited.replace(segment) {
            older.remove_seal()?;
        }
        Ok(())
    }
}
