//! One job of `highwater ab` and what it said.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use highwater_model::{Comparison, EffectClass};
use serde::{Deserialize, Serialize};

use crate::bench::error::BenchError;
use crate::bench::process;
use crate::bench::tool::load_average;

/// The metric that service time shows in.
const METRIC: &str = "ack.p95";

/// What is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Nothing differs.
    Equal,
    /// The second side answers a tenth later.
    Different,
}

/// What all jobs of a bench have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) rounds: u32,
    pub(super) delay_ms: u32,
    pub(super) load_ms: u32,
}

/// A job that was done.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) settings: Settings,
    /// What the whole job said, and every metric that was said to differ.
    pub(super) answer: EffectClass,
    pub(super) differs: Vec<String>,
    /// Change of the metric in which service time shows, with its interval and the noise floor of the job.
    pub(super) change: Option<f64>,
    pub(super) interval: Option<(f64, f64)>,
    pub(super) noise_floor: Option<f64>,
    pub(super) exit_code: Option<i32>,
    pub(super) seconds: f64,
    pub(super) load_average: Option<f64>,
}

impl Done {
    /// Whether the job said what is so; a job that says that it does not know is not wrong about equal sides.
    pub(super) fn is_right(&self) -> bool {
        match self.kind {
            Kind::Equal => matches!(self.answer, EffectClass::Equivalent | EffectClass::Inconclusive),
            Kind::Different => self.answer == EffectClass::Regressed,
        }
    }
}

/// A short load through the fault proxy, which holds back every answer.
fn scenario(settings: Settings) -> String {
    format!(
        r#"name = "held-back"
summary = "answers that the proxy holds back"
{}
thresholds = []
[load]
rate = "400/s"
duration = "{}ms"
consumers = 0
[load.values]
size = "1KiB"
[warm_up]
limit = "300ms"
"#,
        rules(settings.delay_ms.into()),
        settings.load_ms
    )
}

fn rules(delay_ms: f64) -> String {
    let delay_us = delay_ms * 1e3;
    format!(r#"rules=[{{ fault = "latency", delay = "{delay_us:.0}us", direction = "to-client" }}]"#)
}

/// Does a job; what it compared stays in the directory, its runs don't.
pub(super) fn job(
    highwater: &Path,
    directory: &Path,
    number: u32,
    kind: Kind,
    settings: Settings,
) -> Result<Done, BenchError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| BenchError::File { path, source }
    };
    let toml = directory.join("held-back.toml");
    fs::write(&toml, scenario(settings)).map_err(file(&toml))?;
    let out = directory.join(format!("job-{number:02}"));
    let _ = fs::remove_dir_all(&out);
    let delay_ms = f64::from(settings.delay_ms);
    let b = match kind {
        Kind::Equal => String::new(),
        Kind::Different => rules(delay_ms * 1.1),
    };
    let (began, load_average) = (Instant::now(), load_average());
    let mut command = Command::new(highwater);
    command
        .args(["ab", "--quiet", "--format", "json", "--target", "dev"])
        .args(["--rounds", &settings.rounds.to_string()])
        .args(["--seed", &format!("{:x}", 0xab_0000 + number)])
        .args(["--b", &b, "--scenario"])
        .arg(&toml)
        .arg("--out")
        .arg(&out);
    let ended = process::run(&mut command)?;
    let stored = out.join("comparison.json");
    let Ok(text) = fs::read_to_string(&stored) else {
        return Err(match ended.successful() {
            Err(error) => error,
            Ok(ended) => ended.not_understood(),
        });
    };
    let comparison: Comparison = serde_json::from_str(&text).map_err(|source| BenchError::Json {
        what: stored.display().to_string(),
        source,
    })?;
    let kept = directory.join(format!("job-{number:02}.json"));
    fs::write(&kept, &text).map_err(file(&kept))?;
    let _ = fs::remove_dir_all(&out);
    let mut metrics = comparison.scenarios.iter().flat_map(|one| &one.metrics);
    let differs = metrics
        .clone()
        .filter(|metric| matches!(metric.class, EffectClass::Regressed | EffectClass::Improved));
    let differs = differs.map(|metric| metric.name.clone()).collect();
    let shows = metrics.find(|metric| metric.name == METRIC);
    let interval = shows.and_then(|metric| metric.interval);
    Ok(Done {
        number,
        kind,
        settings,
        answer: comparison.answer,
        differs,
        change: shows.and_then(|metric| metric.change),
        interval: interval.map(|interval| (interval.low, interval.high)),
        noise_floor: shows.and_then(|metric| metric.noise_floor),
        exit_code: ended.code,
        seconds: began.elapsed().as_secs_f64(),
        load_average,
    })
}
