//! Defects of what the log holds.

use highwater_check::Anomaly;
use highwater_check::history::{
    Action, Kind, LogRecord, LogStep, Operation, Outcome, Partition, Value, What,
};

use super::view::{View, Written};
use super::{AT_LEAST_ONCE, Context, Defect, Expected, Named, Spot, defect};

pub(super) fn defects() -> Vec<Defect> {
    use Anomaly as A;
    vec![
        defect("acknowledged record dropped", &[A::LostWrite], dropped),
        defect("acknowledged tail dropped", &[A::LostWrite], tail_dropped),
        defect("two offsets swapped", &[A::InconsistentOffsets], swapped),
        defect("same record at two offsets", &[A::Duplicate], duplicated),
        Defect {
            name: "same record at two offsets, allowed",
            contract: AT_LEAST_ONCE,
            forbidden: false,
            ..defect("", &[A::Duplicate], duplicated)
        },
        defect(
            "loss hidden by an equal duplicate",
            &[A::LostWrite, A::Duplicate],
            hidden_loss,
        ),
        defect(
            "offset given away twice",
            &[A::LostWrite, A::ReusedOffset],
            reused,
        ),
        defect(
            "two records at one offset",
            &[A::LostWrite, A::InconsistentOffsets],
            two_at_one,
        ),
        defect("bit flipped", &[A::CorruptPayload], flipped),
        defect("record that nobody sent", &[A::Phantom], phantom),
        Defect {
            forbidden: false,
            ..defect(
                "failure reported, record stored",
                &[A::ClientMisclassification],
                misclassified,
            )
        },
    ]
}

pub(super) fn named(record: &LogRecord) -> Named {
    (record.partition, Some(record.offset), Some(record.value))
}

/// Acknowledged with its offset, readable, no transaction.
pub(super) fn plain(view: &View<'_>) -> Vec<Written> {
    let mut all = view.written();
    all.retain(|written| {
        let record = &written.record;
        written.outcome == Outcome::Ok
            && !written.transaction
            && written.told == Some(record.offset)
            && view.is_committed(record.partition, record.offset)
    });
    all
}

fn is_last(view: &View<'_>, record: &LogRecord) -> bool {
    let after = (record.partition, record.offset + 1);
    !view.records.contains_key(&after) && !view.markers.contains_key(&after)
}

fn dropped(view: &View<'_>) -> Vec<Spot> {
    let plain = plain(view);
    let middle = plain.iter().filter(|written| !is_last(view, &written.record));
    middle
        .map(|written| {
            let (partition, offset) = (written.record.partition, written.record.offset);
            Spot {
                at: written.at,
                context: view.context(written.at),
                plant: Box::new(move |edit| edit.forget(partition, offset)),
                expected: vec![Expected::new(Anomaly::LostWrite, [named(&written.record)])],
            }
        })
        .collect()
}

/// The partition ends in front of it.
fn tail_dropped(view: &View<'_>) -> Vec<Spot> {
    let plain = plain(view);
    let last = plain.iter().filter(|written| is_last(view, &written.record));
    last.map(|written| {
        let (partition, offset) = (written.record.partition, written.record.offset);
        Spot {
            at: written.at,
            context: view.context(written.at),
            plant: Box::new(move |edit| {
                edit.forget(partition, offset);
                edit.set_end(partition, offset);
            }),
            expected: vec![Expected::new(Anomaly::LostWrite, [named(&written.record)])],
        }
    })
    .collect()
}

fn swapped(view: &View<'_>) -> Vec<Spot> {
    let plain = plain(view);
    let pairs = plain.iter().filter_map(|one| {
        let next = (one.record.partition, one.record.offset + 1);
        let other = plain
            .iter()
            .find(|other| (other.record.partition, other.record.offset) == next)?;
        (other.process != one.process).then_some((*one, *other))
    });
    pairs
        .map(|(one, other)| {
            let (first, second) = (one.record, other.record);
            let moved = |record: LogRecord, offset| {
                Expected::new(
                    Anomaly::InconsistentOffsets,
                    [
                        named(&record),
                        (record.partition, Some(offset), Some(record.value)),
                    ],
                )
            };
            Spot {
                at: one.at,
                context: view.context(one.at),
                plant: Box::new(move |edit| edit.swap(first, second)),
                expected: vec![moved(first, second.offset), moved(second, first.offset)],
            }
        })
        .collect()
}

fn copy_of(written: &Written, end: i64) -> Expected {
    let record = &written.record;
    Expected::new(
        Anomaly::Duplicate,
        [named(record), (record.partition, Some(end), Some(record.value))],
    )
}

fn duplicated(view: &View<'_>) -> Vec<Spot> {
    plain(view)
        .iter()
        .filter(|written| !view.has_copies(&written.record))
        .map(|written| {
            let record = written.record;
            Spot {
                at: written.at,
                context: view.context(written.at),
                plant: Box::new(move |edit| {
                    edit.append(record, true);
                }),
                expected: vec![copy_of(written, view.end(record.partition))],
            }
        })
        .collect()
}

/// One record less and another one twice: totals agree.
fn hidden_loss(view: &View<'_>) -> Vec<Spot> {
    let plain = plain(view);
    let pairs = plain.windows(2).filter(|pair| {
        pair[0].record.partition == pair[1].record.partition && !is_last(view, &pair[0].record)
    });
    pairs
        .map(|pair| {
            let (lost, twice) = (pair[0].record, pair[1].record);
            Spot {
                at: pair[0].at,
                context: view.context(pair[0].at),
                plant: Box::new(move |edit| {
                    edit.forget(lost.partition, lost.offset);
                    edit.append(twice, true);
                }),
                expected: vec![
                    Expected::new(Anomaly::LostWrite, [named(&lost)]),
                    copy_of(&pair[1], view.end(twice.partition)),
                ],
            }
        })
        .collect()
}

