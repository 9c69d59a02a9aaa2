//! A cluster that is much slower while it is cold.

use highwater_measure::quantity::duration;
use highwater_model::{Phase, ScenarioReport};

use super::{Advice, Measured, named};

/// The 99th percentile of a cold cluster against that of a warm one.
const TIMES: u64 = 5;
/// Below this nobody notices.
const NOTICED_NS: u64 = 100_000_000;

pub(super) fn look(measured: &Measured<'_>) -> Option<Advice> {
    let told = |scenario: &&ScenarioReport| {
        let p99 = |phase| {
            let phases = scenario.phases.iter();
            let mut found = phases.filter(|report| report.phase == phase);
            found.next()?.latency.ack.response.p99_ns
        };
        let (cold, warm) = (p99(Phase::WarmUp)?, p99(Phase::Steady)?);
        (cold >= NOTICED_NS && cold / TIMES >= warm).then(|| {
            format!(
                "{}: ack p99 {} during warm-up, {} after it",
                named(scenario),
                duration(cold),
                duration(warm)
            )
        })
    };
    let evidence: Vec<String> = measured.scenarios.iter().filter_map(told).collect();
    if evidence.is_empty() {
        return None;
    }
    Some(Advice {
        text: "A broker that has just started is much slower at first: let synthetic or shadow traffic warm it up before it takes traffic whose latency matters."
            .to_owned(),
        evidence,
    })
}
