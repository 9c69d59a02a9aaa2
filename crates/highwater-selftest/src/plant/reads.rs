//! Defects of what readers get.

use highwater_check::Anomaly;
use highwater_check::history::{Action, Isolation, Partition, Process, Read, What};

use super::edit::Edit;
use super::view::{Poll, View};
use super::{AT_LEAST_ONCE, Context, Defect, Expected, Spot, defect};

pub(super) fn defects() -> Vec<Defect> {
    use Anomaly as A;
    vec![
        defect("poll jumps", &[A::PollSkip], jumps),
        defect("poll jumps inside itself", &[A::IntPollSkip], jumps_inside),
        defect("poll repeats", &[A::NonmonotonicPoll], repeats),
        defect(
            "poll repeats inside itself",
            &[A::IntNonmonotonicPoll],
            repeats_inside,
        ),
        Defect {
            name: "poll repeats, allowed",
            contract: AT_LEAST_ONCE,
            forbidden: false,
            ..defect("", &[A::NonmonotonicPoll], repeats)
        },
        defect("fractured read", &[A::PollSkip, A::FracturedRead], fractured),
        defect("aborted record in a committed read", &[A::AbortedRead], aborted),
    ]
}

/// A record of an aborted transaction, shown to all readers of committed records: where, and in front of what. None
/// if one of them reads in transactions of its own, which are not followed here.
pub(super) fn shown_to_all(view: &View<'_>, partition: Partition, offset: i64) -> Option<Vec<(u64, i64)>> {
    let committed = |poll: &Poll<'_>| poll.partition == partition && poll.isolation == Isolation::Committed;
    let in_transaction = |poll: &Poll<'_>| poll.operation.kind == highwater_check::history::Kind::Transaction;
    if view
        .polls()
        .iter()
        .any(|poll| committed(poll) && in_transaction(poll))
    {
        return None;
    }
    let mut places = Vec::new();
    for line in lines_of(view, &committed) {
        for pair in line.windows(2) {
            if pair[0].read.offset < offset && offset < pair[1].read.offset {
                places.push((pair[1].index, pair[1].read.offset));
            }
        }
    }
    Some(places)
}

/// A read of a reader outside of groups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    at: usize,
    index: u64,
    process: Process,
    isolation: Isolation,
    partition: Partition,
    read: Read,
}

/// Reads of one partition by one reader, one behind the other, between which its position may not jump.
fn lines(view: &View<'_>) -> Vec<Vec<Seen>> {
    lines_of(view, &|poll| is_judged(view, poll))
}

fn lines_of(view: &View<'_>, wanted: &dyn Fn(&Poll<'_>) -> bool) -> Vec<Vec<Seen>> {
    let mut lines: Vec<Vec<Seen>> = Vec::new();
    let mut open: Vec<(Process, Partition, usize)> = Vec::new();
    let polls = view.polls();
    for (at, step) in view.steps.iter().enumerate() {
        if let What::Subscribed { process, .. } = &step.what {
            open.retain(|(of, _, _)| of != process);
        }
        for poll in polls.iter().filter(|poll| poll.at == at && wanted(poll)) {
            let line = open
                .iter()
                .find(|(process, partition, _)| {
                    (*process, *partition) == (poll.operation.process, poll.partition)
                })
                .map(|(_, _, line)| *line);
            let line = line.unwrap_or_else(|| {
                lines.push(Vec::new());
                open.push((poll.operation.process, poll.partition, lines.len() - 1));
                lines.len() - 1
            });
            lines[line].extend(poll.reads.iter().map(|read| Seen {
                at,
                index: step.index,
                process: poll.operation.process,
                isolation: poll.isolation,
                partition: poll.partition,
                read: *read,
            }));
        }
    }
    lines
}

/// Readers of their own in topics that are not compacted.
fn is_judged(view: &View<'_>, poll: &Poll<'_>) -> bool {
    poll.operation.kind == highwater_check::history::Kind::Plain
        && !view.is_compacted(poll.partition)
        && !view.is_member(poll.operation.process)
}

fn spoken(seen: &Seen) -> super::Named {
    (seen.partition, Some(seen.read.offset), Some(seen.read.value))
}

/// The reader does not get a record, though it goes on behind it.
fn skip(view: &View<'_>, inside: bool) -> Vec<Spot> {
    let mut spots = Vec::new();
    for line in lines(view) {
        for three in line.windows(3) {
            let (before, left_out, after) = (three[0], three[1], three[2]);
            let within = before.at == after.at;
            if within != inside
                || view.is_of_transaction(left_out.partition, left_out.read.offset)
                || before.read.offset < view.log_start(before.partition)
            {
                continue;
            }
            let anomaly = if inside {
                Anomaly::IntPollSkip
            } else {
                Anomaly::PollSkip
            };
            spots.push(Spot {
                at: left_out.at,
                context: view.context(left_out.at),
                plant: Box::new(move |edit| {
                    edit.leave_out(left_out.index, left_out.partition, &[left_out.read.offset]);
                }),
                expected: vec![Expected::new(anomaly, [spoken(&before), spoken(&after)])],
            });
        }
    }
    spots
}

fn jumps(view: &View<'_>) -> Vec<Spot> {
    skip(view, false)
}

fn jumps_inside(view: &View<'_>) -> Vec<Spot> {
    skip(view, true)
}

