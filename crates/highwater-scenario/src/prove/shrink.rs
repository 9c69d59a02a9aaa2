//! The shortest schedule of faults that still shows what was violated.
//!
//! Invariant: a schedule counts as showing it only if a trial of its own, on a fresh target with the same seed, ended
//! VIOLATED by one of the same anomalies.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use highwater_check::minimise::{Budget, End, Shown, minimise};
use highwater_model::{RoundEnding, ShrunkSchedule, Verdict};

use super::ProveOptions;
use super::judge::{Judged, judge};
use super::schedule::{Fault, Round, Schedule};
use super::stage::Stop;
use super::trial::{Trial, play};

/// Trials at most: each takes some ten seconds.
const MOST_TRIALS: u64 = 40;
/// What one trial may take.
const BUDGET_OF_ONE: Duration = Duration::from_secs(90);

pub(super) fn shrink(
    options: &ProveOptions,
    first: &Trial,
    judged: &Judged,
    began: Instant,
    tell: &mut dyn FnMut(&str),
) -> Option<ShrunkSchedule> {
    let wanted = violations(judged);
    let rounds: Vec<Round> = first
        .rounds
        .iter()
        .filter(|round| {
            matches!(
                round.ending,
                RoundEnding::Survived | RoundEnding::Stuck | RoundEnding::Missed
            )
        })
        .filter_map(|round| Fault::named(&round.fault))
        .map(|fault| Round {
            fault,
            after: Duration::from_millis(500),
        })
        .collect();
    tell(&format!(
        "looking for the shortest schedule that still shows it, of {}",
        rounds.len()
    ));
    let mut trials = 0_u32;
    let deadline = began + options.budget.saturating_mul(2).max(Duration::from_secs(60));
    let interrupted = std::sync::Arc::clone(&options.interrupted);
    let mut out_of_time =
        || Instant::now() >= deadline || interrupted.load(std::sync::atomic::Ordering::Relaxed);
    let mut still_shows = |rounds: &[Round]| {
        trials += 1;
        let directory = options.directory.join(format!("shrink-{trials}"));
        let options = ProveOptions {
            budget: BUDGET_OF_ONE,
            keep: false,
            ..options.clone()
        };
        let schedule = Schedule {
            rounds: rounds.to_vec(),
            fill: Vec::new(),
        };
        let trial = play(&options, &schedule, &directory, &mut |_| {});
        let judged = judge(&options, &trial);
        let shown = match (&trial.stop, judged.verdict) {
            (Some(Stop::Interrupted | Stop::Infrastructure(_)), _) => Shown::Unclear,
            (_, Verdict::Violated) => Shown::from(!violations(&judged).is_disjoint(&wanted)),
            _ => Shown::No,
        };
        if shown != Shown::Yes {
            let _ = std::fs::remove_dir_all(&directory);
        }
        let names: Vec<_> = rounds.iter().map(|round| round.fault.name()).collect();
        let word = match shown {
            Shown::Yes => "still shows it",
            Shown::No => "does not show it",
            Shown::Unclear => "came to no end",
        };
        tell(&format!(
            "trial {trials}: {} {word}",
            if names.is_empty() {
                "no fault".to_owned()
            } else {
                names.join(", ")
            }
        ));
        shown
    };
    let budget = Budget {
        tests: MOST_TRIALS,
        time_is_up: &mut out_of_time,
    };
    let shortest = minimise(&rounds, &mut still_shows, budget);
    let schedule = Schedule {
        rounds: shortest.parts.clone(),
        fill: Vec::new(),
    };
    let file = options.directory.join("shortest.toml");
    std::fs::write(&file, schedule.written()).ok()?;
    let file = file.display().to_string();
    Some(ShrunkSchedule {
        faults: shortest
            .parts
            .iter()
            .map(|round| round.fault.name().to_owned())
            .collect(),
        from: rounds.len(),
        runs: trials,
        minimal: shortest.end == End::Minimal,
        command: with_faults(&options.command, &file),
        file,
    })
}

/// The command with another schedule: in front of what belongs to the pipeline.
fn with_faults(command: &str, file: &str) -> String {
    let (options, pipeline) = command.split_once(" -- ").unwrap_or((command, ""));
    let mut words: Vec<&str> = options.split(' ').collect();
    if let Some(at) = words.iter().position(|word| *word == "--faults") {
        words.drain(at..(at + 2).min(words.len()));
    }
    format!("{} --faults '{file}' -- {pipeline}", words.join(" "))
}

fn violations(judged: &Judged) -> BTreeSet<String> {
    let all = judged.anomalies.iter().filter(|anomaly| anomaly.violation);
    all.map(|anomaly| anomaly.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_names_its_schedule_in_front_of_the_pipeline() {
        let cases = [
            (
                "hw prove --seed 7 -- ./p --x",
                "hw prove --seed 7 --faults 's.toml' -- ./p --x",
            ),
            (
                "hw prove --faults a.toml --seed 7 -- ./p --faults",
                "hw prove --seed 7 --faults 's.toml' -- ./p --faults",
            ),
        ];
        for (command, expected) in cases {
            assert_eq!(with_faults(command, "s.toml"), expected);
        }
    }
}
