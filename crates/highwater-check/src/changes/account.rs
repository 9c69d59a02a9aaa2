//! The account of change events: takes every record in the order of offsets, partition by partition or mixed.
//!
//! Invariant: one pass, one look-up for each record; what is kept grows with the history and the number of
//! anomalies listed, not with the records read.

use std::collections::BTreeMap;

use highwater_model::{AnomalyExample, RecordId};

use super::describe;
use super::repeat::Sequence;
use super::{At, ChangeEvent, ChangeSummary, Observed, Operation, RowHistory, Window};
use crate::{Anomaly, Contract};

/// Anomalies of one kind that are listed; further ones are counted.
pub(super) const MOST_LISTED: usize = 100_000;

/// Where a change was found first.
#[derive(Debug, Clone, Copy)]
pub(super) struct First {
    /// Index of the partition among all partitions seen.
    pub(super) partition: u32,
    pub(super) offset: i64,
    /// Place among the distinct records of its partition.
    pub(super) position: u32,
}

/// What is known of one change.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Delivery {
    pub(super) first: Option<First>,
    pub(super) again: bool,
    /// Arrived, but not as it was.
    pub(super) damaged: bool,
}

/// What is known of one key.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyState {
    /// Changes before this one are in the snapshot.
    pub(super) covered: u32,
    /// Where its row of the snapshot stands.
    pub(super) snapshot: Option<First>,
    /// Behind the last change that arrived, in the order of the key.
    pub(super) reached: u32,
    /// Partition of its first record.
    pub(super) home: Option<u32>,
    /// Its last record was a delete: the next must be a tombstone.
    pub(super) tombstone_due: bool,
    /// A delete of it has arrived.
    pub(super) deleted: bool,
}

/// Anomalies of one kind.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) count: u64,
    pub(super) examples: Vec<AnomalyExample>,
}

/// Compares what stands in topics with a history of rows.
#[derive(Debug)]
pub struct ChangeAccount<'a> {
    pub(super) history: &'a RowHistory,
    pub(super) contract: Contract,
    pub(super) window: Window,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) keys: Vec<KeyState>,
    pub(super) sequences: Vec<Sequence>,
    partitions: BTreeMap<(String, i32), u32>,
    pub(super) listings: BTreeMap<Anomaly, Listing>,
    pub(super) summary: ChangeSummary,
    /// Position of the write-ahead log at which the first snapshot was taken.
    pub(super) snapshot_at: Option<u64>,
    pub(super) duplicated: u64,
    pub(super) read_backwards: u64,
}

impl<'a> ChangeAccount<'a> {
    /// An account of nothing yet.
    #[must_use]
    pub fn new(history: &'a RowHistory, contract: Contract, window: Window) -> Self {
        Self {
            deliveries: vec![Delivery::default(); history.changes.len()],
            keys: vec![KeyState::default(); history.keys.len()],
            history,
            contract,
            window,
            sequences: Vec::new(),
            partitions: BTreeMap::new(),
            listings: BTreeMap::new(),
            summary: ChangeSummary::default(),
            snapshot_at: None,
            duplicated: 0,
            read_backwards: 0,
        }
    }

    /// The connector was made when the write-ahead log had reached this position: its snapshot is not older. Without
    /// it a row that came and went before a snapshot in which no row is left would be looked for.
    #[must_use]
    pub fn made_at(self, wal_position: u64) -> Self {
        Self {
            snapshot_at: Some(wal_position),
            ..self
        }
    }

    /// Takes the next record of a partition.
    pub fn observe(&mut self, at: At<'_>, observed: &Observed) {
        let partition = self.partition(at.topic, at.partition);
        let sequence = &mut self.sequences[partition as usize];
        if at.offset <= sequence.last_offset {
            self.read_backwards += 1;
            return;
        }
        sequence.last_offset = at.offset;
        self.summary.records += 1;
        match observed {
            Observed::Change(event) => self.change(at, partition, event),
            Observed::Tombstone { table, key } => {
                self.summary.tombstones += 1;
                let known = self.history.key(table, key);
                match known.map(|key| &mut self.keys[key as usize]) {
                    Some(state) if state.deleted => state.tombstone_due = false,
                    _ => self.add(Anomaly::PipelinePhantom, at, RecordId::UNSTAMPED, || {
                        format!("a tombstone of {table} {key}, of which no delete came before it")
                    }),
                }
            }
            Observed::Unreadable(why) => {
                self.add(Anomaly::CorruptPayload, at, RecordId::UNSTAMPED, || why.clone());
            }
        }
    }

    fn change(&mut self, at: At<'_>, partition: u32, event: &ChangeEvent) {
        let Some(key) = self.history.key(&event.table, &event.key) else {
            return self.unexplained(at, event);
        };
        let state = &mut self.keys[key as usize];
        if std::mem::take(&mut state.tombstone_due) {
            self.summary.tombstones_missing += 1;
        }
        let home = *state.home.get_or_insert(partition);
        if home != partition {
            self.add(Anomaly::KeyMoved, at, RecordId::UNSTAMPED, || {
                format!("{} {} stood in another partition before", event.table, event.key)
            });
        }
        if event.operation == Operation::Read {
            return self.snapshot_row(at, partition, key, event);
        }
        let range = event
            .transaction
            .and_then(|transaction| self.history.of_transaction(key, transaction));
        let Some(range) = range else {
            return self.unexplained(at, event);
        };
        let state = &mut self.keys[key as usize];
        state.tombstone_due = event.operation == Operation::Delete;
        state.deleted |= event.operation == Operation::Delete;
        match self.find(key, range, event) {
            Some(in_key) => self.arrived(at, partition, key, in_key, event),
            None => self.damaged(at, key, range, event),
        }
    }

