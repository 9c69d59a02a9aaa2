//! The order of sends: `nonmonotonic-send`, `int-nonmonotonic-send`, `int-send-skip`.
//!
//! Invariant: sends of a client are compared in the order in which they began, and only where the offsets of both
//! are known; sends that did not happen are passed over.

use std::collections::BTreeMap;

use super::index::{Fate, Index, RecordNumber};
use super::{Checker, Finding, Isolation, Partition, Process, skipped};
use crate::Anomaly;

/// Says which records of a client stand in another order than it sent them in.
pub(super) struct Sends;

/// A send whose offset is known.
#[derive(Clone, Copy)]
struct Sent {
    record: RecordNumber,
    offset: i64,
    operation: u32,
}

impl Checker for Sends {
    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        let mut kept = kept_by_process(index);
        for (process, operations) in by_process(index) {
            let kept = kept.remove(&process).unwrap_or_default();
            one_process(index, process, &operations, &kept, found);
        }
    }
}

type Kept<'a> = Vec<(u64, &'a [Partition])>;

fn kept_by_process(index: &Index) -> BTreeMap<Process, Kept<'_>> {
    let mut kept: BTreeMap<Process, Kept<'_>> = BTreeMap::new();
    for (step, process, partitions) in index.kept() {
        kept.entry(*process).or_default().push((*step, partitions));
    }
    kept
}

/// Operations that sent something and may have happened, by client, as they began.
fn by_process(index: &Index) -> BTreeMap<Process, Vec<u32>> {
    let mut processes: BTreeMap<Process, Vec<u32>> = BTreeMap::new();
    for (number, operated) in (0u32..).zip(index.operations()) {
        if index.fate(number) != Fate::Aborted && index.sends(number).next().is_some() {
            processes.entry(operated.process).or_default().push(number);
        }
    }
    for operations in processes.values_mut() {
        operations.sort_by_key(|number| index.operations()[*number as usize].began);
    }
    processes
}

fn one_process(
    index: &Index,
    process: Process,
    operations: &[u32],
    kept: &[(u64, &[Partition])],
    found: &mut dyn FnMut(Finding),
) {
    let mut kept = kept.iter().peekable();
    let mut last: BTreeMap<Partition, Sent> = BTreeMap::new();
    for operation in operations {
        let began = index.operations()[*operation as usize].began;
        while let Some((_, partitions)) = kept.next_if(|(step, _)| *step < began) {
            last.retain(|partition, _| partitions.contains(partition));
        }
        for record in index.sends(*operation) {
            let Some(offset) = index.offset(record) else {
                continue;
            };
            let sent = Sent {
                record,
                offset,
                operation: *operation,
            };
            let (partition, _) = index.name(record);
            if let Some(before) = last.insert(partition, sent) {
                compare(index, process, partition, (before, sent), found);
            }
        }
    }
}

/// Of records that are there several times, compaction may have left the wrong copies to compare.
fn another_copy_behind(index: &Index, partition: Partition, before: Sent, after: Sent) -> bool {
    index.end(partition).is_some_and(|end| end.compacted)
        && index
            .places(after.record)
            .any(|place| index.shown(place) && place.offset > before.offset)
}

fn compare(
    index: &Index,
    process: Process,
    partition: Partition,
    (before, after): (Sent, Sent),
    found: &mut dyn FnMut(Finding),
) {
    let within = before.operation == after.operation;
    // The usual case, without looking anything up.
    if after.offset == before.offset + 1 || after.offset > before.offset && !within {
        return;
    }
    let Some(order) = index.order(partition) else {
        return;
    };
    if after.offset <= before.offset && another_copy_behind(index, partition, before, after) {
        return;
    }
    let delta =
        order.before(Isolation::Committed, after.offset) - order.before(Isolation::Committed, before.offset);
    // Of records that nobody reads as committed the distance is 0, whichever comes first.
    let anomaly = match (after.offset <= before.offset, within) {
        (true, false) => Anomaly::NonmonotonicSend,
        (true, true) => Anomaly::IntNonmonotonicSend,
        (false, _) if delta > 1 => Anomaly::IntSendSkip,
        _ => return,
    };
    let mut finding = Finding::new(anomaly)
        .record(partition, Some(before.offset), Some(index.name(before.record).1))
        .record(partition, Some(after.offset), Some(index.name(after.record).1));
    finding.delta = Some(delta);
    finding.processes.push(process);
    if delta > 1 {
        finding.skipped = skipped(
            index,
            partition,
            Isolation::Committed,
            before.offset,
            after.offset,
        );
    }
    finding.steps.push(index.step(before.operation));
    if !within {
        finding.steps.push(index.step(after.operation));
    }
    found(finding);
}
