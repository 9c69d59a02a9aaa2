//! A producer whose buffer is smaller than what becomes due during an outage.

use highwater_measure::quantity::{count, duration};
use highwater_model::ScenarioReport;

use super::{Advice, Measured, named, number};

pub(super) fn look(measured: &Measured<'_>) -> Option<Advice> {
    let told = |scenario: &&ScenarioReport| {
        let buffer = number(scenario, "producer.queue_records")?;
        let rate = scenario.offered_per_s?;
        let producers = number(scenario, "load.producers").unwrap_or(1.0);
        let outage_ns = scenario
            .faults
            .iter()
            .filter_map(|fault| fault.recovery_ns)
            .max()?;
        let due = rate * outage_ns as f64 / 1e9;
        (due > buffer * producers).then(|| {
            format!(
                "{}: {} records became due in {}, the buffer holds {}",
                named(scenario),
                count(due as u64),
                duration(outage_ns),
                count((buffer * producers) as u64)
            )
        })
    };
    let evidence: Vec<String> = measured.scenarios.iter().filter_map(told).collect();
    if evidence.is_empty() {
        return None;
    }
    Some(Advice {
        text: "The producer's buffer is smaller than what becomes due during such an outage: the application blocks or drops. Make it larger (buffer.memory, in librdkafka queue.buffering.max.messages and .kbytes), or have the application cope with a full one."
            .to_owned(),
        evidence,
    })
}
