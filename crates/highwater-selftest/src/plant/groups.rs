//! Defects of what groups hand to their members.

use highwater_check::Anomaly;
use highwater_check::history::{Group, GroupStep, Member, Outcome, Partition, Process, What};

use super::edit::Edit;
use super::log::named;
use super::view::View;
use super::{Defect, Expected, Named, Spot, defect};

pub(super) fn defects() -> Vec<Defect> {
    use Anomaly as A;
    vec![
        defect("group begins behind a record", &[A::GroupSkip], begins_behind),
        defect(
            "group skips what another client reads",
            &[A::GroupSkip, A::PollSkip],
            jumps,
        ),
        defect("two owners of a partition", &[A::DualOwnership], two_owners),
        defect(
            "offsets of an old generation accepted",
            &[A::FencingViolation],
            old_generation,
        ),
    ]
}

/// Records that were handed to a member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handed {
    pub(super) at: usize,
    pub(super) group: Group,
    pub(super) member: Member,
    pub(super) partition: Partition,
    pub(super) first: i64,
    pub(super) last: i64,
}

impl View<'_> {
    /// Everything that was handed out outside of transactions, in order.
    pub(super) fn handed(&self) -> Vec<Handed> {
        let steps = self.group_steps().filter_map(|(at, step)| match *step {
            GroupStep::Delivered {
                group,
                member,
                partition,
                first,
                last,
            } => Some(Handed {
                at,
                group,
                member,
                partition,
                first,
                last,
            }),
            _ => None,
        });
        steps.filter(|handed| self.poll_of(handed).is_some()).collect()
    }

    /// The poll in front of it, and who polled.
    pub(super) fn poll_of(&self, handed: &Handed) -> Option<(usize, Process)> {
        let at = (0..handed.at)
            .rev()
            .find(|at| !matches!(self.steps[*at].what, What::Group(GroupStep::Delivered { .. })))?;
        let operation = self.operation_at(at)?;
        let plain = operation.kind == highwater_check::history::Kind::Plain;
        plain.then_some((at, operation.process))
    }
}

/// Whether an offset is handed out in the group exactly once.
fn only_once(handed: &[Handed], of: &Handed, offset: i64) -> bool {
    let same = |other: &&Handed| (other.group, other.partition) == (of.group, of.partition);
    let there = |other: &&Handed| (other.first..=other.last).contains(&offset);
    handed.iter().filter(same).filter(there).count() == 1
}

/// A member is told to begin one record too late.
fn begins_behind(view: &View<'_>) -> Vec<Spot> {
    let handed = view.handed();
    let mut spots = Vec::new();
    for (at, step) in view.group_steps() {
        let GroupStep::Positioned {
            group,
            member,
            partition,
            offset,
        } = *step
        else {
            continue;
        };
        let next = handed.iter().find(|handed| {
            handed.at > at && (handed.group, handed.member, handed.partition) == (group, member, partition)
        });
        // A group that begins somewhere for the first time has left out nothing.
        let known = handed.iter().any(|before| {
            before.at < at && (before.group, before.partition) == (group, partition) && before.first < offset
        });
        if !known {
            continue;
        }
        let Some(next) = next.filter(|next| next.first < next.last && offset <= next.first) else {
            continue;
        };
        let Some(record) = view
            .next_record(partition, offset)
            .filter(|record| record.offset == next.first && !record.transactional)
        else {
            continue;
        };
        // Nobody in the group went back to it, or tells of it otherwise, before it is handed out.
        let quiet = view.steps[at + 1..next.at].iter().all(|step| match step.what {
            What::Group(
                GroupStep::Positioned {
                    group: of,
                    partition: on,
                    ..
                }
                | GroupStep::Committed {
                    group: of,
                    partition: on,
                    ..
                },
            ) => (of, on) != (group, partition),
            _ => true,
        });
        if !quiet || !only_once(&handed, next, record.offset) {
            continue;
        }
        let Some((poll, _)) = view.poll_of(next) else {
            continue;
        };
        let poll = view.steps[poll].index;
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                if let What::Group(GroupStep::Positioned { offset, .. }) = &mut edit.steps[at].what {
                    *offset = record.offset + 1;
                }
                edit.leave_out(poll, partition, &[record.offset]);
            }),
            expected: vec![Expected::new(Anomaly::GroupSkip, [named(&record)])],
        });
    }
    spots
}

