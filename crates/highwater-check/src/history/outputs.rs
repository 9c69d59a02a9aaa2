//! `offsets-without-outputs`, `outputs-without-offsets`: a transaction that read and wrote took effect by half.
//!
//! ```text
//!  transaction: sends + commits ─┬ its offsets are in force, its records are not  ─▶ offsets-without-outputs
//!                                └ its records are in force, its offsets are not  ─▶ outputs-without-offsets
//! ```
//! Invariant: records are judged by the log, offsets by what the group was told afterwards. Transactions without
//! records, or without offsets, are whole whatever becomes of them; so are those of which nobody knows.

use std::collections::BTreeMap;

use super::index::{Index, Place, RecordNumber, Seen};
use super::{
    Action, Checker, Finding, Group, GroupStep, Kind, Operation, Outcome, Partition, Process, Producer, Step,
    What,
};
use crate::Anomaly;

/// A transaction with records and offsets, as far as it is needed at the end.
#[derive(Debug, Clone)]
struct Both {
    step: u64,
    process: Process,
    producer: Option<Producer>,
    outcome: Outcome,
    /// Its number in the index, which knows what it sent.
    operation: u32,
    commits: Vec<(Group, Partition, i64)>,
}

/// What is in force of a partition, as far as anybody was told.
#[derive(Debug, Default)]
struct Known {
    /// Highest offset that was committed, or may have been.
    highest: i64,
    /// The last transaction that certainly committed, and no other commit after it.
    last: Option<(usize, i64)>,
    /// Transactions that were aborted, with what they would have committed.
    aborted: Vec<(usize, i64)>,
}

/// Says which transactions took effect by half.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    operations: u32,
    transactions: Vec<Both>,
    known: BTreeMap<(Group, Partition), Known>,
    halves: Vec<(Anomaly, usize, Partition, i64, u64)>,
}

impl Outputs {
    fn operation(&mut self, step: u64, operation: &Operation) {
        let this = self.operations;
        self.operations += 1;
        if operation.kind != Kind::Transaction {
            return;
        }
        let (mut sends, mut commits) = (false, BTreeMap::new());
        for action in &operation.actions {
            match action {
                Action::Send { .. } => sends = true,
                Action::Commit {
                    group,
                    partition,
                    offset,
                } => {
                    commits.insert((*group, *partition), *offset);
                }
                Action::Poll { .. } | Action::Repositioned { .. } => {}
            }
        }
        if commits.is_empty() {
            return;
        }
        let number = self.transactions.len();
        for ((group, partition), offset) in &commits {
            let known = self.known.entry((*group, *partition)).or_default();
            match operation.outcome {
                Outcome::Ok => {
                    known.highest = known.highest.max(*offset);
                    known.last = sends.then_some((number, *offset));
                }
                Outcome::Unknown => known.highest = known.highest.max(*offset),
                Outcome::Failed if sends => known.aborted.push((number, *offset)),
                Outcome::Failed => {}
            }
        }
        if !sends {
            return;
        }
        self.transactions.push(Both {
            step,
            process: operation.process,
            producer: operation.producer,
            outcome: operation.outcome,
            operation: this,
            commits: commits
                .into_iter()
                .map(|((group, partition), offset)| (group, partition, offset))
                .collect(),
        });
    }

    /// A commit that does not come from the transaction that was told last.
    fn committed(&mut self, group: Group, partition: Partition, offset: i64, outcome: Outcome) {
        if outcome == Outcome::Failed {
            return;
        }
        let known = self.known.entry((group, partition)).or_default();
        known.highest = known.highest.max(offset);
        if known.last.is_some_and(|(_, last)| last != offset) {
            known.last = None;
        }
    }

    fn positioned(&mut self, step: u64, group: Group, partition: Partition, offset: i64) {
        let Some(known) = self.known.get_mut(&(group, partition)) else {
            return;
        };
        if let Some((number, last)) = known.last
            && offset < last
        {
            known.last = None;
            self.halves
                .push((Anomaly::OutputsWithoutOffsets, number, partition, last, step));
        }
        if offset > known.highest
            && let Some((number, _)) = known.aborted.iter().find(|(_, aborted)| *aborted == offset)
        {
            self.halves
                .push((Anomaly::OffsetsWithoutOutputs, *number, partition, offset, step));
            known.highest = offset;
        }
    }
}

/// Whether the log says that a record is not there for readers of committed records.
fn missing(index: &Index, record: RecordNumber) -> bool {
    let (partition, _) = index.name(record);
    let Some(end) = index.whole(partition).filter(|end| !end.compacted) else {
        return false;
    };
    let visible = |place: Place| place.seen.any(Seen::LOG_COMMITTED) || place.offset < end.log_start;
    // What stands behind the last stable offset is not decided yet.
    let undecided = |place: Place| place.offset >= end.last_stable_offset && !place.seen.any(Seen::ABORTED);
    !index
        .places(record)
        .any(|place| visible(place) || undecided(place))
}

impl Checker for Outputs {
    fn step(&mut self, step: &Step) {
        match &step.what {
            What::Operation(operation) => self.operation(step.index, operation),
            What::Group(GroupStep::Committed {
                group,
                partition,
                offset,
                outcome,
                ..
            }) => self.committed(*group, *partition, *offset, *outcome),
            What::Group(GroupStep::Positioned {
                group,
                partition,
                offset,
                ..
            }) => self.positioned(step.index, *group, *partition, *offset),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        let tell = |anomaly, transaction: &Both, at: (Partition, i64), steps: &[u64]| {
            let mut finding = Finding::new(anomaly)
                .record(at.0, Some(at.1), None)
                .steps(steps.iter().copied());
            for record in index.sends(transaction.operation) {
                finding = index.told(finding, record);
            }
            finding.processes = vec![transaction.process];
            finding.producers = transaction.producer.into_iter().collect();
            finding.group = transaction
                .commits
                .iter()
                .find(|(_, partition, _)| *partition == at.0)
                .map(|(group, ..)| (*group, Vec::new()));
            finding
        };
        for (anomaly, number, partition, offset, step) in &self.halves {
            let transaction = &self.transactions[*number];
            found(tell(
                *anomaly,
                transaction,
                (*partition, *offset),
                &[transaction.step, *step],
            ));
        }
        for transaction in &self.transactions {
            if transaction.outcome != Outcome::Ok {
                continue;
            }
            let gone = index
                .sends(transaction.operation)
                .all(|record| missing(index, record));
            if let Some((_, partition, offset)) = transaction.commits.first().filter(|_| gone) {
                found(tell(
                    Anomaly::OffsetsWithoutOutputs,
                    transaction,
                    (*partition, *offset),
                    &[transaction.step],
                ));
            }
        }
    }
}
