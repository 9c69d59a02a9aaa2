use std::collections::BTreeMap;

use highwater_check::Anomaly;
use highwater_check::history::{Action, Isolation, Kind, Operation, Outcome, Partition, Process, Read, What};

use super::{Actor, After};
use crate::world::World;

/// A reader of its own, without a group.
pub(crate) struct SoloReader {
    process: Process,
    isolation: Isolation,
    positions: BTreeMap<Partition, i64>,
    polling: Option<u64>,
    slow: bool,
}

impl SoloReader {
    pub(crate) fn new(world: &mut World, isolation: Isolation) -> Self {
        let all = world.logs.len();
        let mut positions: BTreeMap<Partition, i64> =
            (0..all as u32).map(|number| (Partition(number), 0)).collect();
        if all > 1 && world.once_in(3) {
            let without = world.any_partition();
            positions.remove(&without);
        }
        let reader = Self {
            process: world.process(),
            isolation,
            positions,
            polling: None,
            slow: world.once_in(4),
        };
        reader.subscribe(world, false);
        reader
    }

    fn subscribe(&self, world: &mut World, repositioned: bool) {
        world.tell(What::Subscribed {
            process: self.process,
            partitions: self.positions.keys().copied().collect(),
            repositioned,
        });
    }

    fn poll(&mut self, began: u64, world: &mut World) {
        let mut reads = Vec::new();
        let most = if self.slow { 2 } else { 1 + world.below(6) };
        for (partition, position) in &mut self.positions {
            if world.once_in(3) {
                continue;
            }
            let got = world
                .log(*partition)
                .read(*position, self.isolation == Isolation::Committed, most);
            let Some((last, _)) = got.last() else { continue };
            *position = last + 1;
            reads.push((
                *partition,
                got.iter()
                    .map(|(offset, value)| Read {
                        offset: *offset,
                        value: *value,
                    })
                    .collect(),
            ));
        }
        // A poll with several partitions may be told as several.
        let polls = if reads.len() > 1 && world.once_in(3) {
            reads.into_iter().map(|read| vec![read]).collect()
        } else {
            vec![reads]
        };
        for (at, reads) in polls.into_iter().enumerate() {
            let began = if at == 0 { began } else { world.begin() };
            world.tell_operation(Operation {
                began,
                process: self.process,
                outcome: Outcome::Ok,
                kind: Kind::Plain,
                producer: None,
                actions: vec![Action::Poll {
                    isolation: self.isolation,
                    reads,
                }],
            });
        }
    }

    /// What can happen to a position.
    fn move_about(&mut self, world: &mut World) -> Option<After> {
        match world.below(4) {
            // A seek.
            0 => {
                for position in self.positions.values_mut() {
                    *position = (*position - 3).max(0);
                }
                self.subscribe(world, true);
            }
            // A crash: the next one is another client, and begins at the front.
            1 => {
                world.tell(What::Disturbed);
                let isolation = self.isolation;
                return Some(After::Replaced(Box::new(Self::new(world, isolation))));
            }
            // It forgot where it was after a failure, and takes up what it had stored before.
            2 if world.may_repeat() => {
                world.tell(What::Disturbed);
                world.allowed.insert(Anomaly::NonmonotonicPoll);
                for position in self.positions.values_mut() {
                    *position = (*position - 2).max(0);
                }
            }
            // It forgot where it was, and goes on at the end.
            2 if world.may_lose() => {
                world.tell(What::Disturbed);
                world.allowed.insert(Anomaly::PollSkip);
                world.allowed.insert(Anomaly::FracturedRead);
                for (partition, position) in &mut self.positions {
                    *position = world.log(*partition).end();
                }
            }
            _ => {}
        }
        None
    }

    fn is_at_the_end(&self, world: &mut World) -> bool {
        let committed = self.isolation == Isolation::Committed;
        self.positions
            .iter()
            .all(|(partition, position)| world.log(*partition).read(*position, committed, 1).is_empty())
    }
}

impl Actor for SoloReader {
    fn act(&mut self, world: &mut World) -> After {
        match self.polling.take() {
            Some(began) => self.poll(began, world),
            None if world.draining && (self.slow || self.is_at_the_end(world)) => return After::Over,
            None if !world.draining && world.once_in(30) => {
                if let Some(after) = self.move_about(world) {
                    return after;
                }
            }
            None if !self.slow || world.once_in(4) => self.polling = Some(world.begin()),
            None => {}
        }
        After::Again
    }
}
