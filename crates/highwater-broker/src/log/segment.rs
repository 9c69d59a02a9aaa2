//! One segment file: `<base offset, 20 digits>.log`.
//!
//! Invariant: `length` is where the last whole batch ends; the file holds nothing behind it, unless a
//! failed cut made the segment unusable for appends.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use highwater_wire::batch::{BatchHeader, PATCH_BYTES};

use super::error::LogError;
use super::index::SegmentIndex;
use super::seal::{self, Seal, Summary};

/// Digits of the base offset in a file name; enough for any offset, and names sort as numbers.
const NAME_DIGITS: usize = 20;

const SUFFIX: &str = ".log";

const NO_TIMESTAMP: i64 = -1;

#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    pub(crate) path: PathBuf,
    pub(crate) length: u64,
    /// Offset behind the last batch; the base offset while there is none.
    pub(crate) next_offset: i64,
    /// Largest timestamps of the first batch and of all, -1 while there is none.
    pub(crate) first_timestamp: i64,
    pub(crate) max_timestamp: i64,
    /// `None` when it is only in the seal.
    index: Option<SegmentIndex>,
    /// Held open while the segment is the last one; older ones are opened by each reader, so that the
    /// number of descriptors does not grow with the log.
    writer: Option<Arc<File>>,
    index_on_disk: bool,
    sync: bool,
    unusable: bool,
}

/// Opens a closed segment's file to be read; `None` when it is not there any more, or not as long as it
/// was: retention or another pass was faster.
pub(crate) fn open(path: &Path, length: u64) -> Result<Option<File>, LogError> {
    let error = |source| LogError::Io {
        action: "open",
        path: path.to_owned(),
        source,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(error(source)),
    };
    let there = file.metadata().map_err(error)?.len();
    Ok((there >= length).then_some(file))
}

/// The base offset that a file name stands for.
pub(crate) fn base_offset_of(file_name: &str) -> Option<i64> {
    offset_in_name(file_name.strip_suffix(SUFFIX)?)
}

