//! The states of all transactional ids, in one file of JSON lines.
//!
//! Invariant: a state is in the file (one write(2)) before anybody acts on it; the newest line of an id
//! counts. The file is rewritten, in one piece, when most of its lines are old, and never otherwise.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::state::Transaction;
use crate::data_dir::write_whole;
use crate::error::BrokerError;

/// Lines below which rewriting is not worth it.
const MIN_LINES_TO_REWRITE: usize = 50_000;

/// The file is rewritten when it has this many times more lines than ids.
const REWRITE_FACTOR: usize = 4;

pub(crate) type States = BTreeMap<Arc<str>, Transaction>;

#[derive(Serialize)]
struct LineOut<'a> {
    transactional_id: &'a str,
    state: Option<&'a Transaction>,
}

#[derive(Deserialize)]
struct LineIn {
    transactional_id: Arc<str>,
    /// `None`: the id was forgotten.
    state: Option<Transaction>,
}

#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    file: File,
    lines: usize,
    /// Where the last whole line ends.
    length: u64,
    /// Kept to spare an allocation for each transaction.
    buffer: Vec<u8>,
}

impl StateFile {
    /// Reads the file; a line that a dying process left incomplete is cut off.
    pub(crate) fn open(root: &Path) -> Result<(Self, States), BrokerError> {
        let path = root.join("transactions.jsonl");
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
        let mut states = States::new();
        let mut lines = 0;
        for line in bytes[..whole].split_inclusive(|&byte| byte == b'\n') {
            lines += 1;
            let line: LineIn = serde_json::from_slice(line).map_err(|error| BrokerError::Damaged {
                path: path.clone(),
                reason: format!("line {lines}: {error}"),
            })?;
            match line.state {
                Some(state) => states.insert(line.transactional_id, state),
                None => states.remove(&line.transactional_id),
            };
        }
        let file = open_append(&path).map_err(|source| error("open", source))?;
        if whole < bytes.len() {
            file.set_len(whole as u64)
                .map_err(|source| error("truncate", source))?;
        }
        let file = Self {
            file,
            path: path.clone(),
            lines,
            length: whole as u64,
            buffer: Vec::new(),
        };
        Ok((file, states))
    }

    /// Appends the state of one id; `None` when it is forgotten.
    pub(crate) fn append(&mut self, id: &str, state: Option<&Transaction>) -> io::Result<()> {
        self.buffer.clear();
        let line = LineOut {
            transactional_id: id,
            state,
        };
        serde_json::to_writer(&mut self.buffer, &line)?;
        self.buffer.push(b'\n');
        if let Err(error) = self.file.write_all(&self.buffer) {
            // A part of a line would make the next one unreadable.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += self.buffer.len() as u64;
        self.lines += 1;
        Ok(())
    }

    /// Drops old lines if they are most of the file.
    pub(crate) fn rewrite_if_long(&mut self, states: &States) -> io::Result<()> {
        if self.lines <= MIN_LINES_TO_REWRITE.max(states.len() * REWRITE_FACTOR) {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for (id, state) in states {
            let line = LineOut {
                transactional_id: id,
                state: Some(state),
            };
            serde_json::to_writer(&mut bytes, &line)?;
            bytes.push(b'\n');
        }
        write_whole(&self.path, &bytes)?;
        self.file = open_append(&self.path)?;
        self.length = bytes.len() as u64;
        self.lines = states.len();
        Ok(())
    }
}

fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
