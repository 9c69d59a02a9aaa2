//! What is said about a pipeline that was put to the test.

use serde::{Deserialize, Serialize};

use crate::{ExitCode, Verdict};

/// The answer of `highwater prove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProveReport {
    /// Version of Highwater.
    pub highwater_version: String,
    /// The promises, e.g. `exactly-once, ordered-per-key`.
    pub contract: String,
    /// How outputs are led back to inputs.
    pub lineage: String,
    /// The program under test and its arguments.
    pub pipeline: String,
    /// What it ran on, for people.
    pub target: String,
    /// Topics it reads.
    pub inputs: Vec<String>,
    /// Topics it writes.
    pub outputs: Vec<String>,
    /// Wall-clock start, RFC 3339 in UTC.
    pub started_at: String,
    /// How long it took.
    pub duration_ns: u64,
    /// Seed, hexadecimal.
    pub seed: String,
    /// The command that does the same again.
    pub command: String,
    /// The answer.
    pub verdict: Verdict,
    /// The same as a number.
    pub exit_code: ExitCode,
    /// Why; never empty.
    pub reasons: Vec<String>,
    /// The faults, in the order in which they were placed.
    pub rounds: Vec<RoundReport>,
    /// The account of records.
    pub counts: ProveCounts,
    /// What was found, violations first.
    pub anomalies: Vec<ProvedAnomaly>,
    /// Worth knowing, and no part of the verdict.
    pub notes: Vec<String>,
    /// The last lines that the pipeline wrote, if something is wrong with it.
    pub pipeline_output: Vec<String>,
    /// File of the wire history.
    pub history: Option<String>,
    /// The shortest schedule of faults that still shows the violation, if it was looked for.
    pub shrunk: Option<ShrunkSchedule>,
}

/// One fault and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundReport {
    /// The fault, by its name in a schedule.
    pub fault: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// When it took effect, on the clock of the history; none if it did not.
    pub at_ns: Option<u64>,
    /// The dangerous moment that was waited for, as it was seen on the wire; none if it did not come.
    pub moment: Option<String>,
    /// How a client was seen to react; none if nothing was seen.
    pub reaction: Option<String>,
    /// From taking effect until the pipeline went on.
    pub resumed_ns: Option<u64>,
    /// How it ended.
    pub ending: RoundEnding,
    /// More about the ending, in words.
    pub detail: String,
}

/// How a round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoundEnding {
    /// The fault took effect at its moment, a client reacted, the pipeline went on.
    Survived,
    /// The pipeline does nothing that this fault is about.
    NotApplicable,
    /// There was no time for it.
    NotRun,
    /// The moment, the effect or the reaction is missing.
    Missed,
    /// The pipeline did not go on in time.
    Stuck,
}

/// The account of records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProveCounts {
    /// Handed over to the inputs.
    pub fed: u64,
    /// Of these acknowledged by the cluster.
    pub acknowledged: u64,
    /// Written to the inputs in transactions that were aborted: nobody may process them.
    pub aborted: u64,
    /// Inputs that count as done: committed by the pipeline.
    pub processed: u64,
    /// Outputs, as a reader of committed records gets them.
    pub outputs: u64,
    /// Outputs in the log, committed or not.
    pub outputs_in_log: u64,
    /// Inputs without the output that they must have.
    pub lost: u64,
    /// Outputs too many.
    pub duplicated: u64,
    /// Of these where the contract allows them: in flight when something happened.
    pub duplicated_in_window: u64,
    /// Outputs out of order.
    pub reordered: u64,
}

/// One kind of anomaly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvedAnomaly {
    /// Its name.
    pub name: String,
    /// Whether the contract forbids it.
    pub violation: bool,
    /// How many.
    pub count: u64,
    /// `1 input has no output`.
    pub headline: String,
    /// Why it is or is not a violation.
    pub explanation: String,
    /// The first ones.
    pub examples: Vec<ProvedExample>,
}

/// One occurrence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProvedExample {
    /// The exact records: `orders/2 @ 1,204`.
    pub records: Vec<String>,
    /// The story in a sentence.
    pub story: String,
    /// The exchange on the wire that shows it, as a sequence diagram in text; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub wire: String,
    /// The event to look at in the history, by its sequence number.
    pub event: Option<u64>,
}

/// A schedule made shorter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShrunkSchedule {
    /// The faults that are left.
    pub faults: Vec<String>,
    /// How many there were.
    pub from: usize,
    /// Runs that it took.
    pub runs: u32,
    /// Whether leaving out any one of them was tried and did not show it any more.
    pub minimal: bool,
    /// File of the schedule.
    pub file: String,
    /// The command that replays it.
    pub command: String,
}
