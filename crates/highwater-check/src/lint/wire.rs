//! Who is who and what is in flight: what every check needs to know of a history.
//!
//! Invariant: a request is pending until it is answered or lost, and then never again; all that is kept has a
//! bound, and reaching one is told as a caveat.

use std::collections::{BTreeMap, BTreeSet};

use highwater_model::LintClient;
use highwater_model::history::{
    ConnectionId, ExchangeId, HistoryBody, HistoryEvent, ProcessChange, RequestFacts, RequestFate,
    ResponseFacts, Trouble,
};

use super::library::Library;
use super::tally::Spot;

/// Name of the process whose starts count as starts of the application.
pub const APPLICATION: &str = "application";
/// Client ids that are named; a process that invents them would fill pages.
pub(super) const MOST_CLIENT_IDS: usize = 20;
/// Connections that are remembered: far above what one application opens in a watch.
const MOST_CONNECTIONS: usize = 200_000;
/// Requests in flight that are remembered.
const MOST_PENDING: usize = 65_536;
/// Caveats that are told.
const MOST_CAVEATS: usize = 10;
const API_VERSIONS: i16 = 18;
const METADATA: i16 = 3;
const SASL: [i16; 2] = [17, 36];

/// A request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) spot: Spot,
    pub(super) api_version: i16,
    pub(super) facts: &'a RequestFacts,
}

/// A request that waits for its answer.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) spot: Spot,
    pub(super) facts: RequestFacts,
}

/// An answer with its request.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    pub(super) asked: Pending,
    pub(super) at_ns: u64,
    pub(super) facts: &'a ResponseFacts,
}

/// What an event means to the checks.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Asked(Asked<'a>),
    Answered(Answered<'a>),
    Lost(Pending),
    Closed(ConnectionId, Vec<Pending>),
    Nothing,
}

#[derive(Debug, Default)]
struct Peer {
    host: String,
    client_id: Option<String>,
    software_name: Option<String>,
    software_version: Option<String>,
}

/// The state of a history up to an event.
#[derive(Debug)]
pub(super) struct Wire {
    one_application: bool,
    peers: BTreeMap<ConnectionId, Peer>,
    pending: BTreeMap<ExchangeId, Pending>,
    starts: u32,
    requests: u64,
    first_ns: Option<u64>,
    last_ns: u64,
    caveats: Vec<String>,
    more_caveats: u64,
    fired: u64,
}

impl Wire {
    pub(super) fn new(one_application: bool) -> Self {
        Self {
            one_application,
            peers: BTreeMap::new(),
            pending: BTreeMap::new(),
            starts: 0,
            requests: 0,
            first_ns: None,
            last_ns: 0,
            caveats: Vec::new(),
            more_caveats: 0,
            fired: 0,
        }
    }

