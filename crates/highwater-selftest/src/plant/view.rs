use std::collections::{BTreeMap, BTreeSet};

use highwater_check::history::{
    Action, GroupStep, Kind, LogRecord, LogStep, Operation, Outcome, Partition, Process, Step, Value, What,
};

use super::Context;

/// A clean history, looked up by what stands where.
pub(super) struct View<'a> {
    pub(super) steps: &'a [Step],
    /// Step of the operation that sent it.
    writers: BTreeMap<(Partition, Value), usize>,
    /// Records in the log.
    pub(super) records: BTreeMap<(Partition, i64), LogRecord>,
    /// Whether the transaction of a producer that a marker ends was committed, by place of the marker.
    pub(super) markers: BTreeMap<(Partition, i64), bool>,
    committed: BTreeSet<(Partition, i64)>,
    compacted: BTreeSet<Partition>,
    log_starts: BTreeMap<Partition, i64>,
    ends: BTreeMap<Partition, i64>,
    members: BTreeSet<Process>,
    rebalances: Vec<(usize, usize)>,
}

/// A record that was sent once and is in the log once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// Step of its operation.
    pub(super) at: usize,
    pub(super) process: Process,
    pub(super) outcome: Outcome,
    pub(super) transaction: bool,
    pub(super) record: LogRecord,
    /// The offset that was told, if any.
    pub(super) told: Option<i64>,
}

impl<'a> View<'a> {
    pub(super) fn new(steps: &'a [Step]) -> Self {
        let mut view = Self {
            steps,
            writers: BTreeMap::new(),
            records: BTreeMap::new(),
            markers: BTreeMap::new(),
            committed: BTreeSet::new(),
            compacted: BTreeSet::new(),
            log_starts: BTreeMap::new(),
            ends: BTreeMap::new(),
            members: BTreeSet::new(),
            rebalances: Vec::new(),
        };
        for (at, step) in steps.iter().enumerate() {
            match &step.what {
                What::Operation(operation) => view.operation(at, operation),
                What::Group(GroupStep::Assigned { .. } | GroupStep::Left { .. }) => view.rebalance(at),
                What::Group(GroupStep::Delivered { .. }) => view.delivered(at),
                What::Log(log) => view.log(log),
                What::Subscribed { .. } | What::Initialised { .. } | What::Group(_) | What::Disturbed => {}
            }
        }
        view
    }

    fn operation(&mut self, at: usize, operation: &Operation) {
        for action in &operation.actions {
            if let Action::Send { partition, value, .. } = action {
                self.writers.insert((*partition, *value), at);
            }
        }
    }

    /// Steps of a rebalance stand close together.
    fn rebalance(&mut self, at: usize) {
        match self.rebalances.last_mut() {
            Some((_, last)) if at - *last < 12 => *last = at,
            _ => self.rebalances.push((at, at)),
        }
    }

    fn log(&mut self, log: &LogStep) {
        match *log {
            LogStep::Record(record) => {
                self.records.insert((record.partition, record.offset), record);
            }
            LogStep::Marker {
                partition,
                offset,
                commit,
                ..
            } => {
                self.markers.insert((partition, offset), commit);
            }
            LogStep::Committed {
                partition, offset, ..
            } => {
                self.committed.insert((partition, offset));
            }
            LogStep::End {
                partition,
                compacted,
                log_start,
                high_watermark,
                ..
            } => {
                self.ends.insert(partition, high_watermark);
                if compacted {
                    self.compacted.insert(partition);
                }
                self.log_starts.insert(partition, log_start);
            }
        }
    }

