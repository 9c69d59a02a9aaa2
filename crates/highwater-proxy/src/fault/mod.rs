//! Faults: one file each, behind one small trait.
//!
//! ```text
//! rule fires at a request ─▶ on_request: forward | reject | twice | hold ─▶ broker
//!          its answer     ─▶ on_answer:  deliver | replace | discard | twice | hold
//!          its connection ─▶ on_link:    latency, bandwidth, black hole, reset, …
//! ```
//! Invariant: a fault decides and never waits; all waiting is done by the connection, which can be interrupted.
//! What is in flight when a fault is lifted goes on, unless losing it is the fault.

mod bandwidth;
mod black_hole;
mod drop_ack;
mod dup;
mod freeze_client;
mod half_open;
mod hold;
mod latency;
mod move_coordinator;
mod reject;
mod reset;
mod rewrite;
mod slice;
mod slow_close;
mod stale_metadata;

use std::time::Duration;

use bytes::Bytes;
use highwater_model::history::RequestFacts;
use highwater_wire::addresses::Endpoint;
use highwater_wire::{WireError, api};

use crate::api_set::ApiSet;
use crate::rule::scope::{Matcher, Seen};
use crate::rule::spec::{Direction, Parameters, RuleError, Then};

/// What a fault is, for people and for rules.
#[derive(Debug)]
pub struct Entry {
    /// Its name in rules, reports and logs.
    pub name: &'static str,
    /// One sentence: what it does.
    pub summary: &'static str,
    /// What is known afterwards.
    pub known: &'static str,
    /// Where it acts.
    pub point: Point,
    /// Keys of the rule that it takes, besides scope and trigger.
    pub takes: &'static [&'static str],
    /// A rule as it stands in a file.
    pub example: &'static str,
    /// The APIs it makes sense for.
    pub(crate) apis: ApiSet,
    pub(crate) build: fn(&Parameters) -> Result<Box<dyn Fault>, RuleError>,
}

/// Where a fault acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// On single requests and their answers.
    Frame,
    /// On the bytes of connections.
    Network,
}

impl Point {
    /// As a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Frame => "frame",
            Self::Network => "network",
        }
    }
}

/// Every fault, in the order in which people are shown them.
#[must_use]
pub fn catalogue() -> &'static [&'static Entry] {
    &[
        &reject::ENTRY,
        &drop_ack::ENTRY,
        &rewrite::ENTRY,
        &hold::ENTRY,
        &dup::ENTRY,
        &stale_metadata::ENTRY,
        &move_coordinator::ENTRY,
        &latency::ENTRY,
        &bandwidth::ENTRY,
        &slice::ENTRY,
        &black_hole::ENTRY,
        &half_open::ENTRY,
        &reset::ENTRY,
        &slow_close::ENTRY,
        &freeze_client::ENTRY,
    ]
}

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnRequest {
    Forward,
    /// Answered with this error and not forwarded.
    Reject(i16),
    /// Forwarded twice.
    Twice,
    /// Kept back until released.
    Hold,
}

/// What happens to an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OnAnswer {
    Deliver,
    Replace(Bytes),
    Discard(Then),
    Twice,
    Hold,
}

/// What happens to the bytes of a connection, or to the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnLink {
    Latency {
        delay: Duration,
        jitter: Duration,
        direction: Direction,
    },
    Bandwidth {
        bytes_per_second: u64,
        direction: Direction,
    },
    Slice {
        size: usize,
        delay: Duration,
        direction: Direction,
    },
    BlackHole {
        direction: Direction,
    },
    SlowClose {
        delay: Duration,
    },
    Reset {
        direction: Direction,
    },
    HalfOpen {
        direction: Direction,
    },
}

impl OnLink {
    /// Whether it happens once to a connection rather than lasting.
    pub(crate) fn is_event(self) -> bool {
        matches!(self, Self::Reset { .. } | Self::HalfOpen { .. })
    }
}

/// An answer as a fault sees it.
pub(crate) struct Answer<'a> {
    pub(crate) api_key: i16,
    pub(crate) api_version: i16,
    /// What was asked.
    pub(crate) request: &'a RequestFacts,
    /// Content of the frame, without its length, addresses rewritten.
    pub(crate) frame: &'a Bytes,
    /// Which partitions are meant.
    pub(crate) matcher: &'a Matcher,
    /// Makes listeners.
    pub(crate) nodes: &'a dyn Nodes,
}

/// Where nodes are found, for faults that send clients elsewhere.
pub(crate) trait Nodes {
    /// A node that no broker has the number of, with an address of the proxy that leads to the broker behind
    /// `node`, an address of the proxy as well. `None` if it is not, or no listener can be opened.
    fn stand_in(&self, node: &Endpoint) -> Option<Endpoint>;
}

/// A fault.
pub(crate) trait Fault: Send + Sync {
    /// Asked when the rule fired at a request.
    fn on_request(&self, _request: &Seen<'_>) -> OnRequest {
        OnRequest::Forward
    }

    /// Asked about the answer to a request at which the rule fired, or that [`Fault::follows`].
    fn on_answer(&self, _answer: &Answer<'_>) -> Result<OnAnswer, WireError> {
        Ok(OnAnswer::Deliver)
    }

    /// Whether answers are looked at; if so they are held until they are whole.
    fn wants_answers(&self) -> bool {
        false
    }

    /// Whether a request at which no rule fires concerns the fault all the same. `live`: the rule may still fire at
    /// requests of this client.
    fn follows(&self, _request: &Seen<'_>, _live: bool) -> bool {
        false
    }

    /// APIs that [`Fault::follows`] wants to see.
    fn followed(&self) -> ApiSet {
        ApiSet::default()
    }

    /// For network faults: what happens to the bytes.
    fn on_link(&self) -> Option<OnLink> {
        None
    }

    /// Whether an effect that fired at one connection concerns all of the same client.
    fn of_whole_client(&self) -> bool {
        false
    }
}

/// The number of the error a rule names.
fn error_code(parameters: &Parameters, default: Option<&str>) -> Result<i16, RuleError> {
    let help = "errors have the names of Kafka's protocol, as NOT_LEADER_OR_FOLLOWER";
    let Some(name) = parameters.error.as_deref().or(default) else {
        return Err(RuleError::new("error", "the fault needs an `error`", help));
    };
    if name.eq_ignore_ascii_case("NONE") {
        return Err(RuleError::new(
            "error",
            "NONE is success, and would be a lie",
            help,
        ));
    }
    api::error_by_name(name)
        .ok_or_else(|| RuleError::new("error", format!("Kafka has no error `{name}`"), help))
}

/// A span that the fault can't do without.
fn needed(span: Option<Duration>, key: &str, example: &str) -> Result<Duration, RuleError> {
    span.filter(|span| !span.is_zero()).ok_or_else(|| {
        RuleError::new(
            key,
            format!("the fault needs a `{key}` above zero"),
            format!("e.g. {key} = \"{example}\""),
        )
    })
}
