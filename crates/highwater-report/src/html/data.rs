//! The figures of the page as JSON, for the script and for whoever saves the page.
//!
//! Invariant: never larger than [`DATA_LIMIT_BYTES`], and nothing in it can end the element that holds it.

use highwater_model::Report;

use crate::{ReportError, timeline};

/// With the drawings this keeps the page under 2 MB.
const DATA_LIMIT_BYTES: usize = 700 << 10;
/// Points of a timeline of a single scenario: more can't be told apart on a screen.
const POINTS_MAX: usize = 600;
/// Fewest points of a scenario among many.
const POINTS_MIN: usize = 60;
/// Readings of resources of a single scenario: ten minutes of two processes.
const SAMPLES_MAX: usize = 1_200;
/// Examples of each anomaly that are carried along.
const EXAMPLES_MAX: usize = 20;

/// A report short enough for a page, with how many bins of each timeline stand behind a point.
pub(super) fn short(report: &Report) -> (Report, Vec<usize>) {
    let scenarios = report.scenarios.len().max(1);
    let mut short = report.clone();
    let groups = short
        .scenarios
        .iter_mut()
        .map(|scenario| {
            let points = (2 * POINTS_MAX / (scenarios + 1)).clamp(POINTS_MIN, POINTS_MAX);
            let (bins, group) = timeline::thin(&scenario.timeline, points);
            scenario.timeline = bins;
            let samples = (SAMPLES_MAX / scenarios).max(POINTS_MIN);
            scenario.resources.samples = timeline::thin_samples(&scenario.resources.samples, samples);
            for anomaly in &mut scenario.anomalies {
                anomaly.examples.truncate(EXAMPLES_MAX);
            }
            group
        })
        .collect();
    (short, groups)
}

/// The report as JSON for a `script` element; an empty object if it is too large to carry.
pub(super) fn embedded(report: &Report) -> Result<String, ReportError> {
    let json = serde_json::to_string(report).map_err(ReportError::Json)?;
    if json.len() > DATA_LIMIT_BYTES {
        return Ok("{}".to_owned());
    }
    // Inside JSON these can only stand in strings, where the escape means the same.
    Ok(json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026"))
}
