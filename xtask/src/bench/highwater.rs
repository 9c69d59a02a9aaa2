//! The program itself: a generated scenario, and its report.

use std::fs;
use std::path::Path;
use std::process::Command;

use highwater_model::{ExitCode, Phase, ProcessRole, Report, ScenarioReport};

use super::case::{Case, LINGER_MS, QUEUE_KIB, QUEUE_RECORDS};
use super::error::BenchError;
use super::process;
use super::tool::Measurement;

/// The scenario that offers what the rivals offer.
fn scenario(case: &Case) -> String {
    let rate = case.per_s.map_or("max".to_owned(), |per_s| format!("{per_s}/s"));
    // A saturating load ends with its number of records; the time is only a bound.
    let seconds = case.per_s.map_or(600, |per_s| case.records / per_s);
    let Case {
        bytes,
        records,
        partitions,
        ..
    } = case;
    format!(
        r#"name = "bench"
summary = "what the rivals of the benchmark offer, with every record timed and accounted for"

[topic]
partitions = {partitions}

[load]
rate = "{rate}"
duration = "{seconds}s"
records = {records}
consumers = 0

[load.values]
kind = "fixed"
size = "{bytes}B"
compression_ratio = 1.0

[load.keys]
kind = "none"

[producer]
acks = "all"
idempotence = true
linger = "{LINGER_MS}ms"
queue_records = {QUEUE_RECORDS}
queue_bytes = "{QUEUE_KIB}KiB"

# As for the rivals: everything counts.
[warm_up]
limit = "0s"
"#
    )
}

/// Runs it once.
pub(crate) fn measure(
    program: &Path,
    case: &Case,
    bootstrap: &str,
    directory: &Path,
) -> Result<Measurement, BenchError> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |source| BenchError::File { path, source }
    };
    fs::create_dir_all(directory).map_err(file(directory))?;
    let toml = directory.join("bench.toml");
    fs::write(&toml, scenario(case)).map_err(file(&toml))?;
    let out = directory.join("run");
    let mut command = Command::new(program);
    command.arg("run").arg(&toml).arg("--quiet");
    command
        .args(["--target", &format!("bootstrap:{bootstrap}")])
        .arg("--out")
        .arg(&out);
    let ended = process::run(&mut command)?;
    let report_file = out.join("report.json");
    // The verdict does not matter here, only that there is one.
    let unusable = [ExitCode::Usage, ExitCode::Infrastructure].map(|code| i32::from(u8::from(code)));
    if ended.code.is_none_or(|code| unusable.contains(&code)) {
        return Err(match ended.successful() {
            Err(error) => error,
            Ok(ended) => ended.not_understood(),
        });
    }
    let text = fs::read_to_string(&report_file).map_err(file(&report_file))?;
    let report: Report = serde_json::from_str(&text).map_err(|source| BenchError::Json {
        what: report_file.display().to_string(),
        source,
    })?;
    let figures = report
        .scenarios
        .first()
        .and_then(|scenario| figures(case, scenario));
    let Some(measurement) = figures else {
        return Err(ended.not_understood());
    };
    Ok(measurement)
}

/// The figures of a report. CPU is that of the load, without the read-back, which the rivals don't have; memory
/// is that of the whole process.
fn figures(case: &Case, scenario: &ScenarioReport) -> Option<Measurement> {
    let per_s = scenario.achieved_per_s?;
    let acknowledged = scenario.records.acknowledged as f64;
    let seconds = acknowledged / per_s;
    let cpu_seconds: f64 = scenario
        .phases
        .iter()
        .filter(|phase| phase.phase != Phase::ReadBack)
        .filter_map(|phase| phase.generator_cpu_seconds)
        .sum();
    let generator = scenario
        .resources
        .processes
        .iter()
        .find(|process| process.role == ProcessRole::Generator)?;
    Some(Measurement {
        per_s,
        achieved: case.per_s.map(|asked| per_s / asked as f64),
        cpu_seconds_per_million: cpu_seconds / acknowledged * 1e6,
        cores: cpu_seconds / seconds,
        peak_resident_bytes: generator.resident_bytes_peak?,
        slip_p99_ns: scenario.schedule_slip.p99_ns,
        load_average: None,
    })
}
