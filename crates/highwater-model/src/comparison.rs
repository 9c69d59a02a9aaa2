use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ExitCode;

/// Version of the serialised [`Comparison`]; raised when a field changes its meaning or goes away.
pub const COMPARISON_SCHEMA_VERSION: u32 = 1;

/// Two sides compared, as in `comparison.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// [`COMPARISON_SCHEMA_VERSION`] of the program that wrote it.
    pub schema_version: u32,
    /// Version of Highwater.
    pub highwater_version: String,
    /// What is compared with.
    pub base: ComparedSide,
    /// What is compared.
    pub candidate: ComparedSide,
    /// How the runs belong together.
    pub design: Design,
    /// Largest share of differences found that may be false, e.g. 0.05.
    pub alpha: f64,
    /// Smallest relative difference that matters, e.g. 0.05.
    pub margin: f64,
    /// Seed of the intervals, hexadecimal.
    pub seed: String,
    /// Whether a gate that is broken makes the answer `regressed` on its own.
    pub gates_decide: bool,
    /// In what the sides differ although they should not; not empty only if that was forced.
    pub fingerprint: Vec<FingerprintDifference>,
    /// One entry for each scenario that both sides have.
    pub scenarios: Vec<ComparedScenario>,
    /// What could not be compared, and why, each a sentence.
    pub left_out: Vec<String>,
    /// The answer.
    pub answer: EffectClass,
    /// What the process exits with.
    pub exit_code: ExitCode,
    /// How to get a better answer, or to get this one again; each a sentence or a command.
    pub hints: Vec<String>,
}

/// One side of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedSide {
    /// Directory, or settings, as given.
    pub name: String,
    /// Run ids, in order.
    pub runs: Vec<String>,
    /// What it was run against, in words.
    pub target: String,
    /// The machine, in words.
    pub host: String,
}

/// How the runs of both sides belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// Rounds, each with a run of both sides close in time.
    Paired,
    /// Two sets of runs.
    Unpaired,
}

/// A setting or a part of the environment that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FingerprintDifference {
    /// What differs: `host`, `target`, or `scenario: key`.
    pub what: String,
    /// What the base has.
    pub base: String,
    /// What the candidate has.
    pub candidate: String,
}

/// One scenario of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedScenario {
    /// Its name.
    pub name: String,
    /// One entry for each metric of the family.
    pub metrics: Vec<ComparedMetric>,
}

/// One metric of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedMetric {
    /// Its name, as in thresholds.
    pub name: String,
    /// What its values measure, in base units.
    pub unit: ComparedUnit,
    /// Which way is worse.
    pub worse: Worse,
    /// Whether the comparison is only conclusive if this metric is.
    pub decides: bool,
    /// One figure for each run of the base.
    pub base: Vec<f64>,
    /// One figure for each run of the candidate.
    pub candidate: Vec<f64>,
    /// Median of the base.
    pub base_median: Option<f64>,
    /// Median of the candidate.
    pub candidate_median: Option<f64>,
    /// Relative change from base to candidate: 0.1 is 10 % more.
    pub change: Option<f64>,
    /// Interval of the change.
    pub interval: Option<ChangeInterval>,
    /// Exact two-sided p value that nothing changed.
    pub p_value: Option<f64>,
    /// The same, adjusted over all metrics of the comparison.
    pub p_adjusted: Option<f64>,
    /// What equal sides would show in one of twenty comparisons of this size; none if that is not known.
    pub noise_floor: Option<f64>,
    /// The larger of the smallest difference that matters and the noise floor.
    pub margin: f64,
    /// The answer.
    pub class: EffectClass,
    /// Why, in a few words.
    pub why: String,
    /// The fixed limit, where the metric has one.
    pub gate: Option<Gate>,
}

/// What the figures of a metric measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComparedUnit {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Records.
    Records,
    /// Records per second.
    Rate,
    /// Processor cores.
    Cores,
    /// A share.
    Ratio,
}

/// Which way a metric gets worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Worse {
    /// More is worse: latency, memory.
    Higher,
    /// Less is worse: throughput.
    Lower,
}

/// An interval of a relative change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChangeInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What is said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffectClass {
    /// The candidate is worse.
    Regressed,
    /// The candidate is better.
    Improved,
    /// The sides differ by less than the margin.
    Equivalent,
    /// The figures don't say.
    Inconclusive,
}

impl EffectClass {
    /// The name as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Improved => "improved",
            Self::Equivalent => "equivalent",
            Self::Inconclusive => "inconclusive",
        }
    }
}

impl fmt::Display for EffectClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fixed limit on a change for the worse.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Change for the worse from which on it warns, e.g. 0.15.
    pub warn: f64,
    /// Change for the worse from which on it fails.
    pub fail: f64,
    /// What the change in the middle comes to.
    pub result: GateResult,
}

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateResult {
    /// Below both limits.
    Pass,
    /// At or over the first limit.
    Warn,
    /// At or over the second limit.
    Fail,
    /// Over a limit, but not over what equal sides differ by.
    BelowNoise,
    /// Nothing was measured to compare: never a pass.
    NotMeasured,
}
