use highwater_model::history::RequestFacts;
use highwater_model::{LintGuarantee, LintLevel};

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Asked, Wire};

/// From this version of EndTxn on every transaction has an epoch of its own (KIP-890).
const OWN_EPOCH_FROM: i16 = 5;

static KIND: Kind = Kind {
    name: "old-transaction-protocol",
    level: LintLevel::Warning,
    title: "transactions of the old protocol",
    evidence: "an EndTxn request below version 5 (KIP-890)",
    risk: "a delayed EndTxn can end a later transaction (KAFKA-17754), and a late write can hang one open",
    remedy: Remedy::NewTransactions,
    breaks: &[LintGuarantee::ExactlyOnce],
};

/// `EndTxn` below version 5.
#[derive(Debug, Default)]
pub(super) struct OldTransactionProtocol(Tally);

impl Check for OldTransactionProtocol {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        if let RequestFacts::EndTxn(end) = asked.facts
            && asked.api_version < OWN_EPOCH_FROM
        {
            self.0.add(wire, asked.spot, || {
                format!(
                    "EndTxn version {} of transactional.id {} at {}",
                    asked.api_version,
                    end.transaction.transactional_id,
                    moment(asked.spot.at_ns)
                )
            });
        }
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.0.report(&KIND, None, outcome);
    }
}
