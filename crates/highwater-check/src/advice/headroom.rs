//! How far the rates that were offered are from the rate at which the cluster saturated.

use highwater_measure::quantity::{Quantity, Unit};
use highwater_model::ScenarioReport;

use super::{Advice, Measured, median, named};

/// Below this many times the rate that is asked for, a burst or a catch-up has little room.
const COMFORTABLE: f64 = 2.0;

pub(super) fn look(measured: &Measured<'_>) -> Option<Advice> {
    let saturating: Vec<&ScenarioReport> = measured
        .scenarios
        .iter()
        .copied()
        .filter(|one| saturates(one))
        .collect();
    let most = median(saturating.iter().filter_map(|one| one.achieved_per_s))?;
    let size = size(saturating.first()?);
    let paced = measured.scenarios.iter().filter(|one| self::size(one) == size);
    let (asked, by) = paced
        .filter_map(|one| Some((one.offered_per_s?, one)))
        .max_by(|one, other| one.0.total_cmp(&other.0))?;
    let times = most / asked;
    let rate = |value| Quantity::new(value, Unit::Rate).to_string();
    let text = if times >= COMFORTABLE {
        format!(
            "There is room for {times:.1} times the highest rate that was asked for ({}); plan for more capacity before the rate gets near {}.",
            rate(asked),
            rate(most / COMFORTABLE)
        )
    } else {
        format!(
            "At {} the cluster has little room: it saturates at {:.1} times that. Add brokers or partitions, or make records smaller, before relying on this rate.",
            rate(asked),
            times
        )
    };
    let mut evidence: Vec<String> = saturating
        .iter()
        .filter_map(|one| Some(format!("{}: {} at most", named(one), rate(one.achieved_per_s?))))
        .collect();
    evidence.push(format!("{}: {} offered", named(by), rate(asked)));
    Some(Advice { text, evidence })
}

/// It offered as much as the client took, and the cluster was what limited it.
fn saturates(scenario: &ScenarioReport) -> bool {
    let rate = scenario.configuration.get("load.rate");
    let unpaced = rate.is_some_and(|setting| setting.value.trim_matches('"') == "max");
    unpaced && scenario.offered_per_s.is_none() && scenario.achieved_per_s.is_some_and(|rate| rate > 0.0)
}

fn size(scenario: &ScenarioReport) -> Option<&str> {
    let setting = scenario.configuration.get("load.values.size")?;
    Some(&setting.value)
}
