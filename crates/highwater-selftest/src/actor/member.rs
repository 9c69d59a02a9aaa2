use std::collections::{BTreeMap, BTreeSet};

use highwater_check::Anomaly;
use highwater_check::history::{
    Action, Group, GroupStep, Isolation, Kind, Member, Operation, Outcome, Partition, Process, Read, What,
};

use super::{Actor, After};
use crate::world::{Joining, World};

/// A member of a group: reads what it is given, commits what it has processed.
pub(crate) struct GroupMember {
    group: Group,
    member: Member,
    process: Process,
    isolation: Isolation,
    generation: i32,
    /// Next offset to be read, of each partition that it has.
    owned: BTreeMap<Partition, i64>,
    /// Partitions with records that it was handed and did not commit.
    uncommitted: BTreeSet<Partition>,
    polling: Option<u64>,
    dies_in: Option<usize>,
    entered: bool,
}

impl GroupMember {
    pub(crate) fn new(world: &mut World, group: Group, isolation: Isolation) -> Self {
        Self {
            group,
            member: world.member(),
            process: world.process(),
            isolation,
            generation: -1,
            owned: BTreeMap::new(),
            uncommitted: BTreeSet::new(),
            polling: None,
            dies_in: None,
            entered: false,
        }
    }

    fn take(&mut self, generation: i32, partitions: &BTreeSet<Partition>, world: &mut World) {
        let (group, member) = (self.group, self.member);
        let cooperative = world.group(group).cooperative;
        if !cooperative {
            self.owned.clear();
        }
        self.generation = generation;
        let lost: Vec<Partition> = self
            .owned
            .keys()
            .copied()
            .filter(|partition| !partitions.contains(partition))
            .collect();
        world.tell_group(GroupStep::Assigned {
            group,
            member,
            generation,
            partitions: partitions.iter().copied().collect(),
        });
        for partition in lost {
            // What it gives up it commits first, or not.
            if self.uncommitted.contains(&partition) && !world.once_in(3) {
                let position = self.owned[&partition];
                self.commit(partition, position, world);
            }
            self.owned.remove(&partition);
            self.uncommitted.remove(&partition);
        }
        world.tell(What::Subscribed {
            process: self.process,
            partitions: partitions.iter().copied().collect(),
            repositioned: !cooperative,
        });
        for partition in partitions {
            if self.owned.contains_key(partition) {
                continue;
            }
            let offset = world.group(group).committed.get(partition).copied().unwrap_or(0);
            self.owned.insert(*partition, offset);
            world.tell_group(GroupStep::Positioned {
                group,
                member,
                partition: *partition,
                offset,
            });
        }
        world.group(group).took(member);
    }

    fn poll(&mut self, began: u64, world: &mut World) {
        let mut reads = Vec::new();
        let most = 1 + world.below(5);
        for (partition, position) in &mut self.owned {
            let got = world
                .log(*partition)
                .read(*position, self.isolation == Isolation::Committed, most);
            let (Some((first, _)), Some((last, _))) = (got.first(), got.last()) else {
                continue;
            };
            *position = last + 1;
            self.uncommitted.insert(*partition);
            let range = (*first, *last);
            let read: Vec<Read> = got
                .iter()
                .map(|(offset, value)| Read {
                    offset: *offset,
                    value: *value,
                })
                .collect();
            reads.push((*partition, range, read));
        }
        let delivered: Vec<_> = reads
            .iter()
            .map(|(partition, range, _)| (*partition, *range))
            .collect();
        world.tell_operation(Operation {
            began,
            process: self.process,
            outcome: Outcome::Ok,
            kind: Kind::Plain,
            producer: None,
            actions: vec![Action::Poll {
                isolation: self.isolation,
                reads: reads
                    .into_iter()
                    .map(|(partition, _, read)| (partition, read))
                    .collect(),
            }],
        });
        for (partition, (first, last)) in delivered {
            world.tell_group(GroupStep::Delivered {
                group: self.group,
                member: self.member,
                partition,
                first,
                last,
            });
        }
    }

