//! `fencing-violation`: a write or a commit of an old epoch or generation was accepted.
//!
//! Invariant: only what was begun after the newer epoch was known counts, so that requests that cross each other on the
//! way are no offence. Of groups: a member that has a newer generation itself, or whose partition was given to another
//! one in a newer generation, has no say over it any more; epochs of other members (KIP-848) say nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::index::Index;
use super::{
    Action, Checker, Finding, Group, GroupStep, Kind, LogStep, Member, Operation, Outcome, Partition,
    Producer, Step, Value, What,
};
use crate::Anomaly;

/// Says what was accepted from whom it should not have been.
#[derive(Debug, Default)]
pub(super) struct Fencing {
    /// Newest epoch of a producer id, and the step at which it was given.
    epochs: HashMap<i64, (i16, u64)>,
    /// Newest generation of a member.
    members: BTreeMap<(Group, Member), (i32, u64)>,
    /// Newest owner of a partition.
    owners: BTreeMap<(Group, Partition), (i32, Member, u64)>,
    /// Newest epoch of a producer id that stands in a partition of the log.
    in_log: HashMap<(Partition, i64), i16>,
    /// Records that were found on their way already.
    told: HashSet<(Partition, Value)>,
    /// Records in the log behind a newer epoch of their producer.
    stood: Vec<(Partition, Value, Finding)>,
    findings: Vec<Finding>,
}

impl Fencing {
    fn operation(&mut self, index: u64, operation: &Operation) {
        let Some(producer) = operation.producer else {
            return;
        };
        let Some((epoch, at)) = self.epochs.get(&producer.id).copied() else {
            return;
        };
        if producer.epoch >= epoch || operation.began <= at || !accepted(operation) {
            return;
        }
        let mut finding = Finding::new(Anomaly::FencingViolation);
        for action in &operation.actions {
            match action {
                Action::Send {
                    partition,
                    value,
                    offset,
                    ..
                } if offset.is_some() || operation.outcome == Outcome::Ok => {
                    finding = finding.record(*partition, *offset, Some(*value));
                    self.told.insert((*partition, *value));
                }
                _ => {}
            }
        }
        finding = finding.steps([at, index]);
        finding.processes = vec![operation.process];
        finding.producers = vec![
            Producer {
                id: producer.id,
                epoch,
            },
            producer,
        ];
        self.findings.push(finding);
    }

    /// A log takes the records of a producer id in the order of its epochs, whoever heard of it.
    fn stands(&mut self, index: u64, partition: Partition, producer: Producer, record: Option<(i64, Value)>) {
        let newest = self
            .in_log
            .entry((partition, producer.id))
            .or_insert(producer.epoch);
        if producer.epoch >= *newest {
            *newest = producer.epoch;
            return;
        }
        let epoch = *newest;
        let Some((offset, value)) = record.filter(|(_, value)| !self.told.contains(&(partition, *value)))
        else {
            return;
        };
        let mut finding = Finding::new(Anomaly::FencingViolation)
            .record(partition, Some(offset), Some(value))
            .steps([index]);
        let id = producer.id;
        finding.producers = vec![Producer { id, epoch }, producer];
        self.stood.push((partition, value, finding));
    }

    fn initialised(&mut self, index: u64, producer: Producer) {
        let newest = self.epochs.entry(producer.id).or_insert((producer.epoch, index));
        if producer.epoch > newest.0 {
            *newest = (producer.epoch, index);
        }
    }

    fn assigned(
        &mut self,
        index: u64,
        (group, member): (Group, Member),
        generation: i32,
        partitions: &[Partition],
    ) {
        let newest = self.members.entry((group, member)).or_insert((generation, index));
        if generation > newest.0 {
            *newest = (generation, index);
        }
        for partition in partitions {
            let owner = self
                .owners
                .entry((group, *partition))
                .or_insert((generation, member, index));
            if generation >= owner.0 {
                *owner = (generation, member, index);
            }
        }
    }

    fn committed(
        &mut self,
        index: u64,
        (group, member): (Group, Member),
        generation: i32,
        partition: Partition,
        offset: i64,
    ) {
        let own = self
            .members
            .get(&(group, member))
            .filter(|(newest, _)| *newest > generation)
            .map(|(_, at)| (*at, None));
        let others = self
            .owners
            .get(&(group, partition))
            .filter(|(newest, owner, _)| *newest > generation && *owner != member)
            .map(|(_, owner, at)| (*at, Some(*owner)));
        let Some((at, owner)) = others.or(own) else { return };
        let mut finding = Finding::new(Anomaly::FencingViolation)
            .record(partition, Some(offset), None)
            .steps([at, index]);
        finding.group = Some((group, owner.into_iter().chain([member]).collect()));
        self.findings.push(finding);
    }
}

/// Whether a broker took anything of it: of a transaction, its end, or a record or offset in it.
fn accepted(operation: &Operation) -> bool {
    operation.outcome == Outcome::Ok
        || operation.kind == Kind::Transaction
            && operation.actions.iter().any(|action| {
                matches!(
                    action,
                    Action::Send { offset: Some(_), .. } | Action::Commit { .. }
                )
            })
}

impl Checker for Fencing {
    fn step(&mut self, step: &Step) {
        match &step.what {
            What::Operation(operation) => self.operation(step.index, operation),
            What::Initialised { producer } => self.initialised(step.index, *producer),
            What::Log(LogStep::Record(record)) => {
                if let Some(producer) = record.producer {
                    self.stands(
                        step.index,
                        record.partition,
                        producer,
                        Some((record.offset, record.value)),
                    );
                }
            }
            What::Log(LogStep::Marker {
                partition, producer, ..
            }) => self.stands(step.index, *partition, *producer, None),
            What::Group(GroupStep::Assigned {
                group,
                member,
                generation,
                partitions,
            }) => self.assigned(step.index, (*group, *member), *generation, partitions),
            What::Group(GroupStep::Committed {
                group,
                member: Some(member),
                generation,
                partition,
                offset,
                outcome: Outcome::Ok,
            }) if *generation >= 0 => {
                self.committed(step.index, (*group, *member), *generation, *partition, *offset);
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for finding in self.findings {
            found(finding);
        }
        for (partition, value, finding) in self.stood {
            // A copy of a record that stands where it belongs is a duplicate, and no write of its producer.
            let once = index
                .find(partition, value)
                .is_none_or(|record| index.places(record).count() < 2);
            if once {
                found(finding);
            }
        }
    }
}
