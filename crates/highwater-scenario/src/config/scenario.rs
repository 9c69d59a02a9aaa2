//! What can stand in a scenario file. Every key has a default; `highwater show NAME` prints files in which
//! the keys are explained.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use super::connector::Connector;
use super::group::Group;
use super::quantity::{ByteRate, Rate, Size, Span};
use super::rule::Rule;

/// A scenario as written in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name, as in `highwater run NAME`: lower-case letters, digits and hyphens.
    pub name: String,
    /// One sentence: what it shows.
    pub summary: String,
    /// What is done: offer load, or measure starts.
    #[serde(default)]
    pub kind: Kind,
    /// What is promised, e.g. `exactly-once, ordered-per-partition`; derived from the producer's settings if
    /// left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<String>,
    /// Limits that must hold.
    #[serde(default)]
    pub thresholds: Vec<String>,
    /// The topic that the run makes.
    #[serde(default)]
    pub topic: Topic,
    /// What is offered.
    #[serde(default)]
    pub load: Load,
    /// How the producers are set.
    #[serde(default)]
    pub producer: Producer,
    /// When measuring begins.
    #[serde(default)]
    pub warm_up: WarmUp,
    /// What is broken meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// What is broken on the wire: with rules, the load goes through the fault proxy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Consumer groups whose members are processes of their own, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<String, Group>,
    /// How the brokers that the run starts are set.
    #[serde(default)]
    pub broker: Broker,
    /// How long to wait for what is in flight.
    #[serde(default)]
    pub drain: Drain,
    /// When the measurement is not believed.
    #[serde(default)]
    pub validity: Validity,
    /// For `kind = "startup"`.
    #[serde(default)]
    pub startup: Startup,
    /// For `kind = "connector"`.
    #[serde(default)]
    pub connector: Connector,
    /// What `--quick` changes.
    #[serde(default, skip_serializing_if = "Quick::is_empty")]
    pub quick: Quick,
    /// The same scenario with other settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Variant>,
}

/// What a scenario does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Offer load, with or without a fault, and account for every record.
    #[default]
    Load,
    /// Start the broker several times and time the way to the first acknowledged record.
    Startup,
    /// Change rows of a database, and account for every change in the topics of a connector.
    Connector,
}

/// The topic of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Topic {
    /// Number of partitions.
    pub partitions: i32,
    /// Replicas of each partition.
    pub replication: u32,
    /// Topic settings as Kafka names them, e.g. `"max.message.bytes" = "2097152"`.
    pub settings: BTreeMap<String, String>,
}

impl Default for Topic {
    fn default() -> Self {
        Self {
            partitions: 3,
            replication: 1,
            settings: BTreeMap::new(),
        }
    }
}

/// What is offered, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Load {
    /// Records per second over all producers, or `max`. With a ramp where it begins, with bursts the base.
    pub rate: Rate,
    /// How long records become due, warm-up included.
    pub duration: Span,
    /// How records follow each other.
    pub arrival: Arrival,
    /// For `arrival = "ramp"`: the rate at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp_to: Option<Rate>,
    /// For `arrival = "steps"`: rates and how long each lasts; repeated until the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// For `arrival = "bursts"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<Burst>,
    /// Ends the load after this many records in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// Producers that share the load.
    pub producers: u32,
    /// Consumers, in one group, that receive it while it runs; 0 for none.
    pub consumers: u32,
    /// What the records hold.
    pub values: Values,
    /// Their keys.
    pub keys: Keys,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            rate: Rate::PerSecond(1000.0),
            duration: Span(Duration::from_secs(30)),
            arrival: Arrival::Constant,
            ramp_to: None,
            steps: Vec::new(),
            burst: None,
            records: None,
            producers: 1,
            consumers: 1,
            values: Values::default(),
            keys: Keys::default(),
        }
    }
}

/// How records follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrival {
    /// Evenly spaced.
    Constant,
    /// A Poisson process: independent arrivals at a mean rate.
    Poisson,
    /// The rate changes evenly from `rate` to `ramp_to`.
    Ramp,
    /// One rate after the other.
    Steps,
    /// `rate`, and every so often a burst.
    Bursts,
}

/// One step of `arrival = "steps"`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Rate of the step.
    pub rate: Rate,
    /// How long it lasts.
    pub duration: Span,
}

