//! A proxy in front of a broker, and what its history says.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use highwater_model::history::{
    ConnectionId, ExchangeId, FaultChange, HistoryBody, HistoryEvent, NodeAddress, RequestFacts, RequestFate,
    ResponseFacts, ResponseFate,
};
use highwater_proxy::{Parameters, Proxy, ProxyOptions, RuleCount, RuleSpec, Scope, Summary, Trigger, Watch};
use highwater_wire::api;

use crate::arm::{Arm, RUNTIME, until};

/// A proxy that keeps its history in memory.
pub(crate) struct Behind {
    proxy: Option<Proxy>,
    events: Arc<Mutex<Vec<HistoryEvent>>>,
    began: Instant,
}

impl Behind {
    pub(crate) fn new(arm: &Arm, rules: Vec<RuleSpec>) -> Self {
        Self::seeded(arm, rules, 7)
    }

    pub(crate) fn seeded(arm: &Arm, rules: Vec<RuleSpec>, seed: u64) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let upstream = arm.addresses().iter().map(|address| NodeAddress {
            host: address.ip().to_string(),
            port: address.port(),
        });
        let options = ProxyOptions {
            rules,
            seed,
            observer: Some(Box::new(move |event| locked(&seen).push(event.clone()))),
            ..ProxyOptions::new(upstream.collect())
        };
        let began = options.began;
        let proxy = RUNTIME.block_on(Proxy::start(options)).expect("the proxy starts");
        Self {
            proxy: Some(proxy),
            events,
            began,
        }
    }

    /// `HOST:PORT` for clients.
    pub(crate) fn bootstrap(&self) -> String {
        self.proxy().bootstrap().to_string()
    }

    pub(crate) fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("it runs")
    }

    /// The clock of the history.
    pub(crate) fn clock(&self) -> Duration {
        self.began.elapsed()
    }

    /// What the history says so far.
    pub(crate) fn so_far(&self) -> History {
        History {
            events: locked(&self.events).clone(),
            rules: self.proxy().snapshot().rules,
        }
    }

    /// Waits until the history says something.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, so: impl Fn(&History) -> bool) {
        until(what, || so(&self.so_far()));
    }

    /// Ends the proxy; a history with troubles is none to trust.
    #[track_caller]
    pub(crate) fn stop(mut self) -> History {
        let proxy = self.proxy.take().expect("it runs");
        let Summary {
            snapshot,
            history_failure,
            ..
        } = RUNTIME.block_on(proxy.stop());
        assert!(history_failure.is_none(), "{history_failure:?}");
        let history = History {
            events: std::mem::take(&mut *locked(&self.events)),
            rules: snapshot.rules,
        };
        let troubles: Vec<_> = history
            .events
            .iter()
            .filter(|event| matches!(event.body, HistoryBody::Trouble(_)))
            .collect();
        assert!(troubles.is_empty(), "{troubles:?}");
        history
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A history, to be asked.
pub(crate) struct History {
    pub(crate) events: Vec<HistoryEvent>,
    rules: Vec<RuleCount>,
}

/// A request and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) id: ExchangeId,
    pub(crate) connection: ConnectionId,
    pub(crate) at: Duration,
    pub(crate) api: &'static str,
    pub(crate) fate: RequestFate,
    pub(crate) rule: Option<u16>,
    pub(crate) facts: RequestFacts,
    pub(crate) answers: Vec<(ResponseFate, ResponseFacts)>,
    /// Went on late: whether the client was gone by then.
    pub(crate) forwarded: Option<bool>,
    pub(crate) unanswered: bool,
}

impl History {
    /// All requests of an API, in their order.
    pub(crate) fn of(&self, api: &str) -> Vec<Exchange> {
        let mut all = self.exchanges();
        all.retain(|exchange| exchange.api == api);
        all
    }

    /// Produce requests that write to a topic.
    pub(crate) fn produces(&self, topic: &str) -> Vec<Exchange> {
        let mut all = self.of("Produce");
        all.retain(|exchange| {
            matches!(&exchange.facts, RequestFacts::Produce(produce)
                if produce.partitions.iter().any(|part| part.topic == topic))
        });
        all
    }

    fn exchanges(&self) -> Vec<Exchange> {
        let mut all: Vec<Exchange> = Vec::new();
        for event in &self.events {
            let mut change = |of: &ExchangeId, change: &dyn Fn(&mut Exchange)| {
                if let Some(exchange) = all.iter_mut().rev().find(|one| one.id == *of) {
                    change(exchange);
                }
            };
            match &event.body {
                HistoryBody::Request {
                    connection,
                    exchange,
                    api_key,
                    fate,
                    rule,
                    facts,
                    ..
                } => all.push(Exchange {
                    id: *exchange,
                    connection: *connection,
                    at: Duration::from_nanos(event.at_ns),
                    api: api::name(*api_key).unwrap_or("unknown"),
                    fate: *fate,
                    rule: *rule,
                    facts: facts.clone(),
                    answers: Vec::new(),
                    forwarded: None,
                    unanswered: false,
                }),
                HistoryBody::Response {
                    exchange,
                    fate,
                    facts,
                    ..
                } => change(exchange, &|one| one.answers.push((*fate, facts.clone()))),
                HistoryBody::Forwarded {
                    exchange,
                    client_gone,
                } => change(exchange, &|one| one.forwarded = Some(*client_gone)),
                HistoryBody::Unanswered { exchange, .. } => change(exchange, &|one| one.unanswered = true),
                _ => {}
            }
        }
        all
    }

