//! `highwater compare`: two sides that were run before.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use highwater_measure::compare::{MIN_RUNS, Settings};
use highwater_model::{Comparison, Design, EffectClass, ExitCode, Report};
use highwater_report::{
    EVENTS_FILE, ReportError, comparison_json, comparison_markdown, comparison_text, read_run,
};
use highwater_scenario::compare::{
    ChosenMetric, CompareError, CompareOptions, Runs, compare as compare_runs, default_family,
};

use super::run::print;
use crate::arguments::{CompareArguments, ComparingArguments, ComparisonFormat};
use crate::failure::Failure;
use crate::screen::Screen;

/// Directories looked at for runs; more than the exact tests take.
const MOST_RUNS: usize = 200;

/// Reads both sides and compares them.
pub(crate) fn compare(arguments: &CompareArguments, screen: &Screen) -> Result<ExitCode, Failure> {
    let options = options(
        &arguments.how,
        arguments.base.display().to_string(),
        arguments.candidate.display().to_string(),
        arguments.force,
        BTreeSet::new(),
    )?;
    let (base, candidate) = (read_side(&arguments.base)?, read_side(&arguments.candidate)?);
    let runs = Runs::Unpaired {
        base: &base,
        candidate: &candidate,
    };
    let mut comparison = compare_runs(runs, &options)?;
    comparison.hints = hints(&comparison);
    show(&comparison, arguments.format, screen)?;
    Ok(comparison.exit_code)
}

/// What a comparison asks, from its arguments.
pub(super) fn options(
    how: &ComparingArguments,
    base: String,
    candidate: String,
    force: bool,
    may_differ: BTreeSet<String>,
) -> Result<CompareOptions, Failure> {
    let family = match how.metric.is_empty() {
        true => default_family(),
        false => {
            let named = how.metric.iter().map(|name| ChosenMetric::parse(name));
            named.collect::<Result<_, _>>()?
        }
    };
    Ok(CompareOptions {
        base,
        candidate,
        family,
        settings: Settings {
            margin: how.margin,
            ..Settings::default()
        },
        gates_decide: how.gates,
        force,
        may_differ,
    })
}

pub(super) fn show(
    comparison: &Comparison,
    format: ComparisonFormat,
    screen: &Screen,
) -> Result<(), Failure> {
    print(&match format {
        ComparisonFormat::Terminal => comparison_text(comparison, &screen.style()),
        ComparisonFormat::Json => comparison_json(comparison)?,
        ComparisonFormat::Md => comparison_markdown(comparison),
    })
}

/// The run in a directory, or every run in the directories below it.
fn read_side(directory: &Path) -> Result<Vec<Report>, Failure> {
    if directory.join(EVENTS_FILE).exists() {
        return Ok(vec![read(directory)?]);
    }
    let fail = |error: std::io::Error| {
        Failure::new(
            ExitCode::Usage,
            format!("can't read the directory {}: {error}", directory.display()),
        )
        .help("give the directory of a run, or one that holds such directories; runs are in ./highwater-runs")
    };
    let mut below: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.join(EVENTS_FILE).exists() {
            below.push(path);
        }
        if below.len() > MOST_RUNS {
            return Err(Failure::new(
                ExitCode::Usage,
                format!("more than {MOST_RUNS} runs below {}", directory.display()),
            ));
        }
    }
    below.sort();
    if below.is_empty() {
        return Err(Failure::new(
            ExitCode::Usage,
            format!("there is no run in {} nor directly below it", directory.display()),
        )
        .help(
            "give the directory of a run, or one that holds such directories; runs are in ./highwater-runs",
        ));
    }
    below.iter().map(|path| read(path)).collect()
}

/// A run that is there and can't be read is not a mistake in the command.
fn read(directory: &Path) -> Result<Report, Failure> {
    read_run(directory).map_err(|error: ReportError| {
        Failure::new(ExitCode::Infrastructure, crate::failure::with_sources(&error))
            .help("run it again; a stored run is only read by the version that wrote it or a later one")
    })
}

fn hints(comparison: &Comparison) -> Vec<String> {
    let few = comparison.base.runs.len().min(comparison.candidate.runs.len()) < MIN_RUNS;
    match (comparison.answer, comparison.design) {
        (EffectClass::Inconclusive, Design::Unpaired) if few => vec![
            "a directory with four runs or more for each side gives statistics; --gates judges single runs by fixed limits".into(),
            "highwater ab runs both sides in turns, so that a machine that changes meanwhile changes both".into(),
        ],
        (EffectClass::Inconclusive, Design::Unpaired) => vec![
            "more runs narrow the intervals; highwater ab runs both sides in turns, which takes out what the machine does meanwhile".into(),
        ],
        _ => Vec::new(),
    }
}

impl From<CompareError> for Failure {
    fn from(error: CompareError) -> Self {
        let help = match &error {
            CompareError::NotAlike(_) => {
                "run both sides alike; or compare nevertheless with --force, and the answer says in what they differ"
            }
            CompareError::NothingInCommon { .. } => "compare runs of the same scenario",
            CompareError::UnknownMetric(_) => "`highwater show metrics` lists all",
            CompareError::NotComparable(_) => "compare what was measured: rate, ack.p95, …",
            CompareError::Twice(_) => "name it once",
            CompareError::TooMany { .. } => "give fewer runs: ten on each side are plenty",
        };
        Self::new(ExitCode::Usage, error.to_string()).help(help)
    }
}
