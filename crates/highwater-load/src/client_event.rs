//! What the clients of a run reported about themselves: lost connections, refused batches, warnings.
//!
//! Invariant: the log is bounded, and an event that repeats is counted instead of being kept again.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::Clock;

/// Most events kept; a broken cluster reports the same thing many times a second.
pub const MAX_CLIENT_EVENTS: usize = 1_000;

/// How many of the latest events a new one is compared with.
const COMPARED: usize = 16;

/// How long a repetition counts as the same event.
const SAME_WITHIN_NS: u64 = 1_000_000_000;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientEventKind {
    /// A connection was lost or could not be made, or no broker can be reached.
    Connection,
    /// Records could not be delivered.
    Delivery,
    /// The client can't go on.
    Fatal,
    /// Anything else that the client library warns of.
    Warning,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientEvent {
    /// When it was first reported, in nanoseconds since the start of the run.
    pub at_ns: u64,
    /// What it is about.
    pub kind: ClientEventKind,
    /// What the library says, with the name of the client.
    pub text: String,
    /// How often it was reported within a second.
    pub times: u64,
}

/// The events of one client or of several.
#[derive(Debug)]
pub(crate) struct EventLog {
    clock: Clock,
    events: Mutex<VecDeque<ClientEvent>>,
}

impl EventLog {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            events: Mutex::new(VecDeque::new()),
        }
    }

    pub(crate) fn report(&self, kind: ClientEventKind, text: String) {
        self.report_at(self.clock.now_ns(), kind, text);
    }

    fn report_at(&self, at_ns: u64, kind: ClientEventKind, text: String) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let same = events.iter_mut().rev().take(COMPARED).find(|event| {
            event.kind == kind && event.text == text && at_ns.saturating_sub(event.at_ns) < SAME_WITHIN_NS
        });
        if let Some(event) = same {
            event.times += 1;
            return;
        }
        if events.len() < MAX_CLIENT_EVENTS {
            events.push_back(ClientEvent {
                at_ns,
                kind,
                text,
                times: 1,
            });
        }
    }

    pub(crate) fn all(&self) -> Vec<ClientEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_counted_and_the_log_is_bounded() {
        let log = EventLog::new(Clock::start());
        for at_ns in [0, 10, SAME_WITHIN_NS] {
            log.report_at(at_ns, ClientEventKind::Connection, "lost".to_owned());
        }
        let times: Vec<_> = log.all().iter().map(|event| (event.at_ns, event.times)).collect();
        assert_eq!(times, [(0, 2), (SAME_WITHIN_NS, 1)]);
        for number in 0..2 * MAX_CLIENT_EVENTS {
            log.report(ClientEventKind::Warning, format!("{number}"));
        }
        assert_eq!(log.all().len(), MAX_CLIENT_EVENTS);
    }
}
