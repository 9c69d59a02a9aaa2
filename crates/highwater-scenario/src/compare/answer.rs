//! From the reports of both sides to the comparison.

use std::collections::BTreeSet;

use highwater_measure::compare::{Figures, Judged, MOST_FIGURES, Question, Settings, judge, median};
use highwater_model::{
    COMPARISON_SCHEMA_VERSION, ChangeInterval, ComparedMetric, ComparedScenario, ComparedSide, Comparison,
    Design, EffectClass, ExitCode, Gate, Report, ScenarioReport,
};

use super::error::CompareError;
use super::family::ChosenMetric;
use super::figures::{figure, is_believed, runs, scenarios};
use super::fingerprint::differences;
use super::verdict::{answer, gate};

/// What is compared, and how strictly.
#[derive(Debug, Clone, PartialEq)]
pub struct CompareOptions {
    /// Name of the base, as given.
    pub base: String,
    /// Name of the candidate, as given.
    pub candidate: String,
    /// The metrics.
    pub family: Vec<ChosenMetric>,
    /// Level, smallest difference that matters, seed.
    pub settings: Settings,
    /// Whether a broken gate is a regression on its own, and a kept one is enough.
    pub gates_decide: bool,
    /// Compares also what was not run alike.
    pub force: bool,
    /// Settings that differ on purpose.
    pub may_differ: BTreeSet<String>,
}

/// The runs of both sides.
#[derive(Debug, Clone, Copy)]
pub enum Runs<'a> {
    /// Two sets.
    Unpaired {
        /// Runs of the base.
        base: &'a [Report],
        /// Runs of the candidate.
        candidate: &'a [Report],
    },
    /// Rounds of both, and pairs of runs with the settings of the base.
    Paired {
        /// Base and candidate of each round.
        rounds: &'a [(Report, Report)],
        /// Runs of the base that followed each other.
        same: &'a [(Report, Report)],
    },
}

impl<'a> Runs<'a> {
    fn base(self) -> Vec<&'a Report> {
        match self {
            Self::Unpaired { base, .. } => base.iter().collect(),
            Self::Paired { rounds, .. } => rounds.iter().map(|(base, _)| base).collect(),
        }
    }

    fn candidate(self) -> Vec<&'a Report> {
        match self {
            Self::Unpaired { candidate, .. } => candidate.iter().collect(),
            Self::Paired { rounds, .. } => rounds.iter().map(|(_, candidate)| candidate).collect(),
        }
    }
}

/// Compares two sides.
///
/// # Errors
/// [`CompareError`]: nothing in common, not run alike, too many runs.
pub fn compare(given: Runs<'_>, options: &CompareOptions) -> Result<Comparison, CompareError> {
    let (base, candidate) = (given.base(), given.candidate());
    let figures = base
        .iter()
        .chain(&candidate)
        .map(|report| report.scenarios.len())
        .sum();
    if figures > MOST_FIGURES {
        return Err(CompareError::TooMany {
            given: figures,
            most: MOST_FIGURES,
        });
    }
    check_family(&options.family)?;
    let fingerprint = differences(&base, &candidate, &options.may_differ);
    if !options.force && !fingerprint.is_empty() {
        return Err(CompareError::NotAlike(fingerprint));
    }
    let common: Vec<String> = scenarios(&base)
        .intersection(&scenarios(&candidate))
        .cloned()
        .collect();
    if common.is_empty() {
        return Err(nothing_in_common(&base, &candidate, options));
    }
    let mut left_out = only_one_side(&base, &candidate);
    let (asked, complete) = ask(given, &common, options, &mut left_out);
    let questions: Vec<Question> = asked.iter().map(|asked| asked.question.clone()).collect();
    let judged = judge(&questions, options.settings);
    let scenarios = told(common, asked, judged);
    let answer = answer(&scenarios, options.gates_decide, complete);
    Ok(Comparison {
        schema_version: COMPARISON_SCHEMA_VERSION,
        highwater_version: env!("CARGO_PKG_VERSION").into(),
        base: side(&options.base, &base),
        candidate: side(&options.candidate, &candidate),
        design: match given {
            Runs::Paired { .. } => Design::Paired,
            Runs::Unpaired { .. } => Design::Unpaired,
        },
        alpha: options.settings.alpha,
        margin: options.settings.margin,
        seed: format!("{:x}", options.settings.seed),
        gates_decide: options.gates_decide,
        fingerprint,
        scenarios,
        left_out,
        answer,
        exit_code: match answer {
            EffectClass::Regressed => ExitCode::Regressed,
            EffectClass::Inconclusive => ExitCode::Inconclusive,
            EffectClass::Equivalent | EffectClass::Improved => ExitCode::Holds,
        },
        hints: Vec::new(),
    })
}

struct Asked {
    scenario: String,
    metric: ChosenMetric,
    base: Vec<f64>,
    candidate: Vec<f64>,
    question: Question,
}

fn check_family(family: &[ChosenMetric]) -> Result<(), CompareError> {
    let mut seen = BTreeSet::new();
    match family.iter().find(|metric| !seen.insert(&metric.name)) {
        Some(twice) => Err(CompareError::Twice(twice.name.clone())),
        None => Ok(()),
    }
}

