//! `bugs.jsonl`: what the bug switches harmed, one JSON object a line.
//!
//! Invariant: a line is in the file (one write(2)) before the harm it tells of can be seen by a client.
//! A line that a dying process left incomplete is ignored by readers.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use highwater_wire::batch::BatchHeader;
use serde::{Deserialize, Serialize};

use super::Place;
use crate::bug::Bug;
use crate::group::OffsetKey;
use crate::lock::LockExt;

/// Name of the journal in the data directory.
pub const JOURNAL_FILE: &str = "bugs.jsonl";

/// What happened to a batch, or to a committed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JournalEvent {
    /// Its producer is about to be told that it is safe; it is not written yet.
    Acknowledged,
    /// It has been written after all.
    Appended,
    /// It is not in the log, and was there or acknowledged.
    Lost,
    /// Its producer sent it again after it was lost, and it is in the log, at new offsets.
    Restored,
    /// It is in the log twice.
    Duplicated,
    /// It is in the log at other offsets than its producer was told.
    Misplaced,
    /// It was left out of an answer to a reader that had asked for its offset.
    Hidden,
    /// It is in the log, and a right broker would have refused it or known it as a copy.
    Admitted,
    /// Committed readers get it, though its transaction is open or was aborted.
    Shown,
    /// Its transaction was ended when another one should have been.
    EndedWrongly,
    /// Its transaction was ended elsewhere and stays open here.
    LeftOpen,
    /// It was compacted away although it is the last value of its key; the one before was kept.
    Compacted,
    /// A committed offset is not there any more.
    Forgotten,
    /// An older offset than the committed one was answered.
    Regressed,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// [`Bug::name`].
    pub bug: String,
    /// Group of a committed offset, for those entries that are about one. Its right value is
    /// `base_offset` then, and the one in its place `copy_base_offset`, each -1 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What happened.
    pub event: JournalEvent,
    /// Topic of the batch.
    pub topic: String,
    /// Partition of the batch.
    pub partition: i32,
    /// Offset of the batch's first record, as its producer was told.
    pub base_offset: i64,
    /// Offset of the batch's last record.
    pub last_offset: i64,
    /// Producer id, -1 without idempotence.
    pub producer_id: i64,
    /// Producer epoch, -1 without idempotence.
    pub producer_epoch: i16,
    /// Sequence of the first record, -1 without idempotence.
    pub base_sequence: i32,
    /// Where the second copy begins (`duplicated`), where the batch is now (`restored`, `misplaced`), or
    /// the value that was kept (`compacted`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_base_offset: Option<i64>,
    /// Where the second copy ends (`duplicated`), or where the batch ends now (`restored`,
    /// `misplaced`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_last_offset: Option<i64>,
}

impl JournalEntry {
    /// An entry for a batch at `base_offset`.
    pub(crate) fn of(
        bug: Bug,
        event: JournalEvent,
        place: &Place,
        header: &BatchHeader,
        base_offset: i64,
    ) -> Self {
        Self {
            bug: bug.name().to_owned(),
            group: None,
            event,
            topic: place.topic.to_string(),
            partition: place.partition,
            base_offset,
            last_offset: base_offset + header.offset_count() - 1,
            producer_id: header.producer_id(),
            producer_epoch: header.producer_epoch(),
            base_sequence: header.base_sequence(),
            copy_base_offset: None,
            copy_last_offset: None,
        }
    }

    /// An entry that is not about one batch: producer id and epoch, first and last offset, -1 for what
    /// is not known.
    pub(crate) fn about(
        bug: Bug,
        event: JournalEvent,
        place: &Place,
        (producer_id, producer_epoch): (i64, i16),
        (base_offset, last_offset): (i64, i64),
    ) -> Self {
        Self {
            bug: bug.name().to_owned(),
            group: None,
            event,
            topic: place.topic.to_string(),
            partition: place.partition,
            base_offset,
            last_offset,
            producer_id,
            producer_epoch,
            base_sequence: -1,
            copy_base_offset: None,
            copy_last_offset: None,
        }
    }

    /// An entry for a committed offset: the right one, and the one in its place.
    pub(crate) fn of_commit(
        bug: Bug,
        event: JournalEvent,
        group: &str,
        (topic, partition): &OffsetKey,
        (right, wrong): (i64, i64),
    ) -> Self {
        let place = Place {
            topic: topic.as_str().into(),
            partition: *partition,
        };
        let mut entry = Self::about(bug, event, &place, (-1, -1), (right, right)).with_copy(wrong);
        entry.group = Some(group.to_owned());
        entry
    }

    /// The same entry with another event.
    pub(crate) fn with_event(mut self, event: JournalEvent) -> Self {
        self.event = event;
        self
    }

    /// The same entry with the offsets of the other copy, which has as many records.
    pub(crate) fn with_copy(mut self, base_offset: i64) -> Self {
        self.copy_base_offset = Some(base_offset);
        self.copy_last_offset = Some(base_offset + self.last_offset - self.base_offset);
        self
    }
}

/// The journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}", path.display())]
pub struct JournalError {
    /// "open", "read" or "write".
    pub action: &'static str,
    /// The journal.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// The journal, open for appending.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    pub(crate) fn open(path: PathBuf) -> Result<Self, JournalError> {
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        match opened {
            Ok(file) => Ok(Self {
                path,
                file: Mutex::new(file),
            }),
            Err(source) => Err(JournalError {
                action: "open",
                path,
                source,
            }),
        }
    }

    /// Appends one line in one write.
    pub(crate) fn write(&self, entry: &JournalEntry) -> Result<(), JournalError> {
        let error = |source| JournalError {
            action: "write",
            path: self.path.clone(),
            source,
        };
        let mut line = serde_json::to_vec(entry).map_err(|source| error(source.into()))?;
        line.push(b'\n');
        self.file.guard().write_all(&line).map_err(error)
    }
}

/// Reads the journal in `data_dir`; empty when there is none.
///
/// # Errors
/// [`JournalError`] when it cannot be read, or when a line other than the last is not an entry.
pub fn read_journal(data_dir: &Path) -> Result<Vec<JournalEntry>, JournalError> {
    let path = data_dir.join(JOURNAL_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(JournalError {
                action: "read",
                path,
                source,
            });
        }
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| {
            serde_json::from_str(line).map_err(|source| JournalError {
                action: "read",
                path: path.clone(),
                source: source.into(),
            })
        })
        .collect()
}
