//! Which metrics are compared, which way each gets worse, and the fixed limits.

use highwater_measure::quantity::Unit;
use highwater_measure::threshold::metric;
use highwater_model::{ComparedUnit, Phase, Worse};

use super::error::CompareError;

/// A metric of the family.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenMetric {
    /// Name as in thresholds, with its phase if it is bound to one.
    pub name: String,
    /// What its values measure.
    pub unit: ComparedUnit,
    /// Which way is worse.
    pub worse: Worse,
    /// Limits that warn and fail, as relative changes for the worse.
    pub gate: Option<(f64, f64)>,
    /// Whether a comparison is only conclusive if this metric is.
    pub decides: bool,
    pub(super) phase: Option<Phase>,
    pub(super) metric: &'static str,
}

/// What is compared if nothing else is asked for: throughput and latency decide, the rest is told beside them.
const DEFAULT: [(&str, bool); 10] = [
    ("rate", true),
    ("ack.p50", false),
    ("ack.p95", true),
    ("ack.p99", false),
    ("end_to_end.p95", false),
    ("recovery", false),
    ("startup.p50", true),
    ("broker.memory.max", false),
    ("broker.cpu.mean", false),
    ("generator.cpu.mean", false),
];

/// Metrics that get worse when they fall.
const MORE_IS_BETTER: [&str; 3] = ["rate", "acknowledged", "delivered"];
/// What the schedule says, not what was measured.
const SET: [&str; 2] = ["offered", "attempted"];

/// The metrics that are compared if nothing else is asked for.
#[must_use]
pub fn default_family() -> Vec<ChosenMetric> {
    DEFAULT
        .iter()
        .filter_map(|(name, decides)| {
            let chosen = ChosenMetric::parse(name).ok()?;
            Some(ChosenMetric {
                decides: *decides,
                ..chosen
            })
        })
        .collect()
}

impl ChosenMetric {
    /// A metric by its name, e.g. `ack.p99` or `steady.ack.p99`; it decides.
    ///
    /// # Errors
    /// [`CompareError::UnknownMetric`], [`CompareError::NotComparable`].
    pub fn parse(name: &str) -> Result<Self, CompareError> {
        let (phase, rest) = split_phase(name);
        let known = metric(rest)
            .filter(|known| phase.is_none() || known.per_phase)
            .ok_or_else(|| CompareError::UnknownMetric(name.to_owned()))?;
        if SET.contains(&known.name) {
            return Err(CompareError::NotComparable(name.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            unit: unit(known.unit),
            worse: match MORE_IS_BETTER.contains(&known.name) {
                true => Worse::Lower,
                false => Worse::Higher,
            },
            gate: gate(known.name),
            decides: true,
            phase,
            metric: known.name,
        })
    }
}

fn split_phase(name: &str) -> (Option<Phase>, &str) {
    match name.split_once('.') {
        Some((first, rest)) => match Phase::ALL.into_iter().find(|phase| phase.name() == first) {
            Some(phase) => (Some(phase), rest),
            None => (None, name),
        },
        None => (None, name),
    }
}

/// Limits that are in common use for throughput, 95th percentile and memory.
fn gate(name: &str) -> Option<(f64, f64)> {
    match name {
        "rate" => Some((0.10, 0.20)),
        "ack.p95" | "end_to_end.p95" => Some((0.15, 0.30)),
        "broker.memory.max" => Some((0.20, 0.40)),
        _ => None,
    }
}

fn unit(unit: Unit) -> ComparedUnit {
    match unit {
        Unit::Time => ComparedUnit::Time,
        Unit::Bytes => ComparedUnit::Bytes,
        Unit::Records => ComparedUnit::Records,
        Unit::Rate => ComparedUnit::Rate,
        Unit::Cores => ComparedUnit::Cores,
        Unit::Ratio | Unit::Drift | Unit::Count => ComparedUnit::Ratio,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_family_exists() {
        assert_eq!(default_family().len(), DEFAULT.len());
    }

    #[test]
    fn less_throughput_and_more_of_everything_else_is_worse() {
        let worse = |name: &str| ChosenMetric::parse(name).unwrap().worse;
        assert_eq!(worse("rate"), Worse::Lower);
        assert_eq!(worse("steady.rate"), Worse::Lower);
        assert_eq!(worse("ack.p99"), Worse::Higher);
        assert_eq!(worse("lost"), Worse::Higher);
    }

    #[test]
    fn what_can_not_be_compared_is_refused() {
        assert_eq!(
            ChosenMetric::parse("ack.p96"),
            Err(CompareError::UnknownMetric("ack.p96".into()))
        );
        assert_eq!(
            ChosenMetric::parse("steady.lost"),
            Err(CompareError::UnknownMetric("steady.lost".into()))
        );
        assert_eq!(
            ChosenMetric::parse("offered"),
            Err(CompareError::NotComparable("offered".into()))
        );
    }
}
