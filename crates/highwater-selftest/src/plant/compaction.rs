//! Defects of compaction.

use std::collections::BTreeMap;

use highwater_check::Anomaly;
use highwater_check::history::{LogRecord, Outcome, Partition};

use super::log::named;
use super::view::View;
use super::{Defect, Expected, Spot, defect};

pub(super) fn defects() -> Vec<Defect> {
    vec![defect(
        "compaction keeps the older value",
        &[Anomaly::StaleCompaction],
        older_kept,
    )]
}

/// The newest value of a key is gone, and the one before it is still there.
fn older_kept(view: &View<'_>) -> Vec<Spot> {
    let mut keys: BTreeMap<(Partition, u64), Vec<LogRecord>> = BTreeMap::new();
    for record in view.records.values() {
        let counts =
            view.is_compacted(record.partition) && view.is_committed(record.partition, record.offset);
        if let Some(key) = record.key.filter(|_| counts) {
            keys.entry((record.partition, key)).or_default().push(*record);
        }
    }
    let mut spots = Vec::new();
    for records in keys.values() {
        let [.., older, newest] = records[..] else {
            continue;
        };
        let Some(written) = view.writer(&newest) else {
            continue;
        };
        if written.outcome != Outcome::Ok
            || written.told != Some(newest.offset)
            || newest.offset < view.log_start(newest.partition)
        {
            continue;
        }
        spots.push(Spot {
            at: written.at,
            context: view.context(written.at),
            plant: Box::new(move |edit| edit.forget_in_log(newest.partition, newest.offset)),
            expected: vec![Expected::new(
                Anomaly::StaleCompaction,
                [named(&newest), named(&older)],
            )],
        });
    }
    spots
}
