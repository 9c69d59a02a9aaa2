//! The history of rows: what was committed, in the order of commit of each key, and what was rolled back.

use std::collections::{BTreeMap, BTreeSet};

use highwater_model::RecordId;

use super::{Field, Operation, Row};

/// One committed change of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub table: String,
    /// Primary key.
    pub key: Field,
    /// Insert, update or delete.
    pub operation: Operation,
    /// The row before it.
    pub before: Option<Row>,
    /// The row after it.
    pub after: Option<Row>,
    /// Transaction, in the 32 bits that a connector knows.
    pub transaction: u64,
    /// Position in the write-ahead log when the change was made: its commit stands behind it.
    pub wal_position: u64,
    /// Which change of the load it is; [`RecordId::UNSTAMPED`] of rows that were there before.
    pub record: RecordId,
}

/// All changes of one key, as places in the history.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyHistory {
    pub(super) changes: Vec<u32>,
}

/// What happened to the rows of a database.
#[derive(Debug, Clone, Default)]
pub struct RowHistory {
    pub(super) changes: Vec<RowChange>,
    /// Place of each change among those of its key, beside `changes`.
    pub(super) place_in_key: Vec<u32>,
    /// Key of each change, beside `changes`.
    pub(super) key_of: Vec<u32>,
    pub(super) keys: Vec<KeyHistory>,
    index: BTreeMap<(String, Field), u32>,
    /// Changes of a key that one transaction made: they stand together, as the row was locked all the time.
    by_transaction: BTreeMap<(u32, u64), (u32, u32)>,
    rolled_back: BTreeSet<(String, Field, u64)>,
}

impl RowHistory {
    /// The history of these changes. Changes of one key must stand in the order of their commits; between keys
    /// any order will do.
    #[must_use]
    pub fn new(changes: Vec<RowChange>) -> Self {
        let mut history = Self::default();
        for (place, change) in (0_u32..).zip(&changes) {
            let key = history.intern(&change.table, &change.key);
            let of_key = &mut history.keys[key as usize].changes;
            let in_key = of_key.len() as u32;
            of_key.push(place);
            history.place_in_key.push(in_key);
            history.key_of.push(key);
            let range = history
                .by_transaction
                .entry((key, change.transaction))
                .or_insert((in_key, in_key));
            range.1 = in_key + 1;
        }
        history.changes = changes;
        history
    }

    /// Notes that a transaction changed a row and was rolled back.
    pub fn note_rolled_back(&mut self, table: &str, key: Field, transaction: u64) {
        self.rolled_back.insert((table.to_owned(), key, transaction));
    }

    /// Committed changes.
    #[must_use]
    pub fn changes(&self) -> &[RowChange] {
        &self.changes
    }

    /// Distinct keys.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn key(&self, table: &str, key: &Field) -> Option<u32> {
        self.index.get(&(table.to_owned(), key.clone())).copied()
    }

    /// Places within the key that a transaction changed.
    pub(super) fn of_transaction(&self, key: u32, transaction: u64) -> Option<(u32, u32)> {
        self.by_transaction.get(&(key, transaction)).copied()
    }

    pub(super) fn was_rolled_back(&self, table: &str, key: &Field, transaction: u64) -> bool {
        self.rolled_back
            .contains(&(table.to_owned(), key.clone(), transaction))
    }

    /// Place in the history of a change of a key.
    pub(super) fn place(&self, key: u32, in_key: u32) -> usize {
        self.keys[key as usize].changes[in_key as usize] as usize
    }

    pub(super) fn changes_of(&self, key: u32) -> u32 {
        self.keys[key as usize].changes.len() as u32
    }

    fn intern(&mut self, table: &str, key: &Field) -> u32 {
        let next = self.keys.len() as u32;
        let found = *self.index.entry((table.to_owned(), key.clone())).or_insert(next);
        if found == next {
            self.keys.push(KeyHistory::default());
        }
        found
    }
}
