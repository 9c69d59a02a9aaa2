//! How long an acknowledgement takes at a modest rate: our own load, which waits for nobody.

use std::fs;
use std::path::Path;
use std::process::Command;

use highwater_model::{Phase, Report};

use super::Site;
use super::arm::Arm;
use super::measure::Kind;
use crate::bench::error::BenchError;
use crate::bench::process;

/// No linger: the broker is measured, and not the client's patience.
fn scenario(seconds: u64) -> String {
    format!(
        r#"name = "bench"
summary = "acknowledgement at a modest rate"

[topic]
partitions = 3

[load]
rate = "1000/s"
duration = "{seconds}s"
consumers = 0

[load.values]
kind = "fixed"
size = "5KiB"

[producer]
acks = "all"
idempotence = true
linger = "0ms"

[warm_up]
limit = "1s"
"#
    )
}

/// One round: service time, from when the client took the record.
pub(crate) fn measure(arm: &Arm, site: &Site<'_>, seconds: u64) -> Result<Vec<(Kind, f64)>, BenchError> {
    let (p50, p99) = median_and_p99(site.highwater, &site.directory, arm.bootstrap(), seconds)?;
    Ok(vec![
        (Kind::AcknowledgedMedian, p50),
        (Kind::AcknowledgedP99, p99),
    ])
}

/// Milliseconds from when the client took a record to its acknowledgement: median and 99th percentile.
pub(crate) fn median_and_p99(
    highwater: &Path,
    place: &Path,
    bootstrap: &str,
    seconds: u64,
) -> Result<(f64, f64), BenchError> {
    let directory = tempfile::tempdir_in(place);
    let file = |source| BenchError::File {
        path: place.to_owned(),
        source,
    };
    let directory = directory.map_err(file)?;
    let toml = directory.path().join("bench.toml");
    fs::write(&toml, scenario(seconds)).map_err(file)?;
    let out = directory.path().join("run");
    let mut command = Command::new(highwater);
    command
        .arg("run")
        .arg(&toml)
        .arg("--quiet")
        .args(["--target", &format!("bootstrap:{bootstrap}")])
        .arg("--out")
        .arg(&out);
    let ended = process::run(&mut command)?;
    let Ok(text) = fs::read_to_string(out.join("report.json")) else {
        return Err(ended.not_understood());
    };
    let report: Report = serde_json::from_str(&text).map_err(|source| BenchError::Json {
        what: "report.json".to_owned(),
        source,
    })?;
    let scenario = report.scenarios.first();
    let steady = scenario.and_then(|scenario| {
        let phase = scenario
            .phases
            .iter()
            .find(|phase| phase.phase == Phase::Steady)?;
        let quantiles = &phase.latency.ack.service;
        Some((quantiles.p50_ns? as f64 / 1e6, quantiles.p99_ns? as f64 / 1e6))
    });
    steady.ok_or_else(|| ended.not_understood())
}
