use highwater_model::history::{RequestFacts, ResponseFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Answered, Wire};

static KIND: Kind = Kind {
    name: "transaction-timeout-refused",
    level: LintLevel::Error,
    title: "the broker refuses the transaction timeout",
    evidence: "an InitProducerId answered with INVALID_TRANSACTION_TIMEOUT",
    risk: "the producer can't start a transaction at all",
    remedy: Remedy::TransactionTimeoutMax,
    breaks: &[LintGuarantee::ExactlyOnce],
};

const INVALID_TRANSACTION_TIMEOUT: i16 = 50;

/// A transaction timeout above the broker's limit.
#[derive(Debug, Default)]
pub(super) struct TransactionTimeoutRefused(Tally);

impl Check for TransactionTimeoutRefused {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn answered(&mut self, answered: &Answered<'_>, wire: &Wire) {
        let RequestFacts::InitProducerId(init) = &answered.asked.facts else {
            return;
        };
        let error = match answered.facts {
            ResponseFacts::Producer { error, .. } | ResponseFacts::Error { error } => *error,
            _ => return,
        };
        if error == INVALID_TRANSACTION_TIMEOUT {
            let spot = answered.asked.spot;
            self.0.add(wire, spot, || {
                format!(
                    "InitProducerId of transactional.id {} with a timeout of {} ms at {}, {}",
                    init.transactional_id.as_deref().unwrap_or("none"),
                    init.transaction_timeout_ms,
                    moment(spot.at_ns),
                    wire.client(spot.connection)
                )
            });
        }
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.0.report(&KIND, None, outcome);
    }
}
