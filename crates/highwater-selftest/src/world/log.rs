use std::collections::BTreeMap;

use highwater_check::history::{Partition, Producer, Value};

/// A transaction, numbered by the world.
pub(crate) type Transaction = u32;

/// What stands at an offset.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    Record(Stored),
    Marker {
        producer: Producer,
        commit: bool,
        leader_epoch: i32,
    },
    /// Compaction took it away.
    Gone,
}

/// A record in a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) value: Value,
    pub(crate) key: Option<u64>,
    pub(crate) producer: Option<Producer>,
    pub(crate) sequence: i32,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) leader_epoch: i32,
}

/// The log of a partition: an entry for each offset, from 0.
///
/// Invariant: a transaction that is open here stands in `open` with its first offset, one that ended in `ended`.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) partition: Partition,
    pub(crate) compacted: bool,
    pub(crate) entries: Vec<Entry>,
    pub(crate) start: i64,
    leader_epoch: i32,
    open: BTreeMap<Transaction, i64>,
    ended: BTreeMap<Transaction, bool>,
}

impl Log {
    pub(crate) fn new(partition: Partition, compacted: bool, tells_epochs: bool) -> Self {
        Self {
            partition,
            compacted,
            entries: Vec::new(),
            start: 0,
            leader_epoch: if tells_epochs { 0 } else { -1 },
            open: BTreeMap::new(),
            ended: BTreeMap::new(),
        }
    }

    /// Offset after the last entry.
    pub(crate) fn end(&self) -> i64 {
        self.entries.len() as i64
    }

    /// Offset of the first record of an open transaction, or the end.
    pub(crate) fn stable_end(&self) -> i64 {
        self.open.values().copied().min().unwrap_or(self.end())
    }

    /// Another leader, if epochs are told at all.
    pub(crate) fn elect(&mut self) {
        if self.leader_epoch >= 0 {
            self.leader_epoch += 1;
        }
    }

    pub(crate) fn append(
        &mut self,
        value: Value,
        key: Option<u64>,
        producer: Option<(Producer, i32)>,
        transaction: Option<Transaction>,
    ) -> i64 {
        let offset = self.end();
        if let Some(transaction) = transaction {
            self.open.entry(transaction).or_insert(offset);
        }
        self.entries.push(Entry::Record(Stored {
            value,
            key,
            producer: producer.map(|(producer, _)| producer),
            sequence: producer.map_or(-1, |(_, sequence)| sequence),
            transaction,
            leader_epoch: self.leader_epoch,
        }));
        offset
    }

    pub(crate) fn mark(&mut self, transaction: Transaction, producer: Producer, commit: bool) {
        self.open.remove(&transaction);
        self.ended.insert(transaction, commit);
        self.entries.push(Entry::Marker {
            producer,
            commit,
            leader_epoch: self.leader_epoch,
        });
    }

    /// Whether a reader of committed records gets it, once the stable end is behind it.
    pub(crate) fn is_committed(&self, stored: &Stored) -> bool {
        stored
            .transaction
            .is_none_or(|transaction| self.ended.get(&transaction) == Some(&true))
    }

    /// Records from an offset on that a reader gets, at most so many.
    pub(crate) fn read(&self, from: i64, committed: bool, most: usize) -> Vec<(i64, Value)> {
        let end = if committed { self.stable_end() } else { self.end() };
        (from.max(self.start)..end)
            .filter_map(|offset| match self.entries[offset as usize] {
                Entry::Record(stored) if !committed || self.is_committed(&stored) => {
                    Some((offset, stored.value))
                }
                _ => None,
            })
            .take(most)
            .collect()
    }

    /// Takes away what is older than a newer record of its key, and what was aborted, below an offset.
    pub(crate) fn compact(&mut self, below: i64) {
        let below = below.min(self.stable_end());
        let mut newest = BTreeMap::new();
        for offset in 0..below {
            if let Entry::Record(stored) = self.entries[offset as usize]
                && self.is_committed(&stored)
            {
                newest.insert(stored.key, offset);
            }
        }
        for offset in 0..below {
            if let Entry::Record(stored) = self.entries[offset as usize]
                && (!self.is_committed(&stored) || newest.get(&stored.key) != Some(&offset))
            {
                self.entries[offset as usize] = Entry::Gone;
            }
        }
    }
}
