//! The shortest history that still shows a finding.
//!
//! Invariant: what is left shows the same anomaly about the same records, so that nothing that leaving out steps makes
//! up is taken for it. An operation and what the log says of its records stay or go together.

use std::collections::BTreeMap;

use super::{Action, Finding, LogStep, Options, Partition, Step, Value, What, check};
use crate::minimise::{Budget, Minimised, Shown, minimise};

/// Steps that stay or go together, by their places.
type Unit = Vec<usize>;

/// The shortest part of a history that still shows a finding which the whole shows; the steps keep their numbers.
/// Each test judges what is left: linear in its length.
pub fn shorten(
    steps: &[Step],
    finding: &Finding,
    options: Options,
    budget: Budget<'_>,
) -> Minimised<Vec<Step>> {
    let units = units(steps);
    let chosen = |units: &[Unit]| {
        let mut places: Vec<usize> = units.iter().flatten().copied().collect();
        places.sort_unstable();
        places
    };
    let mut still_shows = |units: &[Unit]| {
        let left = chosen(units).into_iter().map(|at| &steps[at]);
        let same = |other: &Finding| other.anomaly == finding.anomaly && other.records == finding.records;
        Shown::from(check(left, options).iter().any(same))
    };
    let minimised = minimise(&units, &mut still_shows, budget);
    let left = chosen(&minimised.parts).into_iter().map(|at| steps[at].clone());
    Minimised {
        parts: vec![left.collect()],
        tests: minimised.tests,
        unclear: minimised.unclear,
        end: minimised.end,
    }
}

fn units(steps: &[Step]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut writers: BTreeMap<(Partition, Value), usize> = BTreeMap::new();
    for (at, step) in steps.iter().enumerate() {
        let record = match &step.what {
            What::Operation(operation) => {
                for action in &operation.actions {
                    if let Action::Send { partition, value, .. } = action {
                        writers.insert((*partition, *value), units.len());
                    }
                }
                None
            }
            What::Log(LogStep::Record(record)) => Some((record.partition, record.value)),
            What::Log(LogStep::Committed { partition, value, .. }) => Some((*partition, *value)),
            _ => None,
        };
        match record.and_then(|record| writers.get(&record)) {
            Some(unit) => units[*unit].push(at),
            None => units.push(vec![at]),
        }
    }
    units
}
