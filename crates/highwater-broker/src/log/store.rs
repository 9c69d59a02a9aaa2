//! The log itself: segments in order, the last of them written to.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use highwater_wire::batch::{self, BatchHeader, PATCH_BYTES};

use super::config::LogConfig;
use super::error::LogError;
use super::index::SegmentIndex;
use super::kept::KeptOffsets;
use super::read::ReadPlan;
use super::scan::{self, Depth};
use super::seal::{self, Seal};
use super::segment::Segment;

/// Indexes of closed segments kept in memory per log: for the readers that are behind.
const MAX_LOADED_INDEXES: usize = 2;

/// The batch at the end of a log that was just opened, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastBatch {
    pub(crate) header: BatchHeader,
    pub(super) position: u64,
}

impl LastBatch {
    /// The batch with `header` as one right before this one; `None` when it is in another segment.
    pub(crate) fn preceded_by(&self, header: BatchHeader) -> Option<Self> {
        let position = self.position.checked_sub(header.length() as u64)?;
        Some(Self { header, position })
    }
}

/// An offset found by its timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimestampOffset {
    pub(crate) offset: i64,
    /// Milliseconds since 1970.
    pub(crate) timestamp: i64,
}

#[derive(Debug)]
pub(crate) struct Log {
    pub(super) dir: PathBuf,
    pub(super) config: LogConfig,
    /// In order of base offset, never empty.
    pub(super) segments: Vec<Segment>,
    /// The newest segment that retention removed, of which only the seal is left.
    pub(super) inherited: Option<Segment>,
    pub(super) end_offset: i64,
    pub(super) kept: KeptOffsets,
    /// Records appended since the log was forced to the disk.
    unflushed: i64,
    /// Base offsets of closed segments with their index in memory, oldest first.
    loaded: VecDeque<i64>,
    /// Bytes of a torn tail that were cut when the log was opened.
    pub(super) cut_bytes: u64,
    pub(super) last_batch: Option<LastBatch>,
}

impl Log {
    /// A log without segments, to be filled by [`super::open`].
    pub(super) fn unopened(dir: &Path, config: LogConfig) -> Self {
        Self {
            dir: dir.to_owned(),
            config,
            segments: Vec::new(),
            inherited: None,
            end_offset: 0,
            kept: KeptOffsets::default(),
            unflushed: 0,
            loaded: VecDeque::new(),
            cut_bytes: 0,
            last_batch: None,
        }
    }

    /// Appends a batch that [`batch::check`] accepted; gives its base offset. If that closes a segment,
    /// `snapshot` is asked for the state before the batch, see [`super::Recovery::snapshot`].
    ///
    /// # Errors
    /// [`LogError::Io`] and [`LogError::Unusable`]; the log then ends where it ended before.
    pub(crate) fn append(
        &mut self,
        bytes: &[u8],
        leader_epoch: i32,
        snapshot: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Result<i64, LogError> {
        let base_offset = self.end_offset;
        let incomplete = batch::BatchError::Incomplete {
            need: PATCH_BYTES,
            have: bytes.len(),
        };
        let front = batch::patched_front(bytes, base_offset, leader_epoch).ok_or(incomplete)?;
        let mut fixed = [0; batch::HEADER_BYTES];
        let have = bytes.len().min(fixed.len());
        fixed[..have].copy_from_slice(&bytes[..have]);
        fixed[..PATCH_BYTES].copy_from_slice(&front);
        let header = BatchHeader::parse(&fixed[..have])?;
        if self.is_full_for(&header) {
            self.roll(snapshot)?;
        }
        let unflushed = self.unflushed.saturating_add(header.offset_count());
        let flush = self.config.fsync || unflushed >= self.config.flush_messages;
        self.active()
            .append(&header, front, &bytes[PATCH_BYTES..], flush)?;
        self.unflushed = if flush { 0 } else { unflushed };
        self.end_offset = header.last_offset() + 1;
        Ok(base_offset)
    }

    fn is_full_for(&mut self, header: &BatchHeader) -> bool {
        let LogConfig {
            segment_bytes,
            mut segment_ms,
            ..
        } = self.config;
        if self.config.compact {
            // Compaction does not reach into the active segment.
            segment_ms = segment_ms.min(self.config.max_compaction_lag_ms);
        }
        let active = self.active();
        let age = header.max_timestamp().saturating_sub(active.first_timestamp);
        let is_old = header.max_timestamp() >= 0 && active.first_timestamp >= 0 && age > segment_ms;
        active.length > 0 && (active.length + header.length() as u64 > segment_bytes || is_old)
    }

    /// Closes the active segment and begins the next. Its file is made at once, as it alone says where
    /// the log ends when retention removes all others.
    pub(super) fn roll(&mut self, snapshot: impl FnOnce() -> Option<Vec<u8>>) -> Result<(), LogError> {
        let mut next = Segment::new(&self.dir, self.end_offset);
        next.set_sync(self.config.fsync);
        next.open_writer()?;
        let active = self.active();
        active.seal(snapshot().as_deref());
        let base = active.base_offset;
        self.segments.push(next);
        self.keep_loaded(base);
        Ok(())
    }

    /// Counts the index of a closed segment among those in memory; the oldest ones go.
    fn keep_loaded(&mut self, base_offset: i64) {
        self.loaded.push_back(base_offset);
        while self.loaded.len() > MAX_LOADED_INDEXES {
            let oldest = self.loaded.pop_front();
            let position = self
                .segments
                .binary_search_by_key(&oldest, |segment| Some(segment.base_offset));
            if let Ok(position) = position {
                self.segments[position].unload_index();
            }
        }
    }

    /// Brings the index of a segment into memory: from its seal, or from its batches.
    fn load_index(&mut self, position: usize) -> Result<(), LogError> {
        let segment = &mut self.segments[position];
        if segment.index().is_some() {
            return Ok(());
        }
        let base_offset = segment.base_offset;
        match Seal::open(&segment.path).and_then(|seal| seal.map(|seal| seal.index()).transpose()) {
            Ok(Some(index)) => segment.set_index(Some(index)),
            Ok(None) => self.rebuild_index(position)?,
            Err(error) => {
                let path = seal::path_of(&segment.path);
                tracing::warn!(seal = %path.display(), %error, "damaged seal, looking at the segment instead");
                self.rebuild_index(position)?;
            }
        }
        self.keep_loaded(base_offset);
        Ok(())
    }

    fn rebuild_index(&mut self, position: usize) -> Result<(), LogError> {
        let segment = &mut self.segments[position];
        let mut index = SegmentIndex::default();
        if let Some(file) = segment.open_reader()? {
            let add = |header: &BatchHeader, position: u64, _: Option<&[u8]>| {
                index.add(header, position);
                Ok(())
            };
            scan::scan(&file, &segment.path, segment.length, Depth::Headers, add)?;
        }
        segment.set_index(Some(index));
        Ok(())
    }

    /// The settings.
    pub(crate) fn config(&self) -> LogConfig {
        self.config
    }

    /// Takes other settings from now on.
    pub(crate) fn configure(&mut self, config: LogConfig) {
        self.config = config;
        self.active().set_sync(config.fsync);
    }

    fn active(&mut self) -> &mut Segment {
        let last = self.segments.len() - 1;
        &mut self.segments[last]
    }

    /// Offset of the first record still there.
    pub(crate) fn start_offset(&self) -> i64 {
        self.kept.start.max(self.segments[0].base_offset)
    }

    /// Offset that the next record will get.
    pub(crate) fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// Bytes of a torn tail that were cut when the log was opened.
    pub(crate) fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }

