use highwater_model::history::RequestFacts;
use highwater_model::{LintGuarantee, LintLevel};

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "no-generation-fencing",
    level: LintLevel::Error,
    title: "a zombie of the group is not fenced",
    evidence: "a TxnOffsetCommit with generation -1 or without a member id (KIP-447)",
    risk: "a member that was paused and lost its partitions can still commit its transaction: records are processed \
           twice",
    remedy: Remedy::GroupMetadata,
    breaks: &[LintGuarantee::ExactlyOnce],
};

/// `TxnOffsetCommit` that does not say who in the group it is.
#[derive(Debug, Default)]
pub(super) struct NoGenerationFencing(Tally);

impl Check for NoGenerationFencing {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        let RequestFacts::OffsetCommit(commit) = asked.facts else {
            return;
        };
        let Some(transaction) = &commit.transaction else {
            return;
        };
        if commit.group.generation >= 0 && !commit.group.member_id.is_empty() {
            return;
        }
        self.0.add(wire, asked.spot, || {
            format!(
                "TxnOffsetCommit of group {} by transactional.id {} with generation {} and {} at {}",
                commit.group.group_id,
                transaction.transactional_id,
                commit.group.generation,
                if commit.group.member_id.is_empty() {
                    "no member id"
                } else {
                    "a member id"
                },
                moment(asked.spot.at_ns)
            )
        });
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.0.report(&KIND, None, outcome);
    }
}
