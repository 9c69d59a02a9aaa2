//! Defects of transactions.

use highwater_check::Anomaly;
use highwater_check::history::{
    Action, Isolation, Kind, LogRecord, LogStep, Operation, Outcome, Partition, Producer, Read, Value, What,
};

use super::edit::Edit;
use super::log::{named, send};
use super::reads::shown_to_all;
use super::view::View;
use super::{Context, Defect, Expected, Spot, defect};

pub(super) fn defects() -> Vec<Defect> {
    use Anomaly as A;
    vec![
        defect(
            "own uncommitted record read",
            &[A::PrecommittedRead],
            precommitted,
        ),
        defect(
            "committed transaction, one partition missing",
            &[A::LostWrite, A::TornTransaction],
            part_missing,
        ),
        defect(
            "aborted transaction, one partition present",
            &[A::AbortedRead, A::TornTransaction],
            part_present,
        ),
        defect(
            "two transactions that read from each other",
            &[A::InformationCycle],
            cycle,
        ),
    ]
}

fn precommitted(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for written in view.written() {
        let record = written.record;
        let reads_it = view
            .polls()
            .iter()
            .any(|poll| poll.operation.process == written.process && poll.partition == record.partition);
        if !written.transaction
            || written.outcome != Outcome::Ok
            || reads_it
            || !view.is_committed(record.partition, record.offset)
        {
            continue;
        }
        let index = view.steps[written.at].index;
        spots.push(Spot {
            at: written.at,
            context: view.context(written.at),
            plant: Box::new(move |edit| {
                let at = edit.position(index);
                if let Some(operation) = edit.operation(at) {
                    operation
                        .actions
                        .push(poll(record.partition, record.offset, record.value));
                }
            }),
            expected: vec![Expected::new(Anomaly::PrecommittedRead, [named(&record)])],
        });
    }
    spots
}

fn poll(partition: Partition, offset: i64, value: Value) -> Action {
    Action::Poll {
        isolation: Isolation::Committed,
        reads: vec![(partition, vec![Read { offset, value }])],
    }
}

/// Step of a transaction, how it ended, and its records by partition.
type Wide = (usize, Outcome, Vec<(Partition, Vec<LogRecord>)>);

/// Transactions with records in several partitions.
fn wide(view: &View<'_>) -> Vec<Wide> {
    let mut wide = Vec::new();
    for (at, operation) in view.operations() {
        if operation.kind != Kind::Transaction {
            continue;
        }
        let mut by_partition: Vec<(Partition, Vec<LogRecord>)> = Vec::new();
        for written in view.written().into_iter().filter(|written| written.at == at) {
            let partition = written.record.partition;
            match by_partition.iter_mut().find(|(of, _)| *of == partition) {
                Some((_, records)) => records.push(written.record),
                None => by_partition.push((partition, vec![written.record])),
            }
        }
        let whole = by_partition
            .iter()
            .flat_map(|(_, records)| records)
            .all(|record| record.offset >= view.log_start(record.partition));
        if by_partition.len() > 1 && whole {
            wide.push((at, operation.outcome, by_partition));
        }
    }
    wide
}

/// The marker in one partition says aborted.
fn part_missing(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (at, outcome, parts) in wide(view) {
        let (partition, records) = parts[0].clone();
        if outcome != Outcome::Ok {
            continue;
        }
        let mut expected: Vec<Expected> = records
            .iter()
            .map(|record| Expected::new(Anomaly::LostWrite, [named(record)]))
            .collect();
        expected.push(Expected::new(Anomaly::TornTransaction, records.iter().map(named)));
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                edit.end_otherwise(partition, &records, false);
                for record in &records {
                    edit.uncommit_record(partition, record.offset);
                    edit.unread_committed(partition, record.offset);
                }
            }),
            expected,
        });
    }
    spots
}

