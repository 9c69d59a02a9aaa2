use highwater_model::LintLevel;
use highwater_model::history::RequestFacts;

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "commit-without-member",
    level: LintLevel::Note,
    title: "offsets are committed by nobody of the group",
    evidence: "an OffsetCommit with generation -1 or without a member id",
    risk: "two instances can read the same partitions and overwrite each other's offsets; nothing fences the older",
    remedy: Remedy::Subscribe,
    breaks: &[],
};

/// `OffsetCommit` of a consumer that is no member.
#[derive(Debug, Default)]
pub(super) struct CommitWithoutMember(Tally);

impl Check for CommitWithoutMember {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        let RequestFacts::OffsetCommit(commit) = asked.facts else {
            return;
        };
        let outsider = commit.group.generation < 0 || commit.group.member_id.is_empty();
        if commit.transaction.is_some() || !outsider {
            return;
        }
        let Some(first) = commit.offsets.first() else {
            return;
        };
        self.0.add(wire, asked.spot, || {
            format!(
                "OffsetCommit of group {} for {}-{} to offset {} with generation {} at {}, {}",
                commit.group.group_id,
                first.topic,
                first.partition,
                first.offset,
                commit.group.generation,
                moment(asked.spot.at_ns),
                wire.client(asked.spot.connection)
            )
        });
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.0.report(&KIND, None, outcome);
    }
}
