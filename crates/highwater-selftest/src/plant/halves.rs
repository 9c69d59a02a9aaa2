//! Defects of transactions that read and write, and of the order of writes.

use highwater_check::Anomaly;
use highwater_check::history::{
    Action, Group, GroupStep, LogRecord, Member, Outcome, Partition, Process, Producer, What,
};

use super::fenced::{Another, NEW_PRODUCER, next_value};
use super::log::{named, send};
use super::view::View;
use super::{Context, Defect, Expected, Named, Spot, defect};

pub(super) fn defects() -> Vec<Defect> {
    use Anomaly as A;
    vec![
        defect(
            "offsets without outputs, records aborted",
            &[A::LostWrite, A::OffsetsWithoutOutputs],
            outputs_aborted,
        ),
        defect(
            "offsets without outputs, after an abort",
            &[A::OffsetsWithoutOutputs],
            offsets_in_force,
        ),
        defect(
            "outputs without offsets",
            &[A::OutputsWithoutOffsets, A::CommitRegression],
            offsets_gone,
        ),
        Defect {
            forbidden: false,
            ..defect(
                "two transactions that write in a circle",
                &[A::WriteCycle],
                write_circle,
            )
        },
    ]
}

const GROUP: Group = Group(900_000);
const MEMBER: Member = Member(900_000);

/// A transaction that reads partition 1 up to an offset and writes to partition 0.
fn copying(view: &View<'_>, outcome: Outcome) -> (Another, i64) {
    let another = Another {
        outcome,
        ..Another::new(view, Partition(0), NEW_PRODUCER)
    };
    (another, view.end(Partition(1)).max(1))
}

fn commit(offset: i64) -> Action {
    Action::Commit {
        group: GROUP,
        partition: Partition(1),
        offset,
    }
}

fn positioned(offset: i64) -> What {
    What::Group(GroupStep::Positioned {
        group: GROUP,
        member: MEMBER,
        partition: Partition(1),
        offset,
    })
}

fn delivered(end: i64) -> What {
    What::Group(GroupStep::Delivered {
        group: GROUP,
        member: MEMBER,
        partition: Partition(1),
        first: 0,
        last: end - 1,
    })
}

/// Told as committed; the log says that all its records were aborted, and the offsets are in force.
fn outputs_aborted(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    if view.is_compacted(Partition(0)) {
        return spots;
    }
    for (at, _) in view.operations() {
        let (another, end) = copying(view, Outcome::Ok);
        let input: Named = (Partition(1), Some(end), None);
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                let mut operation = another.operation(0, edit.new_process());
                operation.actions.push(commit(end));
                edit.insert_behind(at, positioned(end));
                edit.insert_behind_and_shift(at, What::Operation(operation));
                edit.insert_behind_and_shift(at, delivered(end));
                edit.insert_behind_and_shift(at, positioned(0));
                another.write(edit, Some(false));
            }),
            expected: vec![
                Expected::new(Anomaly::LostWrite, [named(&another.record)]),
                Expected::new(Anomaly::OffsetsWithoutOutputs, [input, named(&another.record)]),
            ],
        });
    }
    spots
}

/// Told as aborted, and yet the group goes on behind what it read.
fn offsets_in_force(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (at, _) in view.operations() {
        let (another, end) = copying(view, Outcome::Failed);
        let input: Named = (Partition(1), Some(end), None);
        spots.push(Spot {
            at,
            context: Context::Aborted,
            plant: Box::new(move |edit| {
                let mut operation = another.operation(0, edit.new_process());
                operation.actions.push(commit(end));
                edit.insert_behind(at, positioned(end));
                edit.insert_behind_and_shift(at, What::Operation(operation));
                edit.insert_behind_and_shift(at, delivered(end));
                edit.insert_behind_and_shift(at, positioned(0));
                another.write(edit, Some(false));
            }),
            expected: vec![Expected::new(
                Anomaly::OffsetsWithoutOutputs,
                [input, named(&another.record)],
            )],
        });
    }
    spots
}

/// Committed, its records can be read, and the group goes on where the transaction began.
fn offsets_gone(view: &View<'_>) -> Vec<Spot> {
    let mut spots = Vec::new();
    for (at, _) in view.operations() {
        let (another, end) = copying(view, Outcome::Ok);
        let input: Named = (Partition(1), Some(end), None);
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                let mut operation = another.operation(0, edit.new_process());
                operation.actions.push(commit(end));
                let committed = GroupStep::Committed {
                    group: GROUP,
                    member: Some(MEMBER),
                    generation: -1,
                    partition: Partition(1),
                    offset: end,
                    outcome: Outcome::Ok,
                };
                edit.insert_behind(at, positioned(0));
                edit.insert_behind_and_shift(at, What::Group(committed));
                edit.insert_behind_and_shift(at, What::Operation(operation));
                edit.insert_behind_and_shift(at, delivered(end));
                edit.insert_behind_and_shift(at, positioned(0));
                another.write(edit, Some(true));
            }),
            expected: vec![
                Expected::new(Anomaly::OutputsWithoutOffsets, [input, named(&another.record)]),
                Expected::new(Anomaly::CommitRegression, [input, (Partition(1), Some(0), None)]),
            ],
        });
    }
    spots
}

/// In one partition the first stands in front, in another the second.
fn write_circle(view: &View<'_>) -> Vec<Spot> {
    if view.is_compacted(Partition(0)) {
        return Vec::new();
    }
    let mut spots = Vec::new();
    for (at, _) in view.operations() {
        let producers = [
            NEW_PRODUCER,
            Producer {
                id: NEW_PRODUCER.id + 1,
                epoch: 0,
            },
        ];
        // Of each: its record in partition 0, its record in partition 1, both in the order of the log.
        let written = |partition: u32, producer: usize, behind: i64, number: u64| {
            let partition = Partition(partition);
            let mut another = Another::new(view, partition, producers[producer]);
            another.record.offset += behind;
            another.record.value = next_value(another.record.value, number);
            another
        };
        let log = [
            written(0, 0, 0, 0),
            written(0, 1, 2, 1),
            written(1, 1, 0, 2),
            written(1, 0, 2, 3),
        ];
        let sent = move |record: &LogRecord| send(record.partition, record.value, Some(record.offset));
        spots.push(Spot {
            at,
            context: view.context(at),
            plant: Box::new(move |edit| {
                let process = edit.new_process();
                let mut first = log[0].operation(0, process);
                first.actions.push(sent(&log[3].record));
                let mut second = log[1].operation(0, Process(process.0 + 1));
                second.actions.push(sent(&log[2].record));
                edit.insert_behind(at, What::Operation(second));
                edit.insert_behind_and_shift(at, What::Operation(first));
                for another in &log {
                    another.write(edit, Some(true));
                }
            }),
            expected: vec![Expected::new(
                Anomaly::WriteCycle,
                log.iter().map(|another| named(&another.record)),
            )],
        });
    }
    spots
}
