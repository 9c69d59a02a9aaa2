//! What a history holds, in a screenful.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use highwater_model::history::{
    ConnectionId, ExchangeId, FaultChange, GoodTo, HistoryBody, HistoryEvent, ResponseFacts, Trouble,
};

use super::Names;
use crate::format::Style;
use crate::number::{bytes, count, counted, duration};
use crate::paint::Paint;
use crate::text::{cut, left, plain, right};

/// Clients that are listed; of others it is said how many they are.
const LISTED: usize = 20;
/// Exchanges whose answer may still come.
const MAX_OPEN: usize = 65_536;

/// Counts what passes.
#[derive(Debug, Default)]
pub struct Summary {
    began: Option<(String, String, String)>,
    ended: bool,
    rules: Vec<String>,
    last_ns: u64,
    events: u64,
    connections: u64,
    clients: BTreeMap<String, BTreeSet<ConnectionId>>,
    software: BTreeMap<ConnectionId, String>,
    apis: BTreeMap<(i16, i16), Api>,
    open: BTreeMap<ExchangeId, (i16, i16)>,
    faults: BTreeMap<u16, (u64, u64)>,
    troubles: BTreeMap<&'static str, u64>,
    unanswered: u64,
    brokers: BTreeSet<i32>,
}

#[derive(Debug, Default)]
struct Api {
    requests: u64,
    request_bytes: u64,
    answers: u64,
    errors: u64,
}

impl Summary {
    /// Takes the next event.
    pub fn event(&mut self, event: &HistoryEvent) {
        self.events += 1;
        self.last_ns = event.at_ns;
        match &event.body {
            HistoryBody::Began {
                highwater_version,
                started_at,
                target,
                rules,
                ..
            } => {
                self.began = Some((plain(target), plain(started_at), plain(highwater_version)));
                self.rules.clone_from(rules);
            }
            HistoryBody::Broker { node: Some(node), .. } => {
                self.brokers.insert(*node);
            }
            HistoryBody::Connected { .. } => self.connections += 1,
            HistoryBody::Identified {
                connection,
                client_id,
                software_name,
                software_version,
                ..
            } => {
                self.identified(
                    *connection,
                    client_id.as_deref(),
                    software_name.as_deref(),
                    software_version.as_deref(),
                );
            }
            HistoryBody::Request {
                api_key,
                api_version,
                exchange,
                bytes,
                ..
            } => {
                let api = self.apis.entry((*api_key, *api_version)).or_default();
                api.requests += 1;
                api.request_bytes += u64::from(*bytes);
                self.open.insert(*exchange, (*api_key, *api_version));
                if self.open.len() > MAX_OPEN {
                    self.open.pop_first();
                }
            }
            HistoryBody::Response { exchange, facts, .. } => {
                if let Some(key) = self.open.remove(exchange) {
                    let api = self.apis.entry(key).or_default();
                    api.answers += 1;
                    api.errors += u64::from(has_error(facts));
                }
            }
            HistoryBody::Unanswered { exchange, .. } => {
                self.open.remove(exchange);
                self.unanswered += 1;
            }
            HistoryBody::Fault {
                rule,
                change,
                matched,
                fired,
                ..
            } => {
                if *change != FaultChange::Armed {
                    self.faults.insert(*rule, (*matched, *fired));
                }
            }
            HistoryBody::Trouble(trouble) => {
                let name = match trouble {
                    Trouble::Bypass { .. } => "a client can pass the proxy",
                    Trouble::Undecoded { .. } => "a frame could not be read",
                    Trouble::Unrecorded { .. } => "a frame passed without its contents",
                    Trouble::Opaque { .. } => "a connection went on as plain bytes",
                };
                *self.troubles.entry(name).or_default() += 1;
            }
            HistoryBody::Ended { .. } => self.ended = true,
            HistoryBody::Broker { node: None, .. }
            | HistoryBody::Disconnected { .. }
            | HistoryBody::Forwarded { .. }
            | HistoryBody::Process { .. } => {}
        }
    }

    fn identified(
        &mut self,
        connection: ConnectionId,
        id: Option<&str>,
        name: Option<&str>,
        version: Option<&str>,
    ) {
        if name.is_some() || version.is_some() {
            let software = format!(
                "{} {}",
                name.map(plain).unwrap_or_default(),
                version.map(plain).unwrap_or_default()
            );
            self.software.insert(connection, software.trim().to_owned());
        }
        if let Some(id) = id {
            self.clients.entry(plain(id)).or_default().insert(connection);
        }
    }

