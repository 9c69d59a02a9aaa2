//! Everything that a threshold can be set on.

use crate::quantity::Unit;

/// A figure of a scenario.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name in expressions.
    pub name: &'static str,
    /// What it measures; values are in its base unit.
    pub unit: Unit,
    /// What it means, in a few words.
    pub meaning: &'static str,
    /// It exists for single phases too, not only for the whole scenario.
    pub per_phase: bool,
}

impl Metric {
    const fn per_phase(name: &'static str, unit: Unit, meaning: &'static str) -> Self {
        Self {
            name,
            unit,
            meaning,
            per_phase: true,
        }
    }

    const fn whole(name: &'static str, unit: Unit, meaning: &'static str) -> Self {
        Self {
            name,
            unit,
            meaning,
            per_phase: false,
        }
    }
}

/// The metric of that name.
#[must_use]
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// One distribution each, with its seven figures, then single figures.
macro_rules! metrics {
    (latency: $( $prefix:literal $path:literal, )* single: $( $single:expr, )*) => {
        &[
            $(
                Metric::per_phase(concat!($prefix, ".mean"), Unit::Time, concat!("mean time ", $path)),
                Metric::per_phase(concat!($prefix, ".p50"), Unit::Time, concat!("median time ", $path)),
                Metric::per_phase(concat!($prefix, ".p90"), Unit::Time, concat!("90th percentile of the time ", $path)),
                Metric::per_phase(concat!($prefix, ".p95"), Unit::Time, concat!("95th percentile of the time ", $path)),
                Metric::per_phase(concat!($prefix, ".p99"), Unit::Time, concat!("99th percentile of the time ", $path)),
                Metric::per_phase(concat!($prefix, ".p999"), Unit::Time, concat!("99.9th percentile of the time ", $path)),
                Metric::per_phase(concat!($prefix, ".max"), Unit::Time, concat!("longest time ", $path)),
            )*
            $( $single, )*
        ]
    };
}

/// All metrics, in the order in which they are explained.
pub const METRICS: &[Metric] = metrics! {
    latency:
    "ack" "from the moment a record was due until it was acknowledged",
    "ack.service" "from handing a record to the client until it was acknowledged",
    "end_to_end" "from the moment a record was due until a consumer of the run received it",
    "end_to_end.service" "from handing a record to the client until a consumer of the run received it",
    single:
    Metric::per_phase("offered", Unit::Rate, "records per second that the schedule called for"),
    Metric::per_phase("rate", Unit::Rate, "records per second that were acknowledged"),
    Metric::whole("attempted", Unit::Records, "records that were due"),
    Metric::whole("acknowledged", Unit::Records, "records that the broker acknowledged"),
    Metric::whole("failed", Unit::Records, "records that were certainly not written, as far as the client says"),
    Metric::whole("unknown", Unit::Records, "records that may be written or not"),
    Metric::whole("delivered", Unit::Records, "distinct records found in the log at read-back"),
    Metric::whole("lost", Unit::Records, "acknowledged records that are not in the log"),
    Metric::whole("duplicated", Unit::Records, "records that are in the log more than once"),
    Metric::whole("reordered", Unit::Records, "records behind a later one of the same producer"),
    Metric::whole("slip.p99", Unit::Time, "99th percentile of how late records were handed to the client"),
    Metric::whole("slip.max", Unit::Time, "how late a record was handed to the client at most"),
    Metric::whole("recovery", Unit::Time, "from a fault to the first acknowledgement after it; longest of all faults"),
    Metric::whole("groups.skipped", Unit::Records, "acknowledged records that a consumer group never received, and went on behind"),
    Metric::whole("groups.behind", Unit::Records, "acknowledged records that a consumer group had not come to at the end"),
    Metric::whole("groups.redelivered", Unit::Records, "records that a consumer group got again within the window since its last commit"),
    Metric::whole("groups.window", Unit::Records, "most records that came again after one change of owners"),
    Metric::whole("groups.outside_window", Unit::Records, "records that a consumer group got again though they had been committed"),
    Metric::whole("groups.recovery", Unit::Time, "from a fault on a member until its partitions are read again; longest of all"),
    Metric::whole("groups.lag_error", Unit::Records, "largest difference between a lag at rest and what was left to read"),
    Metric::whole("isr.back", Unit::Time, "from healing the network until all replicas are in sync again"),
    Metric::whole("stall.error", Unit::Ratio, "largest difference between a pause as measured and its analytic form"),
    Metric::whole("startup.min", Unit::Time, "from starting the broker to its first acknowledgement: shortest"),
    Metric::whole("startup.p50", Unit::Time, "from starting the broker to its first acknowledgement: median"),
    Metric::whole("startup.max", Unit::Time, "from starting the broker to its first acknowledgement: longest"),
    Metric::whole("burst.settled", Unit::Time, "from the end of a burst until latency was back to what it was between bursts; longest of all bursts"),
    Metric::whole("ack.p50.trend", Unit::Drift, "growth of the median time until the acknowledgement, as far as the trend test shows one; 0 if it shows none"),
    Metric::whole("broker.memory.trend", Unit::Drift, "the same of the resident memory of the broker; of several, the largest"),
    Metric::whole("generator.memory.trend", Unit::Drift, "the same of the resident memory of the generator"),
    Metric::whole("connector.repeated", Unit::Records, "change events that repeat an earlier one"),
    Metric::whole("slot.lag", Unit::Bytes, "write-ahead log that the connector had not confirmed, at most"),
    Metric::whole("slot.kept", Unit::Bytes, "write-ahead log that PostgreSQL kept for the connector, at most"),
    Metric::per_phase("broker.memory.mean", Unit::Bytes, "mean resident memory of the broker"),
    Metric::per_phase("broker.memory.max", Unit::Bytes, "highest resident memory of the broker"),
    Metric::per_phase("broker.cpu.mean", Unit::Cores, "mean CPU of the broker"),
    Metric::per_phase("broker.cpu.max", Unit::Cores, "highest CPU of the broker within a second"),
    Metric::whole("broker.heap.max", Unit::Bytes, "most of the JVM's heap that was in use after a collection"),
    Metric::whole("broker.gc.max", Unit::Time, "longest pause of the JVM's garbage collector"),
    Metric::whole("broker.gc.share", Unit::Ratio, "share of the load's time that the JVM stood still for its garbage collector; of several, the largest"),
    Metric::whole("broker.throttled", Unit::Time, "time for which brokers told producers that they throttle them, summed over all answers"),
    Metric::whole("broker.canary.p50", Unit::Time, "median answer to a small question of its own to each broker, each second; of several, the slowest"),
    Metric::whole("broker.canary.max", Unit::Time, "longest such answer"),
    Metric::whole("isr.shrunk", Unit::Count, "times that a partition of the topic was seen with fewer in-sync replicas than before"),
    Metric::whole("leader.changed", Unit::Count, "times that a partition of the topic was seen with another leader or leader epoch"),
    Metric::whole("sampler.cpu", Unit::Cores, "CPU that reading all these processes took itself"),
    Metric::per_phase("generator.memory.max", Unit::Bytes, "highest resident memory of the generator"),
    Metric::per_phase("generator.cpu.mean", Unit::Cores, "mean CPU of the generator"),
    Metric::per_phase("generator.cpu.max", Unit::Cores, "highest CPU of the generator within a second"),
};
