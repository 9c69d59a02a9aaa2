//! The figures of a scenario by name and unit, in the order in which they are shown.

use std::collections::BTreeMap;

use highwater_measure::quantity::{Quantity, Unit};
use highwater_measure::threshold::metric;
use highwater_model::{Quantiles, ScenarioReport};

/// A figure that was measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    /// Name, as thresholds name it where they can.
    pub(crate) name: String,
    /// Value in the base unit.
    pub(crate) value: f64,
    pub(crate) unit: Option<Unit>,
}

impl Figure {
    /// In words, with its unit where it is known.
    pub(crate) fn words(&self, value: f64) -> String {
        match self.unit {
            // The name of the figure says what is counted.
            Some(Unit::Records) if value >= 0.0 => crate::number::count(value as u64),
            Some(unit) => Quantity::new(value, unit).to_string(),
            None => crate::number::significant(value),
        }
    }
}

/// Every figure of a scenario that was measured; what was not is left out.
pub(crate) fn figures(scenario: &ScenarioReport) -> Vec<Figure> {
    let mut figures = Vec::new();
    let mut add = |name: &str, unit: Unit, value: Option<f64>| {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            figures.push(Figure {
                name: name.to_owned(),
                value,
                unit: Some(unit),
            });
        }
    };
    add("offered", Unit::Rate, scenario.offered_per_s);
    add("rate", Unit::Rate, scenario.achieved_per_s);
    let records = &scenario.records;
    let found = |count: u64| records.read_back.then_some(count as f64);
    for (name, count) in [
        ("attempted", Some(records.attempted as f64)),
        ("acknowledged", Some(records.acknowledged as f64)),
        ("failed", Some(records.failed as f64)),
        ("unknown", Some(records.unknown as f64)),
        ("delivered", found(records.delivered)),
        ("lost", found(records.lost)),
        ("duplicated", found(records.duplicated)),
        ("reordered", found(records.reordered)),
    ] {
        add(name, Unit::Records, count);
    }
    let latency = &scenario.latency;
    for (path, quantiles) in [
        ("ack", &latency.ack.response),
        ("ack.service", &latency.ack.service),
        ("end_to_end", &latency.end_to_end.response),
    ] {
        for (statistic, value) in statistics(quantiles) {
            add(&format!("{path}.{statistic}"), Unit::Time, value);
        }
    }
    let fault = |pick: fn(&highwater_model::FaultReport) -> Option<u64>| {
        scenario.faults.iter().filter_map(pick).max().map(|ns| ns as f64)
    };
    let outage =
        |fault: &highwater_model::FaultReport| Some(fault.lifted_at_ns?.saturating_sub(fault.fired_at_ns?));
    add("fault.outage", Unit::Time, fault(outage));
    add(
        "fault.back_to_baseline",
        Unit::Time,
        fault(|fault| fault.back_to_baseline_ns),
    );
    figures.extend(others(&scenario.measurements));
    figures
}

/// A measurement in words, with its unit where it is known.
pub(crate) fn measurement(name: &str, value: f64) -> String {
    let unit = metric(name).map(|metric| metric.unit);
    let figure = Figure {
        name: name.to_owned(),
        value,
        unit,
    };
    figure.words(value)
}

fn statistics(quantiles: &Quantiles) -> [(&'static str, Option<f64>); 6] {
    let whole = |value: Option<u64>| value.map(|ns| ns as f64);
    [
        ("mean", quantiles.mean_ns),
        ("p50", whole(quantiles.p50_ns)),
        ("p95", whole(quantiles.p95_ns)),
        ("p99", whole(quantiles.p99_ns)),
        ("p999", whole(quantiles.p999_ns)),
        ("max", whole(quantiles.max_ns)),
    ]
}

fn others(measurements: &BTreeMap<String, f64>) -> impl Iterator<Item = Figure> {
    let finite = measurements.iter().filter(|(_, value)| value.is_finite());
    finite.map(|(name, value)| Figure {
        name: name.clone(),
        value: *value,
        unit: metric(name).map(|metric| metric.unit),
    })
}
