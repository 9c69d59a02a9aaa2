//! One segment file: `<base offset, 20 digits>.log`.
//!
//! Invariant: `length` is where the last whole batch ends; the file holds nothing behind it, unless a
//! failed cut made the segment unusable for appends.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use highwater_wire::batch::{BatchHeader, PATCH_BYTES};

use super::error::LogError;
use super::index::SegmentIndex;

/// Digits of the base offset in a file name; enough for any offset, and names sort as numbers.
const NAME_DIGITS: usize = 20;

const SUFFIX: &str = ".log";

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    pub(crate) path: PathBuf,
    pub(crate) length: u64,
    pub(crate) index: SegmentIndex,
    /// Held open while the segment is the last one; older ones are opened by each reader, so that the
    /// number of descriptors does not grow with the log.
    writer: Option<Arc<File>>,
    unusable: bool,
}

/// The base offset that a file name stands for.
pub(crate) fn base_offset_of(file_name: &str) -> Option<i64> {
    let digits = file_name.strip_suffix(SUFFIX)?;
    if digits.len() != NAME_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

impl Segment {
    /// A segment whose file may or may not be there yet; nothing is touched.
    pub(crate) fn new(dir: &Path, base_offset: i64) -> Self {
        Self {
            base_offset,
            path: dir.join(format!("{base_offset:0NAME_DIGITS$}{SUFFIX}")),
            length: 0,
            index: SegmentIndex::default(),
            writer: None,
            unusable: false,
        }
    }

    /// Opens the file for appending, making it if needed.
    pub(crate) fn open_writer(&mut self) -> Result<Arc<File>, LogError> {
        if let Some(writer) = &self.writer {
            return Ok(Arc::clone(writer));
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&self.path)
            .map_err(|source| self.error("open", source))?;
        let file = Arc::new(file);
        self.writer = Some(Arc::clone(&file));
        Ok(file)
    }

    /// A file to read from; `None` when nothing was ever written.
    pub(crate) fn open_reader(&self) -> Result<Option<Arc<File>>, LogError> {
        if let Some(writer) = &self.writer {
            return Ok(Some(Arc::clone(writer)));
        }
        if self.length == 0 {
            return Ok(None);
        }
        File::open(&self.path)
            .map(|file| Some(Arc::new(file)))
            .map_err(|source| self.error("open", source))
    }

    /// Lets go of the descriptor when the next segment has begun.
    pub(crate) fn seal(&mut self) {
        self.writer = None;
    }

    /// Writes a batch with the front replaced; on failure the file ends where it ended before.
    pub(crate) fn append(
        &mut self,
        header: &BatchHeader,
        front: [u8; PATCH_BYTES],
        rest: &[u8],
    ) -> Result<(), LogError> {
        if self.unusable {
            return Err(LogError::Unusable {
                path: self.path.clone(),
            });
        }
        let file = self.open_writer()?;
        let mut written = 0;
        if let Err(source) = write_all(
            &file,
            &mut [IoSlice::new(&front), IoSlice::new(rest)],
            &mut written,
        ) {
            if written > 0 && file.set_len(self.length).is_err() {
                self.unusable = true;
            }
            return Err(self.error("write", source));
        }
        self.index.add(header, self.length);
        self.length += (PATCH_BYTES + rest.len()) as u64;
        Ok(())
    }

    /// Cuts the file so that it ends at `length`.
    pub(crate) fn truncate(&mut self, length: u64) -> Result<(), LogError> {
        let file = self.open_writer()?;
        file.set_len(length)
            .map_err(|source| self.error("truncate", source))?;
        self.index.truncate(length);
        self.length = length;
        Ok(())
    }

    fn error(&self, action: &'static str, source: io::Error) -> LogError {
        LogError::Io {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

fn write_all(file: &File, mut slices: &mut [IoSlice<'_>], written: &mut usize) -> io::Result<()> {
    let mut file = file;
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                *written += count;
                IoSlice::advance_slices(&mut slices, count);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
