//! `group-skip`: a group never delivered a record, and went on behind it.
//!
//! Invariant: only records that a reader of committed records gets count, and only those behind the first offset that
//! the group began at; who delivered a record, and how often, does not matter.

use std::collections::BTreeMap;

use super::covered::Covered;
use crate::Anomaly;
use crate::history::index::{Index, Place, RecordNumber, Seen};
use crate::history::{
    Checker, Finding, Group, GroupStep, Isolation, MOST_SKIPPED, Member, Partition, Step, Value, What,
};

#[derive(Debug, Default)]
struct Delivered {
    covered: Covered,
    /// Where the group began, if that is in front of what was delivered.
    began: Option<i64>,
    /// Steps that opened a hole: where it ends, who went on there, and when.
    jumps: BTreeMap<i64, (Member, u64)>,
}

/// Says which records groups left out.
#[derive(Debug, Default)]
pub(in crate::history) struct Skip {
    groups: BTreeMap<(Group, Partition), Delivered>,
}

impl Checker for Skip {
    fn step(&mut self, step: &Step) {
        match step.what {
            What::Group(GroupStep::Positioned {
                group,
                partition,
                offset,
                ..
            }) if offset >= 0 => {
                let delivered = self.groups.entry((group, partition)).or_default();
                let began = delivered.began.get_or_insert(offset);
                *began = (*began).min(offset);
            }
            What::Group(GroupStep::Delivered {
                group,
                member,
                partition,
                first,
                last,
            }) => {
                let delivered = self.groups.entry((group, partition)).or_default();
                if !delivered.covered.has(first - 1) {
                    delivered.jumps.insert(first, (member, step.index));
                }
                delivered.covered.add(first, last + 1);
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for ((group, partition), delivered) in &self.groups {
            let front = delivered
                .began
                .zip(delivered.covered.first())
                .filter(|(began, first)| began < first);
            for (from, to) in front.into_iter().chain(delivered.covered.holes()) {
                if let Some(mut finding) = passed(index, Anomaly::GroupSkip, *partition, from, to) {
                    if let Some((member, step)) = delivered.jumps.get(&to) {
                        finding = finding.steps([*step]);
                        finding.group = Some((*group, vec![*member]));
                    } else {
                        finding.group = Some((*group, Vec::new()));
                    }
                    found(finding);
                }
            }
        }
    }
}

/// A finding about the committed records from an offset up to and without another; none if there is none that had to be
/// delivered.
pub(super) fn passed(
    index: &Index,
    anomaly: Anomaly,
    partition: Partition,
    from: i64,
    to: i64,
) -> Option<Finding> {
    let order = index.order(partition)?;
    // What was deleted by age can't be delivered. What compaction removed is in no read-back.
    let from = index.end(partition).map_or(from, |end| from.max(end.log_start));
    let compacted = index.end(partition).is_some_and(|end| end.compacted);
    // What compaction removed may have been gone by then; what it left was there all the time.
    let stays = |offset: i64, record: RecordNumber| {
        let there = |place: Place| place.offset == offset && place.seen.any(Seen::LOG);
        !compacted || index.places(record).any(there)
    };
    let mut records = order
        .records_between(Isolation::Committed, from - 1, to)
        .filter(|(offset, record)| stays(*offset, *record));
    let (offset, first) = records.next()?;
    let skipped: Vec<Value> = [first]
        .into_iter()
        .chain(records.by_ref().map(|(_, record)| record))
        .take(MOST_SKIPPED)
        .map(|record| index.name(record).1)
        .collect();
    let count = skipped.len() + records.count();
    let mut finding = Finding::new(anomaly).record(partition, Some(offset), Some(index.name(first).1));
    finding.skipped = skipped;
    finding.delta = i64::try_from(count).ok();
    Some(finding)
}