    /// Takes in an event.
    pub(super) fn step<'a>(&mut self, event: &'a HistoryEvent) -> Step<'a> {
        self.first_ns.get_or_insert(event.at_ns);
        self.last_ns = event.at_ns;
        match &event.body {
            HistoryBody::Connected { connection, from, .. } => {
                let peer = self.peer(*connection);
                peer.host = host(from).to_owned();
                Step::Nothing
            }
            HistoryBody::Identified {
                connection,
                client_id,
                software_name,
                software_version,
                ..
            } => {
                let peer = self.peer(*connection);
                keep(&mut peer.client_id, client_id);
                keep(&mut peer.software_name, software_name);
                keep(&mut peer.software_version, software_version);
                Step::Nothing
            }
            HistoryBody::Disconnected { connection, .. } => self.disconnected(*connection),
            HistoryBody::Request { .. } => self.request(event),
            HistoryBody::Response { exchange, facts, .. } => match self.pending.remove(exchange) {
                Some(asked) => Step::Answered(Answered {
                    asked,
                    at_ns: event.at_ns,
                    facts,
                }),
                None => Step::Nothing,
            },
            HistoryBody::Unanswered { exchange, .. } => {
                self.pending.remove(exchange).map_or(Step::Nothing, Step::Lost)
            }
            HistoryBody::Process {
                name,
                change: ProcessChange::Started,
                ..
            } if name == APPLICATION => {
                self.starts += 1;
                Step::Nothing
            }
            HistoryBody::Fault { fired, .. } => {
                self.fired = self.fired.max(*fired);
                Step::Nothing
            }
            HistoryBody::Trouble(trouble) => {
                self.caveat(in_words(trouble));
                Step::Nothing
            }
            HistoryBody::Began { .. }
            | HistoryBody::Broker { .. }
            | HistoryBody::Forwarded { .. }
            | HistoryBody::Process { .. }
            | HistoryBody::Ended { .. } => Step::Nothing,
        }
    }

    fn request<'a>(&mut self, event: &'a HistoryEvent) -> Step<'a> {
        let HistoryBody::Request {
            connection,
            exchange,
            api_key,
            api_version,
            fate,
            facts,
            ..
        } = &event.body
        else {
            return Step::Nothing;
        };
        if ![API_VERSIONS, METADATA].contains(api_key) && !SASL.contains(api_key) {
            self.requests += 1;
        }
        let spot = Spot {
            connection: *connection,
            exchange: *exchange,
            at_ns: event.at_ns,
        };
        let answerless = matches!(facts, RequestFacts::Other)
            || matches!(facts, RequestFacts::Produce(produce) if produce.acks == 0)
            || *fate == RequestFate::Swallowed;
        if !answerless {
            if self.pending.len() < MOST_PENDING {
                let facts = facts.clone();
                self.pending.insert(*exchange, Pending { spot, facts });
            } else {
                self.caveat(format!(
                    "more than {MOST_PENDING} requests in flight: some answers were not looked at"
                ));
            }
        }
        Step::Asked(Asked {
            spot,
            api_version: *api_version,
            facts,
        })
    }

    fn disconnected<'a>(&mut self, connection: ConnectionId) -> Step<'a> {
        let lost: Vec<ExchangeId> = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.spot.connection == connection)
            .map(|(exchange, _)| *exchange)
            .collect();
        let lost = lost
            .into_iter()
            .filter_map(|exchange| self.pending.remove(&exchange))
            .collect();
        Step::Closed(connection, lost)
    }

    fn peer(&mut self, connection: ConnectionId) -> &mut Peer {
        if self.peers.len() >= MOST_CONNECTIONS && !self.peers.contains_key(&connection) {
            self.caveat(format!(
                "more than {MOST_CONNECTIONS} connections: clients of the oldest are not told apart"
            ));
            self.peers.pop_first();
        }
        self.peers.entry(connection).or_default()
    }

    /// The library that a connection's client uses.
    pub(super) fn library(&self, connection: ConnectionId) -> Library {
        self.peers
            .get(&connection)
            .map_or(Library::Unknown, Peer::library)
    }

    pub(super) fn client_id(&self, connection: ConnectionId) -> Option<&str> {
        self.peers.get(&connection)?.client_id.as_deref()
    }

    /// The client of a connection for people: `client orders-1`.
    pub(super) fn client(&self, connection: ConnectionId) -> String {
        match self.client_id(connection) {
            Some(id) if !id.is_empty() => format!("client {id}"),
            _ => format!("connection {}", connection.0),
        }
    }

    /// The application that a connection belongs to, by the host it comes from.
    pub(super) fn application(&self, connection: ConnectionId) -> &str {
        if self.one_application {
            return "";
        }
        self.peers.get(&connection).map_or("", |peer| &peer.host)
    }

    /// What tells one client from another: host, library and client id.
    pub(super) fn client_key(&self, connection: ConnectionId) -> (String, Library, String) {
        let peer = self.peers.get(&connection);
        (
            self.application(connection).to_owned(),
            self.library(connection),
            peer.and_then(|peer| peer.client_id.clone()).unwrap_or_default(),
        )
    }

    /// How often the application was started, as far as the history says.
    pub(super) fn starts(&self) -> u32 {
        self.starts
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    pub(super) fn watched_ns(&self) -> u64 {
        self.last_ns - self.first_ns.unwrap_or(self.last_ns)
    }

    pub(super) fn clients(&self) -> Vec<LintClient> {
        let mut rows: BTreeMap<_, (BTreeSet<&str>, u64)> = BTreeMap::new();
        for peer in self.peers.values() {
            let key = (peer.library(), &peer.software_name, &peer.software_version);
            let row = rows.entry(key).or_default();
            row.1 += 1;
            if let Some(id) = &peer.client_id
                && row.0.len() < MOST_CLIENT_IDS
            {
                row.0.insert(id);
            }
        }
        rows.into_iter()
            .map(|((library, name, version), (ids, connections))| LintClient {
                library: library.name().map(str::to_owned),
                software_name: name.clone(),
                software_version: version.clone(),
                client_ids: ids.into_iter().map(str::to_owned).collect(),
                connections,
            })
            .collect()
    }

    pub(super) fn caveats(&self) -> Vec<String> {
        let mut caveats = self.caveats.clone();
        if self.more_caveats > 0 {
            caveats.push(format!("and {} more of this kind", self.more_caveats));
        }
        if self.fired > 0 {
            caveats.push("faults were injected: pauses and errors seen here may come from them".to_owned());
        }
        caveats
    }

    fn caveat(&mut self, text: String) {
        if self.caveats.contains(&text) {
            return;
        }
        if self.caveats.len() < MOST_CAVEATS {
            self.caveats.push(text);
        } else {
            self.more_caveats += 1;
        }
    }
}

impl Peer {
    fn library(&self) -> Library {
        Library::of(self.software_name.as_deref(), self.client_id.as_deref())
    }
}

/// A later event that doesn't say something does not take it back.
fn keep(place: &mut Option<String>, new: &Option<String>) {
    if new.is_some() {
        place.clone_from(new);
    }
}

fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

fn in_words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Bypass { evidence } => format!("a client talks past the proxy: {evidence}"),
        Trouble::Undecoded {
            api_key,
            api_version,
            reason,
            ..
        } => format!("a frame of api {api_key} version {api_version} could not be read: {reason}"),
        Trouble::Unrecorded { bytes, .. } => {
            format!("a frame of {bytes} bytes was too long to be looked into")
        }
        Trouble::Opaque { reason, .. } => format!("a connection could not be looked into: {reason}"),
    }
}
