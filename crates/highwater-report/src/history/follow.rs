//! From events to rows: a request, what the proxy did with it, and its answer are one row.
//!
//! Rows come out in the order in which they began. A row waits for its answer, and the rows behind it wait too,
//! up to a bound; an answer that comes later than that is a row of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use highwater_model::history::{
    ConnectionId, ExchangeId, FaultChange, HistoryBody, HistoryEvent, ProcessChange, RequestFacts,
    RequestFate, ResponseFate, Side, Trouble,
};

use super::answer::answer;
use super::around::Seek;
use super::question::question;
use super::{Around, Filter, Names, Part, Place, Row, Shape, Step};
use crate::number::{counted, duration};
use crate::text::plain;

/// Rows that wait for an answer, or behind one that waits.
const MAX_WAITING: usize = 4096;
/// Exchanges whose answer may still come; those that never are answered go when there are more.
const MAX_EXCHANGES: usize = 65_536;

/// Follows connections and exchanges through a history and gives a row for each.
#[derive(Debug)]
pub struct Follow {
    names: Names,
    filter: Filter,
    seek: Option<Seek>,
    keep_events: bool,
    rules: Vec<String>,
    connections: BTreeMap<ConnectionId, Connection>,
    shown: BTreeSet<ConnectionId>,
    exchanges: BTreeMap<ExchangeId, Exchange>,
    waiting: VecDeque<Waiting>,
    /// Number of the first row that waits.
    first: u64,
}

#[derive(Debug, Default)]
struct Connection {
    node: Option<i32>,
    client: Option<String>,
}

#[derive(Debug)]
struct Exchange {
    connection: ConnectionId,
    api: String,
    sequence: u64,
    at_ns: u64,
    /// Connection and API fit the filter; contents may fit in the answer alone.
    frame_fits: bool,
    row: u64,
    answers: u8,
}

#[derive(Debug)]
struct Waiting {
    row: Row,
    open: bool,
    shown: bool,
    connection: Option<ConnectionId>,
}

impl Follow {
    /// Follows what the filter lets pass, and marks the event to look at.
    #[must_use]
    pub fn new(filter: Filter, around: Option<Around>, names: Names) -> Self {
        Self {
            names,
            filter,
            seek: around.map(Seek::new),
            keep_events: false,
            rules: Vec::new(),
            connections: BTreeMap::new(),
            shown: BTreeSet::new(),
            exchanges: BTreeMap::new(),
            waiting: VecDeque::new(),
            first: 0,
        }
    }

    /// Rows carry their events from now on.
    pub fn keep_events(&mut self) {
        self.keep_events = true;
    }

    /// Names of the rules, in the order of the history.
    #[must_use]
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// Takes the next event.
    pub fn event(&mut self, event: &HistoryEvent) {
        if let HistoryBody::Began { rules, .. } = &event.body {
            self.rules.clone_from(rules);
        }
        let marked = self.seek.as_mut().is_some_and(|seek| seek.is(event, &self.rules));
        let row = match &event.body {
            HistoryBody::Request { .. } => self.request(event),
            HistoryBody::Forwarded { exchange, .. }
            | HistoryBody::Response { exchange, .. }
            | HistoryBody::Unanswered { exchange, .. } => self.later(event, *exchange),
            _ => self.other(event),
        };
        if self.keep_events
            && let Some(waiting) = self.row(row)
        {
            waiting.row.events.push(event.clone());
        }
        if marked && let Some(waiting) = self.row(row) {
            waiting.row.marked = true;
            waiting.shown = true;
        }
    }

    /// The next row that is complete.
    pub fn next_row(&mut self) -> Option<Row> {
        while self.waiting.front().is_some_and(|front| !front.open) || self.waiting.len() > MAX_WAITING {
            self.first += 1;
            let front = self.waiting.pop_front()?;
            if front.shown {
                return Some(front.row);
            }
        }
        None
    }

    /// No more events: rows that wait for their answer won't get one.
    pub fn finish(&mut self) {
        for waiting in &mut self.waiting {
            if waiting.open {
                waiting.row.outcome.push(Part::calm("no answer in this history"));
            }
            waiting.open = false;
        }
    }

