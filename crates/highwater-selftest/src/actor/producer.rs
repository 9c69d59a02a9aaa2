use highwater_check::Anomaly;
use highwater_check::history::{Action, Kind, Operation, Outcome, Partition, Process, Producer, Value};
use rand::RngExt;

use super::{Actor, After};
use crate::world::World;

/// A producer without transactions, several sends in flight.
pub(crate) struct PlainProducer {
    process: Process,
    producer: Option<Producer>,
    left: usize,
    in_flight: Vec<Send>,
}

struct Send {
    began: u64,
    producer: Option<Producer>,
    partition: Partition,
    records: Vec<(Value, Option<u64>)>,
    fate: Fate,
    offsets: Vec<i64>,
    told: bool,
}

/// What becomes of a send.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Stored, then answered.
    Stored,
    /// Stored, the answer lost.
    StoredUnknown,
    /// Answered as unknown first, stored then.
    StoredLate,
    /// Neither stored nor answered.
    LostUnknown,
    /// Refused.
    Refused,
    /// Stored twice: the first answer was lost, and the producer is not idempotent.
    Twice,
    /// Acknowledged, then lost: acks=0.
    Forgotten,
}

impl Fate {
    fn is_stored(self) -> bool {
        !matches!(self, Self::LostUnknown | Self::Refused | Self::Forgotten)
    }
}

impl PlainProducer {
    pub(crate) fn new(world: &mut World, idempotent: bool, sends: usize) -> Self {
        Self {
            process: world.process(),
            producer: idempotent.then(|| world.producer()),
            left: sends,
            in_flight: Vec::new(),
        }
    }

    fn fate(&self, world: &mut World) -> Fate {
        match world.random.random_range(0..24) {
            0 => Fate::StoredUnknown,
            // An idempotent producer that goes on after this has a new epoch; its late batch would be refused.
            1 if self.producer.is_none() && world.any_order() => Fate::StoredLate,
            2 => Fate::LostUnknown,
            3 => Fate::Refused,
            4 | 5 if self.producer.is_none() && world.may_repeat() => Fate::Twice,
            4 | 5 if self.producer.is_none() && world.may_lose() => Fate::Forgotten,
            _ => Fate::Stored,
        }
    }

    fn send(&mut self, world: &mut World) {
        self.left -= 1;
        let partition = world.any_partition();
        let count = if world.once_in(3) { 1 + world.below(3) } else { 1 };
        let records = (0..count)
            .map(|_| (world.value(), world.key(partition)))
            .collect();
        let fate = self.fate(world);
        self.in_flight.push(Send {
            began: world.begin(),
            producer: self.producer,
            partition,
            records,
            fate,
            offsets: Vec::new(),
            told: false,
        });
    }

    /// Stores the oldest send of a partition that is not stored yet; any of them if order is promised to nobody.
    fn store(&mut self, world: &mut World) {
        let waiting: Vec<usize> = (0..self.in_flight.len())
            .filter(|at| {
                let send = &self.in_flight[*at];
                send.fate.is_stored()
                    && send.offsets.is_empty()
                    && (send.told || send.fate != Fate::StoredLate)
            })
            .collect();
        let first = waiting.first().copied();
        let chosen = if self.producer.is_none() && world.any_order() && world.once_in(6) {
            waiting.get(world.below(waiting.len())).copied()
        } else {
            first
        };
        let Some(at) = chosen else { return };
        if chosen != first {
            world.allowed.insert(Anomaly::NonmonotonicSend);
        }
        let send = &mut self.in_flight[at];
        let times = if send.fate == Fate::Twice { 2 } else { 1 };
        if times == 2 {
            world.allowed.insert(Anomaly::Duplicate);
        }
        if send.fate == Fate::StoredLate {
            world.allowed.insert(Anomaly::NonmonotonicSend);
        }
        for _ in 0..times {
            send.offsets = send
                .records
                .iter()
                .map(|(value, key)| world.append(send.partition, *value, *key, send.producer, None))
                .collect();
        }
        if send.told {
            self.in_flight.remove(at);
        }
    }

    fn answer(&mut self, world: &mut World) {
        let ready: Vec<usize> = (0..self.in_flight.len())
            .filter(|at| {
                let send = &self.in_flight[*at];
                let waits = send.fate.is_stored() && send.fate != Fate::StoredLate;
                !send.told && (!waits || !send.offsets.is_empty())
            })
            .collect();
        let Some(at) = ready.get(world.below(ready.len())).copied() else {
            return;
        };
        let send = &mut self.in_flight[at];
        let outcome = match send.fate {
            Fate::Stored | Fate::Twice | Fate::Forgotten => Outcome::Ok,
            Fate::StoredUnknown | Fate::StoredLate | Fate::LostUnknown => Outcome::Unknown,
            Fate::Refused => Outcome::Failed,
        };
        if send.fate == Fate::Forgotten {
            world.allowed.insert(Anomaly::LostWrite);
        }
        let offset_of = |at: usize| match outcome {
            Outcome::Ok => send.offsets.get(at).copied(),
            Outcome::Failed | Outcome::Unknown => None,
        };
        let actions = send
            .records
            .iter()
            .enumerate()
            .map(|(at, (value, key))| Action::Send {
                partition: send.partition,
                value: *value,
                offset: offset_of(at),
                key: *key,
            })
            .collect();
        let operation = Operation {
            began: send.began,
            process: self.process,
            outcome,
            kind: Kind::Plain,
            producer: send.producer,
            actions,
        };
        send.told = true;
        let gap = send.fate == Fate::LostUnknown && send.producer.is_some();
        if send.fate != Fate::StoredLate {
            self.in_flight.remove(at);
        }
        world.tell_operation(operation);
        if gap {
            self.bump(world);
        }
    }

    /// After a batch that was given up an idempotent producer goes on with the next epoch (KIP-360).
    fn bump(&mut self, world: &mut World) {
        if let Some(producer) = &mut self.producer
            && self.in_flight.is_empty()
        {
            producer.epoch += 1;
            let producer = *producer;
            world.tell(highwater_check::history::What::Initialised { producer });
        }
    }
}

impl Actor for PlainProducer {
    fn act(&mut self, world: &mut World) -> After {
        let more = self.left > 0 && !world.draining;
        match world.below(3) {
            0 if more && self.in_flight.len() < 5 => self.send(world),
            1 => self.store(world),
            _ => self.answer(world),
        }
        if !more && self.in_flight.is_empty() {
            After::Over
        } else {
            After::Again
        }
    }
}
