use highwater_model::history::{ProduceFacts, RequestFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::place::{moment, produced};
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "not-idempotent",
    level: LintLevel::Warning,
    title: "not idempotent",
    evidence: "a Produce request whose batches carry no producer id, although acknowledgements are asked for",
    risk: "a retry after a timeout or a lost connection writes the same records once more",
    remedy: Remedy::Idempotence,
    breaks: &[LintGuarantee::ExactlyOnce],
};

/// Produce without a producer id.
#[derive(Debug, Default)]
pub(super) struct NotIdempotent(Tally);

/// Whether something in it could be repeated unseen. Without acknowledgements nothing is ever repeated.
pub(super) fn is_plain(produce: &ProduceFacts) -> bool {
    produce.acks != 0
        && produce
            .partitions
            .iter()
            .flat_map(|partition| &partition.batches)
            .any(|batch| batch.producer_id < 0)
}

impl Check for NotIdempotent {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        if let RequestFacts::Produce(produce) = asked.facts
            && is_plain(produce)
        {
            self.0.add(wire, asked.spot, || {
                let client = wire.client(asked.spot.connection);
                format!(
                    "Produce to {} without producer id at {}, {client}",
                    produced(produce),
                    moment(asked.spot.at_ns)
                )
            });
        }
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.0.report(&KIND, None, outcome);
    }
}