    fn row(&mut self, number: u64) -> Option<&mut Waiting> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.waiting.get_mut(place)
    }

    fn push(&mut self, waiting: Waiting) -> u64 {
        self.waiting.push_back(waiting);
        self.first + self.waiting.len() as u64 - 1
    }

    fn rule(&self, rule: Option<u16>) -> String {
        rule.map(|rule| {
            let name = self.rules.get(usize::from(rule)).map(|name| plain(name));
            format!(" by {}", name.unwrap_or_else(|| format!("rule {rule}")))
        })
        .unwrap_or_default()
    }

    /// `3 orders-service`
    fn client(&self, connection: ConnectionId) -> String {
        let name = self
            .connections
            .get(&connection)
            .and_then(|known| known.client.as_deref());
        format!("{} {}", connection.0, name.unwrap_or("?"))
    }

    fn client_place(&self, connection: ConnectionId) -> Place {
        let name = self
            .connections
            .get(&connection)
            .and_then(|known| known.client.clone());
        Place::Client(name.unwrap_or_else(|| format!("connection {}", connection.0)))
    }

    fn broker_place(&self, connection: ConnectionId) -> Place {
        Place::Broker(self.connections.get(&connection).and_then(|known| known.node))
    }

    fn request(&mut self, event: &HistoryEvent) -> u64 {
        let HistoryBody::Request {
            connection,
            exchange,
            api_key,
            api_version,
            fate,
            rule,
            facts,
            ..
        } = &event.body
        else {
            return self.other(event);
        };
        let api = format!("{} v{api_version}", self.names.api(*api_key));
        let what = question(facts);
        let frame_fits = self.filter.frame(connection.0, *api_key);
        let shown = frame_fits && self.filter.request(facts);
        let unanswered = matches!(facts, RequestFacts::Produce(facts) if facts.acks == 0);
        let (outcome, to, trouble) = match fate {
            RequestFate::Forwarded => (None, self.broker_place(*connection), false),
            RequestFate::Duplicated => (
                Some(format!("sent twice{}", self.rule(*rule))),
                self.broker_place(*connection),
                true,
            ),
            RequestFate::Held => (Some(format!("held{}", self.rule(*rule))), Place::Proxy, true),
            RequestFate::Rejected => (Some(format!("rejected{}", self.rule(*rule))), Place::Proxy, true),
            RequestFate::Swallowed => (Some(format!("swallowed{}", self.rule(*rule))), Place::Proxy, true),
        };
        let mut label = format!("{api} {what}");
        if let Some(outcome) = &outcome {
            label = format!("{api}, {outcome} {what}");
        }
        let step = Step {
            sequence: event.sequence,
            at_ns: event.at_ns,
            shape: Shape::Arrow {
                from: self.client_place(*connection),
                to,
                label: label.trim_end().to_owned(),
                held: *fate == RequestFate::Held,
            },
            trouble,
        };
        let row = Row {
            sequence: event.sequence,
            sequences: vec![event.sequence],
            at_ns: event.at_ns,
            client: self.client(*connection),
            api: api.clone(),
            what,
            outcome: outcome.into_iter().map(Part::trouble).collect(),
            steps: vec![step],
            events: Vec::new(),
            marked: false,
        };
        let answered = !unanswered && *fate != RequestFate::Swallowed;
        let row = self.push(Waiting {
            row,
            open: answered,
            shown,
            connection: Some(*connection),
        });
        self.exchanges.insert(
            *exchange,
            Exchange {
                connection: *connection,
                api,
                sequence: event.sequence,
                at_ns: event.at_ns,
                frame_fits,
                row,
                answers: if *fate == RequestFate::Duplicated { 2 } else { 1 },
            },
        );
        if self.exchanges.len() > MAX_EXCHANGES {
            self.exchanges.pop_first();
        }
        if shown {
            self.shown.insert(*connection);
        }
        row
    }

    /// Something about an exchange that has begun.
    fn later(&mut self, event: &HistoryEvent, id: ExchangeId) -> u64 {
        let Some(mut exchange) = self.exchanges.remove(&id) else {
            // Its request was not seen, or so long ago that it was forgotten.
            return self.lone(event, &format!("exchange {}", id.0), None, true);
        };
        let (part, step, fits, closes) = self.aftermath(event, &exchange);
        let frame_fits = exchange.frame_fits;
        let number = exchange.row;
        let still_waits = self.row(number).is_some();
        let row = if still_waits {
            number
        } else {
            let api = exchange.api.clone();
            let what = format!("for event {}", exchange.sequence);
            let shown = frame_fits && (fits || !self.filter.asks_for_contents());
            let row = self.lone(event, &api, Some(exchange.connection), shown);
            if let Some(waiting) = self.row(row) {
                waiting.row.what = what;
            }
            row
        };
        if let Some(waiting) = self.row(row) {
            if still_waits {
                waiting.row.sequences.push(event.sequence);
            }
            waiting.shown |= frame_fits && fits;
            waiting.row.outcome.push(part);
            waiting.row.steps.push(step);
        }
        exchange.answers = exchange.answers.saturating_sub(u8::from(closes));
        if exchange.answers > 0 {
            self.exchanges.insert(id, exchange);
        } else if let Some(waiting) = self.row(row) {
            waiting.open = false;
        }
        row
    }

    /// What an event says about an exchange: in words, drawn, whether its contents fit the filter, whether it is an
    /// end of the exchange.
    fn aftermath(&self, event: &HistoryEvent, exchange: &Exchange) -> (Part, Step, bool, bool) {
        let client = self.client_place(exchange.connection);
        let broker = self.broker_place(exchange.connection);
        let took = duration(event.at_ns.saturating_sub(exchange.at_ns));
        let step = |from, to, label: String, trouble| Step {
            sequence: event.sequence,
            at_ns: event.at_ns,
            shape: Shape::Arrow {
                from,
                to,
                label,
                held: false,
            },
            trouble,
        };
        match &event.body {
            HistoryBody::Response {
                fate, rule, facts, ..
            } => {
                let said = answer(facts, self.names);
                let fits = self.filter.asks_for_contents() && self.filter.response(facts);
                let by = self.rule(*rule);
                let (text, from, to, bad) = match fate {
                    ResponseFate::Delivered => (format!("{} ({took})", said.text), broker, client, false),
                    ResponseFate::Discarded => (
                        format!("{}, discarded{by}", said.text),
                        broker,
                        Place::Proxy,
                        true,
                    ),
                    ResponseFate::Altered => (format!("{}, altered{by}", said.text), broker, client, true),
                    ResponseFate::Made => (
                        format!("{} from the proxy", said.text),
                        Place::Proxy,
                        client,
                        true,
                    ),
                    ResponseFate::Surplus => (
                        format!("{}, to the second copy", said.text),
                        broker,
                        Place::Proxy,
                        true,
                    ),
                    ResponseFate::ClientGone => (
                        format!("{}, client was gone", said.text),
                        broker,
                        Place::Proxy,
                        true,
                    ),
                };
                let trouble = bad || said.trouble;
                let label = if *fate == ResponseFate::Delivered {
                    said.text
                } else {
                    text.clone()
                };
                (Part { text, trouble }, step(from, to, label, trouble), fits, true)
            }
            HistoryBody::Forwarded { client_gone, .. } => {
                let gone = if *client_gone { ", the client was gone" } else { "" };
                let text = format!("went on after {took}{gone}");
                let step = step(Place::Proxy, broker, format!("goes on{gone}"), true);
                (Part::trouble(text), step, false, false)
            }
            _ => {
                let forwarded = matches!(event.body, HistoryBody::Unanswered { forwarded: true, .. });
                let text = if forwarded {
                    "no answer before the connection ended, may be applied"
                } else {
                    "no answer: the connection ended before all was sent"
                };
                let step = Step {
                    sequence: event.sequence,
                    at_ns: event.at_ns,
                    shape: Shape::Note {
                        at: Place::Proxy,
                        text: format!("{}: {text}", exchange.api),
                    },
                    trouble: true,
                };
                (Part::trouble(text), step, false, true)
            }
        }
    }

    /// A row that stands for one event.
    fn lone(
        &mut self,
        event: &HistoryEvent,
        api: &str,
        connection: Option<ConnectionId>,
        shown: bool,
    ) -> u64 {
        let row = Row {
            sequence: event.sequence,
            sequences: vec![event.sequence],
            at_ns: event.at_ns,
            client: connection
                .map(|connection| self.client(connection))
                .unwrap_or_default(),
            api: api.to_owned(),
            what: String::new(),
            outcome: Vec::new(),
            steps: Vec::new(),
            events: Vec::new(),
            marked: false,
        };
        self.push(Waiting {
            row,
            open: false,
            shown,
            connection,
        })
    }

    /// Everything that is no exchange.
    fn other(&mut self, event: &HistoryEvent) -> u64 {
        let (kind, connection, what, trouble, place) = self.happened(event);
        let shown = self.is_shown(event, connection);
        let row = self.lone(event, kind, connection, shown);
        let drawn = match &event.body {
            HistoryBody::Connected { .. } | HistoryBody::Disconnected { .. } => format!("{kind} {what}"),
            _ => what.clone(),
        };
        let step = Step {
            sequence: event.sequence,
            at_ns: event.at_ns,
            shape: match place {
                Some(at) => Shape::Note { at, text: drawn },
                None => Shape::Bar { text: drawn },
            },
            trouble,
        };
        if let HistoryBody::Disconnected { connection, .. } = &event.body {
            self.disconnected(*connection);
        }
        if let Some(waiting) = self.row(row) {
            if trouble {
                waiting.row.outcome.push(Part::trouble(what));
            } else {
                waiting.row.what = what;
            }
            waiting.row.steps.push(step);
        }
        row
    }

    /// Answers to a client that is gone come, if ever, after the rows behind them have been shown.
    fn disconnected(&mut self, connection: ConnectionId) {
        for waiting in &mut self.waiting {
            if waiting.connection == Some(connection) && waiting.open {
                waiting.open = false;
                waiting
                    .row
                    .outcome
                    .push(Part::trouble("no answer before the connection ended"));
            }
        }
        self.connections.entry(connection).or_default();
    }

    fn is_shown(&self, event: &HistoryEvent, connection: Option<ConnectionId>) -> bool {
        if self.filter.is_empty() {
            return true;
        }
        match &event.body {
            HistoryBody::Fault {
                exchange: Some(exchange),
                ..
            } => self
                .exchanges
                .get(exchange)
                .is_none_or(|known| self.row_is_shown(known.row)),
            HistoryBody::Began { .. } | HistoryBody::Broker { .. } => false,
            _ => connection.is_none_or(|connection| {
                if self.filter.asks_for_contents() || self.filter.api_key.is_some() {
                    self.shown.contains(&connection)
                } else {
                    self.filter.connection == Some(connection.0)
                }
            }),
        }
    }

    fn row_is_shown(&self, number: u64) -> bool {
        number
            .checked_sub(self.first)
            .and_then(|place| self.waiting.get(usize::try_from(place).ok()?))
            .is_none_or(|waiting| waiting.shown)
    }

    /// Kind, connection, words, whether it is trouble, and where it is drawn (none: across everything).
    fn happened(
        &mut self,
        event: &HistoryEvent,
    ) -> (&'static str, Option<ConnectionId>, String, bool, Option<Place>) {
        match &event.body {
            HistoryBody::Began {
                highwater_version,
                started_at,
                target,
                ..
            } => {
                let text = format!(
                    "history of {} by highwater {}, begun {}",
                    plain(target),
                    plain(highwater_version),
                    plain(started_at)
                );
                ("history", None, text, false, None)
            }
            HistoryBody::Broker {
                node,
                upstream,
                listener,
            } => {
                let who = node.map_or_else(|| "bootstrap".to_owned(), |node| format!("node {node}"));
                let text = format!(
                    "{who} at {} behind {}",
                    plain(&upstream.to_string()),
                    plain(&listener.to_string())
                );
                ("broker", None, text, false, Some(Place::Broker(*node)))
            }
            HistoryBody::Connected {
                connection,
                node,
                from,
                tls,
            } => {
                self.connections.insert(
                    *connection,
                    Connection {
                        node: *node,
                        client: None,
                    },
                );
                let to = node.map_or_else(
                    || "the bootstrap address".to_owned(),
                    |node| format!("node {node}"),
                );
                let tls = if *tls { " with TLS" } else { "" };
                let text = format!("from {} to {to}{tls}", plain(from));
                (
                    "connected",
                    Some(*connection),
                    text,
                    false,
                    Some(Place::Broker(*node)),
                )
            }
            HistoryBody::Identified {
                connection,
                client_id,
                software_name,
                software_version,
                principal,
            } => {
                let known = self.connections.entry(*connection).or_default();
                if let Some(id) = client_id {
                    known.client = Some(plain(id));
                }
                let parts = [software_name, software_version].map(|part| part.as_deref().map(plain));
                let mut text = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
                if let (true, Some(id)) = (text.is_empty(), client_id) {
                    text = format!("client.id {}", plain(id));
                }
                if let Some(user) = principal {
                    text = format!("{text} as user {}", plain(user)).trim_start().to_owned();
                }
                (
                    "client",
                    Some(*connection),
                    text,
                    false,
                    Some(self.client_place(*connection)),
                )
            }
            HistoryBody::Disconnected {
                connection,
                by,
                reason,
            } => {
                let by = match by {
                    Side::Client => "client",
                    Side::Broker => "broker",
                    Side::Proxy => "proxy",
                };
                let text = format!("by the {by}: {}", plain(reason));
                let place = self.client_place(*connection);
                ("disconnected", Some(*connection), text, false, Some(place))
            }
            HistoryBody::Fault {
                rule,
                change,
                connection,
                matched,
                fired,
                ..
            } => {
                let name = self.rules.get(usize::from(*rule)).map(|name| plain(name));
                let name = name.unwrap_or_else(|| format!("rule {rule}"));
                let text = match change {
                    FaultChange::Armed => format!("{name} armed"),
                    FaultChange::Fired => format!("{name} fired ({fired} of {matched} matches)"),
                    FaultChange::Lifted => format!("{name} lifted ({fired} of {matched} matches fired)"),
                };
                (
                    "fault",
                    *connection,
                    text,
                    *change == FaultChange::Fired,
                    Some(Place::Proxy),
                )
            }
            HistoryBody::Process {
                name,
                pid,
                change,
                detail,
            } => {
                let pid = pid.map(|pid| format!(" ({pid})")).unwrap_or_default();
                let (change, bad) = process(*change);
                let detail = if detail.is_empty() {
                    String::new()
                } else {
                    format!(": {}", plain(detail))
                };
                (
                    "process",
                    None,
                    format!("{}{pid} {change}{detail}", plain(name)),
                    bad,
                    None,
                )
            }
            HistoryBody::Trouble(trouble) => ("trouble", None, self.trouble(trouble), true, None),
            HistoryBody::Ended {
                requests, responses, ..
            } => {
                let text = format!(
                    "end of the history: {}, {}",
                    counted(*requests, "request"),
                    counted(*responses, "answer")
                );
                ("history", None, text, false, None)
            }
            HistoryBody::Request { .. }
            | HistoryBody::Forwarded { .. }
            | HistoryBody::Response { .. }
            | HistoryBody::Unanswered { .. } => ("exchange", None, String::new(), false, None),
        }
    }

    fn trouble(&self, trouble: &Trouble) -> String {
        match trouble {
            Trouble::Bypass { evidence } => format!("a client can pass the proxy: {}", plain(evidence)),
            Trouble::Undecoded {
                exchange,
                api_key,
                api_version,
                wanted_by_rule,
                reason,
            } => {
                let wanted = if *wanted_by_rule {
                    ", which a rule wanted"
                } else {
                    ""
                };
                format!(
                    "{} v{api_version} of exchange {}{wanted} could not be read: {}",
                    self.names.api(*api_key),
                    exchange.0,
                    plain(reason)
                )
            }
            Trouble::Unrecorded { exchange, bytes } => {
                format!(
                    "exchange {} passed without its contents: {}",
                    exchange.0,
                    crate::number::bytes(*bytes)
                )
            }
            Trouble::Opaque { connection, reason } => {
                format!(
                    "connection {} went on as plain bytes: {}",
                    connection.0,
                    plain(reason)
                )
            }
        }
    }
}

fn process(change: ProcessChange) -> (&'static str, bool) {
    match change {
        ProcessChange::Started => ("started", false),
        ProcessChange::Stopped => ("asked to end", true),
        ProcessChange::Killed => ("killed with SIGKILL", true),
        ProcessChange::Paused => ("paused", true),
        ProcessChange::Resumed => ("goes on", false),
        ProcessChange::Exited => ("has ended", true),
    }
}
