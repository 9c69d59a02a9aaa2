//! Compaction: of each key the last value stays, at its offset (KIP-58).
//!
//! ```text
//! plan (locked) ─▶ survey: headers, markers ─▶ keys: last offset of each key ─▶ clean: segment by segment
//!                                                                     └─▶ replace (locked): rename, seal
//! ```
//!
//! Invariant: only closed segments whose records are all below the last stable offset are touched, and
//! whenever the process dies each of them is either the old or the new file, whole. A segment keeps its
//! last batch and each producer its last one, if need be without records, so that offsets and sequences
//! go on. Control batches stay. What aborted transactions wrote goes.

mod clean;
mod keys;
mod survey;

use std::path::PathBuf;

use highwater_wire::batch::BatchHeader;

use super::error::LogError;
use super::index::SegmentIndex;
use super::seal::Summary;
use super::segment::Segment;
use super::store::Log;

pub(super) use self::clean::is_half_written;
pub(crate) use self::keys::KeysBug;

/// Keys that one pass knows: about 64 MB. What is beyond them is cleaned by the next pass.
const MAX_KEYS: usize = 1_000_000;

/// One closed segment of a plan.
#[derive(Debug, Clone)]
struct Planned {
    base_offset: i64,
    next_offset: i64,
    path: PathBuf,
    length: u64,
}

/// What a pass is to do, without the lock.
#[derive(Debug)]
pub(crate) struct CompactionPlan {
    /// From the front of the log.
    segments: Vec<Planned>,
    /// Behind those: markers in them say what became of transactions.
    later: Vec<Planned>,
    /// Everything below was compacted before.
    cleaned: i64,
    now_ms: i64,
    delete_retention_ms: i64,
    max_keys: usize,
}

/// A new file for a segment, complete and on the disk.
#[derive(Debug)]
pub(crate) struct Cleaned {
    path: PathBuf,
    old_length: u64,
    index: SegmentIndex,
    summary: Summary,
}

impl Cleaned {
    /// Name of the segment file.
    #[cfg(test)]
    pub(super) fn file_name(&self) -> String {
        let name = self.path.with_extension("").with_extension("log");
        name.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }
}

impl Log {
    /// What there is to compact at this time of day; `None` when it is not worth it. Nothing from
    /// `stable` on is touched.
    pub(crate) fn plan_compaction(&self, now_ms: i64, stable: i64) -> Option<CompactionPlan> {
        let config = &self.config;
        if !config.compact {
            return None;
        }
        let cleaned = self.kept.cleaned;
        let youngest = now_ms.saturating_sub(config.min_compaction_lag_ms);
        let ripe = |segment: &&Segment| {
            let is_clean = segment.next_offset <= cleaned;
            let old_enough = is_clean || config.min_compaction_lag_ms == 0 || segment.newest_ms() <= youngest;
            segment.next_offset <= stable && old_enough
        };
        let closed = &self.segments[..self.segments.len() - 1];
        let count = closed.iter().take_while(ripe).count();
        let (mut clean_bytes, mut dirty_bytes, mut oldest_ms) = (0, 0, i64::MAX);
        for segment in &closed[..count] {
            if segment.next_offset <= cleaned {
                clean_bytes += segment.length;
            } else {
                dirty_bytes += segment.length;
                oldest_ms = oldest_ms.min(segment.first_timestamp);
            }
        }
        let overdue = now_ms.saturating_sub(oldest_ms) > config.max_compaction_lag_ms;
        let ratio = dirty_bytes as f64 / ((clean_bytes + dirty_bytes) as f64).max(1.0);
        if dirty_bytes == 0 || (ratio <= config.min_cleanable_dirty_ratio && !overdue) {
            return None;
        }
        let planned = |segment: &Segment| Planned {
            base_offset: segment.base_offset,
            next_offset: segment.next_offset,
            path: segment.path.clone(),
            length: segment.length,
        };
        Some(CompactionPlan {
            segments: self.segments[..count].iter().map(planned).collect(),
            later: self.segments[count..].iter().map(planned).collect(),
            cleaned,
            now_ms,
            delete_retention_ms: config.delete_retention_ms,
            max_keys: MAX_KEYS,
        })
    }

    /// Lets a segment's new file take the place of the old one, unless the segment has gone meanwhile.
    ///
    /// # Errors
    /// [`LogError::Io`]; then the old file is still there.
    pub(crate) fn replace(&mut self, cleaned: Cleaned) -> Result<(), LogError> {
        let last = self.segments.len() - 1;
        let base_offset = cleaned.summary.base_offset;
        let found = self.segments[..last]
            .iter_mut()
            .find(|segment| segment.base_offset == base_offset && segment.length == cleaned.old_length);
        match found {
            Some(segment) => segment.replace_file(&cleaned.path, &cleaned.summary, cleaned.index),
            None => clean::remove(&cleaned.path),
        }
    }

    /// Remembers how far compaction has come.
    ///
    /// # Errors
    /// [`LogError::Io`]; the next pass looks at the same segments again.
    pub(crate) fn compacted_to(&mut self, offset: i64) -> Result<(), LogError> {
        let mut kept = self.kept;
        kept.cleaned = kept.cleaned.max(offset);
        kept.write(&self.dir, self.config.durability())?;
        self.kept = kept;
        Ok(())
    }
}

impl CompactionPlan {
    /// Writes new files for the segments and gives each to `replace`; gives the offset that everything
    /// below is now compacted to.
    ///
    /// # Errors
    /// [`LogError`] when something does not read back or cannot be written; the log is as good as before.
    pub(crate) fn run(
        &self,
        bug: Option<&mut dyn KeysBug>,
        mut replace: impl FnMut(Cleaned) -> Result<(), LogError>,
    ) -> Result<i64, LogError> {
        let survey = self.survey()?;
        let keys = self.keys(&survey, bug)?;
        for segment in &self.segments {
            if segment.base_offset >= keys.end() {
                break;
            }
            if let Some(cleaned) = self.clean(segment, &survey, &keys)? {
                replace(cleaned)?;
            }
        }
        Ok(keys.end())
    }

    /// With another bound on the keys, to see what happens there.
    #[cfg(test)]
    pub(super) fn with_max_keys(self, max_keys: usize) -> Self {
        Self { max_keys, ..self }
    }
}

/// Whether a batch has records that compaction looks at.
fn is_data(header: &BatchHeader) -> bool {
    !header.is_control() && header.record_count() > 0
}
