use std::collections::{BTreeMap, BTreeSet};

use highwater_model::history::{ConnectionId, RequestFacts};
use highwater_model::{LintGuarantee, LintLevel};

use super::place::moment;
use crate::lint::check::Check;
use crate::lint::kind::Kind;
use crate::lint::library::Remedy;
use crate::lint::outcome::Outcome;
use crate::lint::tally::{Spot, Tally};
use crate::lint::wire::{Asked, Wire};

static KIND: Kind = Kind {
    name: "changing-transactional-id",
    level: LintLevel::Warning,
    title: "a transactional.id that changes at every start",
    evidence: "InitProducerId with transactional ids of which none comes again after a restart of the application, or \
               at least three ids of one client that each begin after the one before is gone; and transactions without \
               offsets that a group's generation fences",
    risk: "a new instance does not fence the old one, and a transaction left open stops readers until it times out",
    remedy: Remedy::FixedTransactionalId,
    breaks: &[LintGuarantee::ExactlyOnce],
};

/// Ids that are remembered.
const MOST_IDS: usize = 10_000;
/// One after the other, from which on it is no accident.
const REPLACED_AT_LEAST: usize = 3;

#[derive(Debug)]
struct Id {
    first: Spot,
    start: u32,
    open: BTreeSet<ConnectionId>,
    /// Begun while another of its client was in use.
    beside_another: bool,
    client: String,
}

/// Transactional ids over the starts of an application.
#[derive(Debug, Default)]
pub(super) struct ChangingTransactionalId {
    ids: BTreeMap<String, Id>,
    /// Seen in more than one start.
    again: BTreeSet<String>,
    /// Ended a transaction.
    used: BTreeSet<String>,
    /// Sent offsets that a group's generation fences.
    fenced: BTreeSet<String>,
}

/// A client id without what usually differs from start to start: digits and hexadecimal strings.
fn shape(client_id: &str) -> String {
    client_id
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(|word| {
            if word.bytes().any(|byte| byte.is_ascii_digit()) {
                "#"
            } else {
                word
            }
        })
        .collect::<Vec<_>>()
        .join("-")
}

impl ChangingTransactionalId {
    fn over_restart(&self, wire: &Wire) -> Vec<(&String, &Id)> {
        let starts: BTreeSet<u32> = self.ids.values().map(|id| id.start).collect();
        if wire.starts() < 2 || starts.len() < 2 || !self.again.is_empty() {
            return Vec::new();
        }
        let last = starts.last().copied();
        self.ids.iter().filter(|(_, id)| Some(id.start) == last).collect()
    }

    /// Where the group's generation fences the transactions of a client, its id may change (KIP-447). What it does is
    /// only known of one that was used.
    fn matters(&self, name: &str, id: &Id) -> bool {
        let fenced = self
            .fenced
            .iter()
            .filter_map(|fenced| self.ids.get(fenced))
            .any(|fenced| fenced.client == id.client);
        self.used.contains(name) && !fenced
    }

    fn one_after_the_other(&self) -> Vec<(&String, &Id)> {
        let mut by_client: BTreeMap<(&str, u32), Vec<(&String, &Id)>> = BTreeMap::new();
        for (name, id) in &self.ids {
            by_client
                .entry((id.client.as_str(), id.start))
                .or_default()
                .push((name, id));
        }
        by_client
            .into_values()
            .filter(|ids| ids.len() >= REPLACED_AT_LEAST && ids.iter().all(|(_, id)| !id.beside_another))
            .flatten()
            .collect()
    }
}

impl Check for ChangingTransactionalId {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn asked(&mut self, asked: &Asked<'_>, wire: &Wire) {
        let connection = asked.spot.connection;
        match asked.facts {
            RequestFacts::InitProducerId(init) => {
                let Some(name) = &init.transactional_id else {
                    return;
                };
                if let Some(id) = self.ids.get_mut(name) {
                    id.open.insert(connection);
                    if id.start != wire.starts() {
                        self.again.insert(name.clone());
                    }
                    return;
                }
                if self.ids.len() >= MOST_IDS {
                    return;
                }
                let client = shape(wire.client_id(connection).unwrap_or_default());
                let beside_another = self
                    .ids
                    .values()
                    .any(|id| id.client == client && id.start == wire.starts() && !id.open.is_empty());
                let id = Id {
                    first: asked.spot,
                    start: wire.starts(),
                    open: BTreeSet::from([connection]),
                    beside_another,
                    client,
                };
                self.ids.insert(name.clone(), id);
            }
            RequestFacts::OffsetCommit(commit) => {
                if let Some(transaction) = &commit.transaction
                    && commit.group.generation >= 0
                    && !commit.group.member_id.is_empty()
                {
                    self.fenced.insert(transaction.transactional_id.clone());
                }
            }
            RequestFacts::EndTxn(end) => {
                self.used.insert(end.transaction.transactional_id.clone());
                if let Some(id) = self.ids.get_mut(&end.transaction.transactional_id) {
                    id.open.insert(connection);
                }
            }
            _ => {}
        }
    }

    fn closed(&mut self, connection: ConnectionId, _at_ns: u64) {
        for id in self.ids.values_mut() {
            id.open.remove(&connection);
        }
    }

    fn finish(self: Box<Self>, wire: &Wire, outcome: &mut Outcome) {
        if self.ids.is_empty() {
            return;
        }
        let mut tally = Tally::default();
        let over_restart = self.over_restart(wire);
        let how = if over_restart.is_empty() {
            "one after the other"
        } else {
            "not used before the restart"
        };
        let found = if over_restart.is_empty() {
            self.one_after_the_other()
        } else {
            over_restart
        };
        for (name, id) in found.iter().filter(|(name, id)| self.matters(name, id)) {
            tally.add(wire, id.first, || {
                format!(
                    "InitProducerId with transactional.id {name} at {}, {}; {}, {how}",
                    moment(id.first.at_ns),
                    wire.client(id.first.connection),
                    if found.len() == 1 {
                        "1 id".to_owned()
                    } else {
                        format!("{} ids", found.len())
                    }
                )
            });
        }
        if tally.is_empty() && wire.starts() < 2 {
            outcome.not_seen("a restart: whether transactional ids stay the same");
        } else if tally.is_empty() && !self.again.is_empty() {
            outcome.good("transactional.id kept over a restart");
        }
        tally.report(&KIND, None, outcome);
    }
}
