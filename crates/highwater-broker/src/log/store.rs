//! The log itself: segments in order, the last of them written to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use highwater_wire::batch::{self, BatchHeader, PATCH_BYTES};

use super::error::LogError;
use super::read::ReadPlan;
use super::scan::{self, Depth, ScanEnd};
use super::segment::{self, Segment};

/// Settings of one log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogConfig {
    /// A segment is closed when the next batch would make it larger, in bytes.
    pub(crate) segment_bytes: u64,
}

/// The batch at the end of a log that was just opened, and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastBatch {
    pub(crate) header: BatchHeader,
    position: u64,
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
    dir: PathBuf,
    config: LogConfig,
    /// In order of base offset, never empty.
    segments: Vec<Segment>,
    end_offset: i64,
    /// Bytes of a torn tail that were cut when the log was opened.
    cut_bytes: u64,
    last_batch: Option<LastBatch>,
}

impl Log {
    /// Opens the log in `dir`, cuts a torn tail, and shows every batch to `visit`, in order.
    ///
    /// # Errors
    /// [`LogError::Damaged`] or [`LogError::Offsets`] when something before the tail is wrong; nothing
    /// is changed then.
    pub(crate) fn open(
        dir: &Path,
        config: LogConfig,
        mut visit: impl FnMut(&BatchHeader),
    ) -> Result<Self, LogError> {
        let mut log = Self {
            dir: dir.to_owned(),
            config,
            segments: Vec::new(),
            end_offset: 0,
            cut_bytes: 0,
            last_batch: None,
        };
        let bases = segment_bases(dir)?;
        let last = bases.last().copied();
        for base_offset in bases {
            let is_last = Some(base_offset) == last;
            log.open_segment(base_offset, is_last, &mut visit)?;
        }
        if log.segments.is_empty() {
            log.segments.push(Segment::new(dir, 0));
        }
        Ok(log)
    }

    fn open_segment(
        &mut self,
        base_offset: i64,
        is_last: bool,
        visit: &mut impl FnMut(&BatchHeader),
    ) -> Result<(), LogError> {
        let mut segment = Segment::new(&self.dir, base_offset);
        if let Some(before) = self.segments.last_mut() {
            before.seal();
        }
        let path = segment.path.clone();
        let file = segment.open_writer()?;
        let length = file
            .metadata()
            .map_err(|source| LogError::Io {
                action: "read",
                path: path.clone(),
                source,
            })?
            .len();
        let depth = if is_last { Depth::Checksums } else { Depth::Headers };
        let mut next_offset = self.end_offset.max(base_offset);
        let mut last_batch = self.last_batch;
        let end = scan::scan(&file, &path, length, depth, |header, position| {
            if header.base_offset() < next_offset {
                return Err(LogError::Offsets {
                    path: path.clone(),
                    position,
                    found: header.base_offset(),
                    expected: next_offset,
                });
            }
            segment.index.add(header, position);
            segment.length = position + header.length() as u64;
            next_offset = header.last_offset() + 1;
            last_batch = Some(LastBatch {
                header: *header,
                position,
            });
            visit(header);
            Ok(())
        })?;
        if let ScanEnd::Bad(position, source) = end {
            let torn = is_last && !scan::intact_batch_follows(&file, &path, length, position, next_offset)?;
            if !torn {
                return Err(LogError::Damaged {
                    path,
                    position,
                    source,
                });
            }
            self.cut_bytes = length - position;
            segment.truncate(position)?;
        }
        self.end_offset = next_offset;
        self.last_batch = last_batch;
        self.segments.push(segment);
        Ok(())
    }

    /// Appends a batch that [`batch::check`] accepted; gives its base offset.
    ///
    /// # Errors
    /// [`LogError::Io`] and [`LogError::Unusable`]; the log then ends where it ended before.
    pub(crate) fn append(&mut self, bytes: &[u8], leader_epoch: i32) -> Result<i64, LogError> {
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
        self.roll_if_full(bytes.len() as u64);
        self.active().append(&header, front, &bytes[PATCH_BYTES..])?;
        self.end_offset = header.last_offset() + 1;
        Ok(base_offset)
    }

