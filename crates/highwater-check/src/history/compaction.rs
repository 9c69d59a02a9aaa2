//! `stale-compaction`: compaction took the newest value of a key and left an older one.
//!
//! ```text
//!  acknowledged sends ─▶ newest of each key ─┐
//!  log, read back whole ─▶ newest that is left ─┴▶ older, though nothing newer is there
//! ```
//! Invariant: judged only in compacted topics that were read back to their end, and only by values that were certainly
//! written. A key of which nothing is left was deleted: its newest value was a tombstone, or it was too old. What was
//! written later by whomever replaces what was acknowledged.
//!
//! Costs about 50 bytes for each different key of a partition, and while the partition is read back 16 for each record
//! of a transaction.

use std::collections::{BTreeMap, HashMap};

use super::index::{Index, RecordNumber};
use super::{Action, Checker, Finding, LogRecord, LogStep, Operation, Outcome, Partition, Step, Value, What};
use crate::Anomaly;

/// What is known of a key in a partition.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The newest value that was acknowledged, and where.
    offset: i64,
    value: Value,
    /// The newest that the log still has for readers of committed records; -1 for none.
    left: i64,
}

#[derive(Debug, Default)]
struct Keys {
    known: HashMap<u64, Known>,
    /// Records of transactions in the log: whether they were committed is told behind them.
    undecided: Vec<(i64, u64)>,
}

/// Says which keys went back to an older value.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    partitions: BTreeMap<Partition, Keys>,
}

impl Keys {
    fn left(&mut self, key: u64, offset: i64) {
        if let Some(known) = self.known.get_mut(&key) {
            known.left = known.left.max(offset);
        }
    }
}

impl Compaction {
    fn operation(&mut self, operation: &Operation) {
        if operation.outcome != Outcome::Ok {
            return;
        }
        for action in &operation.actions {
            let &Action::Send {
                partition,
                value,
                offset: Some(offset),
                key: Some(key),
            } = action
            else {
                continue;
            };
            let keys = &mut self.partitions.entry(partition).or_default().known;
            let newest = Known {
                offset,
                value,
                left: -1,
            };
            let known = keys.entry(key).or_insert(newest);
            if known.offset < offset {
                *known = newest;
            }
        }
    }

    fn log(&mut self, step: &LogStep) {
        match *step {
            LogStep::Record(LogRecord {
                partition,
                offset,
                key: Some(key),
                transactional,
                ..
            }) => {
                if let Some(keys) = self.partitions.get_mut(&partition) {
                    if transactional {
                        keys.undecided.push((offset, key));
                    } else {
                        keys.left(key, offset);
                    }
                }
            }
            LogStep::Committed {
                partition, offset, ..
            } => {
                if let Some(keys) = self.partitions.get_mut(&partition)
                    && let Ok(at) = keys
                        .undecided
                        .binary_search_by_key(&offset, |(offset, _)| *offset)
                {
                    let (_, key) = keys.undecided[at];
                    keys.left(key, offset);
                }
            }
            LogStep::End {
                partition,
                compacted,
                whole,
                ..
            } => {
                if !compacted || !whole {
                    self.partitions.remove(&partition);
                } else if let Some(keys) = self.partitions.get_mut(&partition) {
                    keys.undecided = Vec::new();
                }
            }
            LogStep::Record(_) | LogStep::Marker { .. } => {}
        }
    }
}

impl Checker for Compaction {
    fn step(&mut self, step: &Step) {
        match &step.what {
            What::Operation(operation) => self.operation(operation),
            What::Log(log) => self.log(log),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for (partition, keys) in &self.partitions {
            let Some(end) = index.whole(*partition).filter(|end| end.compacted) else {
                continue;
            };
            let mut stale: Vec<&Known> = keys
                .known
                .values()
                .filter(|known| (0..known.offset).contains(&known.left))
                .filter(|known| (end.log_start..end.last_stable_offset).contains(&known.offset))
                .collect();
            stale.sort_unstable_by_key(|known| known.offset);
            for known in stale {
                let record = index.find(*partition, known.value);
                // Told as done, and aborted in the log: it never replaced anything.
                if record.is_some_and(|record| index.aborted(record)) {
                    continue;
                }
                let left = index.order(*partition).and_then(|order| order.at(known.left));
                let value = left.map(|record| index.name(record).1);
                let steps = |record: Option<RecordNumber>| {
                    record
                        .into_iter()
                        .flat_map(|record| index.writers(record).map(|writer| index.step(writer)))
                };
                found(
                    Finding::new(Anomaly::StaleCompaction)
                        .record(*partition, Some(known.offset), Some(known.value))
                        .record(*partition, Some(known.left), value)
                        .steps(steps(left).chain(steps(record))),
                );
            }
        }
    }
}
