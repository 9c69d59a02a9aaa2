//! Defects of what groups commit, and of where they go on.

use highwater_check::Anomaly;
use highwater_check::history::{
    Action, Group, GroupStep, Kind, Member, Operation, Outcome, Partition, Read, What,
};

use super::edit::Edit;
use super::groups::Handed;
use super::log::named;
use super::view::View;
use super::{AT_LEAST_ONCE, Defect, Expected, Spot, defect};

pub(super) fn defects() -> Vec<Defect> {
    use Anomaly as A;
    vec![
        defect("commit past unprocessed records", &[A::CommitAhead], ahead),
        defect("commit goes back", &[A::CommitRegression], back),
        Defect {
            name: "commit goes back, allowed",
            contract: AT_LEAST_ONCE,
            forbidden: false,
            ..defect("", &[A::CommitRegression], back)
        },
        defect(
            "group begins in front of what it committed",
            &[A::RedeliveryOutsideWindow, A::CommitRegression],
            begins_in_front,
        ),
        defect(
            "delivered again outside the window",
            &[A::RedeliveryOutsideWindow, A::NonmonotonicPoll],
            again,
        ),
    ]
}

/// A commit of a member that certainly landed.
#[derive(Debug, Clone, Copy)]
struct Landed {
    at: usize,
    group: Group,
    member: Member,
    generation: i32,
    partition: Partition,
    offset: i64,
}

fn landed(view: &View<'_>) -> Vec<Landed> {
    let steps = view.group_steps().filter_map(|(at, step)| match *step {
        GroupStep::Committed {
            group,
            member: Some(member),
            generation,
            partition,
            offset,
            outcome: Outcome::Ok,
        } if generation >= 0 => Some(Landed {
            at,
            group,
            member,
            generation,
            partition,
            offset,
        }),
        _ => None,
    });
    steps.collect()
}

/// A commit says one record more than the group was handed, which it is handed later.
fn ahead(view: &View<'_>) -> Vec<Spot> {
    let (handed, mut spots) = (view.handed(), Vec::new());
    for commit in landed(view) {
        let Some(record) = view.next_record(commit.partition, commit.offset) else {
            continue;
        };
        let of_group = |of: Group, on: Partition| (of, on) == (commit.group, commit.partition);
        let known = handed.iter().any(|handed| {
            handed.at < commit.at
                && of_group(handed.group, handed.partition)
                && (handed.first..=handed.last).contains(&record.offset)
        });
        // Until the next commit, nothing goes back behind this one.
        let mut behind = true;
        for (_, step) in view.group_steps().filter(|(at, _)| *at > commit.at) {
            match *step {
                GroupStep::Committed {
                    group,
                    partition,
                    offset,
                    outcome,
                    ..
                } if of_group(group, partition) && outcome != Outcome::Failed => {
                    behind &= offset > record.offset;
                    if outcome == Outcome::Ok {
                        break;
                    }
                }
                GroupStep::Positioned {
                    group,
                    partition,
                    offset,
                    ..
                } if of_group(group, partition) => behind &= offset > record.offset,
                _ => {}
            }
        }
        if known || !behind {
            continue;
        }
        let at = commit.at;
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                if let What::Group(GroupStep::Committed { offset, .. }) = &mut edit.steps[at].what {
                    *offset = record.offset + 1;
                }
            }),
            expected: vec![Expected::new(Anomaly::CommitAhead, [named(&record)])],
        });
    }
    spots
}

/// A commit is followed by one of the offset before.
fn back(view: &View<'_>) -> Vec<Spot> {
    let commits = landed(view).into_iter().filter(|commit| commit.offset > 0);
    let spots = commits.map(|commit| {
        let lower = GroupStep::Committed {
            group: commit.group,
            member: Some(commit.member),
            generation: commit.generation,
            partition: commit.partition,
            offset: commit.offset - 1,
            outcome: Outcome::Ok,
        };
        Spot {
            at: commit.at,
            context: view.context(commit.at),
            plant: Box::new(move |edit: &mut Edit| edit.insert_behind(commit.at, What::Group(lower.clone()))),
            expected: vec![Expected::new(
                Anomaly::CommitRegression,
                [
                    (commit.partition, Some(commit.offset), None),
                    (commit.partition, Some(commit.offset - 1), None),
                ],
            )],
        }
    });
    spots.collect()
}

