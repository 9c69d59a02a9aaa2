//! The states of all transactional ids, in one file of JSON lines.
//!
//! Invariant: a state is in the file (one write(2)) before anybody acts on it; the newest line of an id
//! counts. The file is rewritten, in one piece, when most of its lines are old, and never otherwise.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::state::Transaction;
use crate::data_dir::Durability;
use crate::error::BrokerError;
use crate::line_file::LineFile;

/// Lines below which rewriting is not worth it.
const MIN_LINES_TO_REWRITE: usize = 50_000;

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
    file: LineFile,
    /// Kept to spare an allocation for each transaction.
    buffer: Vec<u8>,
}

impl StateFile {
    /// Reads the file; a line that a dying process left incomplete is cut off.
    pub(crate) fn open(root: &Path, durability: Durability) -> Result<(Self, States), BrokerError> {
        let mut states = States::new();
        let file = LineFile::open(root.join("transactions.jsonl"), durability, |line| {
            let line: LineIn = serde_json::from_slice(line)?;
            match line.state {
                Some(state) => states.insert(line.transactional_id, state),
                None => states.remove(&line.transactional_id),
            };
            Ok(())
        })?;
        let buffer = Vec::new();
        Ok((Self { file, buffer }, states))
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
        self.file.append(&self.buffer, 1)
    }

    /// Drops old lines if they are most of the file.
    pub(crate) fn rewrite_if_long(&mut self, states: &States) -> io::Result<()> {
        if !self.file.is_mostly_old(states.len(), MIN_LINES_TO_REWRITE) {
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
        self.file.replace(&bytes, states.len())
    }
}
