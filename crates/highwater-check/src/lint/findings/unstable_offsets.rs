use std::collections::{BTreeMap, BTreeSet};

use highwater_model::history::RequestFacts;
use highwater_model::{LintGuarantee, LintLevel};

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::{Library, Remedy};
use crate::lint::outcome::Outcome;
use crate::lint::tally::{Spot, Tally};
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "unstable-offsets",
    level: LintLevel::Error,
    title: "starts from offsets that a transaction may still change",
    evidence: "an OffsetFetch of a group member without require_stable, of a group whose offsets are committed in \
               transactions",
    risk: "a member that takes over a partition starts in front of offsets that are about to be committed: records \
           are processed twice",
    remedy: Remedy::StableOffsets,
    breaks: &[LintGuarantee::ExactlyOnce],
};

type Client = (String, Library, String);

/// `OffsetFetch` without `require_stable` in a group with transactional commits.
#[derive(Debug, Default)]
pub(super) struct UnstableOffsets {
    transactional_groups: BTreeSet<String>,
    members: BTreeSet<(String, Client)>,
    fetches: BTreeMap<(String, Client), Spot>,
}

impl Check for UnstableOffsets {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        match asked.facts {
            RequestFacts::OffsetCommit(commit) if commit.transaction.is_some() => {
                self.transactional_groups.insert(commit.group.group_id.clone());
            }
            // Tools look at offsets too; only what a member does decides where it starts.
            RequestFacts::JoinGroup { group, .. } | RequestFacts::ConsumerGroupHeartbeat { group, .. } => {
                self.members
                    .insert((group.group_id.clone(), wire.client_key(asked.spot.connection)));
            }
            RequestFacts::OffsetFetch {
                groups,
                require_stable: false,
            } => {
                for group in groups {
                    let key = (group.clone(), wire.client_key(asked.spot.connection));
                    self.fetches.entry(key).or_insert(asked.spot);
                }
            }
            _ => {}
        }
    }

    fn finish(self: Box<Self>, wire: &Wire, outcome: &mut Outcome) {
        let mut tally = Tally::default();
        for (key, spot) in &self.fetches {
            let group = &key.0;
            if self.members.contains(key) && self.transactional_groups.contains(group) {
                tally.add(wire, *spot, || {
                    format!(
                        "OffsetFetch of group {group} without require_stable at {}, {}; the group's offsets are \
                         committed in transactions",
                        moment(spot.at_ns),
                        wire.client(spot.connection)
                    )
                });
            }
        }
        tally.report(&KIND, None, outcome);
    }
}
