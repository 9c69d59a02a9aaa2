use highwater_check::history::{
    Action, Group, GroupStep, Isolation, Kind, Member, Operation, Outcome, Partition, Process, Producer,
    Read, What,
};
use rand::RngExt;

use super::{Actor, After};
use crate::world::{Transaction, World};

/// A transactional producer that may read in its transactions too, as the one member of a group of its own.
pub(crate) struct TransactionalProducer {
    process: Process,
    producer: Producer,
    /// The protocol of Kafka 4 (KIP-890): an epoch for each transaction.
    version_2: bool,
    left: usize,
    /// What it reads, and the next offset.
    reads: Option<(Partition, i64)>,
    group: Group,
    member: Member,
    /// What its group has committed.
    committed: i64,
    state: State,
}

/// Groups of transactional producers have numbers from here on.
const FIRST_GROUP: u32 = 100;

enum State {
    Idle,
    Sending(Running),
    Ending(Running, Ending),
}

struct Running {
    began: u64,
    transaction: Transaction,
    actions: Vec<Action>,
    written: Vec<Partition>,
    sends_left: usize,
    /// Where it read on from: it goes back there when the transaction is aborted.
    position: i64,
}

/// How a transaction is brought to its end.
struct Ending {
    commit: bool,
    marker: Producer,
    unmarked: Vec<Partition>,
    outcome: Outcome,
    then: Then,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    Restart,
}

impl TransactionalProducer {
    pub(crate) fn new(world: &mut World, version_2: bool, reading: bool, transactions: usize) -> Self {
        let process = world.process();
        let producer = world.producer();
        let reads = reading.then(|| (world.any_partition(), 0));
        let actor = Self {
            process,
            producer,
            version_2,
            left: transactions,
            reads,
            group: Group(FIRST_GROUP + process.0),
            member: world.member(),
            committed: 0,
            state: State::Idle,
        };
        actor.subscribe(world);
        actor
    }

    fn subscribe(&self, world: &mut World) {
        if let Some((partition, _)) = self.reads {
            world.tell(What::Subscribed {
                process: self.process,
                partitions: vec![partition],
                repositioned: false,
            });
            self.begin_where_committed(partition, world);
        }
    }

    fn begin_where_committed(&self, partition: Partition, world: &mut World) {
        world.tell_group(GroupStep::Positioned {
            group: self.group,
            member: self.member,
            partition,
            offset: self.committed,
        });
    }

    /// What its group is told when a transaction is over: what it was handed, and what was committed of it.
    fn tell_group(&mut self, running: &Running, ending: &Ending, world: &mut World) {
        let Some((partition, position)) = self.reads else {
            return;
        };
        let (group, member) = (self.group, self.member);
        let mut read = running.actions.iter().flat_map(|action| match action {
            Action::Poll { reads, .. } => reads.as_slice(),
            _ => &[],
        });
        let offsets =
            |(_, reads): &(Partition, Vec<Read>)| Some((reads.first()?.offset, reads.last()?.offset));
        let Some((first, last)) = read.by_ref().find_map(offsets) else {
            return;
        };
        let last = read
            .filter_map(offsets)
            .next_back()
            .map_or(last, |(_, last)| last);
        world.tell_group(GroupStep::Delivered {
            group,
            member,
            partition,
            first,
            last,
        });
        if ending.outcome != Outcome::Failed {
            world.tell_group(GroupStep::Committed {
                group,
                member: Some(member),
                generation: -1,
                partition,
                offset: position,
                outcome: ending.outcome,
            });
        }
        if ending.commit {
            self.committed = position;
        }
    }

    fn next(&mut self, mut running: Running, world: &mut World) -> State {
        if running.sends_left > 0 {
            running.sends_left -= 1;
            if let Some((partition, position)) = &mut self.reads
                && world.once_in(3)
            {
                let got = world.log(*partition).read(*position, true, 2);
                if let Some((last, _)) = got.last() {
                    *position = last + 1;
                }
                let read = got.iter().map(|(offset, value)| Read {
                    offset: *offset,
                    value: *value,
                });
                running.actions.push(Action::Poll {
                    isolation: Isolation::Committed,
                    reads: vec![(*partition, read.collect())],
                });
            } else {
                self.send(&mut running, world);
            }
            return State::Sending(running);
        }
        if let Some((partition, position)) = self.reads
            && position > running.position
        {
            running.actions.push(Action::Commit {
                group: self.group,
                partition,
                offset: position,
            });
        }
        let ending = self.ending(&running, world);
        State::Ending(running, ending)
    }

