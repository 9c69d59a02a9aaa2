//! A file of lines that only grows, until it is replaced as a whole.
//!
//! Invariant: what was appended is there, as far as its [`Durability`] goes, before the append returns; a
//! line that a dying process or a full disk left incomplete is cut off. What the lines mean is the
//! owner's matter.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::data_dir::{Durability, write_whole};
use crate::error::BrokerError;

#[derive(Debug)]
pub(crate) struct LineFile {
    path: PathBuf,
    file: File,
    durability: Durability,
    lines: usize,
    /// Where the last whole line ends.
    length: u64,
    /// The length after the last time that only what counts was in it.
    compact_length: u64,
    /// A part of a line is at the end and could not be cut off, or a file that was put in its place could
    /// not be opened: nothing may be appended any more.
    unusable: bool,
}

/// A file below this is not worth rewriting, whatever is in it.
const MIN_BYTES_TO_REWRITE: u64 = 32 << 20;

/// The file is rewritten when it has this many times more lines, or bytes, than count.
const REWRITE_FACTOR: usize = 4;

impl LineFile {
    /// Reads the file, making it if needed, and gives each whole line to `each`, which says what is wrong
    /// with one that it can't take.
    ///
    /// # Errors
    /// [`BrokerError::Damaged`] with the number of that line, [`BrokerError::DataDir`].
    pub(crate) fn open(
        path: PathBuf,
        durability: Durability,
        mut each: impl FnMut(&[u8]) -> Result<(), serde_json::Error>,
    ) -> Result<Self, BrokerError> {
        let error = |action, source| BrokerError::DataDir {
            action,
            path: path.clone(),
            source,
        };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(source) if source.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(error("read", source)),
        };
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        let mut lines = 0;
        for line in bytes[..whole].split_inclusive(|&byte| byte == b'\n') {
            lines += 1;
            each(line).map_err(|error| BrokerError::Damaged {
                path: path.clone(),
                reason: format!("line {lines}: {error}"),
            })?;
        }
        let file = open_append(&path).map_err(|source| error("open", source))?;
        if whole < bytes.len() {
            file.set_len(whole as u64)
                .map_err(|source| error("truncate", source))?;
        }
        durability
            .settle_entry(&path)
            .map_err(|source| error("flush", source))?;
        Ok(Self {
            path,
            file,
            durability,
            lines,
            length: whole as u64,
            compact_length: 0,
            unusable: false,
        })
    }

    /// Lines in the file.
    #[cfg(test)]
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// Whether most of the file is old, if `live` lines of it count; not before it has `min_lines`, or is
    /// large.
    pub(crate) fn is_mostly_old(&self, live: usize, min_lines: usize) -> bool {
        let factor = REWRITE_FACTOR as u64;
        self.lines > min_lines.max(live * REWRITE_FACTOR)
            || self.length > MIN_BYTES_TO_REWRITE.max(self.compact_length * factor)
    }

    /// Appends `bytes`, which are that many whole lines, in one write.
    pub(crate) fn append(&mut self, bytes: &[u8], lines: usize) -> io::Result<()> {
        if self.unusable {
            return Err(io::Error::other(
                "an earlier write could not be undone; start the broker again",
            ));
        }
        let written = self
            .file
            .write_all(bytes)
            .and_then(|()| self.durability.settle(&self.file));
        if let Err(error) = written {
            // A part of a line would make the next one unreadable.
            self.unusable = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.lines += lines;
        Ok(())
    }

    /// Puts `bytes`, which are that many whole lines, in the place of everything.
    pub(crate) fn replace(&mut self, bytes: &[u8], lines: usize) -> io::Result<()> {
        write_whole(&self.path, bytes, self.durability)?;
        // The open file has no name any more: what it is given would be gone at the next start.
        self.unusable = true;
        self.file = open_append(&self.path)?;
        self.unusable = false;
        self.length = bytes.len() as u64;
        self.compact_length = self.length;
        self.lines = lines;
        Ok(())
    }
}

fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