    /// How often the first rule matched and fired.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.rules[0].matched, self.rules[0].fired)
    }

    /// Where the first rule fired, as the events tell.
    pub(crate) fn fired_at(&self) -> Vec<Option<ExchangeId>> {
        self.changes(FaultChange::Fired)
            .into_iter()
            .map(|(_, exchange)| exchange)
            .collect()
    }

    /// When something changed about the first rule.
    pub(crate) fn changes(&self, wanted: FaultChange) -> Vec<(Duration, Option<ExchangeId>)> {
        let of_first = |event: &HistoryEvent| match &event.body {
            HistoryBody::Fault {
                rule: 0,
                change,
                exchange,
                ..
            } if *change == wanted => Some((Duration::from_nanos(event.at_ns), *exchange)),
            _ => None,
        };
        self.events.iter().filter_map(of_first).collect()
    }

    /// The broker that a connection leads to.
    pub(crate) fn node_of(&self, wanted: ConnectionId) -> Option<i32> {
        let connected = |event: &HistoryEvent| match &event.body {
            HistoryBody::Connected { connection, node, .. } if *connection == wanted => *node,
            _ => None,
        };
        self.events.iter().find_map(connected)
    }

    /// The client id that a connection gave last.
    pub(crate) fn client_of(&self, wanted: ConnectionId) -> Option<String> {
        let named = |event: &HistoryEvent| match &event.body {
            HistoryBody::Identified {
                connection,
                client_id,
                ..
            } if *connection == wanted => client_id.clone(),
            _ => None,
        };
        self.events.iter().rev().find_map(named)
    }

    /// When the answer of an exchange came.
    pub(crate) fn answered_at(&self, wanted: ExchangeId) -> Option<Duration> {
        let answered = |event: &&HistoryEvent| {
            matches!(&event.body,
            HistoryBody::Response { exchange, .. } if *exchange == wanted)
        };
        let event = self.events.iter().find(answered)?;
        Some(Duration::from_nanos(event.at_ns))
    }

    /// Why and when connections ended.
    pub(crate) fn disconnections(&self) -> Vec<(ConnectionId, Duration, String)> {
        let ended = |event: &HistoryEvent| match &event.body {
            HistoryBody::Disconnected {
                connection, reason, ..
            } => Some((*connection, Duration::from_nanos(event.at_ns), reason.clone())),
            _ => None,
        };
        self.events.iter().filter_map(ended).collect()
    }
}

impl Exchange {
    /// What became of the request and of its answers, for a comparison with what is expected.
    pub(crate) fn fates(&self) -> (RequestFate, Vec<ResponseFate>) {
        (self.fate, self.answers.iter().map(|(fate, _)| *fate).collect())
    }

    /// First error in its first answer.
    pub(crate) fn error(&self) -> Option<i16> {
        match &self.answers.first()?.1 {
            ResponseFacts::Partitions { error, results } => {
                let errors = results.iter().map(|result| result.error);
                std::iter::once(*error)
                    .chain(errors)
                    .find(|error| *error != 0)
                    .or(Some(0))
            }
            ResponseFacts::Fetched { error, .. }
            | ResponseFacts::Assigned { error, .. }
            | ResponseFacts::CommittedOffsets { error, .. }
            | ResponseFacts::Producer { error, .. }
            | ResponseFacts::Error { error } => Some(*error),
            ResponseFacts::Joined(joined) => Some(joined.error),
            ResponseFacts::Other => None,
        }
    }

    /// First sequence of its first batch; -1 without idempotence.
    pub(crate) fn sequence(&self) -> i32 {
        match &self.facts {
            RequestFacts::Produce(produce) => produce.partitions[0].batches[0].base_sequence,
            other => panic!("not a Produce: {other:?}"),
        }
    }
}

/// A rule without settings, for an API.
pub(crate) fn rule(fault: &str, api: &str) -> RuleSpec {
    RuleSpec {
        name: format!("the {fault}"),
        fault: fault.to_owned(),
        scope: scope(api),
        ..RuleSpec::default()
    }
}

/// A rule of the clock, for a client.
pub(crate) fn standing(fault: &str, client_id: &str) -> RuleSpec {
    RuleSpec {
        name: format!("the {fault}"),
        fault: fault.to_owned(),
        scope: Scope {
            client_id: Some(client_id.to_owned()),
            ..Scope::default()
        },
        ..RuleSpec::default()
    }
}

/// Everything of an API.
pub(crate) fn scope(api: &str) -> Scope {
    Scope {
        apis: vec![api.to_owned()],
        ..Scope::default()
    }
}

/// The answer to the next request in a scope.
pub(crate) fn answered(scope: Scope) -> Watch {
    Watch {
        scope,
        nth: 1,
        answered: true,
    }
}

/// Settings of a rule, one after the other.
pub(crate) trait With: Sized {
    /// For one topic only.
    fn topic(self, topic: &str) -> Self;
    /// At this match only.
    fn nth(self, nth: u64) -> Self;
    /// Other settings of when.
    fn when(self, change: impl FnOnce(&mut Trigger)) -> Self;
    /// Other settings of what.
    fn with(self, change: impl FnOnce(&mut Parameters)) -> Self;
}

impl With for RuleSpec {
    fn topic(mut self, topic: &str) -> Self {
        self.scope.topic = Some(topic.to_owned());
        self
    }

    fn nth(mut self, nth: u64) -> Self {
        self.trigger.nth = Some(nth);
        self
    }

    fn when(mut self, change: impl FnOnce(&mut Trigger)) -> Self {
        change(&mut self.trigger);
        self
    }

    fn with(mut self, change: impl FnOnce(&mut Parameters)) -> Self {
        change(&mut self.parameters);
        self
    }
}
