//! Records that stand twice in the log and come from retries.

use highwater_measure::quantity::counted;
use highwater_model::ScenarioReport;

use super::{Advice, Measured, named};

pub(super) fn look(measured: &Measured<'_>) -> Option<Advice> {
    let told = |scenario: &&ScenarioReport| {
        let off = scenario.configuration.get("producer.idempotence")?.value == "false";
        let records = scenario.records;
        (off && records.read_back && records.duplicated > 0).then(|| {
            format!(
                "{}: {} in the log more than once",
                named(scenario),
                counted(records.duplicated, "record", "records")
            )
        })
    };
    let evidence: Vec<String> = measured.scenarios.iter().filter_map(told).collect();
    if evidence.is_empty() {
        return None;
    }
    Some(Advice {
        text: "Retries wrote records twice: enable.idempotence=true has the broker recognise them (KIP-98)."
            .to_owned(),
        evidence,
    })
}
