use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    ClusterReport, ExitCode, GroupReport, Host, NotRun, Phase, RecordId, Resources, Setting, TrendReport,
    Verdict,
};

/// Version of the serialised [`Report`]; raised when a field changes its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// The result of a run, as in `report.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// Version of Highwater.
    pub highwater_version: String,
    /// Name of the suite, scenario or file that was run.
    pub name: String,
    /// Run id, as in topic names.
    pub run_id: String,
    /// Wall-clock start, RFC 3339 in UTC.
    pub started_at: String,
    /// How long the run took.
    pub duration_ns: u64,
    /// The worst verdict of the scenarios.
    pub verdict: Verdict,
    /// What the process exits with.
    pub exit_code: ExitCode,
    /// A shortened form, as `--quick` asks for: it judges only what its length allows.
    #[serde(default)]
    pub quick: bool,
    /// Seed, hexadecimal.
    pub seed: String,
    /// The command that runs the same again.
    pub command: String,
    /// False if the run ended before it had done what it set out to do.
    pub complete: bool,
    /// How far it came, if it is not complete, in words.
    pub stopped_at: Option<String>,
    /// Where it ran.
    pub host: Host,
    /// One entry for each scenario and repetition, in the order in which they ran.
    pub scenarios: Vec<ScenarioReport>,
    /// Scenarios that can't be done to this target, each with what would make it possible.
    #[serde(default)]
    pub not_run: Vec<NotRun>,
    /// What the measurements speak for; nothing that they don't.
    #[serde(default)]
    pub recommendations: Vec<Recommendation>,
}

/// Which of several runs of the same scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repetition {
    /// Counted from 1.
    pub index: u32,
    /// How many were asked for.
    pub of: u32,
}

/// Advice that follows from what was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// Name of the rule, e.g. `broker-memory`.
    pub rule: String,
    /// What to do, in a sentence.
    pub advice: String,
    /// The figures it rests on, with their scenarios.
    pub evidence: Vec<String>,
}

/// The result of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioReport {
    /// Name, with the variant after a slash where there is one.
    pub name: String,
    /// Which repetition it is; none if it ran once.
    #[serde(default)]
    pub repetition: Option<Repetition>,
    /// One sentence: what this scenario shows.
    pub summary: String,
    /// What it was pointed at, in words: `dev broker`, `Apache Kafka 4.3.1`, `cluster at host:port`.
    pub target: String,
    /// Start of the scenario within the run.
    pub started_ns: u64,
    /// Length of the scenario.
    pub duration_ns: u64,
    /// The answer.
    pub verdict: Verdict,
    /// Why, most important first; for HOLDS what was seen, otherwise what broke or what is missing.
    pub reasons: Vec<String>,
    /// What was promised, e.g. `exactly-once`, `ordered-per-partition`.
    pub contract: Vec<String>,
    /// The account of records.
    pub records: RecordCounts,
    /// Latency over all judged phases (all but warm-up).
    pub latency: LatencyReport,
    /// Offered rate of the judged phases; none for a saturating load.
    pub offered_per_s: Option<f64>,
    /// Rate at which records of the judged phases were acknowledged.
    pub achieved_per_s: Option<f64>,
    /// How late records were handed to the client against their schedule while the client accepted records.
    pub schedule_slip: Quantiles,
    /// One entry for each phase that was entered.
    pub phases: Vec<PhaseReport>,
    /// Thresholds in the order of the file.
    pub thresholds: Vec<ThresholdReport>,
    /// Thresholds of the full form that the shortened form is too short to judge.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// Faults in the order of the file.
    pub faults: Vec<FaultReport>,
    /// Rules of the fault proxy in the order of the file; empty if the load went to the target directly.
    #[serde(default)]
    pub rules: Vec<RuleReport>,
    /// Consumer groups of processes, in the order of their names.
    #[serde(default)]
    pub groups: Vec<GroupReport>,
    /// Anomalies found, violations first.
    pub anomalies: Vec<AnomalyReport>,
    /// What was checked before the figures are believed.
    pub validity: Vec<ValidityCheck>,
    /// CPU, memory, disk, descriptors of every process involved.
    pub resources: Resources,
    /// What the brokers said of themselves.
    #[serde(default)]
    pub cluster: ClusterReport,
    /// Whether latency and memory drifted over the load.
    #[serde(default)]
    pub trends: Vec<TrendReport>,
    /// Other measured values by metric name, e.g. `startup.max` in nanoseconds, with the unit in the name's entry.
    pub measurements: BTreeMap<String, f64>,
    /// Latency over time, binned by the moment at which records were due.
    pub timeline: Vec<TimelineBin>,
    /// Acknowledgement latency by quantile.
    pub curve: TimingCurve,
    /// A pause compared with its analytic form, where the scenario has one.
    pub stall: Option<StallOracle>,
    /// Every setting with where it came from.
    pub configuration: BTreeMap<String, Setting>,
    /// How to look further or what to change, each a sentence or a command.
    pub hints: Vec<String>,
}

