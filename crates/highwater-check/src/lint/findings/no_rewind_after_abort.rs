use std::collections::{BTreeMap, BTreeSet};

use highwater_model::history::{ProduceFacts, RequestFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::{Spot, Tally};
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "no-rewind-after-abort",
    level: LintLevel::Error,
    title: "goes on after an abort without reading again",
    evidence: "an aborted transaction with outputs and offsets, then a committed one with later offsets, in between no \
               Fetch below the aborted offsets, and none of the aborted values written again",
    risk: "the records of the aborted transaction are committed without an output: lost",
    remedy: Remedy::Rewind,
    breaks: &[LintGuarantee::AtLeastOnce, LintGuarantee::ExactlyOnce],
};

/// Values that are remembered of a transaction.
const MOST_VALUES: usize = 10_000;

type Place = (String, i32);

#[derive(Debug, Default)]
struct Transaction {
    values: BTreeSet<u64>,
    offsets: BTreeMap<Place, i64>,
}

#[derive(Debug)]
struct Aborted {
    spot: Spot,
    values: BTreeSet<u64>,
    offset: i64,
}

/// Aborted offsets that are passed over.
#[derive(Debug, Default)]
pub(super) struct NoRewindAfterAbort {
    open: BTreeMap<String, Transaction>,
    aborted: BTreeMap<Place, Aborted>,
    tally: Tally,
}

impl NoRewindAfterAbort {
    fn wrote(&mut self, id: &str, produce: &ProduceFacts) {
        let transaction = self.open.entry(id.to_owned()).or_default();
        let values = produce
            .partitions
            .iter()
            .flat_map(|partition| &partition.batches)
            .flat_map(|batch| &batch.records)
            .filter_map(|record| record.value);
        for value in values {
            self.aborted
                .retain(|_, aborted| !aborted.values.contains(&value.0));
            if transaction.values.len() < MOST_VALUES {
                transaction.values.insert(value.0);
            }
        }
    }

    fn committed(&mut self, transaction: &Transaction, end: Spot, wire: &Wire) {
        for ((topic, partition), offset) in &transaction.offsets {
            let place = (topic.clone(), *partition);
            let passed = self
                .aborted
                .get(&place)
                .is_some_and(|aborted| *offset > aborted.offset);
            if !passed {
                continue;
            }
            if let Some(aborted) = self.aborted.remove(&place) {
                self.tally.add(wire, end, || {
                    format!(
                        "{topic}-{partition}: offset {} was in the transaction aborted at {}, and offset {offset} in the \
                         one committed at {}, {}",
                        aborted.offset,
                        moment(aborted.spot.at_ns),
                        moment(end.at_ns),
                        wire.client(end.connection)
                    )
                });
            }
        }
    }
}

impl Check for NoRewindAfterAbort {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        match asked.facts {
            RequestFacts::Produce(produce) => {
                if let Some(id) = &produce.transactional_id {
                    self.wrote(id, produce);
                }
            }
            RequestFacts::OffsetCommit(commit) => {
                let Some(transaction) = &commit.transaction else {
                    return;
                };
                let open = self.open.entry(transaction.transactional_id.clone()).or_default();
                for offset in &commit.offsets {
                    open.offsets
                        .insert((offset.topic.clone(), offset.partition), offset.offset);
                }
            }
            RequestFacts::Fetch(fetch) => {
                for position in &fetch.positions {
                    let place = (position.topic.clone(), position.partition);
                    if self
                        .aborted
                        .get(&place)
                        .is_some_and(|aborted| position.offset < aborted.offset)
                    {
                        self.aborted.remove(&place);
                    }
                }
            }
            RequestFacts::EndTxn(end) => {
                let Some(open) = self.open.remove(&end.transaction.transactional_id) else {
                    return;
                };
                if end.commit {
                    self.committed(&open, asked.spot, wire);
                } else if !open.values.is_empty() {
                    for (place, offset) in open.offsets {
                        let aborted = Aborted {
                            spot: asked.spot,
                            values: open.values.clone(),
                            offset,
                        };
                        self.aborted.insert(place, aborted);
                    }
                }
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.tally.report(&KIND, None, outcome);
    }
}
