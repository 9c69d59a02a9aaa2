use std::collections::{BTreeMap, HashMap};

use super::sealed::{Operated, PartitionEnd};
use super::table::{NONE, Table};
use super::{Index, Seen};
use crate::history::{
    Action, Isolation, Kind, LogStep, Operation, Options, Outcome, Partition, Process, Read, Step, Value,
    What,
};

/// An [`Index`] under way.
#[derive(Debug, Default)]
pub struct Builder {
    pub(super) table: Table,
    pub(super) operations: Vec<Operated>,
    /// Records sent, by operation.
    pub(super) sends: Vec<u32>,
    /// Records read as committed by operations that are transactions and sent something, by operation.
    pub(super) reads: Vec<u32>,
    /// Places of a record behind the first one.
    pub(super) elsewhere: BTreeMap<(u32, i64), Seen>,
    /// Writers of a record behind the first one.
    pub(super) writers: HashMap<u32, Vec<u32>>,
    pub(super) ends: BTreeMap<Partition, PartitionEnd>,
    /// Records whose transaction has no marker yet, by producer id.
    open: HashMap<(Partition, i64), Vec<(u32, i64)>>,
    /// Steps at which a client dropped partitions, and what it kept.
    pub(super) kept: Vec<(u64, Process, Vec<Partition>)>,
    /// What readers got of each partition.
    pub(super) extents: BTreeMap<Partition, Extent>,
}

/// What readers got of a partition.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Lowest offset that was read.
    pub lowest: i64,
    /// Highest offset that was read.
    pub highest: i64,
    /// Step that read the highest first.
    pub step: u64,
}

impl Builder {
    /// Takes in the next step.
    pub fn step(&mut self, step: &Step) {
        match &step.what {
            What::Operation(operation) => self.operation(step.index, operation),
            What::Log(log) => self.log(log),
            What::Subscribed {
                process, partitions, ..
            } => self.kept.push((step.index, *process, partitions.clone())),
            What::Initialised { .. } | What::Group(_) | What::Disturbed => {}
        }
    }

    /// All is in.
    pub fn seal(self, options: Options) -> Index {
        super::seal::seal(self, options)
    }

    fn operation(&mut self, index: u64, operation: &Operation) {
        let number = u32::try_from(self.operations.len()).unwrap_or(NONE);
        let (first_send, first_read) = (self.sends.len() as u32, self.reads.len() as u32);
        let mut sent = false;
        for action in &operation.actions {
            if let Action::Send {
                partition,
                value,
                offset,
                ..
            } = action
            {
                sent = true;
                self.sent(number, operation.outcome, (*partition, *value), *offset);
            }
        }
        let transaction = operation.kind == Kind::Transaction;
        for action in &operation.actions {
            if let Action::Poll { isolation, reads } = action {
                for (partition, reads) in reads {
                    for read in reads {
                        let record = self.read(number, *isolation, *partition, *read);
                        if sent && transaction && *isolation == Isolation::Committed {
                            self.reads.push(record);
                        }
                    }
                    self.extend(index, *partition, reads);
                }
            }
        }
        self.operations.push(Operated {
            index,
            began: operation.began,
            process: operation.process,
            outcome: operation.outcome,
            transaction,
            first_send,
            first_read,
        });
    }

    fn sent(
        &mut self,
        operation: u32,
        outcome: Outcome,
        (partition, value): (Partition, Value),
        offset: Option<i64>,
    ) {
        let record = self.table.number(partition, value);
        self.sends.push(record);
        let kept = &mut self.table.records[record as usize];
        if kept.writer == NONE {
            kept.writer = operation;
        } else if kept.writer != operation {
            self.writers.entry(record).or_default().push(operation);
        }
        let seen = match outcome {
            Outcome::Ok => Seen::ACKNOWLEDGED,
            Outcome::Unknown => Seen::PERHAPS,
            // It did not happen, whatever offset was told.
            Outcome::Failed => return,
        };
        if let Some(offset) = offset {
            self.see(record, offset, seen);
        }
    }

    fn read(&mut self, operation: u32, isolation: Isolation, partition: Partition, read: Read) -> u32 {
        let record = self.table.number(partition, read.value);
        let kept = &mut self.table.records[record as usize];
        kept.read = true;
        let seen = match isolation {
            Isolation::Committed => {
                if kept.reader == NONE {
                    kept.reader = operation;
                }
                Seen::READ
            }
            Isolation::Uncommitted => Seen::READ_UNCOMMITTED,
        };
        if read.offset >= 0 {
            self.see(record, read.offset, seen);
        }
        record
    }

    fn extend(&mut self, index: u64, partition: Partition, reads: &[Read]) {
        for read in reads.iter().filter(|read| read.offset >= 0) {
            let extent = self.extents.entry(partition).or_insert(Extent {
                lowest: read.offset,
                highest: read.offset,
                step: index,
            });
            extent.lowest = extent.lowest.min(read.offset);
            if read.offset > extent.highest {
                (extent.highest, extent.step) = (read.offset, index);
            }
        }
    }

    fn log(&mut self, log: &LogStep) {
        match *log {
            LogStep::Record(found) => {
                let record = self.table.number(found.partition, found.value);
                let mut seen = Seen::LOG;
                if !found.intact {
                    seen |= Seen::DAMAGED;
                }
                if found.transactional {
                    seen |= Seen::TRANSACTIONAL;
                    if let Some(producer) = found.producer {
                        self.open
                            .entry((found.partition, producer.id))
                            .or_default()
                            .push((record, found.offset));
                    }
                }
                self.see(record, found.offset, seen);
            }
            LogStep::Marker {
                partition,
                producer,
                commit,
                ..
            } => {
                let fate = if commit { Seen::COMMITTED } else { Seen::ABORTED };
                for (record, offset) in self.open.remove(&(partition, producer.id)).unwrap_or_default() {
                    self.see(record, offset, fate);
                }
            }
            LogStep::Committed {
                partition,
                offset,
                value,
            } => {
                let record = self.table.number(partition, value);
                self.see(record, offset, Seen::LOG_COMMITTED);
            }
            LogStep::End {
                partition,
                log_start,
                high_watermark,
                last_stable_offset,
                compacted,
                whole,
            } => {
                let end = PartitionEnd {
                    log_start,
                    high_watermark,
                    last_stable_offset,
                    compacted,
                    whole,
                };
                self.ends.insert(partition, end);
            }
        }
    }

    fn see(&mut self, record: u32, offset: i64, seen: Seen) {
        let kept = &mut self.table.records[record as usize];
        if kept.seen.is_empty() {
            kept.offset = offset;
        }
        if kept.offset == offset {
            kept.seen |= seen;
            return;
        }
        kept.elsewhere = true;
        *self.elsewhere.entry((record, offset)).or_default() |= seen;
    }
}