/// A member jumps in the middle of what it reads.
fn jumps(view: &View<'_>) -> Vec<Spot> {
    let handed = view.handed();
    let mut spots = Vec::new();
    for pair in &handed {
        let Some((poll, process)) = view.poll_of(pair) else {
            continue;
        };
        let polled = view
            .polls()
            .into_iter()
            .find(|of| of.at == poll && of.partition == pair.partition);
        let Some([first, second, ..]) = polled.map(|polled| polled.reads) else {
            continue;
        };
        // The member goes on where its last poll of the partition ended.
        let before = handed.iter().rev().find(|before| {
            before.at < pair.at
                && (before.group, before.member, before.partition)
                    == (pair.group, pair.member, pair.partition)
        });
        let Some(before) = before else { continue };
        let moved = view.steps[before.at..pair.at]
            .iter()
            .any(|step| match &step.what {
                What::Subscribed { process: of, .. } => *of == process,
                What::Group(
                    GroupStep::Assigned { group, .. }
                    | GroupStep::Positioned { group, .. }
                    | GroupStep::Left { group, .. },
                ) => *group == pair.group,
                _ => false,
            });
        let last = view.records.get(&(pair.partition, before.last));
        let (Some(last), Some(record)) = (last, view.records.get(&(pair.partition, first.offset))) else {
            continue;
        };
        // A commit right behind what is left out would be one of its own.
        let commits = view.group_steps().any(|(_, step)| {
            matches!(step, GroupStep::Committed { group, partition, offset, .. }
                if (*group, *partition) == (pair.group, pair.partition)
                    && (record.offset + 1..=second.offset).contains(offset))
        });
        let judged = !record.transactional
            && !last.transactional
            && view.next_record(pair.partition, record.offset) == Some(*record)
            && last.offset >= view.log_start(pair.partition);
        if moved || commits || !judged || !only_once(&handed, pair, record.offset) {
            continue;
        }
        let after: Named = (pair.partition, Some(second.offset), Some(second.value));
        let (index, partition, record) = (view.steps[poll].index, pair.partition, *record);
        spots.push(Spot {
            at: pair.at,
            context: view.context(pair.at),
            plant: Box::new(move |edit: &mut Edit| edit.leave_out(index, partition, &[record.offset])),
            expected: vec![
                Expected::new(Anomaly::PollSkip, [named(last), after]),
                Expected::new(Anomaly::GroupSkip, [named(&record)]),
            ],
        });
    }
    spots
}

/// A generation gives a partition to a second member too.
fn two_owners(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    let assigned: Vec<_> = view
        .group_steps()
        .filter_map(|(at, step)| match step {
            GroupStep::Assigned {
                group,
                member,
                generation,
                partitions,
            } => Some((at, *group, *member, *generation, partitions)),
            _ => None,
        })
        .collect();
    for (at, group, member, generation, _) in &assigned {
        let other = assigned.iter().find(|(before, of, other, now, partitions)| {
            before < at && of == group && other != member && now == generation && !partitions.is_empty()
        });
        let Some((before, _, other, _, partitions)) = other else {
            continue;
        };
        let left = view.group_steps().any(|(left, step)| {
            (*before..*at).contains(&left)
                && matches!(step, GroupStep::Left { member, .. } if member == other)
        });
        if left {
            continue;
        }
        let (at, partition) = (*at, partitions[0]);
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                if let What::Group(GroupStep::Assigned { partitions, .. }) = &mut edit.steps[at].what {
                    partitions.push(partition);
                }
            }),
            expected: vec![Expected::new(Anomaly::DualOwnership, [(partition, None, None)])],
        });
    }
    spots
}

/// A member commits once more what it had committed, after its partition was given to another one.
fn old_generation(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (at, step) in view.group_steps() {
        let GroupStep::Assigned {
            group,
            member,
            generation,
            partitions,
        } = step
        else {
            continue;
        };
        let before = view.group_steps().rev().find_map(|(before, step)| match *step {
            GroupStep::Committed {
                group: of,
                member: Some(committer),
                generation: spoke_for,
                partition,
                offset,
                outcome: Outcome::Ok,
            } if before < at && of == *group && partitions.contains(&partition) => {
                Some((committer, spoke_for, partition, offset))
            }
            _ => None,
        });
        // The last commit of that partition, by another member, in an older generation.
        let Some((committer, spoke_for, partition, offset)) =
            before.filter(|(committer, spoke_for, ..)| committer != member && spoke_for < generation)
        else {
            continue;
        };
        let commit = GroupStep::Committed {
            group: *group,
            member: Some(committer),
            generation: spoke_for,
            partition,
            offset,
            outcome: Outcome::Ok,
        };
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| edit.insert_behind(at, What::Group(commit.clone()))),
            expected: vec![Expected::new(
                Anomaly::FencingViolation,
                [(partition, Some(offset), None)],
            )],
        });
    }
    spots
}
