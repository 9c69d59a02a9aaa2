//! `lost-write`: acknowledged, below the end of the log, and never readable.
//!
//! Invariant: a record is lost only if its send certainly happened. Where the partition was read back to its end, the
//! log decides, and the tail counts; without a read-back, a record is lost only below the highest offset that
//! somebody read (as in Jepsen), and the tail is unseen.

use super::index::{Index, PartitionEnd, Place, RecordNumber, Seen};
use super::{Checker, Finding, Outcome};
use crate::Anomaly;

/// Says what is missing from the log.
pub(super) struct Lost;

impl Checker for Lost {
    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for record in index.records() {
            let Some(writer) = index
                .writers(record)
                .find(|writer| index.happened(*writer, record) || is_acknowledged(index, *writer))
            else {
                continue;
            };
            let (partition, _) = index.name(record);
            let mut finding = Finding::new(Anomaly::LostWrite).steps([index.step(writer)]);
            match index.whole(partition) {
                Some(end) => {
                    if !lost_from_log(index, record, writer, end) {
                        continue;
                    }
                }
                None => match passed_by_readers(index, record) {
                    Some(step) => finding = finding.steps([step]),
                    None => continue,
                },
            }
            found(index.told(finding, record));
        }
    }
}

/// Told as done, also where the log says that it was aborted: then all of it is lost.
fn is_acknowledged(index: &Index, writer: u32) -> bool {
    index.operations()[writer as usize].outcome == Outcome::Ok
}

fn lost_from_log(index: &Index, record: RecordNumber, writer: u32, end: PartitionEnd) -> bool {
    let readable = |place: Place| {
        place.seen.any(Seen::LOG_COMMITTED)
            || place.offset >= end.last_stable_offset
                && place.seen.any(Seen::LOG)
                && !place.seen.any(Seen::ABORTED)
    };
    if end.compacted || index.places(record).any(readable) {
        return false;
    }
    let told = Seen::ACKNOWLEDGED | Seen::PERHAPS | Seen::READ | Seen::READ_UNCOMMITTED;
    let promised = index
        .places(record)
        .filter(|place| place.seen.any(told))
        .map(|place| place.offset)
        .min();
    match promised {
        // There, and damaged: that is said elsewhere.
        Some(offset) => offset >= end.log_start && !damaged(index, record, offset),
        // Acknowledged without an offset: in no place of the log.
        None => end.log_start == 0 && index.operations()[writer as usize].outcome == Outcome::Ok,
    }
}

fn damaged(index: &Index, record: RecordNumber, offset: i64) -> bool {
    let (partition, _) = index.name(record);
    index
        .order(partition)
        .and_then(|order| order.at(offset))
        .is_some_and(|there| {
            index
                .places(there)
                .any(|place| place.offset == offset && place.seen.any(Seen::DAMAGED))
        })
}

/// The step that read behind a record which nobody read.
fn passed_by_readers(index: &Index, record: RecordNumber) -> Option<u64> {
    let (partition, _) = index.name(record);
    if index.was_read(record) || index.places(record).any(|place| index.shown(place)) {
        return None;
    }
    let offset = index.offset(record)?;
    let extent = index.extent(partition)?;
    let passed = offset <= extent.highest && (index.options().read_from_start || offset >= extent.lowest);
    (passed && !index.may_be_gone(partition, offset)).then_some(extent.step)
}
