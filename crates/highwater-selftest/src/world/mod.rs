//! A small Kafka without a network: logs, transactions, groups, and one clock for all of them.
//!
//! Invariant: it keeps every promise. What goes wrong in it (crashes, lost answers, late answers, rebalances) goes wrong
//! for clients, as it does with a cluster that is right.

mod group;
mod log;

use std::collections::{BTreeMap, BTreeSet};

use highwater_check::history::{
    Group, GroupStep, LogRecord, LogStep, Member, Operation, Partition, Process, Producer, Step, Value, What,
};
use highwater_check::{Anomaly, Contract, Delivery};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub(crate) use group::{Joining, SimulatedGroup};
pub(crate) use log::{Entry, Log, Transaction};

/// Distance of two steps: room to plant others between them.
pub(crate) const STRIDE: u64 = 16;
const NS_OF_A_STEP: i64 = 250_000;

/// All that there is, and all that was told of it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) random: ChaCha8Rng,
    pub(crate) contract: Contract,
    pub(crate) logs: Vec<Log>,
    pub(crate) groups: Vec<SimulatedGroup>,
    /// No new work: what was begun comes to its end.
    pub(crate) draining: bool,
    /// What happened that the contract allows and a checker must name.
    pub(crate) allowed: BTreeSet<Anomaly>,
    steps: Vec<Step>,
    clock: u64,
    values: u64,
    processes: u32,
    members: u32,
    producers: i64,
    transactions: Transaction,
    sequences: BTreeMap<(Producer, Partition), i32>,
}

impl World {
    pub(crate) fn new(seed: u64, contract: Contract) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            contract,
            logs: Vec::new(),
            groups: Vec::new(),
            draining: false,
            allowed: BTreeSet::new(),
            steps: Vec::new(),
            clock: 0,
            values: 0,
            processes: 0,
            members: 0,
            producers: 1_000,
            transactions: 0,
            sequences: BTreeMap::new(),
        }
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: u32) -> bool {
        self.random.random_range(0..times) == 0
    }

    /// A number below.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end.max(1))
    }

    /// A moment at which something began: a number for it.
    pub(crate) fn begin(&mut self) -> u64 {
        self.clock += STRIDE;
        self.clock
    }

    /// Something became known.
    pub(crate) fn tell(&mut self, what: What) {
        let index = self.begin();
        self.steps.push(Step {
            index,
            at_ns: index as i64 * NS_OF_A_STEP,
            what,
        });
    }

    pub(crate) fn tell_group(&mut self, step: GroupStep) {
        self.tell(What::Group(step));
    }

    pub(crate) fn tell_operation(&mut self, operation: Operation) {
        self.tell(What::Operation(operation));
    }

    pub(crate) fn value(&mut self) -> Value {
        self.values += 1;
        Value(self.values)
    }

    pub(crate) fn process(&mut self) -> Process {
        self.processes += 1;
        Process(self.processes)
    }

    pub(crate) fn member(&mut self) -> Member {
        self.members += 1;
        Member(self.members)
    }

    pub(crate) fn transaction(&mut self) -> Transaction {
        self.transactions += 1;
        self.transactions
    }

    /// A producer id of its own.
    pub(crate) fn producer(&mut self) -> Producer {
        self.producers += 1;
        let producer = Producer {
            id: self.producers,
            epoch: 0,
        };
        self.tell(What::Initialised { producer });
        producer
    }

    pub(crate) fn log(&mut self, partition: Partition) -> &mut Log {
        &mut self.logs[partition.0 as usize]
    }

    pub(crate) fn group(&mut self, group: Group) -> &mut SimulatedGroup {
        &mut self.groups[group.0 as usize]
    }

    pub(crate) fn any_partition(&mut self) -> Partition {
        Partition(self.below(self.logs.len()) as u32)
    }

    /// A key for a record: always in compacted topics, else now and then.
    pub(crate) fn key(&mut self, partition: Partition) -> Option<u64> {
        let compacted = self.log(partition).compacted;
        // A key belongs to one partition, as a partitioner sees to.
        let key = u64::from(partition.0) * 100 + self.below(4) as u64;
        (compacted || self.once_in(2)).then_some(key)
    }

    /// Appends a record of a producer with its next sequence.
    pub(crate) fn append(
        &mut self,
        partition: Partition,
        value: Value,
        key: Option<u64>,
        producer: Option<Producer>,
        transaction: Option<Transaction>,
    ) -> i64 {
        let sequenced = producer.map(|producer| {
            let next = self.sequences.entry((producer, partition)).or_insert(0);
            *next += 1;
            (producer, *next - 1)
        });
        self.log(partition).append(value, key, sequenced, transaction)
    }

    /// Whether the contract lets things happen twice.
    pub(crate) fn may_repeat(&self) -> bool {
        matches!(
            self.contract.delivery,
            Delivery::AtLeastOnce | Delivery::NoAcknowledgedLoss
        )
    }

    /// Whether the contract lets things be left out.
    pub(crate) fn may_lose(&self) -> bool {
        self.contract.delivery == Delivery::AtMostOnce
    }

    /// Whether no order is promised to anybody.
    pub(crate) fn any_order(&self) -> bool {
        !self.contract.ordered_per_partition && !self.contract.ordered_per_key
    }

    /// Reads everything back, and is over.
    pub(crate) fn read_back(mut self) -> (Vec<Step>, BTreeSet<Anomaly>) {
        let logs = std::mem::take(&mut self.logs);
        for log in &logs {
            self.read_back_log(log);
        }
        (self.steps, self.allowed)
    }

    fn read_back_log(&mut self, log: &Log) {
        let partition = log.partition;
        let there = log.entries.iter().enumerate().skip(log.start as usize);
        for (offset, entry) in there.clone() {
            let offset = offset as i64;
            match *entry {
                Entry::Record(stored) => self.tell(What::Log(LogStep::Record(LogRecord {
                    partition,
                    offset,
                    value: stored.value,
                    key: stored.key,
                    producer: stored.producer,
                    sequence: stored.sequence,
                    transactional: stored.transaction.is_some(),
                    leader_epoch: stored.leader_epoch,
                    intact: true,
                }))),
                Entry::Marker {
                    producer,
                    commit,
                    leader_epoch,
                } => self.tell(What::Log(LogStep::Marker {
                    partition,
                    offset,
                    producer,
                    commit,
                    leader_epoch,
                })),
                Entry::Gone => {}
            }
        }
        for (offset, entry) in there {
            if let Entry::Record(stored) = entry
                && (offset as i64) < log.stable_end()
                && log.is_committed(stored)
            {
                self.tell(What::Log(LogStep::Committed {
                    partition,
                    offset: offset as i64,
                    value: stored.value,
                }));
            }
        }
        self.tell(What::Log(LogStep::End {
            partition,
            log_start: log.start,
            high_watermark: log.end(),
            last_stable_offset: log.stable_end(),
            compacted: log.compacted,
            whole: true,
        }));
    }
}
