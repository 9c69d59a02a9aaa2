use std::collections::BTreeMap;

use highwater_model::history::{GroupFacts, RequestFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::place::{length, moment};
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::{Spot, Tally};
use crate::lint::wire::{Answered, Asked, Wire};

static KIND: Kind = Kind {
    name: "session-timeout-near",
    level: LintLevel::Warning,
    title: "pauses near the session timeout",
    evidence: "more than half of the session timeout between two signs of life of a member: JoinGroup, SyncGroup, \
               Heartbeat, OffsetCommit",
    risk: "a pause a little longer throws the member out of its group: a rebalance, and records that are read again",
    remedy: Remedy::SessionTimeout,
    breaks: &[LintGuarantee::ExactlyOnce],
};

#[derive(Debug)]
struct Member {
    alive_at_ns: u64,
    joining: bool,
}

/// Heartbeats against the session timeout.
#[derive(Debug, Default)]
pub(super) struct HeartbeatGap {
    /// By group and client id: a member has no id before its first join.
    timeouts: BTreeMap<String, i32>,
    members: BTreeMap<(String, String), Member>,
    tally: Tally,
}

impl HeartbeatGap {
    fn alive(&mut self, group: &GroupFacts, spot: Spot, what: &str, wire: &Wire) {
        if group.member_id.is_empty() {
            return;
        }
        let key = (group.group_id.clone(), group.member_id.clone());
        let timeout_ms = self.timeouts.get(&group.group_id).copied();
        if let (Some(member), Some(timeout_ms)) = (self.members.get(&key), timeout_ms)
            && !member.joining
        {
            let gap = spot.at_ns.saturating_sub(member.alive_at_ns);
            let timeout_ns = u64::try_from(timeout_ms).unwrap_or(0) * 1_000_000;
            if timeout_ns > 0 && gap > timeout_ns / 2 {
                self.tally.add(wire, spot, || {
                    format!(
                        "group {}: {} between two signs of life, the second a {what} at {}, with session.timeout.ms \
                         {timeout_ms}, {}",
                        group.group_id,
                        length(gap),
                        moment(spot.at_ns),
                        wire.client(spot.connection)
                    )
                });
            }
        }
        let member = Member {
            alive_at_ns: spot.at_ns,
            joining: what == "JoinGroup" || what == "SyncGroup",
        };
        self.members.insert(key, member);
    }
}

impl Check for HeartbeatGap {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        match asked.facts {
            RequestFacts::JoinGroup {
                group,
                session_timeout_ms,
                ..
            } => {
                let timeout = self
                    .timeouts
                    .entry(group.group_id.clone())
                    .or_insert(*session_timeout_ms);
                *timeout = (*timeout).max(*session_timeout_ms);
                self.alive(group, asked.spot, "JoinGroup", wire);
            }
            RequestFacts::SyncGroup { group, .. } => self.alive(group, asked.spot, "SyncGroup", wire),
            RequestFacts::Heartbeat(group) => self.alive(group, asked.spot, "Heartbeat", wire),
            RequestFacts::OffsetCommit(commit) if commit.transaction.is_none() => {
                self.alive(&commit.group, asked.spot, "OffsetCommit", wire);
            }
            RequestFacts::LeaveGroup { group_id, members } => {
                for member in members {
                    self.members.remove(&(group_id.clone(), member.clone()));
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, answered: &Answered<'_>, _wire: &Wire) {
        // While the coordinator keeps JoinGroup or SyncGroup waiting, a member has nothing to say.
        let (RequestFacts::JoinGroup { group, .. } | RequestFacts::SyncGroup { group, .. }) =
            &answered.asked.facts
        else {
            return;
        };
        let key = (group.group_id.clone(), group.member_id.clone());
        if let Some(member) = self.members.get_mut(&key) {
            member.joining = false;
            member.alive_at_ns = answered.at_ns;
        }
    }

    fn finish(self: Box<Self>, _wire: &Wire, outcome: &mut Outcome) {
        self.tally.report(&KIND, None, outcome);
    }
}
