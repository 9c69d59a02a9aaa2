//! What passes, counted as it passes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use highwater_model::history::Trouble;

use crate::rule::engine::RuleCount;

/// APIs with a counter of their own; Kafka has none above, and such requests are counted as unknown.
const APIS: usize = 128;

/// Troubles kept word for word; further ones are counted.
const MOST_TROUBLES: usize = 100;

/// Counters of a proxy.
#[derive(Debug)]
pub(crate) struct Counters {
    requests: [AtomicU64; APIS],
    pub(crate) unknown: AtomicU64,
    pub(crate) responses: AtomicU64,
    pub(crate) bytes_to_broker: AtomicU64,
    pub(crate) bytes_to_client: AtomicU64,
    pub(crate) connections_open: AtomicU64,
    pub(crate) connections_total: AtomicU64,
    errors: Mutex<BTreeMap<(i16, i16), u64>>,
    troubles: Mutex<(Vec<Trouble>, u64)>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            requests: std::array::from_fn(|_| AtomicU64::new(0)),
            unknown: AtomicU64::default(),
            responses: AtomicU64::default(),
            bytes_to_broker: AtomicU64::default(),
            bytes_to_client: AtomicU64::default(),
            connections_open: AtomicU64::default(),
            connections_total: AtomicU64::default(),
            errors: Mutex::default(),
            troubles: Mutex::default(),
        }
    }
}

/// What passed so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Requests by number of the API.
    pub requests: BTreeMap<i16, u64>,
    /// Requests of APIs or versions that nobody here knows; they passed untouched.
    pub unknown_requests: u64,
    /// Answers.
    pub responses: u64,
    /// Errors by API and error number, as brokers answered them.
    pub errors: BTreeMap<(i16, i16), u64>,
    /// Bytes from clients.
    pub bytes_to_broker: u64,
    /// Bytes from brokers.
    pub bytes_to_client: u64,
    /// Connections now.
    pub connections_open: u64,
    /// Connections so far.
    pub connections_total: u64,
    /// Each rule with how often it matched and fired.
    pub rules: Vec<RuleCount>,
    /// What makes the history, or a verdict on it, less than complete.
    pub troubles: Vec<Trouble>,
    /// How many troubles there were in all.
    pub troubles_total: u64,
}

impl Counters {
    pub(crate) fn request(&self, api_key: i16) {
        let counter = usize::try_from(api_key).ok().and_then(|at| self.requests.get(at));
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn error(&self, api_key: i16, error: i16) {
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        *errors.entry((api_key, error)).or_default() += 1;
    }

    pub(crate) fn trouble(&self, trouble: &Trouble) {
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.1 += 1;
        if troubles.0.len() < MOST_TROUBLES {
            troubles.0.push(trouble.clone());
        }
    }

    pub(crate) fn snapshot(&self, rules: Vec<RuleCount>) -> Snapshot {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        Snapshot {
            requests: (0..)
                .zip(&self.requests)
                .map(|(key, counter)| (key, count(counter)))
                .filter(|(_, requests)| *requests > 0)
                .collect(),
            unknown_requests: count(&self.unknown),
            responses: count(&self.responses),
            errors: self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            bytes_to_broker: count(&self.bytes_to_broker),
            bytes_to_client: count(&self.bytes_to_client),
            connections_open: count(&self.connections_open),
            connections_total: count(&self.connections_total),
            rules,
            troubles: troubles.0.clone(),
            troubles_total: troubles.1,
        }
    }
}
