//! `bench check`: how long the checkers take for large histories, and how much memory.
//!
//! ```text
//!  generator ─▶ Step, Step, … ─▶ Analysis              records with transactions, read back: 1 M and 10 M
//!            └▶ EDN in a file ─▶ reader ─▶ Analysis    1 M operations as Jepsen stores them
//! ```
//!
//! Invariant: each case has a process of its own, so that its peak memory is its own; a case whose clean history raises
//! a finding fails. CPU time and the load of the machine are told beside the clock: where others work, only CPU time
//! means something.

mod edn;
mod figures;
mod generated;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::{Args, ValueEnum};
use highwater_check::Anomaly;
use highwater_check::history::{Analysis, Finding, Isolation, Names, Options, read};
use thiserror::Error;

use figures::Figures;
use generated::{Shape, generate};

/// Records of the smaller history; the larger one has ten times as many.
const RECORDS: f64 = 1_000_000.0;
/// Records of the history in EDN: with these, there are 1,002,862 operations.
const EDN_RECORDS: f64 = 1_000_000.0;

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Seed of the histories.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Multiplies the sizes of the histories.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Only this case.
    #[arg(long)]
    case: Option<Case>,
    /// The case in this very process, with this file: how the program calls itself.
    #[arg(long, hide = true, requires = "case")]
    within: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// 1 M operations in EDN, read and checked.
    Edn,
    /// 1 M records with transactions, read back.
    Small,
    /// 10 M records with transactions, read back.
    Large,
}

/// Why there are no figures.
#[derive(Debug, Error)]
pub(crate) enum CheckError {
    #[error("could not read or write {what}")]
    Io { what: String, source: io::Error },
    #[error("could not read the history")]
    Read(#[from] read::ReadError),
    #[error("a clean history raised {count} findings, the first is {first:?}")]
    Alarm { count: u64, first: Box<Finding> },
    #[error("the case {case:?} failed")]
    Case { case: Case },
    #[error("the case {case:?} told no figures")]
    NoFigures { case: Case, source: serde_json::Error },
}

fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> CheckError {
    let what = what.into();
    move |source| CheckError::Io { what, source }
}

pub(crate) fn check(arguments: &CheckArguments) -> Result<(), CheckError> {
    if let (Some(file), Some(case)) = (&arguments.within, arguments.case) {
        let figures = one(arguments, case, file)?;
        println!("{}", figures.json());
        return Ok(());
    }
    let dir = tempfile::tempdir().map_err(failed("a folder"))?;
    let file = dir.path().join("history.edn");
    println!("{}", figures::HEADINGS);
    let mut measured = Vec::new();
    for case in [Case::Edn, Case::Small, Case::Large] {
        if arguments.case.is_some_and(|only| only != case) {
            continue;
        }
        if case == Case::Edn {
            // Not by the process that is measured.
            write_edn(arguments, &file)?;
        }
        let figures = apart(arguments, case, &file)?;
        println!("{}", figures.row());
        measured.push((case, figures));
        if case == Case::Edn {
            std::fs::remove_file(&file).map_err(failed("the history"))?;
        }
    }
    let of = |wanted| measured.iter().find(|(case, _)| *case == wanted);
    if let (Some((_, small)), Some((_, large))) = (of(Case::Small), of(Case::Large)) {
        println!("\n{}", large.against(small));
    }
    Ok(())
}

/// A case in a process of its own.
fn apart(arguments: &CheckArguments, case: Case, file: &Path) -> Result<Figures, CheckError> {
    let own = std::env::current_exe().map_err(failed("the own path"))?;
    let name = case
        .to_possible_value()
        .map_or(String::new(), |value| value.get_name().to_owned());
    let output = Command::new(own)
        .args(["bench", "check", "--case", &name, "--within"])
        .arg(file)
        .args(["--seed", &arguments.seed.to_string()])
        .args(["--scale", &arguments.scale.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .map_err(failed(name))?;
    if !output.status.success() {
        return Err(CheckError::Case { case });
    }
    Figures::told(&output.stdout).map_err(|source| CheckError::NoFigures { case, source })
}

fn one(arguments: &CheckArguments, case: Case, file: &Path) -> Result<Figures, CheckError> {
    let records = |factor: f64| (arguments.scale * factor).max(1.0) as u64;
    match case {
        Case::Edn => read_edn(file),
        Case::Small => steps(arguments.seed, records(RECORDS)),
        Case::Large => steps(arguments.seed, records(10.0 * RECORDS)),
    }
}

fn steps(seed: u64, records: u64) -> Result<Figures, CheckError> {
    let (began, mut count) = (Instant::now(), 0u64);
    let mut analysis = Analysis::new(Options::default());
    generate(seed, records, Shape::BATCHES, &mut |step| {
        count += 1;
        analysis.step(&step);
    });
    finish(
        analysis,
        format!("{records} records, {count} steps, read back"),
        began,
    )
}

fn write_edn(arguments: &CheckArguments, file: &Path) -> Result<(), CheckError> {
    let name = file.display().to_string();
    let mut out = BufWriter::new(File::create(file).map_err(failed(&name))?);
    let mut result = Ok(());
    let records = (arguments.scale * EDN_RECORDS).max(1.0) as u64;
    generate(arguments.seed, records, Shape::SINGLE, &mut |step| {
        if result.is_ok() {
            result = edn::write(&mut out, &step);
        }
    });
    result.and_then(|()| out.flush()).map_err(failed(&name))
}

fn read_edn(file: &Path) -> Result<Figures, CheckError> {
    let began = Instant::now();
    let opened = File::open(file).map_err(failed(file.display().to_string()))?;
    let bytes = opened.metadata().map_or(0, |metadata| metadata.len());
    let mut analysis = Analysis::new(Options {
        read_from_start: true,
        ..Options::default()
    });
    let mut input = BufReader::with_capacity(1 << 18, opened);
    let mut names = Names::default();
    let tally = read::edn(&mut input, Isolation::Committed, &mut names, &mut |step| {
        analysis.step(&step);
    })?;
    let what = format!("EDN, {} operations, {} MB", tally.steps, bytes / 1_000_000);
    finish(analysis, what, began)
}

fn finish(analysis: Analysis, what: String, began: Instant) -> Result<Figures, CheckError> {
    let (mut alarms, mut first) = (0u64, None);
    analysis.finish(&mut |finding| {
        // Kafka allows it at any time.
        if !matches!(finding.anomaly, Anomaly::WriteCycle | Anomaly::IntSendSkip) {
            alarms += 1;
            first.get_or_insert(finding);
        }
    });
    match first {
        Some(first) => Err(CheckError::Alarm {
            count: alarms,
            first: Box::new(first),
        }),
        None => Ok(Figures::of_this_process(what, began.elapsed())),
    }
}
