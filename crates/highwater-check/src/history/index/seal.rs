//! Which places count, and in which order.

use std::collections::BTreeMap;

use super::build::Builder;
use super::sealed::{Fate, Index, RecordNumber};
use super::{Order, Seen};
use crate::history::{Options, Outcome, Partition};

/// A place of a record, before places are ordered.
struct Sighting {
    offset: i64,
    record: u32,
    seen: Seen,
}

pub(super) fn seal(builder: Builder, options: Options) -> Index {
    let mut index = Index {
        options,
        table: builder.table,
        operations: builder.operations,
        sends: builder.sends,
        reads: builder.reads,
        elsewhere: builder.elsewhere,
        writers: builder.writers,
        ends: builder.ends,
        kept: builder.kept,
        extents: builder.extents,
        fates: Vec::new(),
        orders: BTreeMap::new(),
        conflicts: Vec::new(),
        reused: Vec::new(),
    };
    index.fates = (0..index.operations.len() as u32)
        .map(|operation| fate(&index, operation))
        .collect();
    // One partition at a time, so that places are not all there twice.
    let mut sightings: BTreeMap<Partition, Vec<Sighting>> = BTreeMap::new();
    for record in index.records() {
        // Shown by mistake: those who did not get it skipped nothing.
        let aborted = index.aborted(record);
        for place in index.places(record) {
            let mut seen = place.seen;
            if aborted {
                seen |= Seen::ABORTED;
            }
            if seen.any(Seen::PERHAPS) && !index.writers(record).any(|writer| index.happened(writer, record))
            {
                seen = seen.without(Seen::PERHAPS);
            }
            if seen.is_empty() {
                continue;
            }
            sightings.entry(index.name(record).0).or_default().push(Sighting {
                offset: place.offset,
                record: record.0,
                seen,
            });
        }
    }
    while let Some((partition, mut places)) = sightings.pop_first() {
        places.sort_by_key(|sighting| sighting.offset);
        order(&mut index, partition, &places);
    }
    index
}

/// How an operation ended: the log's markers first, then the client's word, then what readers saw.
fn fate(index: &Index, operation: u32) -> Fate {
    let operated = index.operations[operation as usize];
    if operated.transaction {
        let (mut committed, mut aborted, mut seen) = (false, false, false);
        for record in index.sends(operation) {
            // Copies that others sent say nothing of this one.
            if index.writers(record).nth(1).is_some() {
                continue;
            }
            for place in index.places(record) {
                committed |= place.seen.any(Seen::COMMITTED);
                aborted |= place.seen.any(Seen::ABORTED);
                seen |= place.seen.any(Seen::READ | Seen::LOG_COMMITTED);
            }
            seen |= index.reader(record).is_some();
        }
        match (committed, aborted, operated.outcome) {
            // Torn: the client knows what it asked for.
            (true, true, Outcome::Failed) => return Fate::Aborted,
            (true, ..) => return Fate::Committed,
            (false, true, _) => return Fate::Aborted,
            (_, _, Outcome::Unknown) if seen => return Fate::Committed,
            _ => {}
        }
    }
    match operated.outcome {
        Outcome::Ok => Fate::Committed,
        Outcome::Failed => Fate::Aborted,
        Outcome::Unknown => Fate::Unknown,
    }
}

/// Whether a reader of committed records sees the place.
fn committed(seen: Seen) -> bool {
    if seen.any(Seen::ABORTED) {
        return false;
    }
    let told = Seen::READ | Seen::LOG_COMMITTED | Seen::COMMITTED | Seen::ACKNOWLEDGED | Seen::PERHAPS;
    seen.any(told) || seen.any(Seen::LOG) && !seen.any(Seen::TRANSACTIONAL)
}

fn order(index: &mut Index, partition: Partition, places: &[Sighting]) {
    let whole = index.whole(partition).is_some();
    let mut order = Order::default();
    for same in places.chunk_by(|a, b| a.offset == b.offset) {
        let offset = same[0].offset;
        let numbers = |wanted: &dyn Fn(&Sighting) -> bool| {
            same.iter()
                .filter(|sighting| wanted(sighting))
                .map(|sighting| RecordNumber(sighting.record))
                .collect::<Vec<_>>()
        };
        // What was read back outweighs what was promised: an acknowledgement alone is not in the log.
        let there = |sighting: &Sighting| !whole || !only_promised(sighting.seen);
        if let Some(first) = same.iter().find(|sighting| there(sighting)) {
            let shown = same
                .iter()
                .any(|sighting| there(sighting) && committed(sighting.seen));
            order.push(offset, first.record, shown);
        }
        if same.len() == 1 {
            continue;
        }
        let conflict = numbers(&there);
        if conflict.len() > 1 {
            index.conflicts.push((partition, offset, conflict));
        }
        let reused = numbers(&|sighting| sighting.seen.any(Seen::ACKNOWLEDGED | Seen::PERHAPS));
        if reused.len() > 1 {
            index.reused.push((partition, offset, reused));
        }
    }
    index.orders.insert(partition, order);
}

/// Nothing but an acknowledgement speaks for it.
fn only_promised(seen: Seen) -> bool {
    !seen.any(Seen::READ | Seen::READ_UNCOMMITTED | Seen::LOG | Seen::LOG_COMMITTED)
}
