//! `bench ab`: how often `highwater ab` is right when it is known what is right.
//!
//! Jobs of two kinds in turns: both sides equal, and one side whose answers the fault proxy holds back for a tenth longer.
//! Every job is a real one, with the metrics and the rounds that a user has by default, of short runs against the dev
//! broker. Results are appended to a file after each job, and a bench that was interrupted goes on where it stopped.
//!
//! Invariant: the summary is of all jobs in the file that were done with the same settings, none left out.

mod job;
mod summary;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use self::job::{Done, Kind, Settings, job};
use self::summary::{Summary, line};
use super::error::BenchError;
use super::workspace::Workspace;

/// How many jobs, and of what.
#[derive(Debug, Args)]
pub(crate) struct AbArguments {
    /// Jobs with both sides equal.
    #[arg(long, default_value_t = 40)]
    equal: u32,
    /// Jobs with a tenth more service time on one side.
    #[arg(long, default_value_t = 20)]
    different: u32,
    /// The job to begin with, counted from 1; by default the one after the last in the file.
    #[arg(long)]
    from: Option<u32>,
    /// Rounds of each job, as `highwater ab --rounds`.
    #[arg(long, default_value_t = 10)]
    rounds: u32,
    /// How long the broker's answers are held back, in milliseconds; a tenth more on the side that is different.
    #[arg(long, default_value_t = 20)]
    delay_ms: u32,
    /// Load of each run, in milliseconds.
    #[arg(long, default_value_t = 1_200)]
    load_ms: u32,
    /// Where results are appended; by default in the target folder.
    #[arg(long, value_name = "FILE")]
    results: Option<PathBuf>,
    /// The `highwater` program; by default it is built from this workspace.
    #[arg(long, value_name = "FILE")]
    highwater: Option<PathBuf>,
}

/// Does the jobs that are missing, and sums up all.
pub(crate) fn ab(arguments: &AbArguments) -> Result<(), BenchError> {
    let workspace = Workspace::find()?;
    let highwater = match &arguments.highwater {
        Some(program) => program.clone(),
        None => workspace.build_highwater()?,
    };
    let settings = Settings {
        rounds: arguments.rounds,
        delay_ms: arguments.delay_ms,
        load_ms: arguments.load_ms,
    };
    let directory = workspace.bench_directory().join("ab");
    fs::create_dir_all(&directory).map_err(at(&directory))?;
    let results = arguments
        .results
        .clone()
        .unwrap_or_else(|| directory.join("results.jsonl"));
    let mut done = read(&results, settings)?;
    let order = order(arguments.equal, arguments.different);
    let last = done.iter().map(|done| done.number).max().unwrap_or(0);
    let from = arguments.from.unwrap_or(last + 1);
    println!(
        "{} jobs of {} rounds, from job {from}; {} of {} · results in {}",
        order.len(),
        settings.rounds,
        done.len(),
        order.len(),
        results.display()
    );
    let began = Instant::now();
    let wanted = (1_u32..).zip(&order).filter(|(number, _)| *number >= from);
    for (here, (number, kind)) in wanted.enumerate() {
        let one = job(&highwater, &directory, number, *kind, settings)?;
        append(&results, &one)?;
        let left = order.len() as u32 - number;
        let each = began.elapsed() / (here as u32 + 1);
        println!("{} · {} left", line(&one), minutes(each * left));
        // A job that is done again replaces the older one.
        done.retain(|old| old.number != number);
        done.push(one);
    }
    let summary = Summary::of(&done);
    println!("{summary}");
    match summary.holds() {
        true => Ok(()),
        false => Err(BenchError::Missed(
            "ab was wrong more often than it may be".into(),
        )),
    }
}

/// The two kinds in turns, so that a bench that was cut short has some of each.
fn order(equal: u32, different: u32) -> Vec<Kind> {
    let total = equal + different;
    let planted_before = |jobs: u32| u64::from(jobs) * u64::from(different) / u64::from(total.max(1));
    (0..total)
        .map(|job| match planted_before(job + 1) > planted_before(job) {
            true => Kind::Different,
            false => Kind::Equal,
        })
        .collect()
}

/// Earlier jobs with the same settings, the last of each number.
fn read(results: &Path, settings: Settings) -> Result<Vec<Done>, BenchError> {
    let Ok(text) = fs::read_to_string(results) else {
        return Ok(Vec::new());
    };
    let mut done: Vec<Done> = Vec::new();
    for line in text.lines() {
        let one: Done = serde_json::from_str(line).map_err(|source| BenchError::Json {
            what: results.display().to_string(),
            source,
        })?;
        if one.settings == settings {
            done.retain(|old| old.number != one.number);
            done.push(one);
        }
    }
    Ok(done)
}

fn append(results: &Path, done: &Done) -> Result<(), BenchError> {
    let mut text = serde_json::to_string(done).map_err(|source| BenchError::Json {
        what: results.display().to_string(),
        source,
    })?;
    text.push('\n');
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).open(results);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(at(results))
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> BenchError {
    let path = path.to_owned();
    move |source| BenchError::File {
        path: path.clone(),
        source,
    }
}

fn minutes(span: Duration) -> String {
    format!("{:.0} min", (span.as_secs_f64() / 60.0).ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_take_turns_in_the_numbers_asked_for() {
        let order = order(40, 20);
        let planted = |jobs: &[Kind]| jobs.iter().filter(|kind| **kind == Kind::Different).count();
        assert_eq!((order.len(), planted(&order)), (60, 20));
        assert_eq!(planted(&order[..30]), 10);
        assert_eq!(order[..3], [Kind::Equal, Kind::Equal, Kind::Different]);
    }
}
