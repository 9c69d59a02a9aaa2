//! Counts what speaks for a finding, apart for each client library, because each has its own words for settings.
//!
//! Invariant: the first occurrence is kept whole; of the others the number and the clients.

use std::collections::{BTreeMap, BTreeSet};

use highwater_model::LintFinding;
use highwater_model::history::{ConnectionId, ExchangeId};

use super::kind::Kind;
use super::library::Library;
use super::outcome::Outcome;
use super::wire::{MOST_CLIENT_IDS, Wire};

/// Where something was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) connection: ConnectionId,
    pub(super) exchange: ExchangeId,
    pub(super) at_ns: u64,
}

/// Occurrences of one finding.
#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: BTreeMap<Library, Row>,
}

#[derive(Debug)]
struct Row {
    seen: String,
    first: Spot,
    times: u64,
    clients: BTreeSet<String>,
}

impl Tally {
    /// One more; `seen` is asked for the first only, of each library.
    pub(super) fn add(&mut self, wire: &Wire, spot: Spot, seen: impl FnOnce() -> String) {
        let row = self
            .rows
            .entry(wire.library(spot.connection))
            .or_insert_with(|| Row {
                seen: seen(),
                first: spot,
                times: 0,
                clients: BTreeSet::new(),
            });
        row.times += 1;
        if row.clients.len() < MOST_CLIENT_IDS
            && let Some(id) = wire.client_id(spot.connection)
            && !row.clients.contains(id)
        {
            row.clients.insert(id.to_owned());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A finding for each library; `risk` replaces that of the kind, where it was measured.
    pub(super) fn report(self, kind: &Kind, risk: Option<&str>, outcome: &mut Outcome) {
        for (library, row) in self.rows {
            outcome.findings.push(LintFinding {
                name: kind.name.to_owned(),
                level: kind.level,
                title: kind.title.to_owned(),
                seen: row.seen,
                at_ns: row.first.at_ns,
                exchange: Some(row.first.exchange),
                times: row.times,
                clients: row.clients.into_iter().collect(),
                risk: risk.unwrap_or(kind.risk).to_owned(),
                setting: kind.remedy.setting(library).to_owned(),
                breaks: kind.breaks.to_vec(),
            });
        }
    }
}
