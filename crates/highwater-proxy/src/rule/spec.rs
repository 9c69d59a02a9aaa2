//! What a rule says, as plain data. Reading it from TOML is the scenario crate's job.

use std::time::Duration;

/// A rule: which fault, where, when.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleSpec {
    /// Its name in logs, reports and histories.
    pub name: String,
    /// The fault, by its name in [`crate::catalogue`].
    pub fault: String,
    /// What it applies to.
    pub scope: Scope,
    /// When it fires.
    pub trigger: Trigger,
    /// Settings of the fault.
    pub parameters: Parameters,
}

/// What a rule applies to. Everything that is set must match; text may begin or end with `*`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// Names of APIs; empty for every API that the fault makes sense for.
    pub apis: Vec<String>,
    /// Versions of the request, first and last.
    pub versions: Option<(i16, i16)>,
    /// Broker that the connection leads to.
    pub node: Option<i32>,
    /// `client.id` as sent with each request.
    pub client_id: Option<String>,
    /// User of SASL.
    pub principal: Option<String>,
    /// Consumer group.
    pub group: Option<String>,
    /// Member of a group.
    pub member: Option<String>,
    /// Transactional id.
    pub transactional_id: Option<String>,
    /// Producer id.
    pub producer_id: Option<i64>,
    /// Producer epoch.
    pub producer_epoch: Option<i16>,
    /// Topic.
    pub topic: Option<String>,
    /// Partition.
    pub partition: Option<i32>,
    /// Sequence of the first record of a batch.
    pub first_sequence: Option<i32>,
    /// Which transaction of its transactional id, counted from 1.
    pub transaction: Option<u64>,
}

/// When a rule fires. Matches are counted only while the window is open and after the event was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trigger {
    /// Only at this match, from 1.
    pub nth: Option<u64>,
    /// At every so many matches.
    pub every: Option<u64>,
    /// With this probability, 0 to 1, by the seed of the run.
    pub probability: Option<f64>,
    /// Only after this event.
    pub after: Option<Watch>,
    /// Not before this moment, since the proxy started.
    pub from: Option<Duration>,
    /// Not from this moment on.
    pub until: Option<Duration>,
    /// At most this many times; of a rule that is armed by hand, each time that it is armed.
    pub times: Option<u64>,
    /// Only while it is armed by [`Proxy::arm`](crate::Proxy::arm); at first it is not.
    pub by_hand: bool,
    /// A fault that ends connections ends also those that begin while the rule can fire, at their first byte.
    pub also_new: bool,
}

impl Trigger {
    /// Whether it looks at single requests rather than at the clock and an event.
    pub(crate) fn counts_requests(&self) -> bool {
        self.nth.is_some() || self.every.is_some() || self.probability.is_some() || self.times.is_some()
    }
}

/// An event on the wire: the n-th request (or answer) in a scope.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watch {
    /// What is waited for.
    pub scope: Scope,
    /// Which one, from 1; 0 means 1.
    pub nth: u64,
    /// Its answer instead of the request.
    pub answered: bool,
}

/// A direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the broker.
    ToBroker,
    /// From the broker to the client.
    ToClient,
    /// Both.
    Both,
}

impl Direction {
    /// Whether `self` covers `one`.
    pub(crate) fn covers(self, one: Self) -> bool {
        self == Self::Both || self == one
    }
}

/// What happens on the client's side after its answer was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Then {
    /// The connection is closed, as when it breaks between request and answer.
    #[default]
    Close,
    /// Silence, until the client's own timeout.
    Silence,
}

/// Settings of faults; each fault says which it takes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters {
    /// Name of a Kafka error, as in `NOT_LEADER_OR_FOLLOWER`.
    pub error: Option<String>,
    /// Added to the offsets of an answer.
    pub offset_delta: Option<i64>,
    /// After an answer was taken away.
    pub then: Option<Then>,
    /// How long something waits.
    pub delay: Option<Duration>,
    /// Up to this much longer, by the seed.
    pub jitter: Option<Duration>,
    /// Bytes a second.
    pub bytes_per_second: Option<u64>,
    /// Bytes in a piece.
    pub size: Option<u64>,
    /// Which direction.
    pub direction: Option<Direction>,
    /// How long a fault that fired at a request stays.
    pub lasting: Option<Duration>,
    /// What lets go of a held frame, besides `delay`.
    pub release_after: Option<Watch>,
}

/// Why a rule can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RuleError {
    /// The key in the rule, as in a file: `api`, `after.topic`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl RuleError {
    pub(crate) fn new(key: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            message: message.into(),
            help: help.into(),
        }
    }
}