/// The account of records. `attempted = acknowledged + failed + unknown`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordCounts {
    /// Records that were due and handed to the client, or given up before they could be.
    pub attempted: u64,
    /// Acknowledged by the broker.
    pub acknowledged: u64,
    /// Certainly not written, as far as the client says.
    pub failed: u64,
    /// May be written or not.
    pub unknown: u64,
    /// Distinct records of this run found in the log at read-back.
    pub delivered: u64,
    /// Acknowledged and not found in the log at read-back.
    pub lost: u64,
    /// Records found in the log more than once.
    pub duplicated: u64,
    /// Records found behind a later record of the same producer in the same partition.
    pub reordered: u64,
    /// False if the log was not read back: then the four figures above are not known.
    pub read_back: bool,
}

/// Both paths of a record, each timed from two starting points.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyReport {
    /// Until the acknowledgement arrived.
    pub ack: Timing,
    /// Until a consumer of the run received it.
    pub end_to_end: Timing,
}

/// The same stretch timed from intent and from the hand-over to the client.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Since the record was due.
    pub response: Quantiles,
    /// Since the client took it.
    pub service: Quantiles,
}

/// Summary of a distribution. Every figure is `None` where there is no sample, or too few for it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Number of samples, censored ones included.
    pub count: u64,
    /// Samples known only as "longer than": records without an acknowledgement when the run gave up.
    pub censored: u64,
    /// Arithmetic mean; a lower bound if `censored` is not 0.
    pub mean_ns: Option<f64>,
    /// Median.
    pub p50_ns: Option<u64>,
    /// 90th percentile.
    pub p90_ns: Option<u64>,
    /// 95th percentile.
    pub p95_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// 99.9th percentile.
    pub p999_ns: Option<u64>,
    /// Largest sample.
    pub max_ns: Option<u64>,
    /// Samples over 100 ms: how many records suffered.
    pub over_100ms: u64,
}

/// One phase of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseReport {
    /// Which.
    pub phase: Phase,
    /// Start within the run.
    pub start_ns: u64,
    /// End within the run.
    pub end_ns: u64,
    /// Records due in this phase.
    pub due: u64,
    /// Offered rate; none for a saturating load and for phases without load.
    pub offered_per_s: Option<f64>,
    /// Rate of acknowledgements that arrived in this phase; none for phases without load.
    pub achieved_per_s: Option<f64>,
    /// Latency of the records due in this phase.
    pub latency: LatencyReport,
    /// CPU seconds that the generator used in this phase.
    pub generator_cpu_seconds: Option<f64>,
}

/// Result of one threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdReport {
    /// The expression as written.
    pub expression: String,
    /// Phase it is bound to, if any.
    pub phase: Option<Phase>,
    /// Metric on the left side.
    pub metric: String,
    /// The measured value with its unit, for people: `1.9 ms`, `0 records`.
    pub measured: Option<String>,
    /// The limit with its unit, for people.
    pub limit: Option<String>,
    /// The limit in nanoseconds where the metric is a time, so that charts can draw it.
    pub limit_ns: Option<u64>,
    /// Result.
    pub result: ThresholdResult,
    /// Why it could not be measured, if so.
    pub note: Option<String>,
}

/// Whether a threshold was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdResult {
    /// Kept.
    Pass,
    /// Broken.
    Fail,
    /// Nothing was measured to compare with: never a pass.
    NotMeasured,
}

