//! `highwater calibrate`: what this machine can measure.

use highwater_broker::Bug;
use highwater_model::ExitCode;
use highwater_report::{calibration_json, calibration_text};
use highwater_scenario::{RunOptions, calibrate as measure};
use highwater_target::TargetSpec;

use super::run::{fresh_seed, own_path, print};
use crate::arguments::TextFormat;
use crate::failure::Failure;
use crate::interrupt;
use crate::screen::Screen;

/// Measures and shows; the exit code says whether the machine is good enough.
pub(crate) fn calibrate(format: TextFormat, quiet: bool, screen: &Screen) -> Result<ExitCode, Failure> {
    let directory = tempfile::Builder::new()
        .prefix("highwater-calibrate-")
        .tempdir()
        .map_err(|error| {
            Failure::new(
                ExitCode::Infrastructure,
                format!("can't make a temporary directory: {error}"),
            )
        })?;
    let interrupted = interrupt::flag()?;
    let options = RunOptions {
        name: "calibrate".into(),
        target: TargetSpec::Dev,
        out: directory.path().to_owned(),
        seed: fresh_seed(),
        repeat: 1,
        quick: false,
        keep: false,
        command: "highwater calibrate".into(),
        highwater: own_path()?,
        kafka_home: None,
        hooks: std::collections::BTreeMap::new(),
        known_bugs: Bug::ALL.iter().map(ToString::to_string).collect(),
        interrupted: std::sync::Arc::clone(&interrupted),
    };
    let calibration = measure(&options, &mut |doing| {
        if !quiet {
            eprintln!("measuring the {doing}");
        }
    })?;
    if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
        eprintln!("interrupted");
        return Ok(ExitCode::Inconclusive);
    }
    print(&match format {
        TextFormat::Text => calibration_text(&calibration, &screen.style()),
        TextFormat::Json => calibration_json(&calibration)?,
    })?;
    Ok(calibration.exit_code)
}