    fn send(&self, running: &mut Running, world: &mut World) {
        let partition = world.any_partition();
        let (value, key) = (world.value(), world.key(partition));
        let offset = world.append(
            partition,
            value,
            key,
            Some(self.producer),
            Some(running.transaction),
        );
        running.actions.push(Action::Send {
            partition,
            value,
            offset: Some(offset),
            key,
        });
        if !running.written.contains(&partition) {
            running.written.push(partition);
        }
    }

    fn ending(&self, running: &Running, world: &mut World) -> Ending {
        let bumped = Producer {
            epoch: self.producer.epoch + 1,
            ..self.producer
        };
        let as_asked = if self.version_2 { bumped } else { self.producer };
        let (commit, marker, outcome, then) = match world.random.random_range(0..12) {
            0 | 1 => (false, as_asked, Outcome::Failed, Then::GoOn),
            // The answer to EndTxn is lost.
            2 => (true, as_asked, Outcome::Unknown, Then::Restart),
            // It dies before EndTxn: the coordinator aborts with the next epoch.
            3 => (false, bumped, Outcome::Unknown, Then::Restart),
            _ => (true, as_asked, Outcome::Ok, Then::GoOn),
        };
        Ending {
            commit,
            marker,
            unmarked: running.written.clone(),
            outcome,
            then,
        }
    }

    fn end(&mut self, running: Running, mut ending: Ending, world: &mut World) -> State {
        if !ending.unmarked.is_empty() {
            let at = world.below(ending.unmarked.len());
            let partition = ending.unmarked.remove(at);
            world
                .log(partition)
                .mark(running.transaction, ending.marker, ending.commit);
            return State::Ending(running, ending);
        }
        if ending.then == Then::Restart {
            world.tell(What::Disturbed);
        }
        world.tell_operation(Operation {
            began: running.began,
            process: self.process,
            outcome: ending.outcome,
            kind: Kind::Transaction,
            producer: Some(self.producer),
            actions: running.actions.clone(),
        });
        self.tell_group(&running, &ending, world);
        if ending.outcome == Outcome::Failed
            && let Some((partition, position)) = &mut self.reads
        {
            *position = running.position;
            let partition = *partition;
            self.begin_where_committed(partition, world);
        }
        if ending.then == Then::Restart {
            self.restart(ending.marker, world);
        } else if self.version_2 {
            self.producer = ending.marker;
        }
        State::Idle
    }

    /// Another client with the same transactional id: the epoch goes up, and what the old one still sends is refused.
    fn restart(&mut self, marker: Producer, world: &mut World) {
        let old = (self.process, self.producer);
        self.producer.epoch = marker.epoch + 1;
        self.process = world.process();
        let producer = self.producer;
        world.tell(What::Initialised { producer });
        if let Some((_, position)) = &mut self.reads {
            *position = self.committed;
        }
        self.member = world.member();
        self.subscribe(world);
        if world.once_in(2) {
            let (partition, value) = (world.any_partition(), world.value());
            let began = world.begin();
            world.tell_operation(Operation {
                began,
                process: old.0,
                outcome: Outcome::Failed,
                kind: Kind::Transaction,
                producer: Some(old.1),
                actions: vec![Action::Send {
                    partition,
                    value,
                    offset: None,
                    key: None,
                }],
            });
        }
    }
}

impl Actor for TransactionalProducer {
    fn act(&mut self, world: &mut World) -> After {
        self.state = match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle if self.left == 0 || world.draining => return After::Over,
            State::Idle if world.once_in(2) => {
                self.left -= 1;
                State::Sending(Running {
                    began: world.begin(),
                    transaction: world.transaction(),
                    actions: Vec::new(),
                    written: Vec::new(),
                    sends_left: 1 + world.below(5),
                    position: self.reads.map_or(0, |(_, position)| position),
                })
            }
            State::Idle => State::Idle,
            State::Sending(running) => self.next(running, world),
            State::Ending(running, ending) => self.end(running, ending, world),
        };
        After::Again
    }
}
