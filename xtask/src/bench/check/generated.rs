//! A large, clean history, made while it is checked: nothing of it is kept but two bits for each offset.
//!
//! Four transactional copiers read and write eight partitions; two plain producers add records; a group of three
//! readers is rebalanced again and again; one reader of everything lags behind, and another comes only at the end.
//! A tenth of the transactions is aborted, of a tenth nobody knows how it ended. Where a recording is imitated, groups
//! and their commits are told, and all is read back in the end.
//!
//! Invariant: the same seed gives the same steps; the history is right, so that every finding is a mistake. What Kafka
//! allows at any time (how writes of transactions interleave) is not counted.

use highwater_check::history::{
    Action, Group, GroupStep, Isolation, Kind, LogRecord, LogStep, Member, Operation, Outcome, Partition,
    Process, Producer, Read, Step, Value, What,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const PARTITIONS: usize = 8;
const COPIERS: u32 = 4;
const PLAIN: u32 = 2;
const GROUP: u32 = 3;
const LAGGING: u32 = COPIERS + PLAIN + GROUP;
const LATE: u32 = LAGGING + 1;
/// The group that reads plain, and the first of those of the copiers, which have one each.
const READERS: Group = Group(0);
const COPIED: u32 = 1;
/// Turns between two rebalances of the group.
const REBALANCE: u64 = 2_000;

/// How much an operation does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Records that a transaction writes to each of its two partitions.
    pub(crate) sends: usize,
    /// Records that a poll hands over of a partition at most.
    pub(crate) poll: usize,
    /// As the fault proxy records: groups and offsets are told, and all is read back in the end.
    pub(crate) recorded: bool,
}

impl Shape {
    /// As pipelines do: batches.
    pub(crate) const BATCHES: Self = Self {
        sends: 5,
        poll: 200,
        recorded: true,
    };
    /// As Jepsen does: one or two sends, or a poll, and nothing is read back.
    pub(crate) const SINGLE: Self = Self {
        sends: 1,
        poll: 20,
        recorded: false,
    };
}

/// What stands at an offset.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Plain,
    Committed,
    Aborted,
    CommitMarker,
    AbortMarker,
}

struct Generated<'a> {
    shape: Shape,
    random: ChaCha8Rng,
    logs: Vec<Vec<At>>,
    /// Who wrote the transactional records, for the read-back.
    writers: Vec<Vec<u8>>,
    /// Next offset of each client by partition.
    positions: Vec<Vec<usize>>,
    owned: Vec<Vec<usize>>,
    generation: i32,
    index: u64,
    /// Unknown sends that never landed.
    lost: u64,
    records: u64,
    each: &'a mut dyn FnMut(Step),
}

fn value(partition: usize, offset: usize) -> Value {
    Value(((partition as u64) << 40) | offset as u64)
}

/// Makes a history of that many records.
pub(crate) fn generate(seed: u64, records: u64, shape: Shape, each: &mut dyn FnMut(Step)) {
    let clients = LATE as usize + 1;
    let mut generated = Generated {
        shape,
        random: ChaCha8Rng::seed_from_u64(seed),
        logs: vec![Vec::new(); PARTITIONS],
        writers: vec![Vec::new(); PARTITIONS],
        positions: vec![vec![0; PARTITIONS]; clients],
        owned: vec![(0..PARTITIONS).collect(); clients],
        generation: 0,
        index: 0,
        lost: 0,
        records: 0,
        each,
    };
    generated.run(records);
    generated.finish();
}