/// The base offset that the name of a segment or its seal begins with.
pub(super) fn offset_in_name(digits: &str) -> Option<i64> {
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
            next_offset: base_offset,
            first_timestamp: NO_TIMESTAMP,
            max_timestamp: NO_TIMESTAMP,
            index: Some(SegmentIndex::default()),
            writer: None,
            index_on_disk: false,
            sync: false,
            unusable: false,
        }
    }

    /// A closed segment as its seal describes it.
    pub(crate) fn sealed(dir: &Path, summary: &Summary) -> Self {
        Self {
            length: summary.length,
            next_offset: summary.next_offset,
            first_timestamp: summary.first_timestamp,
            max_timestamp: summary.max_timestamp,
            index: None,
            index_on_disk: true,
            ..Self::new(dir, summary.base_offset)
        }
    }

    /// Notes a batch at the end of the file.
    pub(crate) fn add(&mut self, header: &BatchHeader) {
        if let Some(index) = &mut self.index {
            index.add(header, self.length);
        }
        if self.length == 0 {
            self.first_timestamp = header.max_timestamp();
        }
        self.length += header.length() as u64;
        self.next_offset = header.last_offset() + 1;
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp());
    }

    /// The time of the newest record: its timestamp, or if no record has one, when the file was written.
    pub(crate) fn newest_ms(&self) -> i64 {
        if self.max_timestamp >= 0 {
            return self.max_timestamp;
        }
        let modified = fs::metadata(&self.path).and_then(|metadata| metadata.modified());
        let age = modified
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        // A file that cannot be asked is not one to remove.
        age.map_or(i64::MAX, |age| i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
    }

    /// The index, if it is in memory.
    pub(crate) fn index(&self) -> Option<&SegmentIndex> {
        self.index.as_ref()
    }

    pub(crate) fn set_index(&mut self, index: Option<SegmentIndex>) {
        self.index = index;
    }

    /// Opens the file for appending, making it if needed.
    pub(crate) fn open_writer(&mut self) -> Result<Arc<File>, LogError> {
        if let Some(writer) = &self.writer {
            return Ok(Arc::clone(writer));
        }
        let is_new = self.sync && !self.path.exists();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(&self.path)
            .map_err(|source| self.error("open", source))?;
        if is_new {
            sync_parent(&self.path).map_err(|source| self.error("sync", source))?;
        }
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

    /// Lets go of the descriptor, and keeps in a file what an opening needs to know. Without that file
    /// (a full disk) the next opening looks at the batches.
    pub(crate) fn seal(&mut self, snapshot: Option<&[u8]>) {
        self.writer = None;
        let Some(index) = &self.index else {
            return;
        };
        let summary = self.summary();
        match seal::write(&self.path, &summary, index, snapshot) {
            Ok(()) => self.index_on_disk = true,
            Err(error) => {
                tracing::warn!(segment = %self.path.display(), %error, "could not write the segment's seal");
            }
        }
    }

    /// What the segment's seal says of it.
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            base_offset: self.base_offset,
            next_offset: self.next_offset,
            length: self.length,
            first_timestamp: self.first_timestamp,
            max_timestamp: self.max_timestamp,
        }
    }

    /// Lets the complete file at `path` take the place of a closed segment's. The seal goes first, so
    /// that no seal ever speaks of another file; its snapshot stays true and goes into the next one.
    pub(crate) fn replace_file(
        &mut self,
        path: &Path,
        summary: &Summary,
        index: SegmentIndex,
    ) -> Result<(), LogError> {
        let seal = Seal::open(&self.path).ok().flatten();
        let snapshot = seal.and_then(|seal| seal.snapshot().ok().flatten());
        match fs::remove_file(seal::path_of(&self.path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.error("remove", error)),
            _ => {}
        }
        self.index_on_disk = false;
        fs::rename(path, &self.path).map_err(|source| self.error("replace", source))?;
        self.length = summary.length;
        self.first_timestamp = summary.first_timestamp;
        self.max_timestamp = summary.max_timestamp;
        self.index = Some(index);
        self.seal(snapshot.as_deref());
        self.unload_index();
        sync_parent(&self.path).map_err(|source| self.error("sync", source))
    }

    /// Drops the index if it can be read back.
    pub(crate) fn unload_index(&mut self) {
        if self.index_on_disk {
            self.index = None;
        }
    }

    /// Whether new files are forced to the disk with their name.
    pub(crate) fn set_sync(&mut self, sync: bool) {
        self.sync = sync;
    }

    /// Writes a batch with the front replaced, and forces it to the disk if `flush`; on failure the file
    /// ends where it ended before.
    pub(crate) fn append(
        &mut self,
        header: &BatchHeader,
        front: [u8; PATCH_BYTES],
        rest: &[u8],
        flush: bool,
    ) -> Result<(), LogError> {
        if self.unusable {
            return Err(LogError::Unusable {
                path: self.path.clone(),
            });
        }
        let file = self.open_writer()?;
        let mut written = 0;
        let slices = &mut [IoSlice::new(&front), IoSlice::new(rest)];
        let mut action = "write";
        let result = write_all(&file, slices, &mut written).and_then(|()| {
            action = "sync";
            if flush { file.sync_data() } else { Ok(()) }
        });
        if let Err(source) = result {
            if written > 0 && file.set_len(self.length).is_err() {
                self.unusable = true;
            }
            return Err(self.error(action, source));
        }
        self.add(header);
        Ok(())
    }

    /// Cuts the file so that it ends at `length`.
    pub(crate) fn truncate(&mut self, length: u64) -> Result<(), LogError> {
        let file = self.open_writer()?;
        file.set_len(length)
            .map_err(|source| self.error("truncate", source))?;
        if let Some(index) = &mut self.index {
            index.truncate(length);
        }
        self.length = length;
        Ok(())
    }

    /// Removes the batches; the seal stays. Readers that have the file open go on.
    pub(crate) fn remove_batches(&self) -> Result<(), LogError> {
        remove(&self.path)
    }

    /// Removes the seal.
    pub(crate) fn remove_seal(&self) -> Result<(), LogError> {
        remove(&seal::path_of(&self.path))
    }

    pub(super) fn error(&self, action: &'static str, source: io::Error) -> LogError {
        LogError::Io {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<(), LogError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(LogError::Io {
            action: "remove",
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
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

/// Forces the name of a new file to the disk.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}
