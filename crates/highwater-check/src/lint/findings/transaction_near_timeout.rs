use std::collections::BTreeMap;

use highwater_model::LintLevel;
use highwater_model::history::RequestFacts;

use super::place::{length, moment};
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::{Spot, Tally};
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "transaction-near-timeout",
    level: LintLevel::Warning,
    title: "transactions last nearly as long as they may",
    evidence: "more than half of the transaction timeout between the first request of a transaction and its EndTxn",
    risk: "an outage a little longer and the broker aborts the transaction and fences its producer",
    remedy: Remedy::TransactionTimeout,
    breaks: &[],
};

#[derive(Debug, Default)]
struct Producer {
    timeout_ns: u64,
    began: Option<Spot>,
}

/// Length of transactions against their timeout.
#[derive(Debug, Default)]
pub(super) struct TransactionNearTimeout {
    producers: BTreeMap<String, Producer>,
    tally: Tally,
}

impl TransactionNearTimeout {
    fn works(&mut self, transactional_id: &str, spot: Spot) {
        if let Some(producer) = self.producers.get_mut(transactional_id) {
            producer.began.get_or_insert(spot);
        }
    }
}

impl Check for TransactionNearTimeout {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        match asked.facts {
            RequestFacts::InitProducerId(init) => {
                let Some(id) = &init.transactional_id else { return };
                let timeout_ns = u64::try_from(init.transaction_timeout_ms).unwrap_or(0) * 1_000_000;
                self.producers.insert(
                    id.clone(),
                    Producer {
                        timeout_ns,
                        began: None,
                    },
                );
            }
            RequestFacts::Produce(produce) => {
                if let Some(id) = &produce.transactional_id {
                    self.works(id, asked.spot);
                }
            }
            RequestFacts::AddPartitionsToTxn(add) => {
                for (transaction, _) in &add.transactions {
                    self.works(&transaction.transactional_id, asked.spot);
                }
            }
            RequestFacts::AddOffsetsToTxn { transaction, .. } => {
                self.works(&transaction.transactional_id, asked.spot);
            }
            RequestFacts::EndTxn(end) => {
                let id = &end.transaction.transactional_id;
                let Some(producer) = self.producers.get_mut(id) else {
                    return;
                };
                let Some(began) = producer.began.take() else {
                    return;
                };
                let lasted = asked.spot.at_ns.saturating_sub(began.at_ns);
                let timeout = producer.timeout_ns;
                if timeout > 0 && lasted > timeout / 2 {
                    self.tally.add(wire, asked.spot, || {
                        format!(
                            "the transaction of {id} that began at {} lasted {}, with transaction.timeout.ms {}",
                            moment(began.at_ns),
                            length(lasted),
                            timeout / 1_000_000
                        )
                    });
                }
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.tally.report(&KIND, None, outcome);
    }
}
