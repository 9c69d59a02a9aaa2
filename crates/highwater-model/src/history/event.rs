use serde::{Deserialize, Serialize};

use super::{RequestFacts, ResponseFacts};

/// Number of a connection in a history, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(pub u32);

/// Number of an exchange (a request and what became of it) in a history, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExchangeId(pub u64);

/// One event of a history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEvent {
    /// Place in the history, from 0, without gaps.
    pub sequence: u64,
    /// Moment, since the history began, on a monotonic clock.
    pub at_ns: u64,
    /// What happened.
    #[serde(flatten)]
    pub body: HistoryBody,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum HistoryBody {
    /// First event of every history.
    Began {
        /// Version of Highwater.
        highwater_version: String,
        /// Wall-clock start, RFC 3339 in UTC.
        started_at: String,
        /// Addresses of the cluster as given.
        target: String,
        /// Seed of the rules, hexadecimal.
        seed: String,
        /// Names of the rules, in order; a rule is called by its place here.
        rules: Vec<String>,
    },
    /// A broker became known and got a listener.
    Broker {
        /// Its number; none for an address that clients start from.
        node: Option<i32>,
        /// Where it is.
        upstream: NodeAddress,
        /// Where clients find it.
        listener: NodeAddress,
    },
    /// A client connected.
    Connected {
        /// The connection.
        connection: ConnectionId,
        /// Broker that the listener stands for, if known.
        node: Option<i32>,
        /// Address of the client.
        from: String,
        /// Whether the client spoke TLS with the proxy.
        tls: bool,
    },
    /// Who a client says it is; again when it changes.
    Identified {
        /// The connection.
        connection: ConnectionId,
        /// From the request headers.
        client_id: Option<String>,
        /// From ApiVersions 3 and above (KIP-511): name of the client library.
        software_name: Option<String>,
        /// Its version.
        software_version: Option<String>,
        /// User of SASL PLAIN or SCRAM; never a secret.
        principal: Option<String>,
    },
    /// A connection ended.
    Disconnected {
        /// The connection.
        connection: ConnectionId,
        /// Who ended it.
        by: Side,
        /// How, in words.
        reason: String,
    },
    /// A request arrived from a client.
    Request {
        /// The connection.
        connection: ConnectionId,
        /// The exchange that it begins.
        exchange: ExchangeId,
        /// Number of the API.
        api_key: i16,
        /// Version of the request.
        api_version: i16,
        /// Size of the frame without its length prefix.
        bytes: u32,
        /// What the proxy did with it.
        fate: RequestFate,
        /// The rule that decided the fate, by its place in [`HistoryBody::Began`].
        rule: Option<u16>,
        /// What it asks.
        facts: RequestFacts,
    },
    /// A request that was held back, or sent once more, went to the broker.
    Forwarded {
        /// The exchange.
        exchange: ExchangeId,
        /// Whether the client had hung up by then.
        client_gone: bool,
    },
    /// An answer arrived from the broker, or was made by the proxy.
    Response {
        /// The exchange.
        exchange: ExchangeId,
        /// Size of the frame without its length prefix, as it came.
        bytes: u32,
        /// What the proxy did with it.
        fate: ResponseFate,
        /// The rule that decided the fate.
        rule: Option<u16>,
        /// What it says, as the broker sent it (of a rejection: as the proxy made it).
        facts: ResponseFacts,
    },
    /// The broker's side ended before it answered: whether it was applied is unknown.
    Unanswered {
        /// The exchange.
        exchange: ExchangeId,
        /// Whether all of its bytes had been written to the broker.
        forwarded: bool,
    },
    /// A rule was armed, took effect, or was lifted.
    Fault {
        /// The rule.
        rule: u16,
        /// What changed.
        change: FaultChange,
        /// The exchange at which it fired, if at one.
        exchange: Option<ExchangeId>,
        /// The connection at which it fired, if at one.
        connection: Option<ConnectionId>,
        /// How many times it matched so far.
        matched: u64,
        /// How many times it fired so far.
        fired: u64,
    },
    /// A process changed its state.
    Process {
        /// Its name in the run.
        name: String,
        /// Process id, while it has one.
        pid: Option<u32>,
        /// What changed.
        change: ProcessChange,
        /// More, for people.
        detail: String,
    },
    /// Something that a verdict must know about this history.
    Trouble(Trouble),
    /// Last event of a history that was closed.
    Ended {
        /// Requests seen.
        requests: u64,
        /// Answers seen.
        responses: u64,
        /// Time that connections waited because the history was not written fast enough.
        waited_ns: u64,
    },
}

/// Host and port, as Kafka gives them away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeAddress {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl std::fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The client.
    Client,
    /// The broker.
    Broker,
    /// The proxy: a rule, or the end of the run.
    Proxy,
}

/// What the proxy did with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestFate {
    /// Sent on as it came.
    Forwarded,
    /// Sent on twice.
    Duplicated,
    /// Kept back; [`HistoryBody::Forwarded`] follows when it goes on.
    Held,
    /// Answered by the proxy and not sent on: certainly not applied.
    Rejected,
    /// Neither sent on nor answered.
    Swallowed,
}

/// What the proxy did with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseFate {
    /// Sent on to the client as it came, apart from rewritten addresses.
    Delivered,
    /// Discarded by a rule: applied, and the client does not know.
    Discarded,
    /// Sent on, altered by a rule.
    Altered,
    /// Made by the proxy for a rejected request.
    Made,
    /// The answer to the second copy of a duplicated request: never for the client.
    Surplus,
    /// The client had hung up.
    ClientGone,
}

/// What changed about a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultChange {
    /// It can fire from now on.
    Armed,
    /// It took effect.
    Fired,
    /// Its effect is over.
    Lifted,
}

/// What changed about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessChange {
    /// Started.
    Started,
    /// Asked to end.
    Stopped,
    /// Ended by SIGKILL from Highwater.
    Killed,
    /// Halted by SIGSTOP.
    Paused,
    /// Running again after SIGCONT.
    Resumed,
    /// Ended, for whatever reason.
    Exited,
}

/// What makes a history, or a verdict on it, less than complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "kebab-case")]
pub enum Trouble {
    /// A client talks, or could talk, to a broker past the proxy.
    Bypass {
        /// What was seen.
        evidence: String,
    },
    /// A frame that a rule or the history wanted could not be read.
    Undecoded {
        /// The exchange.
        exchange: ExchangeId,
        /// Number of the API.
        api_key: i16,
        /// Version of the request.
        api_version: i16,
        /// Whether a rule wanted it: then the run has failed.
        wanted_by_rule: bool,
        /// What was wrong.
        reason: String,
    },
    /// A frame too long to keep passed without its contents in the history.
    Unrecorded {
        /// The exchange.
        exchange: ExchangeId,
        /// Its size.
        bytes: u64,
    },
    /// A connection went on as plain bytes: nothing after this is in the history.
    Opaque {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        reason: String,
    },
}
