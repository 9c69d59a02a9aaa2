//! `prove`: a pipeline in any language, behind the fault proxy, through faults that are aimed by the wire, to a
//! verdict about its contract.
//!
//! ```text
//! feed ─▶ inputs ─▶ [ proxy ─▶ pipeline ─▶ proxy ] ─▶ outputs ─▶ read-back ─▶ lineage ─▶ verdict
//!                      │ history ─▶ moments ─▶ rounds: gate, moment, kill
//!                      └────────────────────────────────────▶ the way of a lost record
//! ```
//! Invariant: the pipeline is a black box. What is known of it comes from the wire, from its topics, and from the
//! system that runs its processes.
//!
//! Not here: what an anomaly is and what a contract says about it (`highwater-check`).

mod ending;
mod gates;
mod idle;
mod instances;
mod judge;
mod moments;
mod rounds;
mod schedule;
mod shrink;
mod stage;
mod trace;
mod trial;
mod wire_check;
mod zombie;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use highwater_check::Contract;
use highwater_check::pipeline::Lineage;
use highwater_model::{ProveReport, Verdict};
use highwater_target::TargetSpec;

pub use schedule::{Fault, Round, Schedule};

/// What is put to the test, and how.
#[derive(Debug, Clone)]
pub struct ProveOptions {
    /// What the pipeline promises.
    pub contract: Contract,
    /// Topics that it reads.
    pub inputs: Vec<String>,
    /// Topics that it writes.
    pub outputs: Vec<String>,
    /// How outputs are led back to inputs.
    pub lineage: Lineage,
    /// The program and its arguments, with `{bootstrap}` and `{instance}`.
    pub pipeline: Vec<OsString>,
    /// Instances that run from the beginning.
    pub instances: u32,
    /// What it runs on.
    pub target: TargetSpec,
    /// Defects planted in the dev broker.
    pub bugs: Vec<String>,
    /// The faults; none for those that the contract fears.
    pub schedule: Option<Schedule>,
    /// Time for all of it.
    pub budget: Duration,
    /// Whether the shortest schedule is looked for when the contract is violated.
    pub shrink: bool,
    /// Partitions of topics that are made.
    pub partitions: u32,
    /// Records a second.
    pub rate: f64,
    /// Different keys.
    pub keys: u64,
    /// Values, with `{id}`, `{key}` and `{sequence}`.
    pub template: String,
    /// Time between two transactions of the feed that are aborted; none for no such transactions.
    pub aborted_every: Option<Duration>,
    /// Everything random comes from it.
    pub seed: u64,
    /// Where history, logs and reports go.
    pub directory: PathBuf,
    /// Topics, data and logs stay.
    pub keep: bool,
    /// This program.
    pub highwater: PathBuf,
    /// An installed Kafka distribution to use instead of a fetched one.
    pub kafka_home: Option<PathBuf>,
    /// The command that does the same again, up to the seed.
    pub command: String,
    /// Ends it at the next moment when it is set.
    pub interrupted: Arc<AtomicBool>,
}

/// Puts a pipeline to the test; `tell` is told what happens, with the time since the beginning.
#[must_use]
pub fn prove(options: &ProveOptions, tell: &mut dyn FnMut(Duration, &str)) -> ProveReport {
    let began = Instant::now();
    let started_at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut tell = |text: &str| tell(began.elapsed(), text);
    let schedule = options
        .schedule
        .clone()
        .unwrap_or_else(|| Schedule::for_contract(options.contract));
    let trial = trial::play(options, &schedule, &options.directory, &mut tell);
    let judged = judge::judge(options, &trial);
    let shrunk = (options.shrink && judged.verdict == Verdict::Violated)
        .then(|| shrink::shrink(options, &trial, &judged, began, &mut tell))
        .flatten();
    let wrong = judged.verdict != Verdict::Holds;
    ProveReport {
        highwater_version: env!("CARGO_PKG_VERSION").to_owned(),
        contract: options.contract.to_string(),
        lineage: options.lineage.to_string(),
        pipeline: instances::shown(&options.pipeline),
        target: trial.target,
        inputs: options.inputs.clone(),
        outputs: options.outputs.clone(),
        started_at,
        duration_ns: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
        seed: format!("{:x}", options.seed),
        command: options.command.clone(),
        verdict: judged.verdict,
        exit_code: judged.exit_code,
        reasons: judged.reasons,
        rounds: trial.rounds,
        counts: judged.counts,
        anomalies: judged.anomalies,
        notes: judged.notes,
        pipeline_output: if wrong { trial.pipeline_output } else { Vec::new() },
        history: (trial.events > 0).then(|| trial.history.display().to_string()),
        shrunk,
    }
}
