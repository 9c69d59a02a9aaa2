//! `hanging-transaction`, of those that hung for a while: the client was told that its transaction is over, and it was
//! still open in a partition when the next one of the same producer wrote there.
//!
//! ```text
//!  offset   4    5    6    7    8          the end of the transaction of 4 and 5 was acknowledged before the
//!           a1   a1   a2   a2   marker     transaction of 6 began: a marker must stand between 5 and 6
//! ```
//! Invariant: only what is certain counts. The records stand in the log where they were acknowledged; the end of the
//! first transaction was acknowledged, or its producer was fenced, before the second one was begun; the partition was
//! read back to its end, and compaction takes nothing out of it. Which epoch a marker has, and whether it commits or
//! aborts, says nothing here: what is wrong with that is a torn transaction, or a lost write.
//!
//! It leaves alone what no marker ended at all: the last stable offset tells that.

use std::collections::{BTreeMap, HashMap};

use super::index::{Index, Seen};
use super::{
    Action, Checker, Finding, Kind, LogStep, Operation, Outcome, Partition, Process, Producer, Step, Value,
    What,
};
use crate::Anomaly;

/// What a transaction wrote into a partition, as it was acknowledged.
#[derive(Debug, Clone, Copy)]
struct Span {
    began: u64,
    /// Step that told its end.
    ended: u64,
    outcome: Outcome,
    process: Process,
    producer: Producer,
    first: (i64, Value),
    last: (i64, Value),
}

/// Says which transactions were still open when they should have been over.
#[derive(Debug, Default)]
pub(super) struct Unended {
    /// By partition and producer id.
    spans: BTreeMap<(Partition, i64), Vec<Span>>,
    /// Offsets of markers, ascending.
    markers: HashMap<(Partition, i64), Vec<i64>>,
}

impl Unended {
    fn operation(&mut self, step: u64, operation: &Operation) {
        let (Kind::Transaction, Some(producer)) = (operation.kind, operation.producer) else {
            return;
        };
        let mut spans: BTreeMap<Partition, Span> = BTreeMap::new();
        for action in &operation.actions {
            let Action::Send {
                partition,
                value,
                offset: Some(offset),
                ..
            } = action
            else {
                continue;
            };
            let record = (*offset, *value);
            let span = spans.entry(*partition).or_insert(Span {
                began: operation.began,
                ended: step,
                outcome: operation.outcome,
                process: operation.process,
                producer,
                first: record,
                last: record,
            });
            span.first = span.first.min(record);
            span.last = span.last.max(record);
        }
        for (partition, span) in spans {
            self.spans.entry((partition, producer.id)).or_default().push(span);
        }
    }

    /// Whether a marker stands between two offsets.
    fn ended_between(&self, of: (Partition, i64), first: i64, last: i64) -> bool {
        self.marker_behind(of, first).is_some_and(|marker| marker < last)
    }

    fn marker_behind(&self, of: (Partition, i64), offset: i64) -> Option<i64> {
        let markers = self.markers.get(&of)?;
        markers
            .get(markers.partition_point(|marker| *marker <= offset))
            .copied()
    }
}

/// Whether the log has the ends of a span where they were acknowledged.
fn stands(index: &Index, partition: Partition, span: &Span) -> bool {
    [span.first, span.last].into_iter().all(|(offset, value)| {
        index.find(partition, value).is_some_and(|record| {
            index.places(record).any(|place| {
                place.offset == offset && place.seen.any(Seen::LOG) && place.seen.any(Seen::TRANSACTIONAL)
            })
        })
    })
}

impl Checker for Unended {
    fn step(&mut self, step: &Step) {
        match &step.what {
            What::Operation(operation) => self.operation(step.index, operation),
            What::Log(LogStep::Marker {
                partition,
                offset,
                producer,
                ..
            }) => self
                .markers
                .entry((*partition, producer.id))
                .or_default()
                .push(*offset),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for (of, spans) in &self.spans {
            let partition = of.0;
            if index.whole(partition).is_none_or(|end| end.compacted) {
                continue;
            }
            let mut there: Vec<&Span> = spans
                .iter()
                .filter(|span| stands(index, partition, span))
                .collect();
            there.sort_by_key(|span| span.began);
            for pair in there.windows(2) {
                let (one, next) = (pair[0], pair[1]);
                let over = one.outcome != Outcome::Unknown && one.ended < next.began;
                if !over
                    || next.first.0 <= one.last.0
                    || self.ended_between(*of, one.last.0, next.first.0)
                    || self.marker_behind(*of, next.first.0).is_none()
                {
                    continue;
                }
                let mut finding = Finding::new(Anomaly::HangingTransaction)
                    .record(partition, Some(one.last.0), Some(one.last.1))
                    .record(partition, Some(next.first.0), Some(next.first.1))
                    .steps([one.ended, next.ended]);
                finding.processes = distinct(one.process, next.process);
                finding.producers = distinct(one.producer, next.producer);
                found(finding);
            }
        }
    }
}

fn distinct<T: PartialEq>(one: T, other: T) -> Vec<T> {
    if one == other { vec![one] } else { vec![one, other] }
}
