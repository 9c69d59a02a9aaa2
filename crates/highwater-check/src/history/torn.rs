//! `torn-transaction`: committed with a part missing, or aborted with a part present.
//!
//! Invariant: judged only in partitions that were read back to their end, and never by a record that nothing says was
//! ever appended.

use super::index::{Fate, Index, RecordNumber, Seen};
use super::{Checker, Finding, Outcome};
use crate::Anomaly;

/// Says which transactions stand in the log in part.
pub(super) struct Torn;

/// How a record of a transaction stands in the log at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Present,
    Missing,
    /// Deleted, compacted, not read back, or perhaps never appended.
    NotJudged,
}

impl Checker for Torn {
    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for (number, operated) in (0u32..).zip(index.operations()) {
            if !operated.transaction {
                continue;
            }
            let standing = |record| standing(index, operated.outcome, record);
            let (mut present, mut missing) = (false, false);
            for record in index.sends(number) {
                present |= standing(record) == Standing::Present;
                missing |= standing(record) == Standing::Missing;
            }
            if !present || !missing {
                continue;
            }
            // What should not be so: of a committed one what is missing, of an aborted one what is there.
            let wrong = match index.fate(number) {
                Fate::Aborted => Standing::Present,
                Fate::Committed | Fate::Unknown => Standing::Missing,
            };
            let mut finding = Finding::new(Anomaly::TornTransaction).steps([operated.index]);
            finding.processes.push(operated.process);
            for record in index.sends(number).filter(|record| standing(*record) == wrong) {
                finding = index.told(finding, record);
            }
            found(finding);
        }
    }
}

fn standing(index: &Index, outcome: Outcome, record: RecordNumber) -> Standing {
    let (partition, _) = index.name(record);
    let Some(end) = index.whole(partition).filter(|end| !end.compacted) else {
        return Standing::NotJudged;
    };
    let present = index.places(record).any(|place| {
        place.seen.any(Seen::COMMITTED)
            || place.seen.any(Seen::LOG_COMMITTED) && !place.seen.any(Seen::ABORTED)
    });
    if present {
        return Standing::Present;
    }
    let Some(lowest) = index.places(record).map(|place| place.offset).min() else {
        // Nobody told an offset: only an operation that happened says that it was appended.
        return match outcome {
            Outcome::Ok if end.log_start == 0 => Standing::Missing,
            _ => Standing::NotJudged,
        };
    };
    if lowest < end.log_start {
        return Standing::NotJudged;
    }
    Standing::Missing
}