/// For `arrival = "bursts"`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// Rate during a burst.
    pub rate: Rate,
    /// How long a burst lasts.
    pub duration: Span,
    /// From the start of one burst to the start of the next.
    pub every: Span,
}

/// What records hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Values {
    /// Kind of value.
    pub kind: ValueKind,
    /// Size of the value.
    pub size: Size,
    /// How far a codec can compress it: 1.0 not at all, 4.0 to a quarter.
    pub compression_ratio: f64,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            kind: ValueKind::ChangeEvents,
            size: Size(5120),
            compression_ratio: 4.0,
        }
    }
}

/// Kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueKind {
    /// Bytes.
    Fixed,
    /// Change-data-capture envelopes in JSON: `before`, `after`, `source`, `op`, `ts_ms`.
    ChangeEvents,
}

/// Keys of records.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// Distribution.
    pub kind: KeyKind,
    /// How many different ones.
    pub count: u64,
    /// For `zipf`: the exponent.
    pub exponent: f64,
    /// For `hot-key`: share of the records that have the hot key.
    pub hot_share: f64,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            kind: KeyKind::Uniform,
            count: 10_000,
            exponent: 1.0,
            hot_share: 0.5,
        }
    }
}

/// Distribution of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// No key: the client chooses partitions.
    None,
    /// All alike.
    Uniform,
    /// Zipf's law.
    Zipf,
    /// One key has a set share.
    HotKey,
}

/// Settings of the producers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Producer {
    /// Acknowledgements to wait for.
    pub acks: Acks,
    /// Whether retries can't duplicate or reorder.
    pub idempotence: bool,
    /// Codec.
    pub compression: Compression,
    /// How long the client waits to fill a batch.
    pub linger: Span,
    /// Records that the client buffers at most.
    pub queue_records: u32,
    /// Bytes that the client buffers at most.
    pub queue_bytes: Size,
    /// After this the client gives up on a record.
    pub delivery_timeout: Span,
    /// Other settings as librdkafka names them; they win.
    pub settings: BTreeMap<String, String>,
}

impl Default for Producer {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            idempotence: true,
            compression: Compression::None,
            linger: Span(Duration::from_millis(1)),
            queue_records: 20_000,
            queue_bytes: Size(256 << 20),
            delivery_timeout: Span(Duration::from_secs(120)),
            settings: BTreeMap::new(),
        }
    }
}

/// Acknowledgements to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acks {
    /// All in-sync replicas.
    All,
    /// The leader.
    Leader,
    /// None.
    None,
}

/// Codec of record batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// Warm-up ends when latency and rate are steady, at the latest after `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WarmUp {
    /// Longest warm-up; `0s` for none.
    pub limit: Span,
}

impl Default for WarmUp {
    fn default() -> Self {
        Self {
            limit: Span(Duration::from_secs(10)),
        }
    }
}

/// A fault on the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// False disarms it; the verdict can't be HOLDS then.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What is done.
    pub kind: FaultKind,
    /// When, since the load began.
    pub after: Span,
    /// How long the broker stays down, or paused.
    pub down: Span,
    /// How many times.
    #[serde(default = "once")]
    pub times: u32,
    /// With `times`: from one lifting to the next fault.
    #[serde(default = "second")]
    pub every: Span,
    /// With `times`: the next fault comes at a random moment between `every` and this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_at_most: Option<Span>,
    /// For `broker-kill-ahead`: how long the leader goes on alone before it is killed.
    #[serde(default = "two_seconds")]
    pub ahead: Span,
}

fn two_seconds() -> Span {
    Span(Duration::from_secs(2))
}

fn yes() -> bool {
    true
}

fn once() -> u32 {
    1
}

fn second() -> Span {
    Span(Duration::from_secs(1))
}

/// What is done to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// SIGKILL, and started again.
    BrokerKill,
    /// SIGTERM, waits for the end, and started again.
    BrokerStop,
    /// SIGSTOP, and SIGCONT.
    BrokerPause,
    /// A leader that goes on without the others for a while, is killed, and comes back behind them. Three nodes.
    BrokerKillAhead,
    /// A leader is cut off from the other brokers, not from its clients. Three nodes.
    BrokerIsolate,
    /// Nothing passes between clients and brokers, and both ends stay connected.
    ClientBlackHole,
    /// Connections between clients and brokers are reset, also new ones.
    ClientReset,
    /// Connections end towards the brokers only; the clients still believe in them.
    ClientHalfOpen,
    /// The worker of Kafka Connect: SIGKILL, and started again.
    ConnectKill,
    /// PostgreSQL: SIGKILL, and started again.
    PostgresKill,
    /// PostgreSQL: ended in good order, and started again.
    PostgresStop,
}

