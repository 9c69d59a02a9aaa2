//! Walking a segment file when a log is opened: rebuild what memory needs, and judge the end.
//!
//! A process that dies in a write leaves the front of one batch, and nothing behind it. So bytes that
//! are not a batch are a *torn tail* if no intact batch follows them, and *damage* otherwise; only the
//! first may be cut.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use highwater_wire::batch::{self, BatchError, BatchHeader, HEADER_BYTES, MAGIC};

use super::error::LogError;

/// Read ahead when every byte is looked at.
const WINDOW_BYTES: usize = 1 << 20;

/// Read ahead when only headers are: enough for several small batches, little beside a large one.
const HEADER_WINDOW_BYTES: usize = 16 << 10;

/// How much of each batch is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The fixed fields: for segments that were closed long before the last write.
    Headers,
    /// The checksum too: for the last segment.
    Checksums,
}

/// How a walk ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ScanEnd {
    /// With the file.
    Clean,
    /// At bytes that are not a batch; the first bad byte and what is wrong there.
    Bad(u64, BatchError),
}

/// Walks the batches of `file`, giving each header and position to `visit`, and control batches whole.
pub(crate) fn scan(
    file: &File,
    path: &Path,
    length: u64,
    depth: Depth,
    mut visit: impl FnMut(&BatchHeader, u64, Option<&[u8]>) -> Result<(), LogError>,
) -> Result<ScanEnd, LogError> {
    let ahead = match depth {
        Depth::Headers => HEADER_WINDOW_BYTES,
        Depth::Checksums => WINDOW_BYTES,
    };
    let mut window = Window::new(file, path, length, ahead);
    let mut position = 0;
    while position < length {
        let header = match BatchHeader::parse(window.get(position, HEADER_BYTES)?) {
            Ok(header) => header,
            Err(error) => return Ok(ScanEnd::Bad(position, error)),
        };
        let end = position + header.length() as u64;
        if end > length {
            let error = BatchError::Incomplete {
                need: header.length(),
                have: usize::try_from(length - position).unwrap_or(usize::MAX),
            };
            return Ok(ScanEnd::Bad(position, error));
        }
        if depth == Depth::Checksums
            && let Err(error) = batch::check(window.get(position, header.length())?)
        {
            return Ok(ScanEnd::Bad(position, error));
        }
        let control = if header.is_control() {
            Some(window.get(position, header.length())?)
        } else {
            None
        };
        visit(&header, position, control)?;
        position = end;
    }
    Ok(ScanEnd::Clean)
}

/// Walks the batches of a segment that is in order, giving each whole, with its checksum compared.
pub(crate) fn each_batch(
    file: &File,
    path: &Path,
    length: u64,
    mut visit: impl FnMut(&BatchHeader, &[u8]) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let mut window = Window::new(file, path, length, WINDOW_BYTES);
    let mut position = 0;
    while position < length {
        let damaged = |source| LogError::Damaged {
            path: path.to_owned(),
            position,
            source,
        };
        let header = BatchHeader::parse(window.get(position, HEADER_BYTES)?).map_err(damaged)?;
        let bytes = window.get(position, header.length())?;
        batch::check(bytes).map_err(damaged)?;
        visit(&header, bytes)?;
        position += header.length() as u64;
    }
    Ok(())
}

/// Whether an intact batch begins anywhere behind `position`, with an offset that could follow.
pub(crate) fn intact_batch_follows(
    file: &File,
    path: &Path,
    length: u64,
    position: u64,
    next_offset: i64,
) -> Result<bool, LogError> {
    let mut window = Window::new(file, path, length, WINDOW_BYTES);
    let last_start = length.saturating_sub(HEADER_BYTES as u64);
    for candidate in position + 1..=last_start.max(position) {
        let front = window.get(candidate, HEADER_BYTES)?;
        // The magic byte first: it spares the rest for nearly every place.
        if front.get(16) != Some(&MAGIC.to_be_bytes()[0]) {
            continue;
        }
        let Ok(header) = BatchHeader::parse(front) else {
            continue;
        };
        let fits = candidate + header.length() as u64 <= length;
        if fits
            && header.base_offset() >= next_offset
            && batch::check(window.get(candidate, header.length())?).is_ok()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A piece of a file in memory, moved forward as needed.
struct Window<'a> {
    file: &'a File,
    path: &'a Path,
    length: u64,
    ahead: usize,
    start: u64,
    bytes: Vec<u8>,
}

impl<'a> Window<'a> {
    fn new(file: &'a File, path: &'a Path, length: u64, ahead: usize) -> Self {
        Self {
            file,
            path,
            length,
            ahead,
            start: 0,
            bytes: Vec::new(),
        }
    }

    /// Up to `count` bytes from `position`, fewer at the end of the file. `count` is bounded by the
    /// longest batch, as every caller has parsed its length.
    fn get(&mut self, position: u64, count: usize) -> Result<&[u8], LogError> {
        let left = usize::try_from(self.length.saturating_sub(position)).unwrap_or(usize::MAX);
        let count = count.min(left);
        let inside =
            position >= self.start && position + count as u64 <= self.start + self.bytes.len() as u64;
        if !inside {
            self.bytes.resize(count.max(self.ahead).min(left), 0);
            self.start = position;
            self.file
                .read_exact_at(&mut self.bytes, position)
                .map_err(|source| LogError::Io {
                    action: "read",
                    path: self.path.to_owned(),
                    source,
                })?;
        }
        let from = usize::try_from(position - self.start).unwrap_or(usize::MAX);
        Ok(self.bytes.get(from..from + count).unwrap_or_default())
    }
}
