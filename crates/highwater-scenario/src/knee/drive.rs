//! Driving the search: one target, a run for each rate, until nothing more can be learned or time is up.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use highwater_measure::knee::{Answer, Outcome, Probe, Purpose, Rule, Search};
use highwater_model::{ExitCode, KNEE_SCHEMA_VERSION, KneeAnswer, KneeReport, KneeStep, ScenarioReport};
use highwater_target::{Target, TargetError, TargetOptions, TargetSpec, host};

use super::step::judge;
use crate::config::{ConfigError, Set};
use crate::plan::Plan;
use crate::run::{Run, RunError, RunOptions, planned};
use crate::suites::Chosen;

/// A hold is so much longer than a step.
const HOLD: u32 = 2;
/// Share of a step that warm-up may take.
const WARM_UP: u32 = 3;
/// What a step takes beside its load, before one was seen.
const FIRST_OVERHEAD: Duration = Duration::from_secs(2);

/// What is searched, where, and for how long.
pub struct KneeOptions {
    /// The scenario whose load is offered.
    pub chosen: Chosen,
    /// Settings for all steps.
    pub sets: Vec<Set>,
    /// Limits, as in the thresholds of a scenario.
    pub slo: Vec<String>,
    /// First rate, bounds, precision.
    pub rule: Rule,
    /// Load of a step, warm-up included; a hold is twice as long.
    pub step: Duration,
    /// No step is begun that would end after this.
    pub budget: Duration,
    /// As for a run: the target, directory, seed and the rest. The name and the directory are those of the search.
    pub run: RunOptions,
}

/// Why a search ended without an answer.
#[derive(Debug, thiserror::Error)]
pub enum KneeError {
    /// A step could not begin.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A step failed.
    #[error("the step at {rate:.0}/s failed: {reason}")]
    Failed {
        /// Rate of the step.
        rate: f64,
        /// Why.
        reason: String,
    },
    /// A limit can't be judged in a step.
    #[error("a limit can't be judged at {rate:.0}/s: {reason}")]
    NotMeasured {
        /// Rate of the step.
        rate: f64,
        /// Which, and why.
        reason: String,
    },
}

impl From<ConfigError> for KneeError {
    fn from(error: ConfigError) -> Self {
        Self::Run(error.into())
    }
}

impl From<TargetError> for KneeError {
    fn from(error: TargetError) -> Self {
        Self::Run(error.into())
    }
}

/// Searches; `told` hears of every step and of how much of the budget is left.
///
/// # Errors
/// [`KneeError`]. What was started is stopped.
pub fn knee(
    options: KneeOptions,
    told: &mut dyn FnMut(&KneeStep, Duration),
) -> Result<KneeReport, KneeError> {
    let began = Instant::now();
    options.check()?;
    let out = options.run.out.clone();
    fs::create_dir_all(out.join("steps")).map_err(|error| RunError::Output {
        path: out.clone(),
        reason: error.to_string(),
    })?;
    let data = out.join("target");
    let target = Target::start(&options.run.target, options.target_options(data.clone()))?;
    let (bootstrap, description) = (target.bootstrap().to_owned(), target.description());
    let mut driver = Driver {
        spec: match options.run.target {
            TargetSpec::Secured(_) => TargetSpec::Secured(bootstrap),
            _ => TargetSpec::Bootstrap(bootstrap),
        },
        search: Search::new(options.rule),
        steps: Vec::new(),
        overhead: FIRST_OVERHEAD,
        began,
        stopped: None,
        options,
    };
    let driven = driver.drive(told);
    target.shutdown();
    if !driver.options.run.keep {
        // What the broker stored; its logs stay.
        let _ = fs::remove_dir_all(data.join("data"));
    }
    driven?;
    Ok(driver.report(description))
}

impl KneeOptions {
    /// Finds what is wrong with limits and settings; nothing is made or started.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        let first = Probe {
            rate: self.rule.from,
            purpose: Purpose::Hold,
        };
        planned(&self.chosen, false, &self.sets_for(first), &self.run.target).map(drop)
    }

    fn length(&self, purpose: Purpose) -> Duration {
        match purpose {
            Purpose::Hold => self.step * HOLD,
            Purpose::Bracket | Purpose::Bisect | Purpose::Retry => self.step,
        }
    }

    fn sets_for(&self, probe: Probe) -> Vec<Set> {
        let limits: Vec<String> = self.slo.iter().map(|limit| format!("{limit:?}")).collect();
        let in_ms = |span: Duration| format!("{}ms", span.as_millis());
        let own = [
            ("load.rate", format!("{:.3}/s", probe.rate)),
            ("load.duration", in_ms(self.length(probe.purpose))),
            ("warm_up.limit", in_ms(self.step / WARM_UP)),
            ("thresholds", format!("[{}]", limits.join(", "))),
        ];
        let own = own.map(|(key, value)| Set {
            key: key.to_owned(),
            value,
        });
        self.sets.iter().cloned().chain(own).collect()
    }

    fn target_options(&self, dir: PathBuf) -> TargetOptions {
        TargetOptions {
            dir,
            highwater: self.run.highwater.clone(),
            bugs: Vec::new(),
            kafka_home: self.run.kafka_home.clone(),
            observer: Arc::new(|_| {}),
            interrupted: Arc::clone(&self.run.interrupted),
        }
    }
}