/// The reader gets the record before once more.
fn again(view: &View<'_>, inside: bool) -> Vec<Spot> {
    let mut spots = Vec::new();
    for line in lines(view) {
        for pair in line.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            if (before.at == after.at) != inside {
                continue;
            }
            let anomaly = if inside {
                Anomaly::IntNonmonotonicPoll
            } else {
                Anomaly::NonmonotonicPoll
            };
            spots.push(Spot {
                at: after.at,
                context: view.context(after.at),
                plant: Box::new(move |edit| {
                    edit.read_before(after.index, after.partition, after.read.offset, before.read);
                }),
                expected: vec![Expected::new(anomaly, [spoken(&before)])],
            });
        }
    }
    spots
}

fn repeats(view: &View<'_>) -> Vec<Spot> {
    again(view, false)
}

fn repeats_inside(view: &View<'_>) -> Vec<Spot> {
    again(view, true)
}

/// A reader sees a transaction in one partition, and in another goes past it.
fn fractured(view: &View<'_>) -> Vec<Spot> {
    let lines = lines(view);
    let mut spots = Vec::new();
    for line in &lines {
        for (place, left_out) in line.iter().enumerate() {
            let Some(writer) = view.committed_transaction(left_out.partition, left_out.read.offset) else {
                continue;
            };
            let own: Vec<_> = writer
                .iter()
                .filter(|record| record.partition == left_out.partition)
                .collect();
            // One record of it here, and one elsewhere that the same reader got.
            let elsewhere = writer.iter().find(|record| {
                record.partition != left_out.partition
                    && lines.iter().flatten().any(|seen| {
                        seen.process == left_out.process
                            && (seen.partition, seen.read.offset) == (record.partition, record.offset)
                    })
            });
            let (Some(before), Some(after)) = (
                place.checked_sub(1).and_then(|before| line.get(before)),
                line.get(place + 1),
            ) else {
                continue;
            };
            let others = writer
                .iter()
                .filter(|record| record.partition != left_out.partition)
                .count();
            let (Some(elsewhere), 1, 1) = (elsewhere, own.len(), others) else {
                continue;
            };
            // A reader that was put back got it already.
            let place = (left_out.process, left_out.partition, left_out.read.offset);
            let got = lines.iter().flatten();
            let times = got.filter(|seen| (seen.process, seen.partition, seen.read.offset) == place);
            if before.at == after.at
                || before.read.offset < view.log_start(before.partition)
                || times.count() > 1
            {
                continue;
            }
            let left_out = *left_out;
            spots.push(Spot {
                at: left_out.at,
                context: view.context(left_out.at),
                plant: Box::new(move |edit| {
                    edit.leave_out(left_out.index, left_out.partition, &[left_out.read.offset]);
                }),
                expected: vec![
                    Expected::new(Anomaly::PollSkip, [spoken(before), spoken(after)]),
                    Expected::new(
                        Anomaly::FracturedRead,
                        [spoken(&left_out), super::log::named(elsewhere)],
                    ),
                ],
            });
        }
    }
    spots
}

/// A reader of committed records gets one of an aborted transaction, at its place.
fn aborted(view: &View<'_>) -> Vec<Spot> {
    let lines = lines(view);
    let mut spots = Vec::new();
    for written in view.written() {
        let record = written.record;
        if !written.transaction || view.is_committed(record.partition, record.offset) {
            continue;
        }
        let context = match written.outcome {
            highwater_check::history::Outcome::Unknown => Context::Unknown,
            _ => Context::Aborted,
        };
        let around = lines.iter().find_map(|line| {
            line.windows(2).find(|pair| {
                pair[0].isolation == Isolation::Committed
                    && pair[0].partition == record.partition
                    && pair[0].read.offset < record.offset
                    && record.offset < pair[1].read.offset
            })
        });
        let Some([_, after]) = around else { continue };
        let after = *after;
        let read = Read {
            offset: record.offset,
            value: record.value,
        };
        spots.push(Spot {
            at: after.at,
            context,
            plant: Box::new(move |edit: &mut Edit| {
                edit.read_before(after.index, after.partition, after.read.offset, read);
            }),
            expected: vec![Expected::new(Anomaly::AbortedRead, [super::log::named(&record)])],
        });
    }
    spots
}

impl Edit {
    /// One poll does not get these records.
    pub(super) fn leave_out(&mut self, index: u64, partition: Partition, offsets: &[i64]) {
        let at = self.position(index);
        let Some(operation) = self.operation(at) else {
            return;
        };
        let mut left = Vec::new();
        for action in &mut operation.actions {
            if let Action::Poll { reads, .. } = action {
                for (_, reads) in reads.iter_mut().filter(|(of, _)| *of == partition) {
                    reads.retain(|read| !offsets.contains(&read.offset));
                    left.extend_from_slice(reads);
                }
                reads.retain(|(_, reads)| !reads.is_empty());
            }
        }
        self.delivered_anew(at, partition, &left);
    }

    /// One poll gets a record more, in front of another.
    pub(super) fn read_before(&mut self, index: u64, partition: Partition, offset: i64, more: Read) {
        let at = self.position(index);
        let Some(operation) = self.operation(at) else {
            return;
        };
        for action in &mut operation.actions {
            if let Action::Poll { reads, .. } = action {
                for (_, reads) in reads.iter_mut().filter(|(of, _)| *of == partition) {
                    if let Some(place) = reads.iter().position(|read| read.offset == offset) {
                        reads.insert(place, more);
                        let left = reads.clone();
                        self.delivered_anew(at, partition, &left);
                        return;
                    }
                }
            }
        }
    }
}
