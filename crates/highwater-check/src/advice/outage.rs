//! How long writes stood still while a lone broker was away.

use highwater_measure::quantity::duration;
use highwater_model::ScenarioReport;

use super::{Advice, Measured, named};

/// An outage that people notice.
const LONG_NS: u64 = 2_000_000_000;

pub(super) fn look(measured: &Measured<'_>) -> Option<Advice> {
    let told = |scenario: &&ScenarioReport| {
        let alone = scenario.configuration.get("topic.replication")?.value == "1";
        let longest = scenario
            .faults
            .iter()
            .filter(|fault| fault.kind.starts_with("broker-") && fault.kind != "broker-pause")
            .filter_map(|fault| fault.recovery_ns)
            .max()?;
        (alone && longest >= LONG_NS).then(|| {
            format!(
                "{}: first acknowledgement {} after the broker ended",
                named(scenario),
                duration(longest)
            )
        })
    };
    let evidence: Vec<String> = measured.scenarios.iter().filter_map(told).collect();
    if evidence.is_empty() {
        return None;
    }
    Some(Advice {
        text: "With one copy of each partition nothing can be written while its broker is away. Three brokers, replication.factor=3 and min.insync.replicas=2 keep taking writes with one of them gone."
            .to_owned(),
        evidence,
    })
}