/// What became of one fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultReport {
    /// `broker-kill`, `broker-stop`, `broker-pause`.
    pub kind: String,
    /// It was armed (not disabled).
    pub armed: bool,
    /// How many times it was seen to take effect.
    pub fired: u64,
    /// First moment at which it took effect.
    pub fired_at_ns: Option<u64>,
    /// Moment at which it was lifted: the process runs again and answers.
    pub lifted_at_ns: Option<u64>,
    /// Records in flight when it took effect: handed over before, not acknowledged until after.
    pub in_flight: u64,
    /// What was seen of the clients' reaction, in words; none if nothing was seen.
    pub client_reaction: Option<String>,
    /// From taking effect until the first acknowledgement after it was lifted.
    pub recovery_ns: Option<u64>,
    /// From taking effect until latency was back in the band of the steady phase.
    pub back_to_baseline_ns: Option<u64>,
}

/// What became of one rule of the fault proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleReport {
    /// Its name.
    pub name: String,
    /// Its fault, e.g. `drop-ack`.
    pub fault: String,
    /// Requests that matched; connections, of a network fault that waits for no request.
    pub matched: u64,
    /// How many times it fired.
    pub fired: u64,
}

/// One kind of anomaly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnomalyReport {
    /// Name of the check, e.g. `lost-write`.
    pub name: String,
    /// True if the contract forbids it; otherwise it is counted and explained.
    pub violation: bool,
    /// Number of records.
    pub count: u64,
    /// Why it is or is not a violation, in a sentence.
    pub explanation: String,
    /// The first ones; all are in `anomalies.jsonl` beside the report.
    pub examples: Vec<AnomalyExample>,
}

/// One record with an anomaly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnomalyExample {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset: acknowledged as (lost-write), or where it was found.
    pub offset: Option<i64>,
    /// Which record.
    #[serde(flatten)]
    pub record: RecordId,
    /// The story in a few words, e.g. `acknowledged at 15.001 s; log ends at 5,012`.
    pub detail: String,
}

/// A check of the measurement itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidityCheck {
    /// Name, e.g. `achieved-rate`, `schedule-slip`, `generator-cpu`.
    pub name: String,
    /// Passed.
    pub ok: bool,
    /// What was measured, for people.
    pub measured: String,
    /// What is required, for people.
    pub required: String,
    /// What to do if it fails.
    pub remedy: Option<String>,
}

/// Records due within one stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineBin {
    /// Start of the bin.
    pub start_ns: u64,
    /// Length of the bin.
    pub width_ns: u64,
    /// Records due in it.
    pub due: u64,
    /// Acknowledgements that arrived in it.
    pub acknowledged: u64,
    /// Response time of the records due in it: median.
    pub response_p50_ns: Option<u64>,
    /// Response time: 99th percentile.
    pub response_p99_ns: Option<u64>,
    /// Response time: largest.
    pub response_max_ns: Option<u64>,
    /// Service time: median.
    pub service_p50_ns: Option<u64>,
    /// Service time: largest.
    pub service_max_ns: Option<u64>,
}

/// Latency by quantile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TimingCurve {
    /// Since the record was due.
    pub response: Vec<CurvePoint>,
    /// Since the client took it.
    pub service: Vec<CurvePoint>,
}

/// A point of a percentile curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Quantile in 0..=1.
    pub quantile: f64,
    /// Value at that quantile.
    pub value_ns: u64,
}

/// A pause of the broker compared with what arithmetic says that records due in it must have waited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StallOracle {
    /// Length of the outage as seen by the producer: last acknowledgement before, first one after.
    pub outage_ns: u64,
    /// Rate of the load during the pause.
    pub arrival_per_s: f64,
    /// Measured rate at which the backlog was drained.
    pub drain_per_s: f64,
    /// Records that waited.
    pub affected: u64,
    /// Mean, p90, p99 and max.
    pub rows: Vec<StallRow>,
    /// Largest relative difference between measured response time and the analytic value.
    pub largest_error: f64,
}

/// One statistic of a [`StallOracle`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StallRow {
    /// `mean`, `p90`, `p99` or `max`.
    pub statistic: String,
    /// What the arithmetic gives.
    pub analytic_ns: f64,
    /// What was measured from intent.
    pub response_ns: f64,
    /// What was measured from the hand-over: what tools that don't time from intent would say.
    pub service_ns: f64,
}
