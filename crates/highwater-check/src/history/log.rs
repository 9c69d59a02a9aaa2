//! What stands at which offset: `inconsistent-offsets`, `reused-offset`, `duplicate`, `corrupt-payload`, `phantom`.
//!
//! Invariant: where a partition was read back, the log says what it holds; without a read-back, acknowledgements and
//! readers do (as in Jepsen).

use std::collections::BTreeSet;

use super::index::{Index, Place, RecordNumber, Seen};
use super::{Checker, Finding, Partition};
use crate::Anomaly;

/// Says what is wrong with the offsets of records.
pub(super) struct Offsets;

impl Checker for Offsets {
    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for (anomaly, offsets) in [
            (Anomaly::InconsistentOffsets, index.conflicts()),
            (Anomaly::ReusedOffset, index.reused()),
        ] {
            for (partition, offset, records) in offsets {
                found(shared(index, anomaly, *partition, *offset, records));
            }
        }
        let written: BTreeSet<Partition> = index
            .records()
            .filter(|record| index.writers(*record).next().is_some())
            .map(|record| index.name(record).0)
            .collect();
        for record in index.records() {
            let (partition, value) = index.name(record);
            for place in index.places(record).filter(|place| place.seen.any(Seen::DAMAGED)) {
                found(
                    Finding::new(Anomaly::CorruptPayload)
                        .record(partition, Some(place.offset), Some(value))
                        .steps(writer_steps(index, record)),
                );
            }
            if written.contains(&partition) && index.writers(record).next().is_none() {
                phantom(index, record, found);
                continue;
            }
            copies(index, record, found);
        }
    }
}

fn shared(
    index: &Index,
    anomaly: Anomaly,
    partition: Partition,
    offset: i64,
    records: &[RecordNumber],
) -> Finding {
    let mut finding = Finding::new(anomaly);
    for record in records {
        finding = finding.record(partition, Some(offset), Some(index.name(*record).1));
    }
    let steps = records.iter().flat_map(|record| writer_steps(index, *record));
    finding.steps(steps)
}

fn phantom(index: &Index, record: RecordNumber, found: &mut dyn FnMut(Finding)) {
    let intact = index.places(record).all(|place| !place.seen.any(Seen::DAMAGED));
    if intact && (index.was_read(record) || index.places(record).any(|place| index.shown(place))) {
        let reader = index
            .reader(record)
            .map(|reader| index.operations()[reader as usize].index);
        found(index.told(Finding::new(Anomaly::Phantom), record).steps(reader));
    }
}

/// A record at several offsets, or at another one than it was acknowledged as.
fn copies(index: &Index, record: RecordNumber, found: &mut dyn FnMut(Finding)) {
    let (partition, value) = index.name(record);
    if index.places(record).nth(1).is_none() {
        return;
    }
    let whole = index.whole(partition).is_some();
    let acknowledged = |place: &Place| place.seen.any(Seen::ACKNOWLEDGED | Seen::PERHAPS);
    let there: BTreeSet<i64> = index
        .places(record)
        .filter(|place| index.stands(record, *place))
        .map(|place| place.offset)
        .collect();
    if there.len() > 1 {
        let mut finding = Finding::new(Anomaly::Duplicate);
        for offset in &there {
            finding = finding.record(partition, Some(*offset), Some(value));
        }
        found(finding.steps(writer_steps(index, record)));
        return;
    }
    // One copy, and not where the acknowledgement said.
    let Some(at) = there.first() else { return };
    let mut promised = index
        .places(record)
        .filter(|place| acknowledged(place) && place.offset != *at)
        .map(|place| place.offset);
    if let Some(promised) = promised.next().filter(|_| whole) {
        found(
            Finding::new(Anomaly::InconsistentOffsets)
                .record(partition, Some(promised), Some(value))
                .record(partition, Some(*at), Some(value))
                .steps(writer_steps(index, record)),
        );
    }
}

fn writer_steps(index: &Index, record: RecordNumber) -> impl Iterator<Item = u64> {
    index.writers(record).map(|writer| index.step(writer))
}
