//! `fractured-read`: a reader saw part of a committed transaction and not the rest, though it read past it.
//!
//! Invariant: only records that the reader skipped are looked at; not having come so far yet is no fracture.

use std::collections::{BTreeMap, BTreeSet};

use super::index::{Fate, Index, RecordNumber};
use super::polls::{Position, Positions};
use super::{Finding, Partition, Process};
use crate::Anomaly;

/// Looks at what one reader skipped.
pub(super) struct Fractured<'a> {
    process: Process,
    positions: &'a Positions,
    /// Offsets that were read, sorted, of the partitions that were asked for.
    read: BTreeMap<Partition, Vec<(i64, i64)>>,
    told: BTreeSet<u32>,
}

impl<'a> Fractured<'a> {
    pub(super) fn new(process: Process, positions: &'a Positions) -> Self {
        Self {
            process,
            positions,
            read: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }

    /// The reader skipped records: was another part of their transactions read?
    pub(super) fn skipped(&mut self, index: &Index, skip: &Finding, found: &mut dyn FnMut(Finding)) {
        let Some(partition) = skip.records.first().map(|record| record.partition) else {
            return;
        };
        for value in &skip.skipped {
            let Some(record) = index.find(partition, *value) else {
                continue;
            };
            let Some(writer) = index.writers(record).next() else {
                continue;
            };
            let transaction = index.operations()[writer as usize].transaction;
            if !transaction || index.fate(writer) != Fate::Committed || !self.told.insert(writer) {
                continue;
            }
            let seen = index.sends(writer).find(|sent| self.saw(index, *sent));
            if let Some(seen) = seen {
                let mut finding = index.told(Finding::new(Anomaly::FracturedRead), seen);
                finding = index.told(finding, record).steps([index.step(writer)]);
                finding.steps.extend(skip.steps.last());
                finding.processes.push(self.process);
                found(finding);
            }
        }
    }

    fn saw(&mut self, index: &Index, record: RecordNumber) -> bool {
        let (partition, _) = index.name(record);
        let (Some(offset), Some(position)) = (index.offset(record), self.positions.get(&partition)) else {
            return false;
        };
        let read = self.read.entry(partition).or_insert_with(|| merged(position));
        let after = read.partition_point(|(first, _)| *first <= offset);
        after > 0 && read[after - 1].1 >= offset
    }
}

/// The runs of a reader by offset, those that touch put together.
fn merged(position: &Position) -> Vec<(i64, i64)> {
    let mut runs: Vec<(i64, i64)> = position.runs.iter().map(|run| (run.first, run.last)).collect();
    runs.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::with_capacity(runs.len());
    for (first, last) in runs {
        match merged.last_mut() {
            Some(before) if before.1 + 1 >= first => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    merged
}
