//! Defects of producers and leaders: an old epoch is accepted, a transaction has no owner any more, leaders go back.

use highwater_check::Anomaly;
use highwater_check::history::{
    Kind, LogRecord, LogStep, Operation, Outcome, Partition, Process, Producer, Value, What,
};

use super::edit::Edit;
use super::log::{named, send};
use super::view::View;
use super::{Context, Defect, Expected, Spot, defect};

pub(super) fn defects() -> Vec<Defect> {
    use Anomaly as A;
    vec![
        defect(
            "record of an old epoch accepted",
            &[A::FencingViolation],
            old_epoch,
        ),
        defect("last stable offset frozen", &[A::HangingTransaction], frozen),
        defect(
            "acknowledged end without a marker",
            &[A::HangingTransaction],
            unended,
        ),
        defect(
            "leader epoch goes back",
            &[A::LeaderEpochRegression],
            older_leader,
        ),
    ]
}

/// A transaction of one record that is not in the history yet.
#[derive(Clone, Copy)]
pub(super) struct Another {
    pub(super) producer: Producer,
    pub(super) outcome: Outcome,
    pub(super) record: LogRecord,
}

impl Another {
    pub(super) fn new(view: &View<'_>, partition: Partition, producer: Producer) -> Self {
        Self {
            producer,
            outcome: Outcome::Ok,
            record: LogRecord {
                partition,
                offset: view.end(partition),
                value: view.new_value(),
                key: None,
                producer: Some(producer),
                sequence: 0,
                transactional: true,
                leader_epoch: -1,
                intact: true,
            },
        }
    }

    pub(super) fn operation(&self, began: u64, process: Process) -> Operation {
        let LogRecord {
            partition,
            value,
            offset,
            ..
        } = self.record;
        Operation {
            began,
            process,
            outcome: self.outcome,
            kind: Kind::Transaction,
            producer: Some(self.producer),
            actions: vec![send(partition, value, Some(offset))],
        }
    }

    /// Puts its record into the log, with the marker that ends it, if one does.
    pub(super) fn write(&self, edit: &mut Edit, commit: Option<bool>) {
        let partition = self.record.partition;
        let stable = edit.append(self.record, commit == Some(true));
        let Some(commit) = commit else {
            for log in edit.logs(partition) {
                if let LogStep::End {
                    last_stable_offset, ..
                } = log
                {
                    *last_stable_offset = stable;
                }
            }
            return;
        };
        let (offset, leader_epoch) = (edit.end(partition), edit.leader_epoch(partition));
        let marker = LogStep::Marker {
            partition,
            offset,
            producer: self.producer,
            commit,
            leader_epoch,
        };
        edit.insert_into_log(marker, partition);
        edit.set_end(partition, offset + 1);
    }
}

/// A producer that does not occur: ids of the simulation are small.
pub(super) const NEW_PRODUCER: Producer = Producer {
    id: 900_000,
    epoch: 0,
};

/// What a producer writes after another one got the next epoch of its id.
fn old_epoch(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (at, step) in view.steps.iter().enumerate() {
        let What::Initialised { producer } = step.what else {
            continue;
        };
        let Some(epoch) = producer.epoch.checked_sub(1).filter(|epoch| *epoch >= 0) else {
            continue;
        };
        for (outcome, context) in [
            (Outcome::Ok, view.context(at)),
            (Outcome::Failed, Context::Aborted),
            (Outcome::Unknown, Context::Unknown),
        ] {
            let zombie = Another {
                outcome,
                ..Another::new(view, Partition(0), Producer { epoch, ..producer })
            };
            spots.push(Spot {
                at,
                context,
                plant: Box::new(move |edit| {
                    let (process, began) = (edit.new_process(), edit.steps[at].index + 1);
                    edit.insert_behind(at, What::Operation(zombie.operation(began, process)));
                    zombie.write(edit, Some(outcome != Outcome::Failed));
                }),
                expected: vec![Expected::new(Anomaly::FencingViolation, [named(&zombie.record)])],
            });
        }
    }
    spots
}

