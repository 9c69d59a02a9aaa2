//! Reading batches without holding the log's lock.
//!
//! A plan names a file and a range under the lock; the bytes are read after it was released. That is
//! safe because bytes below the end offset never change, and a deleted file stays readable while open.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use highwater_wire::batch::{BatchError, BatchHeader, HEADER_BYTES};
use highwater_wire::records::Records;
use rustix::buffer::spare_capacity;
use rustix::io::Errno;

use super::error::LogError;
use super::index::INTERVAL_BYTES;
use super::store::TimestampOffset;

/// What to read, and from where.
#[derive(Debug)]
pub(crate) struct ReadPlan {
    pub(super) file: Arc<File>,
    pub(super) path: PathBuf,
    /// At or before the batch with `offset`.
    pub(super) position: u64,
    /// Where the readable part of the segment ends.
    pub(super) end: u64,
    pub(super) offset: i64,
    /// Batches from this offset on are not for this reader.
    pub(super) limit: i64,
}

impl ReadPlan {
    /// The same plan for a reader that may see no batch from `limit` on.
    pub(crate) fn up_to(self, limit: i64) -> Self {
        Self { limit, ..self }
    }

    /// Bytes that a reader could get, counted from the index entry: at most one index interval too many.
    pub(crate) fn available(&self) -> u64 {
        self.end - self.position
    }

    /// Whole batches from the one that holds the offset on, at most `max_bytes` of them, but always the
    /// first one if `first_whole` (KIP-74: a batch larger than the limit must not stop its reader).
    pub(crate) fn read(&self, max_bytes: usize, first_whole: bool) -> Result<Bytes, LogError> {
        let ahead = (max_bytes as u64).saturating_add(INTERVAL_BYTES + HEADER_BYTES as u64);
        let mut position = self.position;
        let mut bytes = self.read_range(position, ahead.min(self.end - position))?;
        let mut start = 0;
        loop {
            let header = match BatchHeader::parse(bytes.get(start..).unwrap_or_default()) {
                Ok(header) => header,
                Err(BatchError::Incomplete { .. }) if position + (start as u64) < self.end && start > 0 => {
                    // The window ends before the batch.
                    position += start as u64;
                    bytes = self.read_range(position, ahead.min(self.end - position))?;
                    start = 0;
                    continue;
                }
                // Nothing behind the offset in this segment: a compacted one may end before the next begins.
                Err(BatchError::Incomplete { .. }) if position + start as u64 >= self.end => {
                    return Ok(Bytes::new());
                }
                Err(error) => return Err(error.into()),
            };
            if header.base_offset() >= self.limit {
                return Ok(Bytes::new());
            }
            if header.last_offset() >= self.offset {
                if header.length() > max_bytes && !first_whole {
                    return Ok(Bytes::new());
                }
                if start + header.length() > bytes.len() {
                    position += start as u64;
                    bytes = self.read_range(position, header.length() as u64)?;
                    start = 0;
                }
                break;
            }
            start += header.length();
        }
        let end = whole_batches_end(&bytes, start, max_bytes, self.limit);
        Ok(Bytes::from(bytes).slice(start..end))
    }

    /// The first record of at least this timestamp, and not below the plan's offset. A batch whose
    /// records cannot be read counts as one record with its own largest timestamp.
    pub(crate) fn record_at(&self, timestamp: i64) -> Result<Option<TimestampOffset>, LogError> {
        let mut position = self.position;
        while position < self.end {
            let count = (HEADER_BYTES as u64).min(self.end - position);
            let header = BatchHeader::parse(&self.read_range(position, count)?)?;
            if header.max_timestamp() >= timestamp && header.last_offset() >= self.offset {
                let batch = Bytes::from(self.read_range(position, header.length() as u64)?);
                let found = match Records::of(&batch) {
                    Ok(records) => first_record(&records, timestamp, self.offset),
                    Err(_) => Some(TimestampOffset {
                        offset: header.base_offset().max(self.offset),
                        timestamp: header.max_timestamp(),
                    }),
                };
                if found.is_some() {
                    return Ok(found);
                }
            }
            position += header.length() as u64;
        }
        Ok(None)
    }

    /// Where to look next when nothing was found: behind the segment.
    pub(crate) fn behind(&self) -> i64 {
        self.limit
    }

    fn read_range(&self, position: u64, count: u64) -> Result<Vec<u8>, LogError> {
        let error = |source: std::io::Error| LogError::Io {
            action: "read",
            path: self.path.clone(),
            source,
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(count);
        while bytes.len() < count {
            let at = position + bytes.len() as u64;
            match rustix::io::pread(&self.file, spare_capacity(&mut bytes), at) {
                Ok(0) => return Err(error(std::io::ErrorKind::UnexpectedEof.into())),
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(error(errno.into())),
            }
        }
        // The allocator may give more room than asked for, and the file may have grown.
        bytes.truncate(count);
        Ok(bytes)
    }
}

fn first_record(records: &Records, timestamp: i64, from: i64) -> Option<TimestampOffset> {
    records
        .iter()
        .map_while(Result::ok)
        .find(|record| record.timestamp >= timestamp && record.offset >= from)
        .map(|record| TimestampOffset {
            offset: record.offset,
            timestamp: record.timestamp,
        })
}

/// Where the last whole batch within the limit ends; the first batch counts whatever its size.
fn whole_batches_end(bytes: &[u8], start: usize, max_bytes: usize, limit: i64) -> usize {
    let mut end = start;
    while let Ok(header) = BatchHeader::parse(&bytes[end..]) {
        let next = end + header.length();
        let too_much = end > start && next - start > max_bytes;
        if next > bytes.len() || too_much || header.base_offset() >= limit {
            break;
        }
        end = next;
    }
    end
}
