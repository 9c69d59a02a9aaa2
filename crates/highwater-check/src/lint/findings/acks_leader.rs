use highwater_model::history::RequestFacts;
use highwater_model::{LintGuarantee, LintLevel};

use super::place::{moment, produced};
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "acks-leader",
    level: LintLevel::Error,
    title: "acknowledged by the leader alone",
    evidence: "a Produce request with acks=1",
    risk: "records that were acknowledged are lost when the leader dies before its followers have them",
    remedy: Remedy::AcksAll,
    breaks: &[LintGuarantee::AtLeastOnce, LintGuarantee::ExactlyOnce],
};

/// Produce with `acks=1`.
#[derive(Debug, Default)]
pub(super) struct AcksLeader(Tally);

impl Check for AcksLeader {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        if let RequestFacts::Produce(produce) = asked.facts
            && produce.acks == 1
        {
            self.0.add(wire, asked.spot, || {
                let client = wire.client(asked.spot.connection);
                format!(
                    "Produce to {} with acks=1 at {}, {client}",
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
