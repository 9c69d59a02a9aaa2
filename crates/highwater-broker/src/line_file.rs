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
}

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
        })
    }

    /// Lines in the file.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// Appends `bytes`, which are that many whole lines, in one write.
    pub(crate) fn append(&mut self, bytes: &[u8], lines: usize) -> io::Result<()> {
        let written = self
            .file
            .write_all(bytes)
            .and_then(|()| self.durability.settle(&self.file));
        if let Err(error) = written {
            // A part of a line would make the next one unreadable.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.lines += lines;
        Ok(())
    }

    /// Puts `bytes`, which are that many whole lines, in the place of everything.
    pub(crate) fn replace(&mut self, bytes: &[u8], lines: usize) -> io::Result<()> {
        write_whole(&self.path, bytes, self.durability)?;
        self.file = open_append(&self.path)?;
        self.length = bytes.len() as u64;
        self.lines = lines;
        Ok(())
    }
}

fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
