//! `highwater ab`: both sides run in turns, each run a process of its own, and compared.
//!
//! Invariant: whatever way it ends, no run goes on without it.

mod order;
mod settings;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use highwater_measure::compare::MIN_ROUNDS;
use highwater_model::{Comparison, Design, EffectClass, ExitCode, Report, Verdict};
use highwater_report::{comparison_json, comparison_markdown, read_run};
use highwater_scenario::compare::{Runs, compare};
use highwater_scenario::{planned, suites};
use highwater_target::{Application, ApplicationOptions};

use self::order::{Part, equal_neighbours, order};
use super::compare::{options, show};
use super::run::{default_directory, free_directory, fresh_seed, own_path, quoted};
use super::secured;
use crate::arguments::AbArguments;
use crate::failure::Failure;
use crate::interrupt;
use crate::screen::Screen;

/// How often a run is looked at.
const POLL: Duration = Duration::from_millis(20);
/// How long a run that was interrupted may take to clean up.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Runs that are INVALID are done again, so many in a whole job: a machine that can't do it at all is told soon.
const MOST_REPEATED: u32 = 3;

/// Runs both sides and compares them.
pub(crate) fn ab(arguments: &AbArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    let (a, b) = (settings::split(&arguments.a), settings::split(&arguments.b));
    let may_differ = check(arguments, &a, &b)?;
    secured::target(&arguments.target, &arguments.access)?;
    let told = |settings: &[String], name: &str| match settings.is_empty() {
        true => format!("{name}: as the scenario says"),
        false => format!("{name}: {}", settings.join(" ")),
    };
    let options = options(&arguments.how, told(&a, "A"), told(&b, "B"), false, may_differ)?;
    let job = Job {
        arguments,
        a: &a,
        b: &b,
        out: directory(arguments)?,
        seed: arguments.seed.unwrap_or_else(fresh_seed),
        highwater: own_path()?,
        interrupted: interrupt::flag()?,
        began: Instant::now(),
    };
    let order = order(arguments.rounds);
    job.say(&format!(
        "highwater ab {} · {} rounds, {} runs, seed {:x} · {}",
        arguments.scenario,
        arguments.rounds,
        order.len(),
        job.seed,
        job.out.display()
    ));
    let done = job.all(&order)?;
    let rounds = rounds(&order, &done);
    let same: Vec<(Report, Report)> = equal_neighbours(&order)
        .into_iter()
        .filter_map(|(a, b)| Some((done.get(a)?.clone(), done.get(b)?.clone())))
        .collect();
    if rounds.is_empty() {
        return Err(Failure::new(
            ExitCode::Inconclusive,
            "nothing was compared: interrupted before the first round was done",
        ));
    }
    let runs = Runs::Paired {
        rounds: &rounds,
        same: &same,
    };
    let mut comparison = compare(runs, &options)?;
    comparison.left_out.extend(unusual(&done));
    comparison.hints = hints(&comparison, &job, done.len() < order.len());
    store(&job.out, &comparison)?;
    show(&comparison, arguments.format, screen)?;
    // A job that was cut short can have found something, but it can't have found nothing.
    Ok(match comparison.exit_code {
        ExitCode::Holds if done.len() < order.len() => ExitCode::Inconclusive,
        code => code,
    })
}

/// Finds what is wrong with either side before anything is started; gives the keys that differ on purpose.
fn check(arguments: &AbArguments, a: &[String], b: &[String]) -> Result<BTreeSet<String>, Failure> {
    let chosen = suites::choose(&arguments.scenario, None)?;
    let mut keys = BTreeSet::new();
    for side in [a, b] {
        let own = suites::sets(side)?;
        keys.extend(own.iter().map(|set| set.key.clone()));
        let sets = [suites::sets(&arguments.set)?, own].concat();
        for chosen in &chosen {
            planned(chosen, false, &sets, &arguments.target)?;
        }
    }
    Ok(keys)
}

