//! Repetitions that differ so much that a comparison with them would say little.

use std::collections::BTreeMap;

use highwater_measure::quantity::duration;
use highwater_model::ScenarioReport;

use super::{Advice, Measured};

/// The slowest repetition against the fastest one.
const TIMES: f64 = 1.5;
/// Differences below this are of no importance.
const NOTICED_NS: u64 = 5_000_000;

pub(super) fn look(measured: &Measured<'_>) -> Option<Advice> {
    let mut by_name: BTreeMap<&str, Vec<&ScenarioReport>> = BTreeMap::new();
    for scenario in &measured.scenarios {
        by_name.entry(&scenario.name).or_default().push(scenario);
    }
    let evidence: Vec<String> = by_name
        .iter()
        .filter_map(|(name, runs)| told(name, runs))
        .collect();
    if evidence.is_empty() {
        return None;
    }
    Some(Advice {
        text: "The repetitions differ: before comparing with these figures, repeat on a machine that does nothing else, or more often."
            .to_owned(),
        evidence,
    })
}

fn told(name: &str, runs: &[&ScenarioReport]) -> Option<String> {
    let values = runs.iter().filter_map(|run| run.latency.ack.response.p95_ns);
    let (least, most) = values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((least, most)) => Some((value.min(least), value.max(most))),
    })?;
    let apart = most as f64 >= TIMES * least as f64 && most - least >= NOTICED_NS;
    (runs.len() > 1 && apart).then(|| {
        format!(
            "{name}: ack p95 from {} to {} over {} repetitions",
            duration(least),
            duration(most),
            runs.len()
        )
    })
}
