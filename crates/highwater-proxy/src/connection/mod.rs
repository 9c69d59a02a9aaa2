//! One connection: two pumps with the wire state between them.
//!
//! ```text
//! client ─▶ requests ─▶ broker        requests: frames, rules, what goes on, what is held
//!        ◀─ answers  ◀─               answers: whose they are, addresses, rules, the client's order
//! ```
//! Invariant: without rules every byte goes on as it came, except addresses. Nothing waits where the end of the
//! connection would not end the waiting.

mod answers;
mod frames;
pub(crate) mod link;
mod opening;
mod outlet;
mod requests;
#[cfg(test)]
mod simulation;
pub(crate) mod stream;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use highwater_model::history::{ConnectionId, FaultChange, HistoryBody, Side};
use tokio::sync::Notify;

use crate::fault::OnLink;
use crate::identity::Identity;
use crate::rule::Direction;
use crate::rule::engine::{Armed, Firing};
use crate::shared::Shared;
use link::{Effects, Link};
use stream::End;
use wire::Wire;

/// Longest frame kept whole. Kafka's own limits are 100 MiB for a request and 55 MiB for a fetch by default.
pub(crate) const MAX_KEPT_FRAME: usize = 128 << 20;

/// How long a client that hung up is survived for the answers to what it changed, so that the history knows
/// whether it was applied.
const AFTERLIFE: Duration = Duration::from_secs(10);

/// A connection.
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) shared: Arc<Shared>,
    pub(crate) link: Link,
    identity: Mutex<Identity>,
    wire: Mutex<Wire>,
    /// Answers wait for their turn, or a frame may go on.
    flush: Notify,
    /// An answer arrived; somebody may wait for the last.
    answered: Notify,
    client_gone: AtomicBool,
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) by: Side,
    pub(crate) reason: String,
}

impl Connection {
    pub(crate) fn new(id: ConnectionId, shared: Arc<Shared>, node: Option<i32>) -> Arc<Self> {
        Arc::new(Self {
            id,
            shared,
            link: Link::default(),
            identity: Mutex::new(Identity {
                node,
                ..Identity::default()
            }),
            wire: Mutex::default(),
            flush: Notify::new(),
            answered: Notify::new(),
            client_gone: AtomicBool::new(false),
        })
    }

    /// Passes bytes until the connection ends.
    pub(crate) async fn run(self: &Arc<Self>, client: End, broker: End) -> Ending {
        let (client_socket, broker_socket) = self.link.sockets.get_or_init(|| (client.socket, broker.socket));
        let requests =
            tokio::spawn(requests::Requests::new(Arc::clone(self), client.reader, broker.writer).run());
        let answers = answers::Answers::new(Arc::clone(self), broker.reader, client.writer).run();
        let stopping = self.shared.stopping.clone();
        let ending = tokio::select! {
            biased;
            () = self.link.over.cancelled() => Ending::by_rule("a rule ended it"),
            ending = answers => ending,
            () = stopping.cancelled() => Ending::new(Side::Proxy, "the proxy stopped"),
        };
        let ended_by_proxy = ending.by == Side::Proxy;
        self.link.over.cancel();
        // The requests end with the connection; what they learnt of the client comes first in the reason.
        let earlier = requests.await.ok().flatten();
        self.abandon();
        client_socket.close();
        broker_socket.close();
        if ended_by_proxy {
            ending
        } else {
            earlier.unwrap_or(ending)
        }
    }

    /// What the broker will not answer any more.
    fn abandon(&self) {
        for request in self.wire().abandon() {
            if request.slot.is_some() {
                self.shared.recorder.event(HistoryBody::Unanswered {
                    exchange: request.exchange,
                    forwarded: true,
                });
            }
        }
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn identity(&self) -> MutexGuard<'_, Identity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down who the client says it is.
    fn tell_identity(&self) {
        let who = self.identity().clone();
        let (software_name, software_version) = who.software.unzip();
        self.shared.recorder.event(HistoryBody::Identified {
            connection: self.id,
            client_id: who.client_id,
            software_name,
            software_version,
            principal: who.principal,
        });
    }

    fn count_bytes(&self, direction: Direction, bytes: usize) {
        let counters = &self.shared.counters;
        let counter = if direction == Direction::ToClient {
            &counters.bytes_to_client
        } else {
            &counters.bytes_to_broker
        };
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// What happens to the bytes of a direction at this moment.
    fn effects(&self, direction: Direction) -> Effects {
        let now = self.shared.clock.now();
        let mut effects = Effects::default();
        let (begun, over) = self.link.begun(now);
        for effect in begun {
            effects.add(effect, direction);
        }
        self.tell_lifted(over);
        let who = self.identity().clone();
        let standing: Vec<_> = self.shared.engine.standing(&who, now).collect();
        for (rule, effect) in standing {
            if effect.is_event() {
                // Nothing passes on a connection that is about to end.
                effects.black_hole |= self.ends_as_new(rule, effect);
            } else {
                self.touch(rule);
                effects.add(effect, direction);
            }
        }
        effects
    }

    /// Has a rule end a connection that began after it had struck those that were there; true if it does.
    fn ends_as_new(&self, rule: u16, effect: OnLink) -> bool {
        let engine = &self.shared.engine;
        if !engine.rule(rule).is_some_and(Armed::ends_new_ones) || !self.link.touch(rule) {
            return false;
        }
        let Some(firing) = engine.count_connection(rule) else {
            return false;
        };
        self.tell_firing(firing, None);
        self.link.begin(rule, effect, None);
        true
    }

    /// Writes down effects whose time is over, though no byte passes.
    pub(crate) fn lift_what_is_over(&self) {
        let (_, over) = self.link.begun(self.shared.clock.now());
        self.tell_lifted(over);
    }

    fn tell_lifted(&self, rules: Vec<u16>) {
        for rule in rules {
            self.shared
                .tell_rule(rule, FaultChange::Lifted, None, Some(self.id));
        }
    }

    /// Counts a network rule once for this connection.
    pub(crate) fn touch(&self, rule: u16) {
        if self.link.touch(rule)
            && let Some(firing) = self.shared.engine.count_connection(rule)
        {
            self.tell_firing(firing, None);
        }
    }

    fn tell_firing(&self, firing: Firing, exchange: Option<highwater_model::history::ExchangeId>) {
        self.shared.recorder.event(HistoryBody::Fault {
            rule: firing.rule,
            change: FaultChange::Fired,
            exchange,
            connection: Some(self.id),
            matched: firing.matched,
            fired: firing.fired,
        });
    }
}

impl Ending {
    pub(crate) fn new(by: Side, reason: impl Into<String>) -> Self {
        Self {
            by,
            reason: reason.into(),
        }
    }

    fn by_rule(reason: &str) -> Self {
        Self::new(Side::Proxy, reason)
    }

    fn of(by: Side, error: &io::Error) -> Self {
        Self::new(by, error.to_string())
    }
}

/// Where a client connects from, for the history.
pub(crate) fn address(from: SocketAddr) -> String {
    from.to_string()
}