    fn roll_if_full(&mut self, more: u64) {
        let limit = self.config.segment_bytes;
        let end_offset = self.end_offset;
        let active = self.active();
        if active.length > 0 && active.length + more > limit {
            active.seal();
            let next = Segment::new(&self.dir, end_offset);
            self.segments.push(next);
        }
    }

    fn active(&mut self) -> &mut Segment {
        let last = self.segments.len() - 1;
        &mut self.segments[last]
    }

    /// Offset of the first record still there.
    pub(crate) fn start_offset(&self) -> i64 {
        self.segments[0].base_offset
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
        self.active().truncate(last.position)?;
        self.end_offset = last.header.base_offset();
        self.last_batch = None;
        Ok(())
    }

    /// How to read from `offset` on; `None` when there is nothing at or behind it.
    /// The caller has checked that the offset is not below the start.
    pub(crate) fn plan_read(&self, offset: i64) -> Result<Option<ReadPlan>, LogError> {
        if offset >= self.end_offset {
            return Ok(None);
        }
        let after = self
            .segments
            .partition_point(|segment| segment.base_offset <= offset);
        let segment = &self.segments[after.saturating_sub(1)];
        self.plan_in(segment, offset, segment.index.position_before(offset))
    }

    fn plan_in(&self, segment: &Segment, offset: i64, position: u64) -> Result<Option<ReadPlan>, LogError> {
        Ok(segment.open_reader()?.map(|file| ReadPlan {
            file,
            path: segment.path.clone(),
            position,
            end: segment.length,
            offset,
        }))
    }

    /// The first batch with a record of at least this timestamp. Records inside a batch are not looked
    /// at, so the offset is that batch's first: never too late, possibly a few records too early.
    pub(crate) fn offset_for_timestamp(&self, timestamp: i64) -> Result<Option<TimestampOffset>, LogError> {
        for segment in &self.segments {
            let Some(position) = segment.index.position_before_timestamp(timestamp) else {
                continue;
            };
            let Some(plan) = self.plan_in(segment, segment.base_offset, position)? else {
                continue;
            };
            if let Some(header) = plan.find_header(|header| header.max_timestamp() >= timestamp)? {
                return Ok(Some(TimestampOffset {
                    offset: header.base_offset(),
                    timestamp: header.max_timestamp(),
                }));
            }
        }
        Ok(None)
    }

    /// The last record of the first batch with the largest timestamp of the log.
    pub(crate) fn offset_of_max_timestamp(&self) -> Result<Option<TimestampOffset>, LogError> {
        let largest = self
            .segments
            .iter()
            .filter_map(|segment| segment.index.max_timestamp())
            .max();
        let Some(largest) = largest else {
            return Ok(None);
        };
        for segment in &self.segments {
            let Some(position) = segment.index.position_before_timestamp(largest) else {
                continue;
            };
            let Some(plan) = self.plan_in(segment, segment.base_offset, position)? else {
                continue;
            };
            if let Some(header) = plan.find_header(|header| header.max_timestamp() >= largest)? {
                return Ok(Some(TimestampOffset {
                    offset: header.last_offset(),
                    timestamp: header.max_timestamp(),
                }));
            }
        }
        Ok(None)
    }
}

/// Base offsets of the segment files in `dir`, in order. Other files are left alone.
fn segment_bases(dir: &Path) -> Result<Vec<i64>, LogError> {
    let error = |source: io::Error| LogError::Io {
        action: "list",
        path: dir.to_owned(),
        source,
    };
    let mut bases = Vec::new();
    for entry in fs::read_dir(dir).map_err(error)? {
        let name = entry.map_err(error)?.file_name();
        if let Some(base) = name.to_str().and_then(segment::base_offset_of) {
            bases.push(base);
        }
    }
    bases.sort_unstable();
    Ok(bases)
}