    /// Whether the history was closed by who wrote it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ended
    }

    /// As text.
    #[must_use]
    pub fn text(&self, good: GoodTo, names: Names, style: &Style) -> String {
        let paint = Paint::new(style.color);
        let mut out = String::new();
        let mut line = |name: &str, text: &str| {
            let _ = writeln!(out, "{} {text}", left(name, 13));
        };
        if let Some((target, started_at, version)) = &self.began {
            line("target", target);
            line("begun", &format!("{started_at} by highwater {version}"));
        }
        line("span", &duration(self.last_ns));
        let each = if self.events == 0 {
            String::new()
        } else {
            format!(", {} on disk", bytes(good.byte))
        };
        line("events", &format!("{}{each}", count(self.events)));
        let end = if self.ended {
            "complete: its writer closed it".to_owned()
        } else {
            paint.trouble("not closed: its writer was stopped, or is still writing")
        };
        line("end", &end);
        let nodes: Vec<String> = self.brokers.iter().map(ToString::to_string).collect();
        line(
            "nodes",
            &if nodes.is_empty() {
                "none".to_owned()
            } else {
                nodes.join(", ")
            },
        );
        line("connections", &count(self.connections));
        self.list_clients(&mut out);
        self.list_apis(&mut out, names, paint);
        self.list_faults(&mut out);
        for (name, times) in &self.troubles {
            let text = format!("trouble       {name}: {}", counted(*times, "time"));
            let _ = writeln!(out, "{}", paint.trouble(&text));
        }
        out
    }

    fn list_clients(&self, out: &mut String) {
        if self.clients.is_empty() {
            return;
        }
        out.push_str("\nclients\n");
        for (id, connections) in self.clients.iter().take(LISTED) {
            let software: BTreeSet<&str> = connections
                .iter()
                .filter_map(|connection| self.software.get(connection))
                .map(String::as_str)
                .collect();
            let software: Vec<&str> = software.into_iter().collect();
            let _ = writeln!(
                out,
                "  {}  {}  {}",
                left(&cut(id, 28), 28),
                left(&counted(connections.len() as u64, "connection"), 15),
                software.join(", ")
            );
        }
        if self.clients.len() > LISTED {
            let _ = writeln!(out, "  and {} more", count((self.clients.len() - LISTED) as u64));
        }
    }

    fn list_apis(&self, out: &mut String, names: Names, paint: Paint) {
        if self.apis.is_empty() {
            return;
        }
        let _ = writeln!(
            out,
            "\n{}  {:>10}  {:>10}  {:>10}  {:>10}",
            left("requests", 28),
            "requests",
            "bytes",
            "answers",
            "errors"
        );
        for ((key, version), api) in &self.apis {
            let errors = right(&count(api.errors), 10);
            let _ = writeln!(
                out,
                "  {}  {:>10}  {:>10}  {:>10}  {}",
                left(&format!("{} v{version}", names.api(*key)), 26),
                count(api.requests),
                bytes(api.request_bytes),
                count(api.answers),
                if api.errors > 0 {
                    paint.trouble(&errors)
                } else {
                    errors
                }
            );
        }
        if self.unanswered > 0 {
            let _ = writeln!(
                out,
                "  {} without an answer when their connection ended",
                counted(self.unanswered, "request")
            );
        }
    }

    fn list_faults(&self, out: &mut String) {
        if self.rules.is_empty() {
            return;
        }
        out.push_str("\nrules\n");
        for (at, name) in self.rules.iter().enumerate() {
            let (matched, fired) = u16::try_from(at)
                .ok()
                .and_then(|at| self.faults.get(&at))
                .copied()
                .unwrap_or((0, 0));
            let _ = writeln!(
                out,
                "  {}  fired {} of {} matched",
                left(&plain(name), 28),
                count(fired),
                count(matched)
            );
        }
    }
}

fn has_error(facts: &ResponseFacts) -> bool {
    match facts {
        ResponseFacts::Partitions { error, results } => *error != 0 || results.iter().any(|of| of.error != 0),
        ResponseFacts::Fetched {
            error, partitions, ..
        } => *error != 0 || partitions.iter().any(|of| of.error != 0),
        ResponseFacts::Joined(facts) => facts.error != 0,
        ResponseFacts::Assigned { error, .. }
        | ResponseFacts::CommittedOffsets { error, .. }
        | ResponseFacts::Producer { error, .. }
        | ResponseFacts::Error { error } => *error != 0,
        ResponseFacts::Other => false,
    }
}