impl FaultKind {
    /// Whether it is done between clients and brokers, at the fault proxy: on any target.
    #[must_use]
    pub fn cuts_clients(self) -> bool {
        self.network_fault().is_some()
    }

    /// Whether it needs the network between brokers, so a target of three nodes.
    #[must_use]
    pub fn needs_three(self) -> bool {
        matches!(self, Self::BrokerKillAhead | Self::BrokerIsolate)
    }

    /// The fault of the proxy that does it.
    pub(crate) fn network_fault(self) -> Option<&'static str> {
        match self {
            Self::ClientBlackHole => Some("black-hole"),
            Self::ClientReset => Some("reset"),
            Self::ClientHalfOpen => Some("half-open"),
            _ => None,
        }
    }

    /// Whether it is done to a broker.
    #[must_use]
    pub fn is_of_broker(self) -> bool {
        !matches!(self, Self::ConnectKill | Self::PostgresKill | Self::PostgresStop)
    }

    /// The name as in files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BrokerKill => "broker-kill",
            Self::BrokerStop => "broker-stop",
            Self::BrokerPause => "broker-pause",
            Self::BrokerKillAhead => "broker-kill-ahead",
            Self::BrokerIsolate => "broker-isolate",
            Self::ClientBlackHole => "client-black-hole",
            Self::ClientReset => "client-reset",
            Self::ClientHalfOpen => "client-half-open",
            Self::ConnectKill => "connect-kill",
            Self::PostgresKill => "postgres-kill",
            Self::PostgresStop => "postgres-stop",
        }
    }
}

/// How brokers are started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// Lines of `server.properties` of every broker that the run starts, e.g. `"replica.lag.time.max.ms" = "5000"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Planted defects, to see that they are found; `highwater broker --bug help` lists them.
    #[serde(deserialize_with = "one_or_many")]
    pub bugs: Vec<String>,
    /// Heap of each broker (`-Xms` and `-Xmx`), of an Apache Kafka that is started for the run; 512 MiB, or 384 MiB for
    /// each of three, if nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heap: Option<Size>,
    /// Bytes per second that each such broker lets each client produce, set for the time of the load; no limit if
    /// nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub producer_quota: Option<ByteRate>,
}

pub(super) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a text or a list of texts")]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => text
            .split(',')
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect(),
        OneOrMany::Many(list) => list,
    })
}

/// What happens when the load has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Drain {
    /// How long to wait for records in flight; what is still open then counts as unknown.
    pub limit: Span,
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            limit: Span(Duration::from_secs(60)),
        }
    }
}

/// When the measurement is not believed; the verdict is INVALID then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Validity {
    /// Smallest achieved / offered rate of the steady phase.
    pub achieved: f64,
    /// Largest p99 of the schedule slip in the steady phase.
    pub slip_p99: Span,
    /// Largest mean CPU of the generator, as a share of all processors.
    pub generator_cpu: f64,
}

impl Default for Validity {
    fn default() -> Self {
        Self {
            achieved: 0.99,
            slip_p99: Span(Duration::from_millis(20)),
            generator_cpu: 0.85,
        }
    }
}

/// For `kind = "startup"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Startup {
    /// How many starts are measured.
    pub rounds: u32,
}

impl Default for Startup {
    fn default() -> Self {
        Self { rounds: 5 }
    }
}

/// The shortened form of a scenario, for a laptop: what it changes. Thresholds that it leaves out need the full
/// length, and reports say so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quick {
    /// Settings by their dotted names.
    pub set: BTreeMap<String, toml::Value>,
    /// Why the shortened form of a suite leaves it out; it is then told as not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_run: Option<String>,
}

impl Quick {
    /// There is no shortened form.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.not_run.is_none()
    }
}

/// The same scenario with other settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Name, after the slash in `broker-restart/graceful`.
    pub name: String,
    /// Settings by their dotted names.
    #[serde(default)]
    pub set: BTreeMap<String, toml::Value>,
    /// What `--quick` changes of this variant, over what it changes of all.
    #[serde(default, skip_serializing_if = "Quick::is_empty")]
    pub quick: Quick,
}
