use serde::{Deserialize, Serialize};

use crate::{ExitCode, Host};

/// Version of the serialised [`KneeReport`]; raised when a field changes its meaning or goes away.
pub const KNEE_SCHEMA_VERSION: u32 = 1;

/// The highest rate at which limits hold, as in `knee.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KneeReport {
    /// [`KNEE_SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// Version of Highwater.
    pub highwater_version: String,
    /// The scenario whose load was offered.
    pub scenario: String,
    /// What it was pointed at, in words.
    pub target: String,
    /// The machine.
    pub host: Host,
    /// The limits, as written.
    pub slo: Vec<String>,
    /// Seed, hexadecimal.
    pub seed: String,
    /// What was found.
    pub answer: KneeAnswer,
    /// Highest rate that held.
    pub low_per_s: Option<f64>,
    /// Lowest rate that did not.
    pub high_per_s: Option<f64>,
    /// Lowest rate that the generator could not offer, if there was one.
    pub generator_limit_per_s: Option<f64>,
    /// What was asked for: relative distance of the two rates.
    pub precision: f64,
    /// How long it took.
    pub duration_ns: u64,
    /// The command that does it again.
    #[serde(default)]
    pub command: String,
    /// Every step in the order in which it was done.
    pub steps: Vec<KneeStep>,
    /// What the process exits with.
    pub exit_code: ExitCode,
    /// How to get a better answer, or to get this one again.
    pub hints: Vec<String>,
}

/// What a search ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KneeAnswer {
    /// The highest rate that holds lies between two confirmed ones.
    Found,
    /// It lies between two rates that are further apart than asked for or not confirmed.
    Open,
    /// It held as far as the generator could go.
    AtLeast,
    /// No rate that was tried held.
    Below,
    /// Nothing is known.
    Nothing,
}

/// One rate that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KneeStep {
    /// Why: `bracket`, `bisect`, `hold`, `retry`.
    pub purpose: String,
    /// Rate that was offered.
    pub rate_per_s: f64,
    /// Rate that was acknowledged.
    pub achieved_per_s: Option<f64>,
    /// Time since a record was due: median.
    pub p50_ns: Option<u64>,
    /// 95th percentile.
    pub p95_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// What came of it.
    pub outcome: KneeOutcome,
    /// Why, if it did not hold.
    pub why: Option<String>,
    /// Each limit with what was measured, in the order in which they were given.
    #[serde(default)]
    pub limits: Vec<KneeLimit>,
}

/// One limit in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KneeLimit {
    /// As written: `ack.p99 < 50ms`.
    pub expression: String,
    /// The measured value with its unit, for people; none if it was not measured.
    pub measured: Option<String>,
    /// The measured value where it is a time.
    pub measured_ns: Option<u64>,
    /// The limit where it is a time.
    pub limit_ns: Option<u64>,
    /// Whether it was kept; false if it was not measured.
    pub kept: bool,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KneeOutcome {
    /// Every limit was kept.
    Holds,
    /// A limit was broken, or the rate not taken.
    Breaks,
    /// The generator could not offer the rate: nothing is known of the cluster.
    Invalid,
}
