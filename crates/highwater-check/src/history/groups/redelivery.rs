//! `redelivery-outside-window`: records were delivered again without a reason, or from in front of what had been
//! committed.
//!
//! Invariant: a member gets a record again only after something happened that makes it begin anew: an assignment, a
//! position, a reader that repositioned itself, an aborted transaction, a disturbance. And an owner that begins anew
//! begins at the committed offset. An old member that has not heard of the new generation yet goes on as before, and is
//! left alone.

use std::collections::BTreeMap;

use super::committed::Committed;
use super::covered::Covered;
use crate::Anomaly;
use crate::history::index::Index;
use crate::history::{
    Checker, Finding, Group, GroupStep, Kind, Member, Operation, Outcome, Partition, Step, What,
};

#[derive(Debug, Clone, Copy)]
struct Position {
    next: i64,
    step: u64,
    /// How many reasons there had been.
    reasons: u64,
    /// What had been committed when it began anew, if that was behind where it began.
    floor: Option<(i64, u64)>,
}

#[derive(Debug, Default)]
struct Known {
    covered: Covered,
    committed: Committed,
    owner: Option<(i32, Member)>,
}

#[derive(Debug)]
struct Again {
    group: Group,
    member: Member,
    partition: Partition,
    first: i64,
    last: i64,
    steps: [u64; 2],
}

/// Says which records came again.
#[derive(Debug, Default)]
pub(in crate::history) struct Redelivery {
    groups: BTreeMap<(Group, Partition), Known>,
    positions: BTreeMap<(Group, Member, Partition), Position>,
    reasons: u64,
    again: Vec<Again>,
}

impl Redelivery {
    fn group(&mut self, index: u64, step: &GroupStep) {
        match *step {
            GroupStep::Assigned {
                group,
                member,
                generation,
                ref partitions,
            } => {
                self.reasons += 1;
                for partition in partitions {
                    let owner = &mut self.groups.entry((group, *partition)).or_default().owner;
                    if owner.is_none_or(|(newest, _)| newest <= generation) {
                        *owner = Some((generation, member));
                    }
                }
            }
            GroupStep::Left { .. } => self.reasons += 1,
            GroupStep::Positioned {
                group,
                member,
                partition,
                offset,
            } => {
                let known = self.groups.entry((group, partition)).or_default();
                let owns = known.owner.is_some_and(|(_, owner)| owner == member);
                let floor = known
                    .committed
                    .floor()
                    .filter(|(floor, _)| owns && offset < *floor);
                let position = Position {
                    next: offset,
                    step: index,
                    reasons: self.reasons,
                    floor,
                };
                self.positions.insert((group, member, partition), position);
            }
            GroupStep::Delivered {
                group,
                member,
                partition,
                first,
                last,
            } => self.delivered(index, (group, member, partition), first, last),
            GroupStep::Committed {
                group,
                partition,
                offset,
                outcome,
                ..
            } => {
                let known = self.groups.entry((group, partition)).or_default();
                known.committed.commit(offset, outcome, index);
            }
        }
    }

    fn delivered(
        &mut self,
        index: u64,
        (group, member, partition): (Group, Member, Partition),
        first: i64,
        last: i64,
    ) {
        let known = self.groups.entry((group, partition)).or_default();
        let before = self.positions.get(&(group, member, partition)).copied();
        let mut position = Position {
            next: last + 1,
            step: index,
            reasons: self.reasons,
            floor: None,
        };
        if let Some(before) = before {
            let without_reason = before.reasons == self.reasons && first < before.next;
            let behind = before.floor.filter(|(floor, _)| first < *floor);
            position.floor = behind;
            let told = match behind {
                Some((floor, at)) => Some((floor.min(last + 1), at)),
                None if without_reason => Some((before.next.min(last + 1), before.step)),
                None => None,
            };
            // Only what the group got before came again.
            if let Some((end, at)) = told
                && let Some(end) = known.covered.end_before(end).filter(|end| *end > first)
            {
                self.again.push(Again {
                    group,
                    member,
                    partition,
                    first,
                    last: end - 1,
                    steps: [at, index],
                });
            }
        }
        known.covered.add(first, last + 1);
        self.positions.insert((group, member, partition), position);
    }

    fn operation(&mut self, operation: &Operation) {
        // After an abort, a member reads again what the transaction had consumed.
        if operation.kind == Kind::Transaction && operation.outcome != Outcome::Ok {
            self.reasons += 1;
        }
    }
}

impl Checker for Redelivery {
    fn step(&mut self, step: &Step) {
        match &step.what {
            What::Group(group) => self.group(step.index, group),
            What::Operation(operation) => self.operation(operation),
            What::Disturbed
            | What::Subscribed {
                repositioned: true, ..
            } => self.reasons += 1,
            _ => {}
        }
    }

    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for again in self.again {
            let mut finding = Finding::new(Anomaly::RedeliveryOutsideWindow);
            for offset in [again.first, again.last] {
                let value = index
                    .order(again.partition)
                    .and_then(|order| order.at(offset))
                    .map(|record| index.name(record).1);
                finding = finding.record(again.partition, Some(offset), value);
            }
            finding = finding.steps(again.steps);
            finding.delta = Some(again.last - again.first + 1);
            finding.group = Some((again.group, vec![again.member]));
            found(finding);
        }
    }
}
