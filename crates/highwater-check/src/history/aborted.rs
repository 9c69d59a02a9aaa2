//! What should not have been seen: `aborted-read` (Adya's G1a), `precommitted-read`, `client-misclassification`.
//!
//! Invariant: whether a transaction was aborted is said by the markers in the log first, and by the client only where
//! there are none. A client that says "failed" of what the log has committed was wrong; nobody read anything aborted.

use super::index::{Fate, Index, Place, RecordNumber, Seen};
use super::{Checker, Finding, Outcome};
use crate::Anomaly;

/// Says which records were seen although their operation says otherwise.
pub(super) struct Aborted;

impl Checker for Aborted {
    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for (number, operated) in (0u32..).zip(index.operations()) {
            for record in index.reads(number) {
                if index.writers(record).all(|writer| writer == number)
                    && index.writers(record).next().is_some()
                {
                    let finding = Finding::new(Anomaly::PrecommittedRead).steps([operated.index]);
                    found(index.told(finding, record));
                }
            }
            if operated.transaction && index.fate(number) == Fate::Aborted {
                for record in index.sends(number) {
                    aborted_read(index, number, record, found);
                }
            } else if operated.outcome == Outcome::Failed {
                for record in index.sends(number) {
                    misclassified(index, number, record, found);
                }
            }
        }
    }
}

fn aborted_read(index: &Index, operation: u32, record: RecordNumber, found: &mut dyn FnMut(Finding)) {
    if index.writers(record).next() != Some(operation) {
        return;
    }
    let leaked = |place: &Place| place.seen.any(Seen::READ | Seen::LOG_COMMITTED);
    let alone = index.aborted(record);
    let place = index
        .places(record)
        .find(|place| leaked(place) && (alone || place.seen.any(Seen::ABORTED)));
    let reader = index.reader(record).filter(|reader| *reader != operation);
    let read_back = place.is_some_and(|place| place.seen.any(Seen::LOG_COMMITTED));
    if place.is_none() && !(alone && reader.is_some()) || reader.is_none() && !read_back {
        return;
    }
    let (partition, value) = index.name(record);
    found(
        Finding::new(Anomaly::AbortedRead)
            .record(partition, place.map(|place| place.offset), Some(value))
            .steps([index.step(operation)])
            .steps(reader.map(|reader| index.step(reader))),
    );
}

/// The client reported a failure, and the record is there.
fn misclassified(index: &Index, operation: u32, record: RecordNumber, found: &mut dyn FnMut(Finding)) {
    let by_another = index.writers(record).any(|writer| writer != operation);
    let there = index.was_read(record) || index.places(record).any(|place| index.shown(place));
    if there && !by_another {
        let finding = Finding::new(Anomaly::ClientMisclassification).steps([index.step(operation)]);
        found(index.told(finding, record));
    }
}
