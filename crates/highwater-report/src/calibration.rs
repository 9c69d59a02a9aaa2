//! What this machine can measure, for people and programs.
//!
//! Invariant: the rates are told with what shared the machine while they were reached.

use highwater_model::{Calibration, CalibrationStep, GeneratorCalibration};

use crate::number::{
    bytes, cores, count, duration, duration_f64, optional_duration, optional_rate, percent, rate,
};
use crate::paint::Paint;
use crate::text::{left, plain, right, wrap};
use crate::{ReportError, Style};

/// The calibration as it is, indented.
///
/// # Errors
/// [`ReportError::Json`].
pub fn calibration_json(calibration: &Calibration) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(calibration).map_err(ReportError::Json)?;
    text.push('\n');
    Ok(text)
}

/// The calibration for a person.
#[must_use]
pub fn calibration_text(calibration: &Calibration, style: &Style) -> String {
    let paint = Paint::new(style.color);
    let width = usize::from(style.width).clamp(80, 120);
    let word = match calibration.good_enough {
        true => paint.bold("GOOD ENOUGH"),
        false => paint.trouble("NOT GOOD ENOUGH"),
    };
    let host = &calibration.host;
    let mut text = format!(
        "{word}  {}, {} cores, {}; measured in {}\n\n",
        plain(&host.processor),
        host.cores,
        bytes(host.memory_bytes),
        duration(calibration.duration_ns)
    );
    let clock = &calibration.clock;
    text += &format!(
        "  clock       a reading takes {}, resolution {}, longest gap {} ({} readings)\n",
        duration_f64(clock.reading_ns),
        duration(clock.resolution_ns),
        duration(clock.largest_gap_ns),
        count(clock.readings)
    );
    let scheduler = &calibration.scheduler;
    let steal = scheduler.steal.map(|steal| format!(", steal {}", percent(steal)));
    text += &format!(
        "  wake-up     after {}: p50 {}, p99 {}, max {} late ({} sleeps{})\n\n",
        duration(scheduler.asked_ns),
        duration(scheduler.late_p50_ns),
        duration(scheduler.late_p99_ns),
        duration(scheduler.late_max_ns),
        count(scheduler.sleeps),
        steal.unwrap_or_default()
    );
    text += &generator(calibration, &paint, width);
    text.push('\n');
    for check in &calibration.checks {
        let mark = if check.ok {
            "ok".to_owned()
        } else {
            paint.trouble("NO")
        };
        text += &format!(
            "  {mark}  {} {} (required: {})\n",
            left(&check.name, 18),
            check.measured,
            check.required
        );
        for line in check.remedy.iter().flat_map(|remedy| wrap(remedy, width - 6)) {
            text += &format!("      {line}\n");
        }
    }
    text
}

/// What the generator does, by size: flat out, and up to which rate a run is valid.
fn generator(calibration: &Calibration, paint: &Paint, width: usize) -> String {
    let mut text = paint.bold(&format!(
        "  {}{}{}{}{}{}{}\n",
        left("records", 10),
        right("flat out", 12),
        right("generator", 11),
        right("broker", 8),
        right("valid up to", 13),
        right("late p99", 10),
        right("max", 10),
    ));
    for size in &calibration.generator {
        let valid = size.trusted_per_s.and_then(|rate| {
            let mut steps = size.steps.iter();
            steps.find(|step| step.why.is_none() && step.rate_per_s == rate)
        });
        text += &format!(
            "  {}{}{}{}{}{}{}\n",
            left(&bytes(size.size_bytes), 10),
            right(&optional_rate(size.rate_per_s), 12),
            right(&cores(size.generator_cores), 11),
            right(&cores(size.broker_cores), 8),
            right(&optional_rate(size.trusted_per_s), 13),
            right(&optional_duration(valid.and_then(|step| step.slip_p99_ns)), 10),
            right(&optional_duration(valid.and_then(|step| step.slip_max_ns)), 10),
        );
    }
    let broken = calibration
        .generator
        .iter()
        .filter_map(|size| Some((size, lowest_invalid(size)?)));
    for (size, step) in broken {
        let why = step.why.as_deref().unwrap_or_default();
        text += &format!(
            "  {} not valid at {}: {}\n",
            left(&bytes(size.size_bytes), 9),
            rate(step.rate_per_s),
            plain(why)
        );
    }
    let meaning = "flat out is one producer alone against the dev broker on this machine, in processors. Valid is the \
                   highest rate tried at which a short run, with a consumer, kept the limits that every run must keep; \
                   a cluster elsewhere leaves the generator more, and more producers may offer more.";
    for line in wrap(meaning, width - 2) {
        text += &format!("  {}\n", paint.dim(&line));
    }
    text
}

fn lowest_invalid(size: &GeneratorCalibration) -> Option<&CalibrationStep> {
    let mut steps = size.steps.iter();
    steps.find(|step| step.why.is_some() && Some(step.rate_per_s) == size.invalid_per_s)
}