/// A record is acknowledged, lost, and its offset given to the next one.
fn reused(view: &View<'_>) -> Vec<Spot> {
    plain(view)
        .iter()
        .filter(|written| written.at > 0)
        .map(|written| {
            let (at, record, value) = (written.at, written.record, view.new_value());
            let both = [
                named(&record),
                (record.partition, Some(record.offset), Some(value)),
            ];
            Spot {
                at,
                context: view.context(at),
                plant: Box::new(move |edit| {
                    let send = send(record.partition, value, Some(record.offset));
                    let process = edit.new_process();
                    edit.insert_behind(
                        at - 1,
                        What::Operation(plain_operation(process, Outcome::Ok, send)),
                    );
                }),
                expected: vec![
                    Expected::new(Anomaly::LostWrite, [both[1]]),
                    Expected::new(Anomaly::ReusedOffset, both),
                ],
            }
        })
        .collect()
}

/// A reader gets another record at an offset than the log holds there.
fn two_at_one(view: &View<'_>) -> Vec<Spot> {
    let polls = view.polls();
    let plain = plain(view).into_iter().filter(|written| {
        let record = &written.record;
        written.at > 0 && record.offset >= view.log_start(record.partition)
    });
    let spots = plain.filter_map(|written| {
        let (at, record, value) = (written.at, written.record, view.new_value());
        let poll = polls.iter().find(|poll| {
            poll.partition == record.partition && poll.reads.iter().any(|read| read.offset == record.offset)
        })?;
        let index = view.steps[poll.at].index;
        let other = (record.partition, Some(record.offset), Some(value));
        Some(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                let process = edit.new_process();
                let poll = edit.position(index);
                for action in edit.operation(poll).into_iter().flat_map(|it| &mut it.actions) {
                    let Action::Poll { reads, .. } = action else {
                        continue;
                    };
                    let reads = reads.iter_mut().filter(|(of, _)| *of == record.partition);
                    for read in reads.flat_map(|(_, reads)| reads) {
                        if read.offset == record.offset {
                            read.value = value;
                        }
                    }
                }
                let send = send(record.partition, value, None);
                let sent = plain_operation(process, Outcome::Unknown, send);
                edit.insert_behind(at - 1, What::Operation(sent));
            }),
            expected: vec![
                Expected::new(Anomaly::LostWrite, [other]),
                Expected::new(Anomaly::InconsistentOffsets, [named(&record), other]),
            ],
        })
    });
    spots.collect()
}

pub(super) fn send(partition: Partition, value: Value, offset: Option<i64>) -> Action {
    Action::Send {
        partition,
        value,
        offset,
        key: None,
    }
}

pub(super) fn plain_operation(
    process: highwater_check::history::Process,
    outcome: Outcome,
    action: Action,
) -> Operation {
    Operation {
        began: 0,
        process,
        outcome,
        kind: Kind::Plain,
        producer: None,
        actions: vec![action],
    }
}

/// Of any record that is readable, also of transactions.
fn flipped(view: &View<'_>) -> Vec<Spot> {
    let readable = view.written().into_iter().filter(|written| {
        view.is_committed(written.record.partition, written.record.offset)
            && written.record.offset >= view.log_start(written.record.partition)
    });
    readable
        .map(|written| {
            let record = written.record;
            let unknown = written.outcome == Outcome::Unknown;
            Spot {
                at: written.at,
                context: if unknown {
                    Context::Unknown
                } else {
                    view.context(written.at)
                },
                plant: Box::new(move |edit| {
                    for log in edit.logs(record.partition) {
                        if let LogStep::Record(found) = log
                            && found.offset == record.offset
                        {
                            found.intact = false;
                        }
                    }
                }),
                expected: vec![Expected::new(Anomaly::CorruptPayload, [named(&record)])],
            }
        })
        .collect()
}

fn phantom(view: &View<'_>) -> Vec<Spot> {
    plain(view)
        .iter()
        .map(|written| {
            let record = LogRecord {
                value: view.new_value(),
                producer: None,
                sequence: -1,
                offset: view.end(written.record.partition),
                ..written.record
            };
            Spot {
                at: written.at,
                context: view.context(written.at),
                plant: Box::new(move |edit| {
                    edit.append(record, true);
                }),
                expected: vec![Expected::new(Anomaly::Phantom, [named(&record)])],
            }
        })
        .collect()
}

fn misclassified(view: &View<'_>) -> Vec<Spot> {
    let single = plain(view).into_iter().filter(|written| {
        view.operation_at(written.at)
            .is_some_and(|it| it.actions.len() == 1)
    });
    single
        .map(|written| {
            let (index, record) = (view.steps[written.at].index, written.record);
            Spot {
                at: written.at,
                context: view.context(written.at),
                plant: Box::new(move |edit| {
                    let at = edit.position(index);
                    if let Some(operation) = edit.operation(at) {
                        operation.outcome = Outcome::Failed;
                        operation.actions = vec![send(record.partition, record.value, None)];
                    }
                }),
                expected: vec![Expected::new(Anomaly::ClientMisclassification, [named(&record)])],
            }
        })
        .collect()
}
