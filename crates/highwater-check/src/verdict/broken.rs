//! What was seen to break: guarantees, the measurement, thresholds.

use highwater_measure::quantity::count;
use highwater_model::{AnomalyExample, AnomalyReport, RecordId, ThresholdResult};

use super::{Evidence, with_result};
use crate::{Anomaly, Findings};

/// Headlines of all broken guarantees, then the first example of each.
pub(super) fn guarantees(evidence: &Evidence<'_>) -> Vec<String> {
    let violations: Vec<&AnomalyReport> = evidence
        .findings
        .into_iter()
        .flat_map(Findings::violations)
        .collect();
    let headlines = violations.iter().map(|report| headline(report));
    let examples = violations.iter().filter_map(|report| {
        let example = report.examples.first()?;
        Some(format!("first {}: {}", report.name, story(example)))
    });
    headlines.chain(examples).collect()
}

pub(super) fn validity(evidence: &Evidence<'_>) -> Vec<String> {
    evidence
        .validity
        .iter()
        .filter(|check| !check.ok)
        .map(|check| {
            let remedy = check
                .remedy
                .as_ref()
                .map_or(String::new(), |remedy| format!(": {remedy}"));
            format!(
                "the measurement can't be trusted, {} is {}, required is {}{remedy}",
                check.name, check.measured, check.required
            )
        })
        .collect()
}

pub(super) fn thresholds(evidence: &Evidence<'_>) -> Vec<String> {
    with_result(evidence, ThresholdResult::Fail)
        .map(|threshold| {
            let known = |words: &Option<String>| words.clone().unwrap_or_else(|| "not known".to_owned());
            format!(
                "threshold `{}` is broken: measured {}, limit {}",
                threshold.expression,
                known(&threshold.measured),
                known(&threshold.limit)
            )
        })
        .collect()
}

fn headline(report: &AnomalyReport) -> String {
    Anomaly::named(&report.name).map_or_else(
        || format!("{} {}", report.name, count(report.count)),
        |anomaly| anomaly.headline(report.count),
    )
}

fn story(example: &AnomalyExample) -> String {
    let mut place = format!("{}/{}", example.topic, example.partition);
    if let Some(offset) = example.offset.and_then(|offset| u64::try_from(offset).ok()) {
        place.push_str(&format!(" offset {}", count(offset)));
    }
    if example.record != RecordId::UNSTAMPED {
        let RecordId { producer, sequence } = example.record;
        place.push_str(&format!(", producer {producer}, sequence {}", count(sequence)));
    }
    format!("{place}, {}", example.detail)
}
