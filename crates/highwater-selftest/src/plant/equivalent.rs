//! Changes that no checker may see: what is done to the history is as if it had happened legally.

use highwater_check::history::{LogStep, Outcome, Partition, What};

use super::commits::{delivered_again, poll_again};
use super::fenced::{Another, NEW_PRODUCER};
use super::log::plain;
use super::view::View;
use super::{Context, EXACTLY_ONCE, Equivalent, Spot};

/// All of them, each with the reason.
pub(super) fn equivalents() -> Vec<Equivalent> {
    vec![
        Equivalent {
            name: "record of an unknown send dropped",
            reason: "an unknown send may or may not have happened, and nobody else saw the record",
            contract: EXACTLY_ONCE,
            spots: unknown_dropped,
        },
        Equivalent {
            name: "record of an aborted transaction dropped",
            reason: "nobody may read it as committed, and its producer was told that it did not happen",
            contract: EXACTLY_ONCE,
            spots: aborted_dropped,
        },
        Equivalent {
            name: "older record of a compacted key dropped",
            reason: "compaction may take it at any time",
            contract: EXACTLY_ONCE,
            spots: compacted_dropped,
        },
        Equivalent {
            name: "all records of a compacted key dropped",
            reason: "its newest value may have been a tombstone, and compaction takes those too in the end",
            contract: EXACTLY_ONCE,
            spots: key_deleted,
        },
        Equivalent {
            name: "tail dropped and the end not read back",
            reason: "without the end of a partition its tail is unseen: the verdict is INCONCLUSIVE, not VIOLATED",
            contract: EXACTLY_ONCE,
            spots: unseen_tail,
        },
        Equivalent {
            name: "record delivered again inside the window",
            reason: "its reader was put back to where it had been: what follows may come again",
            contract: EXACTLY_ONCE,
            spots: delivered_again_legally,
        },
        Equivalent {
            name: "transaction left open by a client that is gone",
            reason: "its timeout may still end it: the verdict is INCONCLUSIVE, not VIOLATED",
            contract: EXACTLY_ONCE,
            spots: left_open,
        },
    ]
}

fn unknown_dropped(view: &View<'_>) -> Vec<Spot> {
    let unknown = view
        .written()
        .into_iter()
        .filter(|written| written.outcome == Outcome::Unknown && !written.transaction);
    unknown
        .map(|written| {
            let (partition, offset) = (written.record.partition, written.record.offset);
            Spot {
                at: written.at,
                context: Context::Unknown,
                plant: Box::new(move |edit| edit.forget(partition, offset)),
                expected: Vec::new(),
            }
        })
        .collect()
}

fn aborted_dropped(view: &View<'_>) -> Vec<Spot> {
    let aborted = view.written().into_iter().filter(|written| {
        written.transaction && !view.is_committed(written.record.partition, written.record.offset)
    });
    aborted
        .map(|written| {
            let (partition, offset) = (written.record.partition, written.record.offset);
            Spot {
                at: written.at,
                context: Context::Aborted,
                plant: Box::new(move |edit| edit.forget(partition, offset)),
                expected: Vec::new(),
            }
        })
        .collect()
}

fn compacted_dropped(view: &View<'_>) -> Vec<Spot> {
    let readable = |partition, offset| view.is_committed(partition, offset);
    let older = view.records.values().filter(|record| {
        let newer = view.records.values().any(|other| {
            other.partition == record.partition
                && other.key == record.key
                && other.offset > record.offset
                && readable(other.partition, other.offset)
        });
        view.is_compacted(record.partition) && readable(record.partition, record.offset) && newer
    });
    older
        .filter_map(|record| {
            let (partition, offset) = (record.partition, record.offset);
            let at = view.writer(record)?.at;
            Some(Spot {
                at,
                context: view.context(at),
                plant: Box::new(move |edit| edit.forget_in_log(partition, offset)),
                expected: Vec::new(),
            })
        })
        .collect()
}

fn key_deleted(view: &View<'_>) -> Vec<Spot> {
    let keyed = view.records.values().filter(|record| {
        view.is_compacted(record.partition) && view.is_committed(record.partition, record.offset)
    });
    keyed
        .filter_map(|record| {
            let (partition, key) = (record.partition, record.key?);
            let at = view.writer(record)?.at;
            let same: Vec<i64> = view
                .records
                .values()
                .filter(|other| (other.partition, other.key) == (partition, Some(key)))
                .map(|other| other.offset)
                .collect();
            Some(Spot {
                at,
                context: view.context(at),
                plant: Box::new(move |edit| {
                    for offset in &same {
                        edit.forget_in_log(partition, *offset);
                    }
                }),
                expected: Vec::new(),
            })
        })
        .collect()
}

fn unseen_tail(view: &View<'_>) -> Vec<Spot> {
    let last = plain(view).into_iter().filter(|written| {
        let record = &written.record;
        let tail = view.end(record.partition) == record.offset + 1;
        let read = view.polls().iter().any(|poll| {
            poll.partition == record.partition && poll.reads.iter().any(|read| read.offset >= record.offset)
        });
        tail && !read
    });
    last.map(|written| {
        let (partition, offset) = (written.record.partition, written.record.offset);
        Spot {
            at: written.at,
            context: view.context(written.at),
            plant: Box::new(move |edit| {
                edit.forget(partition, offset);
                edit.steps.retain(
                    |step| !matches!(step.what, What::Log(LogStep::End { partition: of, .. }) if of == partition),
                );
            }),
            expected: Vec::new(),
        }
    })
    .collect()
}

fn delivered_again_legally(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for handed in view.handed() {
        let Some(polled) = poll_again(view, &handed) else {
            continue;
        };
        let reads = view.steps[..handed.at]
            .iter()
            .rev()
            .find_map(|step| match &step.what {
                What::Subscribed {
                    process, partitions, ..
                } if *process == polled.process => Some(partitions.clone()),
                _ => None,
            });
        let Some(partitions) = reads else { continue };
        spots.push(Spot {
            at: handed.at,
            context: view.context(handed.at),
            plant: Box::new(move |edit| {
                let put_back = What::Subscribed {
                    process: polled.process,
                    partitions: partitions.clone(),
                    repositioned: true,
                };
                edit.insert_behind_and_shift(handed.at, delivered_again(&handed));
                edit.insert_behind_and_shift(handed.at, What::Operation(polled.clone()));
                edit.insert_behind_and_shift(handed.at, put_back);
            }),
            expected: Vec::new(),
        });
    }
    spots
}

fn left_open(view: &View<'_>) -> Vec<Spot> {
    let places = view.operations().map(|(at, _)| {
        let open = Another {
            outcome: Outcome::Unknown,
            ..Another::new(view, Partition(1), NEW_PRODUCER)
        };
        Spot {
            at,
            context: Context::Unknown,
            plant: Box::new(move |edit| {
                let process = edit.new_process();
                edit.insert_behind(at, What::Operation(open.operation(0, process)));
                open.write(edit, None);
            }),
            expected: Vec::new(),
        }
    });
    places.collect()
}
