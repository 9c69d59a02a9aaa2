//! The figures of each metric out of the reports.

use std::collections::BTreeSet;

use highwater_model::{Report, ScenarioReport, Verdict};

use super::family::ChosenMetric;
use crate::metrics::Metrics;

/// Names of the scenarios that came to their end.
pub(super) fn scenarios(reports: &[&Report]) -> BTreeSet<String> {
    let names = reports.iter().flat_map(|report| &report.scenarios);
    names.map(|scenario| scenario.name.clone()).collect()
}

/// Every run of a scenario, repetitions within one report included.
pub(super) fn runs<'a>(reports: &[&'a Report], name: &str) -> Vec<&'a ScenarioReport> {
    let all = reports.iter().flat_map(|report| &report.scenarios);
    all.filter(|scenario| scenario.name == name).collect()
}

/// Whether the figures of a run are believed.
pub(super) fn is_believed(scenario: &ScenarioReport) -> bool {
    scenario.verdict != Verdict::Invalid && scenario.validity.iter().all(|check| check.ok)
}

/// The figure of a metric; none if it was not measured.
///
/// A percentile behind which records have no end is only a lower bound, and not compared.
pub(super) fn figure(scenario: &ScenarioReport, chosen: &ChosenMetric) -> Option<f64> {
    let metrics = Metrics(scenario);
    let value = metrics.value(chosen.phase, chosen.metric)?;
    let complete = metrics.censored(chosen.phase, chosen.metric).is_none();
    (complete && value.is_finite()).then_some(value)
}