impl Generated<'_> {
    fn run(&mut self, records: u64) {
        for copier in 0..COPIERS {
            let producer = Producer {
                id: copier.into(),
                epoch: 0,
            };
            self.step(What::Initialised { producer });
        }
        let mut turn = 0u64;
        while self.records < records {
            if turn.is_multiple_of(REBALANCE) {
                self.rebalance();
            }
            turn += 1;
            match self.random.random_range(0..10) {
                0..4 => {
                    let copier = self.random.random_range(0..COPIERS);
                    self.transaction(copier);
                }
                4..6 => {
                    let producer = COPIERS + self.random.random_range(0..PLAIN);
                    self.plain(producer);
                }
                6..9 => {
                    let reader = COPIERS + PLAIN + self.random.random_range(0..GROUP);
                    self.poll(reader, self.shape.poll);
                }
                // Three times too slow.
                _ => self.poll(LAGGING, self.shape.poll.div_ceil(40)),
            }
        }
    }

    fn step(&mut self, what: What) {
        self.index += 2;
        (self.each)(Step {
            index: self.index,
            at_ns: self.index as i64 * 1_000,
            what,
        });
    }

    fn operation(&mut self, process: u32, kind: Kind, outcome: Outcome, actions: Vec<Action>) {
        let producer = (process < COPIERS).then_some(Producer {
            id: i64::from(process),
            epoch: 0,
        });
        let operation = Operation {
            began: self.index + 1,
            process: Process(process),
            outcome,
            kind,
            producer,
            actions,
        };
        self.step(What::Operation(operation));
    }

    fn append(&mut self, partition: usize, at: At, writer: u8) -> usize {
        self.logs[partition].push(at);
        self.writers[partition].push(writer);
        self.logs[partition].len() - 1
    }

    fn transaction(&mut self, copier: u32) {
        let source = self.random.random_range(0..PARTITIONS);
        let reads = self.reads(copier as usize, source, 2 * self.shape.sends);
        let consumed = reads.last().map(|read| read.offset + 1);
        let mut actions = vec![Action::Poll {
            isolation: Isolation::Committed,
            reads: vec![(Partition(source as u32), reads)],
        }];
        let (outcome, committed) = match self.random.random_range(0..20) {
            0..2 => (Outcome::Failed, false),
            2 => (Outcome::Unknown, true),
            3 => (Outcome::Unknown, false),
            _ => (Outcome::Ok, true),
        };
        if outcome != Outcome::Ok {
            // Its position stays: it reads the same once more.
            self.positions[copier as usize][source] = self.before(&actions, source, copier as usize);
        }
        let first = self.random.random_range(0..PARTITIONS);
        let kinds = match committed {
            true => (At::Committed, At::CommitMarker),
            false => (At::Aborted, At::AbortMarker),
        };
        for target in [first, (first + 3) % PARTITIONS] {
            for _ in 0..self.shape.sends {
                let offset = self.append(target, kinds.0, copier as u8);
                actions.push(Action::Send {
                    key: None,
                    partition: Partition(target as u32),
                    value: value(target, offset),
                    offset: Some(offset as i64),
                });
                self.records += 1;
            }
        }
        for target in [first, (first + 3) % PARTITIONS] {
            self.append(target, kinds.1, copier as u8);
        }
        if let Some(offset) = consumed.filter(|_| self.shape.recorded) {
            actions.push(Action::Commit {
                group: Group(COPIED + copier),
                partition: Partition(source as u32),
                offset,
            });
        }
        self.operation(copier, Kind::Transaction, outcome, actions);
    }

    /// The position before what was just read.
    fn before(&self, actions: &[Action], partition: usize, client: usize) -> usize {
        let first = actions.iter().find_map(|action| match action {
            Action::Poll { reads, .. } => reads.first()?.1.first(),
            _ => None,
        });
        first.map_or(self.positions[client][partition], |read| read.offset as usize)
    }

    fn plain(&mut self, producer: u32) {
        let target = self.random.random_range(0..PARTITIONS);
        let lands = self.random.random_range(0..100);
        self.records += 1;
        // Unknown sends of which half are there.
        let (outcome, value, offset) = if lands == 0 {
            self.lost += 1;
            (Outcome::Unknown, Value((1 << 62) | self.lost), None)
        } else {
            let offset = self.append(target, At::Plain, 0);
            match lands {
                1 => (Outcome::Unknown, value(target, offset), None),
                _ => (Outcome::Ok, value(target, offset), Some(offset as i64)),
            }
        };
        let send = Action::Send {
            key: None,
            partition: Partition(target as u32),
            value,
            offset,
        };
        self.operation(producer, Kind::Plain, outcome, vec![send]);
    }

    fn reads(&mut self, client: usize, partition: usize, most: usize) -> Vec<Read> {
        let mut reads = Vec::new();
        let position = &mut self.positions[client][partition];
        while reads.len() < most && *position < self.logs[partition].len() {
            if matches!(self.logs[partition][*position], At::Plain | At::Committed) {
                reads.push(Read {
                    offset: *position as i64,
                    value: value(partition, *position),
                });
            }
            *position += 1;
        }
        reads
    }

    fn poll(&mut self, reader: u32, most: usize) {
        let owned = self.owned[reader as usize].clone();
        let mut reads = Vec::new();
        for partition in owned {
            let of = self.reads(reader as usize, partition, most);
            if !of.is_empty() {
                reads.push((Partition(partition as u32), of));
            }
        }
        let poll = Action::Poll {
            isolation: Isolation::Committed,
            reads,
        };
        let extents: Vec<_> = match &poll {
            Action::Poll { reads, .. } if self.shape.recorded && reader < LAGGING => reads
                .iter()
                .filter_map(|(partition, reads)| {
                    Some((*partition, reads.first()?.offset, reads.last()?.offset))
                })
                .collect(),
            _ => Vec::new(),
        };
        self.operation(reader, Kind::Plain, Outcome::Ok, vec![poll]);
        for (partition, first, last) in extents {
            self.delivered(Member(reader), partition, (first, last));
        }
    }

    /// A member of the group got records, and commits behind them.
    fn delivered(&mut self, member: Member, partition: Partition, (first, last): (i64, i64)) {
        self.step(What::Group(GroupStep::Delivered {
            group: READERS,
            member,
            partition,
            first,
            last,
        }));
        self.step(What::Group(GroupStep::Committed {
            group: READERS,
            member: Some(member),
            generation: self.generation,
            partition,
            offset: last + 1,
            outcome: Outcome::Ok,
        }));
    }

    fn rebalance(&mut self) {
        let shift = self.random.random_range(0..GROUP as usize);
        self.generation += 1;
        // Everybody goes on where the group was.
        let members = (COPIERS + PLAIN) as usize..(COPIERS + PLAIN + GROUP) as usize;
        let mut positions = vec![0; PARTITIONS];
        for member in members.clone() {
            for partition in &self.owned[member] {
                positions[*partition] = positions[*partition].max(self.positions[member][*partition]);
            }
        }
        for (number, member) in members.enumerate() {
            self.owned[member] = (0..PARTITIONS)
                .filter(|partition| (partition + shift) % GROUP as usize == number)
                .collect();
            self.positions[member].clone_from(&positions);
            let partitions: Vec<_> = self.owned[member]
                .iter()
                .map(|partition| Partition(*partition as u32))
                .collect();
            if self.shape.recorded {
                self.assigned(Member(member as u32), &partitions, &positions);
            }
            self.step(What::Subscribed {
                process: Process(member as u32),
                partitions,
                repositioned: false,
            });
        }
    }

    fn assigned(&mut self, member: Member, partitions: &[Partition], positions: &[usize]) {
        self.step(What::Group(GroupStep::Assigned {
            group: READERS,
            member,
            generation: self.generation,
            partitions: partitions.to_vec(),
        }));
        for partition in partitions {
            self.step(What::Group(GroupStep::Positioned {
                group: READERS,
                member,
                partition: *partition,
                offset: positions[partition.0 as usize] as i64,
            }));
        }
    }

    fn finish(&mut self) {
        for reader in [LAGGING, LATE] {
            while (0..PARTITIONS)
                .any(|partition| self.positions[reader as usize][partition] < self.logs[partition].len())
            {
                self.poll(reader, 10 * self.shape.poll);
            }
        }
        if self.shape.recorded {
            for partition in 0..PARTITIONS {
                self.read_back(partition);
            }
        }
    }

    fn read_back(&mut self, number: usize) {
        let partition = Partition(number as u32);
        let end = self.logs[number].len();
        for offset in 0..end {
            let (at, writer) = (self.logs[number][offset], self.writers[number][offset]);
            let producer = Producer {
                id: i64::from(writer),
                epoch: 0,
            };
            let transactional = at != At::Plain;
            let log = match at {
                At::CommitMarker | At::AbortMarker => LogStep::Marker {
                    partition,
                    offset: offset as i64,
                    producer,
                    commit: at == At::CommitMarker,
                    leader_epoch: 0,
                },
                At::Plain | At::Committed | At::Aborted => LogStep::Record(LogRecord {
                    partition,
                    offset: offset as i64,
                    value: value(number, offset),
                    key: None,
                    producer: transactional.then_some(producer),
                    sequence: -1,
                    transactional,
                    leader_epoch: 0,
                    intact: true,
                }),
            };
            self.step(What::Log(log));
        }
        for offset in 0..end {
            if matches!(self.logs[number][offset], At::Plain | At::Committed) {
                self.step(What::Log(LogStep::Committed {
                    partition,
                    offset: offset as i64,
                    value: value(number, offset),
                }));
            }
        }
        self.step(What::Log(LogStep::End {
            partition,
            log_start: 0,
            high_watermark: end as i64,
            last_stable_offset: end as i64,
            compacted: false,
            whole: true,
        }));
    }
}