fn directory(arguments: &AbArguments) -> Result<PathBuf, Failure> {
    let fail = |path: &Path, reason: &str| {
        Failure::new(
            ExitCode::Usage,
            format!("can't write to {}: {reason}", path.display()),
        )
        .help("give an empty directory that can be written with --out DIR")
    };
    let name = format!("ab-{}", arguments.scenario);
    let out = match &arguments.out {
        Some(out) => out.clone(),
        None => free_directory(&default_directory(&name)),
    };
    std::fs::create_dir_all(&out).map_err(|error| fail(&out, &error.to_string()))?;
    let mut entries = std::fs::read_dir(&out).map_err(|error| fail(&out, &error.to_string()))?;
    if entries.next().is_some() {
        return Err(fail(&out, "it is not empty"));
    }
    // Runs are many and large, and nobody wants them in a repository by accident.
    std::fs::write(out.join(".gitignore"), "*\n").map_err(|error| fail(&out, &error.to_string()))?;
    Ok(out)
}

struct Job<'a> {
    arguments: &'a AbArguments,
    a: &'a [String],
    b: &'a [String],
    out: PathBuf,
    seed: u64,
    highwater: PathBuf,
    interrupted: Arc<AtomicBool>,
    began: Instant,
}

impl Job<'_> {
    fn say(&self, line: &str) {
        if !self.arguments.quiet {
            eprintln!("{line}");
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Every run in order, as far as it came.
    fn all(&self, order: &[Part]) -> Result<Vec<Report>, Failure> {
        let mut done = Vec::with_capacity(order.len());
        let mut repeated = 0;
        for (place, part) in order.iter().enumerate() {
            let report = loop {
                let Some(report) = self.one(place, *part, repeated)? else {
                    return Ok(done);
                };
                if report.verdict != Verdict::Invalid || repeated >= MOST_REPEATED {
                    break report;
                }
                repeated += 1;
                self.say("         INVALID, so it is done once more");
            };
            self.tell(place + 1, order.len(), *part, &report);
            done.push(report);
        }
        Ok(done)
    }

    /// One run in a process of its own; none if it was interrupted.
    fn one(&self, place: usize, part: Part, repeated: u32) -> Result<Option<Report>, Failure> {
        if self.is_interrupted() {
            return Ok(None);
        }
        let (side, settings) = match part {
            Part::Control => ("control", self.a),
            Part::A(_) => ("a", self.a),
            Part::B(_) => ("b", self.b),
        };
        let name = match repeated {
            0 => format!("{:02}", place + 1),
            again => format!("{:02}-again-{again}", place + 1),
        };
        let directory = self.out.join(side).join(&name);
        let log = self.out.join(format!("{name}-{side}.log"));
        let mut application = Application::start(&ApplicationOptions {
            command: self.command(place, repeated, settings, &directory),
            environment: Vec::new(),
            log: log.clone(),
            highwater: self.highwater.clone(),
        })?;
        while !application.has_ended() {
            if self.is_interrupted() {
                application.stop(STOP_LIMIT, &AtomicBool::new(false))?;
                return Ok(None);
            }
            thread::sleep(POLL);
        }
        let code = application.ended()?.and_then(|ended| ended.code);
        if self.is_interrupted() {
            return Ok(None);
        }
        match (code, read_run(&directory)) {
            (Some(0 | 1 | 3 | 5), Ok(report)) if report.complete => {
                // What the run printed is in its report.
                let _ = std::fs::remove_file(log);
                Ok(Some(report))
            }
            _ => Err(failed(&directory, &log, code)),
        }
    }

    fn command(
        &self,
        place: usize,
        repeated: u32,
        settings: &[String],
        directory: &Path,
    ) -> Vec<std::ffi::OsString> {
        let seed = self
            .seed
            .wrapping_add(place as u64 + 1)
            .wrapping_add(u64::from(repeated) << 16);
        let mut command: Vec<std::ffi::OsString> = vec![self.highwater.clone().into()];
        command.extend(["run", &self.arguments.scenario, "--quiet", "--target"].map(Into::into));
        command.push(self.arguments.target.to_string().into());
        command.extend(["--seed".into(), format!("{:x}", seed & 0xff_ffff).into()]);
        command.extend(["--out".into(), directory.into()]);
        for set in self.arguments.set.iter().chain(settings) {
            command.extend(["--set".into(), set.into()]);
        }
        if let Some(config) = &self.arguments.access.kafka_config {
            command.extend(["--kafka-config".into(), config.into()]);
        }
        if let Some(home) = &self.arguments.kafka.kafka_home {
            command.extend(["--kafka-home".into(), home.into()]);
        }
        command
    }

    fn tell(&self, done: usize, of: usize, part: Part, report: &Report) {
        let side = match part {
            Part::Control => "A  control ".to_owned(),
            Part::A(round) => format!("A  round {:<2}", round + 1),
            Part::B(round) => format!("B  round {:<2}", round + 1),
        };
        let figures = report
            .scenarios
            .first()
            .map_or_else(String::new, highwater_report::headline);
        let left = self.began.elapsed().mul_f64((of - done) as f64 / done as f64);
        self.say(&format!(
            "{done:3}/{of}  {side}  {figures}  · {} left",
            highwater_report::span(left.as_nanos() as u64)
        ));
    }
}

fn failed(directory: &Path, log: &Path, code: Option<i32>) -> Failure {
    let exit = match code {
        Some(2) => ExitCode::Usage,
        _ => ExitCode::Infrastructure,
    };
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let told = text.lines().find_map(|line| line.trim().strip_prefix("error: "));
    let why = told.map(str::to_owned).unwrap_or_else(|| match code {
        Some(code) => format!("exit code {code}"),
        None => "it was killed".to_owned(),
    });
    Failure::new(
        exit,
        format!("a run of the job failed, so nothing is compared: {why}"),
    )
    .help(format!(
        "what it printed is in {}, what it measured in {}",
        log.display(),
        directory.display()
    ))
}

/// Rounds of which both runs are done.
fn rounds(order: &[Part], done: &[Report]) -> Vec<(Report, Report)> {
    let find = |wanted: Part| {
        let place = order.iter().position(|part| *part == wanted)?;
        done.get(place).cloned()
    };
    let mut rounds = Vec::new();
    for round in 0_u32.. {
        match (find(Part::A(round)), find(Part::B(round))) {
            (Some(a), Some(b)) => rounds.push((a, b)),
            _ => break,
        }
    }
    rounds
}

/// Runs in which something broke that no figure shows.
fn unusual(done: &[Report]) -> Vec<String> {
    let violated = done.iter().filter(|report| {
        let mut anomalies = report.scenarios.iter().flat_map(|scenario| &scenario.anomalies);
        anomalies.any(|anomaly| anomaly.violation)
    });
    match violated.count() {
        0 => Vec::new(),
        many => vec![format!(
            "{many} of {} runs broke a guarantee (records lost, duplicated or out of order); see their reports",
            done.len()
        )],
    }
}

fn hints(comparison: &Comparison, job: &Job<'_>, cut_short: bool) -> Vec<String> {
    let mut hints = Vec::new();
    if cut_short {
        hints.push("it was interrupted: what was done until then is compared".to_owned());
    }
    if comparison.answer == EffectClass::Inconclusive && comparison.design == Design::Paired {
        hints.push(match comparison.base.runs.len() < MIN_ROUNDS {
            true => format!("--rounds {MIN_ROUNDS} is the least that can have an answer, 10 the default"),
            false => "more rounds (--rounds), longer runs (--set load.duration=…) or fewer metrics (--metric) narrow the intervals; close what else runs on this machine".to_owned(),
        });
    }
    hints.push(format!("the runs are in {}", job.out.display()));
    hints.push(format!("again: {}", again(job)));
    hints
}

fn again(job: &Job<'_>) -> String {
    let arguments = job.arguments;
    let mut words = vec!["highwater ab".to_owned()];
    for (flag, value) in [("--a", &arguments.a), ("--b", &arguments.b)] {
        if !value.is_empty() {
            words.extend([flag.to_owned(), quoted(value)]);
        }
    }
    words.extend(["--scenario".into(), quoted(&arguments.scenario)]);
    words.extend(["--rounds".into(), arguments.rounds.to_string()]);
    words.extend(["--target".into(), quoted(&arguments.target.to_string())]);
    words.extend(arguments.access.words());
    for set in &arguments.set {
        words.extend(["--set".into(), quoted(set)]);
    }
    words.extend(["--seed".into(), format!("{:x}", job.seed)]);
    words.join(" ")
}

fn store(out: &Path, comparison: &Comparison) -> Result<(), Failure> {
    let files = [
        ("comparison.json", comparison_json(comparison)?),
        ("comparison.md", comparison_markdown(comparison)),
    ];
    for (name, text) in files {
        let path = out.join(name);
        std::fs::write(&path, text).map_err(|error| {
            Failure::new(
                ExitCode::Infrastructure,
                format!("can't write {}: {error}", path.display()),
            )
        })?;
    }
    Ok(())
}
