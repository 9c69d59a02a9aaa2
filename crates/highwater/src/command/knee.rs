//! `highwater knee`: the highest rate at which limits hold.

use std::path::Path;
use std::time::Duration;

use highwater_broker::Bug;
use highwater_measure::knee::Rule;
use highwater_model::{ExitCode, KneeAnswer, KneeReport};
use highwater_report::{
    ReportError, knee_html, knee_json, knee_markdown, knee_step, knee_text, read_run, write_all,
};
use highwater_scenario::config::Kind;
use highwater_scenario::knee::{KneeError, KneeOptions, knee as search};
use highwater_scenario::{RunOptions, suites};

use super::run::{default_directory, fresh_seed, own_path, print, quoted};
use crate::arguments::{ComparisonFormat, KneeArguments};
use crate::failure::Failure;
use crate::interrupt;
use crate::screen::Screen;

/// A step must hold enough records for a percentile, and the tests of warm-up.
const SHORTEST_STEP: Duration = Duration::from_secs(1);
/// Finer than this the noise of any machine is coarser.
const FINEST: f64 = 0.001;

/// Searches and shows what was found.
pub(crate) fn knee(arguments: &KneeArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    let options = options(arguments)?;
    let (out, seed) = (options.run.out.clone(), options.run.seed);
    if !arguments.quiet {
        eprintln!(
            "highwater knee {} · {} · seed {seed:x} · {}",
            arguments.scenario,
            arguments.slo.join(" · "),
            out.display()
        );
    }
    let (mut number, mut unwritten) = (0, None);
    let mut report = search(options, &mut |step, left| {
        number += 1;
        // The search goes on: the figures of the step are in its events.
        unwritten = write_step(&out, number).err().or(unwritten.take());
        if !arguments.quiet {
            eprintln!("{}", knee_step(number, step, left.as_nanos() as u64));
        }
    })?;
    let hints = hints(&report, arguments, seed);
    report.hints.extend(hints);
    store(&out, &report)?;
    print(&match arguments.format {
        ComparisonFormat::Terminal => knee_text(&report, &screen.style()),
        ComparisonFormat::Json => knee_json(&report)?,
        ComparisonFormat::Md => knee_markdown(&report),
    })?;
    if !arguments.quiet {
        eprintln!("the curve is drawn in {}", out.join("knee.html").display());
    }
    match unwritten {
        None => Ok(report.exit_code),
        Some(error) => Err(Failure::from(error).help("what each step measured is in events.jsonl in steps/")),
    }
}

/// The report of a step beside what it measured.
fn write_step(out: &Path, number: usize) -> Result<(), ReportError> {
    let directory = out.join("steps").join(format!("{number:02}"));
    let report = read_run(&directory)?;
    write_all(&directory, &report, &[]).map(drop)
}

fn options(arguments: &KneeArguments) -> Result<KneeOptions, Failure> {
    let usage = |message: &str, help: &str| Err(Failure::new(ExitCode::Usage, message).help(help));
    if arguments.step < SHORTEST_STEP {
        return usage(
            "a step of less than a second says nothing",
            "give --step 5s or more",
        );
    }
    if arguments.precision < FINEST {
        return usage(
            "nothing is known closer than 0.1 %",
            "give --precision 1% or more",
        );
    }
    let mut chosen = suites::choose(&arguments.scenario, None)?;
    let (Some(chosen), true) = (chosen.pop(), chosen.is_empty()) else {
        return usage(
            "a search takes the load of one scenario, and these are several",
            "give one scenario with --scenario, with its variant if it has some, e.g. throughput",
        );
    };
    if chosen.scenario.kind != Kind::Load {
        return usage(
            "this scenario has no rate",
            "give a scenario that offers load, e.g. throughput",
        );
    }
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    let name = format!("knee-{}", arguments.scenario);
    let out = arguments.out.clone().unwrap_or_else(|| default_directory(&name));
    let options = KneeOptions {
        chosen,
        sets: suites::sets(&arguments.set)?,
        slo: arguments.slo.clone(),
        rule: Rule {
            precision: arguments.precision,
            ..Rule::from(arguments.from)
        },
        step: arguments.step,
        budget: arguments.budget,
        run: RunOptions {
            name,
            target: super::secured::target(&arguments.target, &arguments.access)?,
            out,
            seed,
            repeat: 1,
            quick: false,
            keep: false,
            command: again(arguments, seed),
            highwater: own_path()?,
            kafka_home: arguments.kafka.kafka_home.clone(),
            hooks: std::collections::BTreeMap::new(),
            known_bugs: Bug::ALL.iter().map(ToString::to_string).collect(),
            interrupted: interrupt::flag()?,
        },
    };
    options.check()?;
    prepare(&options.run.out)?;
    Ok(options)
}