/// A transaction stays open in the log though its client was told that it is over, or its producer was fenced.
fn frozen(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (at, _) in view.operations() {
        for (outcome, context) in [
            (Outcome::Ok, view.context(at)),
            (Outcome::Failed, Context::Aborted),
            (Outcome::Unknown, Context::Unknown),
        ] {
            let open = Another {
                outcome,
                ..Another::new(view, Partition(1), NEW_PRODUCER)
            };
            spots.push(Spot {
                at,
                context,
                plant: Box::new(move |edit| {
                    let process = edit.new_process();
                    if outcome == Outcome::Unknown {
                        let producer = Producer {
                            epoch: 1,
                            ..NEW_PRODUCER
                        };
                        edit.insert_behind(at, What::Initialised { producer });
                    }
                    // In front of the next epoch, if there is one.
                    edit.insert_behind_and_shift(at, What::Operation(open.operation(0, process)));
                    open.write(edit, None);
                }),
                expected: vec![Expected::new(Anomaly::HangingTransaction, [named(&open.record)])],
            });
        }
    }
    spots
}

/// Two transactions of a producer, one after the other, and one marker for both of them.
fn unended(view: &View<'_>) -> Vec<Spot> {
    // Compaction takes markers out when nothing of their transaction is left.
    if view.is_compacted(Partition(1)) {
        return Vec::new();
    }
    let mut spots = Vec::new();
    for (at, step) in view.operations().map(|(at, _)| (at, &view.steps[at])) {
        for (outcomes, commit, context) in [
            ([Outcome::Ok; 2], true, view.context(at)),
            ([Outcome::Failed; 2], false, Context::Aborted),
            ([Outcome::Ok, Outcome::Unknown], true, Context::Unknown),
        ] {
            let mut both = outcomes.map(|outcome| Another {
                outcome,
                ..Another::new(view, Partition(1), NEW_PRODUCER)
            });
            both[1].record.offset += 1;
            both[1].record.sequence += 1;
            both[1].record.value = next_value(both[1].record.value, 1);
            let [one, next] = both;
            let ended = step.index + 1;
            spots.push(Spot {
                at,
                context,
                plant: Box::new(move |edit| {
                    let process = edit.new_process();
                    for (another, began) in [(next, ended + 1), (one, 0)] {
                        edit.insert_behind_and_shift(at, What::Operation(another.operation(began, process)));
                    }
                    edit.append(one.record, commit);
                    next.write(edit, Some(commit));
                }),
                expected: vec![Expected::new(
                    Anomaly::HangingTransaction,
                    [named(&one.record), named(&next.record)],
                )],
            });
        }
    }
    spots
}

/// A record has a newer epoch than what stands behind it.
fn older_leader(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for record in view.records.values() {
        let Some(written) = view.writer(record) else {
            continue;
        };
        let place = (record.partition, record.offset + 1);
        let Some(next) = view.records.get(&place).filter(|_| record.leader_epoch >= 0) else {
            continue;
        };
        let (record, epoch) = (*record, next.leader_epoch + 1);
        spots.push(Spot {
            at: written.at,
            context: match written.outcome {
                Outcome::Ok => view.context(written.at),
                Outcome::Failed => Context::Aborted,
                Outcome::Unknown => Context::Unknown,
            },
            plant: Box::new(move |edit| {
                for log in edit.logs(record.partition) {
                    if let LogStep::Record(found) = log
                        && found.offset == record.offset
                    {
                        found.leader_epoch = epoch;
                    }
                }
            }),
            expected: vec![Expected::new(
                Anomaly::LeaderEpochRegression,
                [named(&record), named(next)],
            )],
        });
    }
    spots
}

/// The value behind another new one.
pub(super) fn next_value(value: Value, by: u64) -> Value {
    Value(value.0 + by)
}