struct Driver {
    options: KneeOptions,
    spec: TargetSpec,
    search: Search,
    steps: Vec<KneeStep>,
    /// What the last step took beside its load.
    overhead: Duration,
    began: Instant,
    /// Why the search ended before its time, if it did.
    stopped: Option<String>,
}

impl Driver {
    fn is_interrupted(&self) -> bool {
        let interrupted: &AtomicBool = &self.options.run.interrupted;
        interrupted.load(Ordering::Relaxed)
    }

    fn drive(&mut self, told: &mut dyn FnMut(&KneeStep, Duration)) -> Result<(), KneeError> {
        while let Some(probe) = self.search.next() {
            let length = self.options.length(probe.purpose);
            let ends = self.began.elapsed() + length + self.overhead;
            if self.is_interrupted() || (ends > self.options.budget && !self.steps.is_empty()) {
                break;
            }
            let started = Instant::now();
            let (step, outcome) = match self.step(probe) {
                Ok(Some(done)) => done,
                Ok(None) => break,
                // What was learned until then is an answer, if not the whole one.
                Err(error @ KneeError::NotMeasured { .. }) if !self.steps.is_empty() => {
                    self.stopped = Some(format!("the search ended early: {error}"));
                    break;
                }
                Err(error) => return Err(error),
            };
            self.overhead = started.elapsed().saturating_sub(length);
            self.search.observe(probe, outcome);
            told(&step, self.options.budget.saturating_sub(self.began.elapsed()));
            self.steps.push(step);
        }
        Ok(())
    }

    /// One rate; none if it was interrupted.
    fn step(&self, probe: Probe) -> Result<Option<(KneeStep, Outcome)>, KneeError> {
        let number = self.steps.len() as u64 + 1;
        let options = RunOptions {
            target: self.spec.clone(),
            out: self.options.run.out.join("steps").join(format!("{number:02}")),
            seed: self.options.run.seed.wrapping_add(number) & 0xff_ffff_ffff,
            ..self.options.run.clone()
        };
        let sets = self.options.sets_for(probe);
        let plan = planned(&self.options.chosen, false, &sets, &self.spec)?;
        let run = Run::prepare(options, std::slice::from_ref(&self.options.chosen), &sets)?;
        let report = run.execute(Box::new(|_| {}))?;
        if self.is_interrupted() {
            return Ok(None);
        }
        let failed = |reason: String| KneeError::Failed {
            rate: probe.rate,
            reason,
        };
        let scenario = report
            .scenarios
            .first()
            .ok_or_else(|| failed("no scenario was run".into()))?;
        if report.exit_code == ExitCode::Infrastructure {
            return Err(failed(reason(scenario)));
        }
        self.judged(probe, &plan, scenario).map(Some)
    }

    fn judged(
        &self,
        probe: Probe,
        plan: &Plan,
        scenario: &ScenarioReport,
    ) -> Result<(KneeStep, Outcome), KneeError> {
        judge(probe, plan.scenario(), scenario).map_err(|reason| KneeError::NotMeasured {
            rate: probe.rate,
            reason,
        })
    }

    fn report(self, target: String) -> KneeReport {
        let answer = self.search.answer();
        let (low, high, answer) = match answer {
            Answer::Found { low, high } => (Some(low), Some(high), KneeAnswer::Found),
            Answer::Open { low, high } => (Some(low), Some(high), KneeAnswer::Open),
            Answer::AtLeast { low } => (Some(low), None, KneeAnswer::AtLeast),
            Answer::Below { high } => (None, Some(high), KneeAnswer::Below),
            Answer::Nothing => (None, None, KneeAnswer::Nothing),
        };
        let generator_limit_per_s = self.search.generator_limit();
        let exhausted = self.stopped.is_none() && self.search.next().is_none();
        KneeReport {
            schema_version: KNEE_SCHEMA_VERSION,
            highwater_version: env!("CARGO_PKG_VERSION").into(),
            scenario: self.options.chosen.name(),
            target,
            host: host(),
            slo: self.options.slo.clone(),
            seed: format!("{:x}", self.options.run.seed),
            exit_code: match answer {
                KneeAnswer::Found => ExitCode::Holds,
                KneeAnswer::Below if exhausted => ExitCode::Broken,
                _ if generator_limit_per_s.is_some() && high.is_none() => ExitCode::Invalid,
                _ => ExitCode::Inconclusive,
            },
            answer,
            low_per_s: low,
            high_per_s: high,
            generator_limit_per_s,
            precision: self.options.rule.precision,
            duration_ns: self.began.elapsed().as_nanos() as u64,
            command: self.options.run.command.clone(),
            steps: self.steps,
            hints: self.stopped.into_iter().collect(),
        }
    }
}

fn reason(scenario: &ScenarioReport) -> String {
    let reason = scenario.reasons.first().cloned();
    reason.unwrap_or_else(|| "it gave no reason".to_owned())
}