    /// The last batch found when the log was opened; not kept up to date by appends.
    pub(crate) fn last_batch_on_open(&self) -> Option<LastBatch> {
        self.last_batch
    }

    /// Cuts the batch found last when the log was opened. Only a bug switch does this.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub(crate) fn cut_last_batch(&mut self, last: LastBatch) -> Result<(), LogError> {
        debug_assert_eq!(self.end_offset, last.header.last_offset() + 1);
        while self.segments.len() > 1 && self.active().base_offset > last.header.base_offset() {
            if let Some(empty) = self.segments.pop() {
                empty.remove_batches()?;
                empty.remove_seal()?;
            }
        }
        self.active().truncate(last.position)?;
        self.end_offset = last.header.base_offset();
        self.last_batch = None;
        Ok(())
    }

    /// How to read from `offset` on; `None` when there is nothing at or behind it.
    /// The caller has checked that the offset is not below the start.
    pub(crate) fn plan_read(&mut self, offset: i64) -> Result<Option<ReadPlan>, LogError> {
        if offset >= self.end_offset {
            return Ok(None);
        }
        let after = self
            .segments
            .partition_point(|segment| segment.base_offset <= offset);
        let position = after.saturating_sub(1);
        self.load_index(position)?;
        let segment = &self.segments[position];
        let begin = segment.index().map_or(0, |index| index.position_before(offset));
        plan_in(segment, offset, begin)
    }

    /// Where to look for the first record of at least this timestamp and offset; `None` when there is
    /// none. The plan may find nothing, see [`ReadPlan::record_at`]; then look again behind it.
    pub(crate) fn plan_timestamp(&mut self, timestamp: i64, from: i64) -> Result<Option<ReadPlan>, LogError> {
        for position in 0..self.segments.len() {
            let segment = &self.segments[position];
            let too_early = segment.max_timestamp < timestamp || segment.next_offset <= from;
            if segment.length == 0 || too_early {
                continue;
            }
            self.load_index(position)?;
            let segment = &self.segments[position];
            let begin = segment.index().map_or(0, |index| {
                let by_time = index.position_before_timestamp(timestamp);
                by_time.max(index.position_before(from))
            });
            let plan = plan_in(segment, from, begin)?;
            return Ok(plan.map(|plan| ReadPlan {
                limit: segment.next_offset,
                ..plan
            }));
        }
        Ok(None)
    }

    /// The largest timestamp of any record, or a bound from above after compaction.
    pub(crate) fn max_timestamp(&self) -> Option<i64> {
        let filled = self.segments.iter().filter(|segment| segment.length > 0);
        filled.map(|segment| segment.max_timestamp).max()
    }
}

fn plan_in(segment: &Segment, offset: i64, position: u64) -> Result<Option<ReadPlan>, LogError> {
    Ok(segment.open_reader()?.map(|file| ReadPlan {
        file,
        path: segment.path.clone(),
        position,
        end: segment.length,
        offset,
        limit: i64::MAX,
    }))
}
