//! The figures of the page as JSON, for the script and for whoever saves the page.
//!
//! Invariant: never larger than [`DATA_LIMIT_BYTES`], and nothing in it can end the element that holds it.

use highwater_model::{CanarySample, Report};

use crate::{ReportError, timeline};

/// With the drawings this keeps the page under 2 MB.
const DATA_LIMIT_BYTES: usize = 700 << 10;
/// Points of a timeline of a single scenario: more can't be told apart on a screen.
const POINTS_MAX: usize = 600;
/// Fewest points of a scenario among many.
const POINTS_MIN: usize = 60;
/// Readings of resources of a single scenario: ten minutes of two processes.
const SAMPLES_MAX: usize = 1_200;
/// Moments of each other series of a single scenario.
const SECONDS_MAX: usize = 900;
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
            let seconds = SECONDS_MAX / scenarios;
            peaks(&mut scenario.resources.network, seconds, |one| {
                one.loopback_bytes_per_s
            });
            peaks(&mut scenario.resources.pauses, seconds, |one| one.pause_ns);
            let canary = |one: &CanarySample| one.answered_ns.unwrap_or(u64::MAX);
            peaks(&mut scenario.cluster.canaries, seconds, canary);
            peaks(&mut scenario.cluster.throttles, seconds, |one| one.total_ns);
            scenario.cluster.partitions.truncate(seconds.max(1));
            for anomaly in &mut scenario.anomalies {
                anomaly.examples.truncate(EXAMPLES_MAX);
            }
            group
        })
        .collect();
    (short, groups)
}

/// Keeps the largest of each stretch, so that no peak is lost, in their order.
fn peaks<T>(series: &mut Vec<T>, most: usize, size: impl Fn(&T) -> u64) {
    let length = series.len().div_ceil(most.max(1)).max(1);
    if length == 1 {
        return;
    }
    let mut kept: Vec<T> = Vec::new();
    for (place, one) in series.drain(..).enumerate() {
        match kept.last_mut().filter(|_| place % length != 0) {
            Some(last) if size(last) >= size(&one) => {}
            Some(last) => *last = one,
            None => kept.push(one),
        }
    }
    *series = kept;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_peak_is_lost_when_a_series_is_made_shorter() {
        let mut series: Vec<u64> = (0..100).map(|at| if at == 57 { 900 } else { at }).collect();
        peaks(&mut series, 10, |one| *one);
        assert_eq!(series, [9, 19, 29, 39, 49, 900, 69, 79, 89, 99]);
        peaks(&mut series, 10, |one| *one);
        assert_eq!(series.len(), 10);
    }
}