    /// The change that the event tells of exactly; of several alike the first that has not arrived.
    fn find(&self, key: u32, (from, until): (u32, u32), event: &ChangeEvent) -> Option<u32> {
        let alike = |in_key: &u32| {
            let change = &self.history.changes[self.history.place(key, *in_key)];
            change.operation == event.operation
                && change.before == event.before
                && change.after == event.after
        };
        let mut found = (from..until).filter(alike);
        let first = found.next()?;
        let open = |in_key: &u32| self.deliveries[self.history.place(key, *in_key)].first.is_none();
        Some(std::iter::once(first).chain(found).find(open).unwrap_or(first))
    }

    fn arrived(&mut self, at: At<'_>, partition: u32, key: u32, in_key: u32, event: &ChangeEvent) {
        let place = self.history.place(key, in_key);
        self.sequences[partition as usize].streaming = true;
        if let Some(first) = self.deliveries[place].first {
            if !std::mem::replace(&mut self.deliveries[place].again, true) {
                self.duplicated += 1;
            }
            return self.repeated(at, partition, first, event, self.history.changes[place].record);
        }
        let position = self.fresh(at, partition);
        self.deliveries[place].first = Some(First {
            partition,
            offset: at.offset,
            position,
        });
        self.summary.streamed += 1;
        let record = self.history.changes[place].record;
        let state = self.keys[key as usize];
        if in_key < state.covered {
            self.add(Anomaly::RedeliveryOutsideWindow, at, record, || {
                format!(
                    "{}, and the snapshot of the row stood there before it",
                    describe::event(event)
                )
            });
        } else if in_key < state.reached {
            self.add(Anomaly::PipelineReorder, at, record, || {
                format!(
                    "{} stands behind a later change of its row",
                    describe::event(event)
                )
            });
        }
        let state = &mut self.keys[key as usize];
        state.reached = state.reached.max(in_key + 1);
    }

    /// Its transaction changed the row, but not so.
    fn damaged(&mut self, at: At<'_>, key: u32, (from, until): (u32, u32), event: &ChangeEvent) {
        let open = |in_key: &u32| {
            let delivery = self.deliveries[self.history.place(key, *in_key)];
            delivery.first.is_none() && !delivery.damaged
        };
        let same = |in_key: &u32| {
            self.history.changes[self.history.place(key, *in_key)].operation == event.operation
        };
        let meant = (from..until)
            .find(|in_key| open(in_key) && same(in_key))
            .or_else(|| (from..until).find(same))
            .unwrap_or(from);
        let place = self.history.place(key, meant);
        self.deliveries[place].damaged = true;
        let change = &self.history.changes[place];
        let (record, detail) = (change.record, describe::difference(event, change));
        self.fresh(at, partition_of(&self.partitions, at));
        let state = &mut self.keys[key as usize];
        state.reached = state.reached.max(meant + 1);
        self.add(Anomaly::CorruptPayload, at, record, || detail);
    }

    /// No committed change explains the event.
    pub(super) fn unexplained(&mut self, at: At<'_>, event: &ChangeEvent) {
        self.fresh(at, partition_of(&self.partitions, at));
        let rolled_back = event.transaction.is_some_and(|transaction| {
            self.history
                .was_rolled_back(&event.table, &event.key, transaction)
        });
        let (anomaly, why) = match rolled_back {
            true => (Anomaly::AbortedRead, "which was rolled back"),
            false => (Anomaly::PipelinePhantom, "of which the history knows nothing"),
        };
        self.add(anomaly, at, RecordId::UNSTAMPED, || {
            format!("{}, {why}", describe::event(event))
        });
    }

    pub(super) fn add(
        &mut self,
        anomaly: Anomaly,
        at: At<'_>,
        record: RecordId,
        detail: impl FnOnce() -> String,
    ) {
        let listing = self.listings.entry(anomaly).or_default();
        listing.count += 1;
        if listing.examples.len() < MOST_LISTED {
            listing.examples.push(AnomalyExample {
                topic: at.topic.to_owned(),
                partition: at.partition,
                offset: Some(at.offset),
                record,
                detail: detail(),
            });
        }
    }

    fn partition(&mut self, topic: &str, partition: i32) -> u32 {
        let known = (topic.to_owned(), partition);
        let next = self.sequences.len() as u32;
        let index = *self.partitions.entry(known).or_insert(next);
        if index == next {
            self.sequences.push(Sequence::default());
        }
        index
    }

    /// Topic and partition of an index.
    pub(super) fn named(&self, index: u32) -> Option<(&str, i32)> {
        self.partitions
            .iter()
            .find(|(_, known)| **known == index)
            .map(|((topic, partition), _)| (topic.as_str(), *partition))
    }
}

fn partition_of(partitions: &BTreeMap<(String, i32), u32>, at: At<'_>) -> u32 {
    partitions
        .get(&(at.topic.to_owned(), at.partition))
        .copied()
        .unwrap_or(0)
}