/// A member is told to begin at a record that its group had committed.
fn begins_in_front(view: &View<'_>) -> Vec<Spot> {
    let (handed, mut spots) = (view.handed(), Vec::new());
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
        let next = handed
            .iter()
            .find(|handed| handed.at > at && (handed.group, handed.partition) == (group, partition));
        let Some(next) = next.filter(|next| next.member == member) else {
            continue;
        };
        let Some(record) = view.next_record(partition, offset - 1).filter(|record| {
            let known = handed.iter().any(|before| {
                before.at < at
                    && (before.group, before.partition) == (group, partition)
                    && (before.first..=before.last).contains(&record.offset)
            });
            record.offset == offset - 1 && known
        }) else {
            continue;
        };
        // What it was told is what was committed last; of no other commit nobody knows.
        let mut commits = view.group_steps().filter_map(|(before, step)| match *step {
            GroupStep::Committed {
                group: of,
                partition: on,
                offset,
                outcome,
                ..
            } if (of, on) == (group, partition) && outcome != Outcome::Failed => {
                Some((before, offset, outcome))
            }
            _ => None,
        });
        let certain = commits
            .by_ref()
            .filter(|(before, ..)| *before < at)
            .all(|(_, committed, outcome)| outcome == Outcome::Ok && committed <= offset);
        let last = view.group_steps().rev().find_map(|(before, step)| match *step {
            GroupStep::Committed {
                group: of,
                partition: on,
                offset,
                outcome: Outcome::Ok,
                ..
            } if before < at && (of, on) == (group, partition) => Some(offset),
            _ => None,
        });
        let moved = view.steps[at + 1..next.at].iter().any(|step| {
            matches!(step.what, What::Group(
                GroupStep::Positioned { group: of, partition: on, .. } | GroupStep::Committed { group: of, partition: on, .. }
            ) if (of, on) == (group, partition))
        });
        let Some((poll, _)) = view.poll_of(next) else {
            continue;
        };
        if !certain || last != Some(offset) || moved {
            continue;
        }
        let (index, first) = (view.steps[poll].index, next.first);
        let read = Read {
            offset: record.offset,
            value: record.value,
        };
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                if let What::Group(GroupStep::Positioned { offset, .. }) = &mut edit.steps[at].what {
                    *offset = record.offset;
                }
                edit.read_before(index, partition, first, read);
            }),
            expected: vec![
                Expected::new(Anomaly::RedeliveryOutsideWindow, [named(&record)]),
                Expected::new(
                    Anomaly::CommitRegression,
                    [
                        (partition, Some(offset), None),
                        (partition, Some(record.offset), None),
                    ],
                ),
            ],
        });
    }
    spots
}

/// A member is handed the last record it got once more, though nothing happened.
fn again(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for handed in view.handed() {
        let Some(record) = view
            .next_record(handed.partition, handed.last)
            .filter(|record| record.offset == handed.last)
        else {
            continue;
        };
        let Some(polled) = poll_again(view, &handed) else {
            continue;
        };
        spots.push(Spot {
            at: handed.at,
            context: view.context(handed.at),
            plant: Box::new(move |edit| {
                edit.insert_behind_and_shift(handed.at, delivered_again(&handed));
                edit.insert_behind_and_shift(handed.at, What::Operation(polled.clone()));
            }),
            expected: vec![
                Expected::new(Anomaly::RedeliveryOutsideWindow, [named(&record)]),
                Expected::new(Anomaly::NonmonotonicPoll, [named(&record)]),
            ],
        });
    }
    spots
}

/// A poll that gives a member the last record it got.
pub(super) fn poll_again(view: &View<'_>, handed: &Handed) -> Option<Operation> {
    let (at, process) = view.poll_of(handed)?;
    let polls = view.polls();
    let polled = polls
        .iter()
        .find(|poll| poll.at == at && poll.partition == handed.partition)?;
    Some(Operation {
        began: 0,
        process,
        outcome: Outcome::Ok,
        kind: Kind::Plain,
        producer: None,
        actions: vec![Action::Poll {
            isolation: polled.isolation,
            reads: vec![(handed.partition, vec![*polled.reads.last()?])],
        }],
    })
}

/// What the group tells of that poll.
pub(super) fn delivered_again(handed: &Handed) -> What {
    What::Group(GroupStep::Delivered {
        group: handed.group,
        member: handed.member,
        partition: handed.partition,
        first: handed.last,
        last: handed.last,
    })
}