/// The questions; false if a metric that was asked for by name was not measured.
fn ask(
    given: Runs<'_>,
    common: &[String],
    options: &CompareOptions,
    left_out: &mut Vec<String>,
) -> (Vec<Asked>, bool) {
    let (mut asked, mut complete) = (Vec::new(), true);
    for name in common {
        let unbelieved = unbelieved(given, name);
        if unbelieved > 0 {
            let all = runs(&given.base(), name).len() + runs(&given.candidate(), name).len();
            left_out.push(format!(
                "{unbelieved} of {all} runs of {name} were INVALID and give no figures"
            ));
        }
        for metric in &options.family {
            let figures = figures_of(given, name, metric);
            let (base, candidate) = sides(&figures);
            let chosen_by_name = options.family.iter().all(|metric| metric.decides);
            match (base.is_empty() && candidate.is_empty(), chosen_by_name) {
                // Most metrics of the default family belong to some scenarios only.
                (true, false) => {}
                (true, true) => {
                    complete = false;
                    left_out.push(format!("{} was not measured in {name}", metric.name));
                }
                (false, _) => asked.push(Asked {
                    scenario: name.clone(),
                    metric: metric.clone(),
                    base,
                    candidate,
                    question: Question {
                        figures,
                        worse: metric.worse,
                    },
                }),
            }
        }
    }
    (asked, complete)
}

fn unbelieved(given: Runs<'_>, name: &str) -> usize {
    let all = [runs(&given.base(), name), runs(&given.candidate(), name)].concat();
    all.into_iter().filter(|run| !is_believed(run)).count()
}

fn figures_of(given: Runs<'_>, name: &str, metric: &ChosenMetric) -> Figures {
    let believed = |run: &ScenarioReport| is_believed(run).then(|| figure(run, metric)).flatten();
    match given {
        Runs::Unpaired { base, candidate } => {
            let of = |reports: &[Report]| {
                let reports: Vec<&Report> = reports.iter().collect();
                runs(&reports, name).into_iter().filter_map(believed).collect()
            };
            Figures::Unpaired {
                base: of(base),
                candidate: of(candidate),
            }
        }
        Runs::Paired { rounds, same } => {
            let of = |pairs: &[(Report, Report)]| {
                let one = |report: &Report| runs(&[report], name).first().copied().and_then(believed);
                pairs.iter().filter_map(|(a, b)| one(a).zip(one(b))).collect()
            };
            Figures::Paired {
                rounds: of(rounds),
                same: of(same),
            }
        }
    }
}

fn sides(figures: &Figures) -> (Vec<f64>, Vec<f64>) {
    match figures {
        Figures::Paired { rounds, .. } => rounds.iter().copied().unzip(),
        Figures::Unpaired { base, candidate } => (base.clone(), candidate.clone()),
    }
}

fn told(common: Vec<String>, asked: Vec<Asked>, judged: Vec<Judged>) -> Vec<ComparedScenario> {
    let mut scenarios: Vec<ComparedScenario> = common
        .into_iter()
        .map(|name| ComparedScenario {
            name,
            metrics: Vec::new(),
        })
        .collect();
    for (asked, judged) in asked.into_iter().zip(judged) {
        if let Some(scenario) = scenarios
            .iter_mut()
            .find(|scenario| scenario.name == asked.scenario)
        {
            scenario.metrics.push(compared(asked, judged));
        }
    }
    scenarios.retain(|scenario| !scenario.metrics.is_empty());
    scenarios
}

fn compared(asked: Asked, judged: Judged) -> ComparedMetric {
    let Asked {
        metric,
        base,
        candidate,
        ..
    } = asked;
    ComparedMetric {
        base_median: median(&base),
        candidate_median: median(&candidate),
        gate: metric.gate.map(|(warn, fail)| Gate {
            warn,
            fail,
            result: gate(metric.worse, &judged, warn, fail),
        }),
        name: metric.name,
        unit: metric.unit,
        worse: metric.worse,
        decides: metric.decides,
        base,
        candidate,
        change: judged.change,
        interval: judged.interval.map(|(low, high)| ChangeInterval { low, high }),
        p_value: judged.p_value,
        p_adjusted: judged.p_adjusted,
        noise_floor: judged.noise_floor,
        margin: judged.margin,
        class: judged.class,
        why: judged.why,
    }
}

fn side(name: &str, reports: &[&Report]) -> ComparedSide {
    let first = reports.first();
    let host = first.map(|report| &report.host);
    ComparedSide {
        name: name.to_owned(),
        runs: reports.iter().map(|report| report.run_id.clone()).collect(),
        target: first
            .and_then(|report| report.scenarios.first())
            .map(|scenario| scenario.target.clone())
            .unwrap_or_default(),
        host: host.map_or_else(String::new, |host| {
            format!(
                "{}, {} cores, {} MiB",
                host.processor,
                host.cores,
                host.memory_bytes >> 20
            )
        }),
    }
}

fn only_one_side(base: &[&Report], candidate: &[&Report]) -> Vec<String> {
    let (base, candidate) = (scenarios(base), scenarios(candidate));
    base.symmetric_difference(&candidate)
        .map(|name| {
            let side = if base.contains(name) { "base" } else { "candidate" };
            format!("{name} is in the {side} only")
        })
        .collect()
}

fn nothing_in_common(base: &[&Report], candidate: &[&Report], options: &CompareOptions) -> CompareError {
    let listed = |reports: &[&Report]| {
        let names: Vec<String> = scenarios(reports).into_iter().collect();
        match names.is_empty() {
            true => "no scenario that began".to_owned(),
            false => names.join(", "),
        }
    };
    CompareError::NothingInCommon {
        base: options.base.clone(),
        base_scenarios: listed(base),
        candidate: options.candidate.clone(),
        candidate_scenarios: listed(candidate),
    }
}