/// The marker in one partition says committed.
fn part_present(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (at, outcome, parts) in wide(view) {
        let (partition, records) = parts[0].clone();
        if view.is_committed(partition, records[0].offset) {
            continue;
        }
        let shown: Option<Vec<_>> = records
            .iter()
            .map(|record| Some((*record, shown_to_all(view, partition, record.offset)?)))
            .collect();
        let (Some(shown), Outcome::Failed) = (shown, outcome) else {
            continue;
        };
        let mut expected: Vec<Expected> = records
            .iter()
            .map(|record| Expected::new(Anomaly::AbortedRead, [named(record)]))
            .collect();
        expected.push(Expected::new(Anomaly::TornTransaction, records.iter().map(named)));
        spots.push(Spot {
            at,
            context: Context::Aborted,
            expected,
            plant: Box::new(move |edit| {
                edit.end_otherwise(partition, &records, true);
                for (record, places) in &shown {
                    let (offset, value) = (record.offset, record.value);
                    edit.commit_record(partition, offset, value);
                    for (index, behind) in places {
                        edit.read_before(*index, partition, *behind, Read { offset, value });
                    }
                }
            }),
        });
    }
    spots
}

/// Each reads what the other wrote, and both commit.
fn cycle(view: &View<'_>) -> Vec<Spot> {
    let (one, other) = (Partition(0), Partition(1));
    if view.is_compacted(one) {
        return Vec::new();
    }
    let (first, second) = (view.new_value(), Value(view.new_value().0 + 1));
    let (first_at, second_at) = (view.end(one), view.end(other));
    let mut spots = Vec::new();
    for (at, _) in view.operations() {
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                let process = edit.new_process();
                for (place, process, wrote, read) in [
                    (at, process, (one, first, first_at), (other, second, second_at)),
                    (
                        at + 1,
                        highwater_check::history::Process(process.0 + 1),
                        (other, second, second_at),
                        (one, first, first_at),
                    ),
                ] {
                    let producer = Producer {
                        id: i64::from(process.0) + 900_000,
                        epoch: 0,
                    };
                    edit.write(wrote.0, wrote.1, producer);
                    edit.insert_behind(
                        place,
                        What::Operation(Operation {
                            began: 0,
                            process,
                            outcome: Outcome::Ok,
                            kind: Kind::Transaction,
                            producer: Some(producer),
                            actions: vec![
                                send(wrote.0, wrote.1, Some(wrote.2)),
                                poll(read.0, read.2, read.1),
                            ],
                        }),
                    );
                }
            }),
            expected: vec![Expected::new(
                Anomaly::InformationCycle,
                [
                    (one, Some(first_at), Some(first)),
                    (other, Some(second_at), Some(second)),
                ],
            )],
        });
    }
    spots
}

impl Edit {
    /// The marker behind these records says otherwise.
    fn end_otherwise(&mut self, partition: Partition, records: &[LogRecord], as_commit: bool) {
        let Some(first) = records.first() else { return };
        let id = first.producer.map(|producer| producer.id);
        let behind = first.offset;
        let marker = self.logs(partition).find_map(|log| match log {
            LogStep::Marker {
                offset,
                producer,
                commit,
                ..
            } if *offset > behind && Some(producer.id) == id => Some(commit),
            _ => None,
        });
        if let Some(commit) = marker {
            *commit = as_commit;
        }
    }

    /// A record of a transaction at the end of its partition, and the marker that commits it.
    fn write(&mut self, partition: Partition, value: Value, producer: Producer) {
        self.append(
            LogRecord {
                partition,
                offset: 0,
                value,
                key: None,
                producer: Some(producer),
                sequence: 0,
                transactional: true,
                leader_epoch: -1,
                intact: true,
            },
            true,
        );
        let offset = self.end(partition);
        let leader_epoch = self.leader_epoch(partition);
        self.insert_into_log(
            LogStep::Marker {
                partition,
                offset,
                producer,
                commit: true,
                leader_epoch,
            },
            partition,
        );
        self.set_end(partition, offset + 1);
    }

    /// No reader of committed records gets it.
    fn unread_committed(&mut self, partition: Partition, offset: i64) {
        self.unread(partition, Some(Isolation::Committed), |read| {
            read.offset != offset
        });
    }
}
