use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Phase, Repetition, Report, ResourceSample, RuleReport, ScenarioReport};

/// One line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Place in the stream, from 0, without gaps.
    pub sequence: u64,
    /// Moment, since the start of the run.
    pub at_ns: u64,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What can happen in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventBody {
    /// First event of every stream.
    RunStarted {
        /// Version of Highwater.
        highwater_version: String,
        /// Name of the suite, scenario or file.
        name: String,
        /// Run id.
        run_id: String,
        /// Seed, hexadecimal.
        seed: String,
        /// The command that runs the same again.
        command: String,
        /// Wall-clock start, RFC 3339 in UTC.
        started_at: String,
        /// Names of the scenarios to run, in order.
        scenarios: Vec<String>,
        /// A shortened form.
        #[serde(default)]
        quick: bool,
        /// Where it runs.
        host: Host,
    },
    /// A scenario begins.
    ScenarioStarted {
        /// Name, with the variant after a slash.
        name: String,
        /// Which repetition it is; none if it runs once.
        #[serde(default)]
        repetition: Option<Repetition>,
        /// One sentence: what it shows.
        summary: String,
        /// What it is pointed at, in words.
        target: String,
        /// How long it is expected to take, for progress.
        expected_ns: u64,
        /// The phases it plans to go through.
        phases: Vec<Phase>,
        /// Every setting with where it came from.
        configuration: BTreeMap<String, Setting>,
    },
    /// A process of the target changed its state.
    Process {
        /// Name of the process in the run.
        process: String,
        /// Process id, while it has one.
        pid: Option<u32>,
        /// New state.
        state: ProcessState,
        /// More, for people: the address it listens on, how it ended.
        detail: String,
    },
    /// A phase begins; it ends where the next one begins.
    PhaseStarted {
        /// Which.
        phase: Phase,
    },
    /// Progress of the load.
    Tick(Tick),
    /// One reading of every process.
    Resources {
        /// The readings.
        samples: Vec<ResourceSample>,
    },
    /// A fault took effect.
    FaultFired {
        /// Kind of the fault.
        kind: String,
        /// What proves it, in words: `the broker process ended by signal 9`.
        proof: String,
        /// Records in flight at that moment, as counted live.
        in_flight: u64,
    },
    /// A fault was lifted.
    FaultLifted {
        /// Kind of the fault.
        kind: String,
        /// What was seen, in words.
        detail: String,
        /// How long it was in effect.
        outage_ns: u64,
    },
    /// The first acknowledgement after a fault was lifted.
    Recovered {
        /// Since the fault took effect.
        after_ns: u64,
    },
    /// What the rules of the fault proxy did so far; told when one fires first, and then at most once a second.
    Rules {
        /// The rules in the order of the file.
        rules: Vec<RuleReport>,
    },
    /// Progress of the read-back.
    ReadBack {
        /// Records read so far.
        read: u64,
        /// Records between log start and high watermark of all partitions.
        expected: u64,
    },
    /// Something a person should know.
    Notice {
        /// How grave.
        level: NoticeLevel,
        /// A sentence.
        text: String,
    },
    /// The result of a scenario.
    ScenarioFinished {
        /// The result.
        report: Box<ScenarioReport>,
    },
    /// Last event of a stream that came to its end.
    RunFinished {
        /// The result.
        report: Box<Report>,
    },
}

/// Live state of the load, since the previous tick where it says "interval".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// Length of the interval.
    pub interval_ns: u64,
    /// Records due so far.
    pub due: u64,
    /// Records handed to the client so far.
    pub handed_over: u64,
    /// Acknowledged so far.
    pub acknowledged: u64,
    /// Failed so far.
    pub failed: u64,
    /// Unknown so far.
    pub unknown: u64,
    /// Received by the consumers of the run so far, first deliveries only.
    pub received: u64,
    /// Whether the run has consumers of its own, so that a lag exists.
    pub consumers: u32,
    /// Offered rate at this moment; none for a saturating load.
    pub offered_per_s: Option<f64>,
    /// Acknowledgements per second in the interval.
    pub achieved_per_s: f64,
    /// Response time of the acknowledgements that arrived in the interval: median.
    pub response_p50_ns: Option<u64>,
    /// 95th percentile.
    pub response_p95_ns: Option<u64>,
    /// Largest.
    pub response_max_ns: Option<u64>,
    /// Age of the oldest record that is due and not acknowledged.
    pub oldest_pending_ns: u64,
}

/// State of a supervised process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessState {
    /// Being installed, before it can start.
    Installing,
    /// Started, not yet answering.
    Starting,
    /// Answers its protocol.
    Ready,
    /// Asked to end.
    Stopping,
    /// Ended because it was asked to.
    Stopped,
    /// Ended by SIGKILL from Highwater.
    Killed,
    /// Halted by SIGSTOP.
    Paused,
    /// Running again after SIGCONT.
    Resumed,
    /// Ended on its own: a failure.
    Died,
}

/// How grave a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeLevel {
    /// For information.
    Info,
    /// May matter for the result.
    Warning,
    /// Something failed.
    Error,
}

/// A resolved setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The value as TOML.
    pub value: String,
    /// Where it came from: `built-in`, a file with its line, `--set`.
    pub origin: String,
}

/// The machine of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Operating system and kernel.
    pub system: String,
    /// Processor model.
    pub processor: String,
    /// Usable processors.
    pub cores: u32,
    /// Main memory.
    pub memory_bytes: u64,
    /// Load average over one minute when the run began: other work on the machine shows here.
    pub load_average: Option<String>,
}
