//! `hanging-transaction`: the last stable offset stands still at the end for a transaction that nobody will end.
//!
//! Those for which it stood still before the end are in `unended`.
//!
//! Invariant: an open transaction hangs only if it has no owner: its client was told that it is over, or its producer
//! was fenced by a newer epoch. One whose client is gone without a word may still be ended by its timeout.

use std::collections::{BTreeMap, HashMap};

use super::index::Index;
use super::{Checker, Finding, LogStep, Outcome, Partition, Producer, Step, Value, What};
use crate::Anomaly;

/// First record of an open transaction.
#[derive(Debug, Clone, Copy)]
struct Open {
    offset: i64,
    value: Value,
    producer: Producer,
}

/// Says which transactions hang.
#[derive(Debug, Default)]
pub(super) struct Hanging {
    open: BTreeMap<(Partition, i64), Open>,
    epochs: HashMap<i64, (i16, u64)>,
}

impl Checker for Hanging {
    fn step(&mut self, step: &Step) {
        match step.what {
            What::Initialised { producer } => {
                let newest = self
                    .epochs
                    .entry(producer.id)
                    .or_insert((producer.epoch, step.index));
                if producer.epoch > newest.0 {
                    *newest = (producer.epoch, step.index);
                }
            }
            What::Log(LogStep::Record(record)) if record.transactional => {
                if let Some(producer) = record.producer {
                    self.open.entry((record.partition, producer.id)).or_insert(Open {
                        offset: record.offset,
                        value: record.value,
                        producer,
                    });
                }
            }
            What::Log(LogStep::Marker {
                partition, producer, ..
            }) => {
                self.open.remove(&(partition, producer.id));
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for ((partition, _), open) in &self.open {
            let stands = index.end(*partition).is_some_and(|end| {
                end.whole
                    && end.last_stable_offset < end.high_watermark
                    && open.offset >= end.last_stable_offset
            });
            if !stands {
                continue;
            }
            let over = index.find(*partition, open.value).and_then(|record| {
                index
                    .writers(record)
                    .map(|writer| index.operations()[writer as usize])
                    .find(|operation| operation.transaction && operation.outcome != Outcome::Unknown)
            });
            let fenced = self
                .epochs
                .get(&open.producer.id)
                .filter(|(newest, _)| *newest > open.producer.epoch);
            let at = over
                .map(|operation| operation.index)
                .or(fenced.map(|(_, at)| *at));
            let Some(at) = at else { continue };
            let mut finding = Finding::new(Anomaly::HangingTransaction)
                .record(*partition, Some(open.offset), Some(open.value))
                .steps([at]);
            finding.producers = vec![open.producer];
            finding.processes = over.map(|operation| operation.process).into_iter().collect();
            found(finding);
        }
    }
}