    fn commit_something(&mut self, world: &mut World) {
        let Some(partition) = self.uncommitted.pop_first() else {
            return;
        };
        let position = self.owned[&partition];
        let before = world
            .group(self.group)
            .committed
            .get(&partition)
            .copied()
            .unwrap_or(0);
        if world.may_repeat() && before > 0 && world.once_in(12) {
            // Two commits overtake each other.
            self.commit(partition, position, world);
            world.allowed.insert(Anomaly::CommitRegression);
            self.commit(partition, before, world);
        } else if position > before + 1 && world.once_in(3) {
            // Not all of it is processed yet.
            self.commit(partition, position - 1, world);
            self.uncommitted.insert(partition);
        } else {
            self.commit(partition, position, world);
        }
    }

    fn commit(&mut self, partition: Partition, offset: i64, world: &mut World) {
        let outcome = match world.below(14) {
            0 => Outcome::Unknown,
            1 => Outcome::Failed,
            _ => Outcome::Ok,
        };
        let landed = outcome == Outcome::Ok || (outcome == Outcome::Unknown && world.once_in(2));
        if landed {
            world.group(self.group).committed.insert(partition, offset);
        }
        world.tell_group(GroupStep::Committed {
            group: self.group,
            member: Some(self.member),
            generation: self.generation,
            partition,
            offset,
            outcome,
        });
    }

    fn join(&mut self, world: &mut World) {
        if !world.group(self.group).cooperative {
            // All is given up: with a commit under the old generation, or without.
            if !world.once_in(3) {
                while let Some(partition) = self.uncommitted.pop_first() {
                    let position = self.owned[&partition];
                    self.commit(partition, position, world);
                }
            }
            self.owned.clear();
            self.uncommitted.clear();
            self.polling = None;
        }
        world.group(self.group).join(self.member);
    }

    fn leave(&mut self, world: &mut World) {
        world.tell_group(GroupStep::Left {
            group: self.group,
            member: self.member,
        });
        world.group(self.group).remove(self.member);
    }

    /// The session ran out: the group goes on without it.
    fn put_out(&mut self, world: &mut World) -> After {
        self.leave(world);
        // It only slept, and finds out when it commits.
        if let Some((&partition, &position)) = self.owned.first_key_value()
            && world.once_in(2)
        {
            world.tell_group(GroupStep::Committed {
                group: self.group,
                member: Some(self.member),
                generation: self.generation,
                partition,
                offset: position,
                outcome: Outcome::Failed,
            });
        }
        let (group, isolation) = (self.group, self.isolation);
        After::Replaced(Box::new(Self::new(world, group, isolation)))
    }

    fn is_done(&self, world: &mut World) -> bool {
        let committed = self.isolation == Isolation::Committed;
        world.group(self.group).is_stable()
            && self.uncommitted.is_empty()
            && self
                .owned
                .iter()
                .all(|(partition, position)| world.log(*partition).read(*position, committed, 1).is_empty())
    }
}

impl Actor for GroupMember {
    fn act(&mut self, world: &mut World) -> After {
        if !self.entered {
            self.entered = true;
            world.group(self.group).enter(self.member);
            return After::Again;
        }
        if let Some(turns) = &mut self.dies_in {
            if *turns > 0 {
                *turns -= 1;
                return After::Again;
            }
            return self.put_out(world);
        }
        match world.group(self.group).what_now(self.member) {
            Joining::Join => {
                self.join(world);
                return After::Again;
            }
            Joining::Take {
                generation,
                partitions,
            } => {
                self.take(generation, &partitions, world);
                return After::Again;
            }
            Joining::Wait => {}
        }
        if let Some(began) = self.polling.take() {
            self.poll(began, world);
            return After::Again;
        }
        if world.draining && self.is_done(world) {
            self.leave(world);
            return After::Over;
        }
        match world.below(if world.draining { 20 } else { 60 }) {
            0..=9 => self.polling = Some(world.begin()),
            10..=15 => self.commit_something(world),
            20 => {
                world.tell(What::Disturbed);
                self.dies_in = Some(world.below(6));
            }
            21 if world.group(self.group).size() > 1 => {
                self.leave(world);
                let (group, isolation) = (self.group, self.isolation);
                return After::Replaced(Box::new(Self::new(world, group, isolation)));
            }
            22 => world.group(self.group).prepare(),
            _ => {}
        }
        After::Again
    }
}