    /// Whether the step stands in a rebalance.
    pub(super) fn context(&self, at: usize) -> Context {
        let inside = self
            .rebalances
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&at));
        if inside {
            Context::Rebalance
        } else {
            Context::Quiet
        }
    }

    pub(super) fn is_compacted(&self, partition: Partition) -> bool {
        self.compacted.contains(&partition)
    }

    /// Whether readers of committed records get what stands there.
    pub(super) fn is_committed(&self, partition: Partition, offset: i64) -> bool {
        self.committed.contains(&(partition, offset))
    }

    pub(super) fn log_start(&self, partition: Partition) -> i64 {
        self.log_starts.get(&partition).copied().unwrap_or(0)
    }

    /// The operation at a step.
    pub(super) fn operation_at(&self, at: usize) -> Option<&'a Operation> {
        match &self.steps[at].what {
            What::Operation(operation) => Some(operation),
            _ => None,
        }
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = (usize, &'a Operation)> + '_ {
        (0..self.steps.len()).filter_map(|at| Some((at, self.operation_at(at)?)))
    }

    /// What was sent and stands in the log, in the order of the operations; compacted topics are left out.
    pub(super) fn written(&self) -> Vec<Written> {
        let mut all: Vec<Written> = self
            .records
            .values()
            .filter(|record| !self.is_compacted(record.partition))
            .filter_map(|record| self.writer(record))
            .collect();
        all.sort_by_key(|written| (written.at, written.record.partition, written.record.offset));
        all
    }

    pub(super) fn writer(&self, record: &LogRecord) -> Option<Written> {
        let at = *self.writers.get(&(record.partition, record.value))?;
        let operation = self.operation_at(at)?;
        let told = operation.actions.iter().find_map(|action| match action {
            Action::Send {
                partition,
                value,
                offset,
                ..
            } if (*partition, *value) == (record.partition, record.value) => Some(*offset),
            _ => None,
        })?;
        Some(Written {
            at,
            process: operation.process,
            outcome: operation.outcome,
            transaction: operation.kind == Kind::Transaction,
            record: *record,
            told,
        })
    }

    /// Reads of committed records, by partition, of every reader.
    pub(super) fn polls(&self) -> Vec<Poll<'a>> {
        let mut polls = Vec::new();
        for (at, operation) in self.operations() {
            for action in &operation.actions {
                let Action::Poll { isolation, reads } = action else {
                    continue;
                };
                for (partition, reads) in reads {
                    polls.push(Poll {
                        at,
                        operation,
                        isolation: *isolation,
                        partition: *partition,
                        reads,
                    });
                }
            }
        }
        polls
    }

    /// Members of groups read in ranges that groups tell too.
    pub(super) fn is_member(&self, process: Process) -> bool {
        self.members.contains(&process)
    }

    /// Steps of groups.
    pub(super) fn group_steps(&self) -> impl DoubleEndedIterator<Item = (usize, &'a GroupStep)> + '_ {
        self.steps
            .iter()
            .enumerate()
            .filter_map(|(at, step)| match &step.what {
                What::Group(step) => Some((at, step)),
                _ => None,
            })
    }

    /// The first record that readers of committed records get, from an offset on; none in compacted topics.
    pub(super) fn next_record(&self, partition: Partition, from: i64) -> Option<LogRecord> {
        let from = from.max(self.log_start(partition));
        self.records
            .range((partition, from)..=(partition, i64::MAX))
            .map(|(_, record)| *record)
            .find(|record| self.is_committed(partition, record.offset))
            .filter(|_| !self.is_compacted(partition))
    }

    /// What stands in front of it is the poll.
    fn delivered(&mut self, at: usize) {
        let poll = (0..at).rev().find_map(|at| self.operation_at(at));
        if let Some(operation) = poll {
            self.members.insert(operation.process);
        }
    }

    pub(super) fn end(&self, partition: Partition) -> i64 {
        self.ends.get(&partition).copied().unwrap_or(0)
    }

    /// A record that does not occur: values of the simulation are small.
    pub(super) fn new_value(&self) -> Value {
        Value(1_000_000)
    }

    /// Whether it stands, or was read, at another offset, too.
    pub(super) fn has_copies(&self, record: &LogRecord) -> bool {
        let elsewhere = self.records.values().any(|other| {
            (other.partition, other.value) == (record.partition, record.value)
                && other.offset != record.offset
        });
        let polls = self.polls();
        let mut read = polls.iter().filter(|poll| poll.partition == record.partition);
        elsewhere
            || read.any(|poll| {
                let copy = |read: &highwater_check::history::Read| {
                    read.value == record.value && read.offset != record.offset
                };
                poll.reads.iter().any(copy)
            })
    }

    pub(super) fn is_of_transaction(&self, partition: Partition, offset: i64) -> bool {
        self.records
            .get(&(partition, offset))
            .is_none_or(|record| record.transactional)
    }

    /// The records of the committed transaction to which what stands there belongs.
    pub(super) fn committed_transaction(&self, partition: Partition, offset: i64) -> Option<Vec<LogRecord>> {
        let record = self.records.get(&(partition, offset))?;
        let written = self.writer(record)?;
        if !written.transaction || !self.is_committed(partition, offset) {
            return None;
        }
        let own = self
            .records
            .values()
            .filter(|record| self.writers.get(&(record.partition, record.value)) == Some(&written.at));
        let own: Vec<LogRecord> = own.copied().collect();
        // All of it is still there.
        let actions = &self.operation_at(written.at)?.actions;
        let sent = actions
            .iter()
            .filter(|action| matches!(action, Action::Send { .. }));
        (sent.count() == own.len()).then_some(own)
    }
}

/// What a poll gave of a partition.
#[derive(Clone, Copy)]
pub(super) struct Poll<'a> {
    pub(super) at: usize,
    pub(super) operation: &'a Operation,
    pub(super) isolation: highwater_check::history::Isolation,
    pub(super) partition: Partition,
    pub(super) reads: &'a [highwater_check::history::Read],
}