/// Makes the directory, which must be empty: what brokers store in it is removed.
fn prepare(out: &Path) -> Result<(), Failure> {
    let fail = |reason: String| {
        Failure::new(
            ExitCode::Usage,
            format!("can't write to {}: {reason}", out.display()),
        )
        .help("give an empty directory that can be written with --out DIR")
    };
    std::fs::create_dir_all(out).map_err(|error| fail(error.to_string()))?;
    let mut entries = std::fs::read_dir(out).map_err(|error| fail(error.to_string()))?;
    if entries.next().is_some() {
        return Err(fail("it is not empty".into()));
    }
    std::fs::write(out.join(".gitignore"), "*\n").map_err(|error| fail(error.to_string()))
}

fn hints(report: &KneeReport, arguments: &KneeArguments, seed: u64) -> Vec<String> {
    let mut hints = Vec::new();
    match report.answer {
        KneeAnswer::Open => {
            hints.push("more time (--budget) or a coarser answer (--precision 5%) would close it".into());
        }
        KneeAnswer::AtLeast if report.generator_limit_per_s.is_some() => hints.push(
            "more producers (--set load.producers=2), smaller records, or a larger machine offer more; highwater calibrate says what this one can do".into(),
        ),
        KneeAnswer::Below => hints.push("begin lower with --from, or see in steps/ why the limits break".into()),
        _ => {}
    }
    hints.push(format!("again: {}", again(arguments, seed)));
    hints
}

fn again(arguments: &KneeArguments, seed: u64) -> String {
    let mut words = vec!["highwater knee".to_owned()];
    for slo in &arguments.slo {
        words.extend(["--slo".to_owned(), quoted(slo)]);
    }
    words.extend(["--scenario".into(), quoted(&arguments.scenario)]);
    words.extend(["--target".into(), quoted(&arguments.target.to_string())]);
    words.extend(arguments.access.words());
    words.extend(["--from".into(), format!("{}/s", arguments.from)]);
    words.extend(["--step".into(), format!("{}ms", arguments.step.as_millis())]);
    words.extend(["--budget".into(), format!("{}s", arguments.budget.as_secs())]);
    words.extend(["--precision".into(), format!("{}%", arguments.precision * 100.0)]);
    for set in &arguments.set {
        words.extend(["--set".into(), quoted(set)]);
    }
    words.extend(["--seed".into(), format!("{seed:x}")]);
    words.join(" ")
}

fn store(out: &Path, report: &KneeReport) -> Result<(), Failure> {
    for (name, text) in [
        ("knee.json", knee_json(report)?),
        ("knee.md", knee_markdown(report)),
        ("knee.html", knee_html(report)),
    ] {
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

impl From<KneeError> for Failure {
    fn from(error: KneeError) -> Self {
        let message = error.to_string();
        match error {
            KneeError::Run(error) => error.into(),
            KneeError::Failed { .. } => Self::new(ExitCode::Infrastructure, message)
                .help("what the broker wrote is in target/ of the directory of the search, what was measured in steps/"),
            KneeError::NotMeasured { .. } => Self::new(ExitCode::Usage, message)
                .help("give longer steps (--step), a higher first rate (--from), or a limit on a lower percentile"),
        }
    }
}
