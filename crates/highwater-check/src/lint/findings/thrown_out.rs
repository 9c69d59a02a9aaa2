use std::collections::BTreeSet;

use highwater_model::history::{RequestFacts, ResponseFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::Tally;
use crate::lint::wire::{Answered, Asked, Wire};

static KIND: Kind = Kind {
    name: "thrown-out-of-group",
    level: LintLevel::Warning,
    title: "a member was thrown out of its group",
    evidence: "a Heartbeat or an OffsetCommit of a member that did not leave is answered with UNKNOWN_MEMBER_ID",
    risk: "it goes on with partitions that others have taken over: their records are processed twice",
    remedy: Remedy::SessionTimeout,
    breaks: &[LintGuarantee::ExactlyOnce],
};

const UNKNOWN_MEMBER_ID: i16 = 25;

/// Members that the coordinator does not know any more.
#[derive(Debug, Default)]
pub(super) struct ThrownOut {
    left: BTreeSet<(String, String)>,
    told: BTreeSet<(String, String)>,
    tally: Tally,
}

impl Check for ThrownOut {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, _wire: &Wire) {
        match asked.facts {
            RequestFacts::LeaveGroup { group_id, members } => {
                self.left
                    .extend(members.iter().map(|member| (group_id.clone(), member.clone())));
            }
            RequestFacts::ConsumerGroupHeartbeat { group, .. } if group.generation < 0 => {
                self.left
                    .insert((group.group_id.clone(), group.member_id.clone()));
            }
            _ => {}
        }
    }

    fn answered(&mut self, answered: &Answered<'_>, wire: &Wire) {
        let (group, what) = match &answered.asked.facts {
            RequestFacts::Heartbeat(group) => (group, "Heartbeat"),
            RequestFacts::ConsumerGroupHeartbeat { group, .. } => (group, "ConsumerGroupHeartbeat"),
            RequestFacts::OffsetCommit(commit) => (&commit.group, "OffsetCommit"),
            _ => return,
        };
        let refused = match answered.facts {
            ResponseFacts::Error { error } | ResponseFacts::Assigned { error, .. } => {
                *error == UNKNOWN_MEMBER_ID
            }
            ResponseFacts::Partitions { error, results } => {
                *error == UNKNOWN_MEMBER_ID || results.iter().any(|result| result.error == UNKNOWN_MEMBER_ID)
            }
            _ => false,
        };
        let key = (group.group_id.clone(), group.member_id.clone());
        if !refused || group.member_id.is_empty() || self.left.contains(&key) || !self.told.insert(key) {
            return;
        }
        let spot = answered.asked.spot;
        self.tally.add(wire, spot, || {
            format!(
                "group {}: {what} of member {} at {} was answered with UNKNOWN_MEMBER_ID, {}",
                group.group_id,
                group.member_id,
                moment(spot.at_ns),
                wire.client(spot.connection)
            )
        });
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.tally.report(&KIND, None, outcome);
    }
}
