//! What passes through the fault proxy, for people and machines: while it goes on and at the end.
//!
//! Invariant: every figure is a count of the proxy or a difference of two; nothing is judged here.

mod line;
mod panel;
mod summary;

use std::collections::BTreeMap;

use highwater_model::RuleReport;
use serde::Serialize;

pub use line::line;
pub use panel::panel;
pub use summary::{Ending, HistoryFile, Passed, summary};

/// What passed until a moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Passing {
    /// Since the proxy was started.
    pub elapsed_ns: u64,
    /// Where clients connect.
    pub bootstrap: String,
    /// The cluster behind it.
    pub target: String,
    /// Seed of the rules, hexadecimal.
    pub seed: String,
    /// Connections of clients now.
    pub connections_open: u64,
    /// Connections of clients so far.
    pub connections: u64,
    /// Answers of brokers.
    pub responses: u64,
    /// Bytes from clients.
    pub bytes_to_brokers: u64,
    /// Bytes from brokers.
    pub bytes_to_clients: u64,
    /// Requests by API, most frequent first.
    pub apis: Vec<ApiCount>,
    /// Requests of APIs and versions that nobody here knows; they passed untouched.
    pub unknown_requests: u64,
    /// The rules in the order of the file.
    pub rules: Vec<RuleReport>,
    /// What makes the record of what passed less than complete: the first ones in words.
    pub troubles: Vec<String>,
    /// How many of them there were.
    pub troubles_total: u64,
}

/// Requests of one API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ApiCount {
    /// Its name in Kafka's protocol.
    pub api: String,
    /// Requests.
    pub requests: u64,
    /// Errors in answers, by Kafka's names.
    pub errors: BTreeMap<String, u64>,
}

impl Passing {
    /// Requests of all APIs.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.apis.iter().map(|api| api.requests).sum()
    }

    fn errors(&self) -> u64 {
        self.apis.iter().flat_map(|api| api.errors.values()).sum()
    }

    fn fired(&self) -> u64 {
        self.rules.iter().map(|rule| rule.fired).sum()
    }

    /// Requests of one API so far.
    fn requests_of(&self, name: &str) -> u64 {
        self.apis
            .iter()
            .find(|api| api.api == name)
            .map_or(0, |api| api.requests)
    }

    /// How much more a counter shows per second than in an earlier moment; none in the first moment.
    fn per_s(&self, before: &Self, counter: impl Fn(&Self) -> u64) -> Option<f64> {
        let seconds = self.elapsed_ns.checked_sub(before.elapsed_ns)? as f64 / 1e9;
        (seconds > 0.0).then(|| counter(self).saturating_sub(counter(before)) as f64 / seconds)
    }
}

/// `NOT_LEADER_OR_FOLLOWER 3, UNKNOWN_TOPIC_OR_PARTITION 1`, most frequent first.
fn errors(api: &ApiCount) -> String {
    let mut errors: Vec<_> = api.errors.iter().collect();
    errors.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let errors: Vec<String> = errors
        .into_iter()
        .map(|(name, count)| format!("{name} {}", crate::number::count(*count)))
        .collect();
    errors.join(", ")
}

#[cfg(test)]
mod tests;
