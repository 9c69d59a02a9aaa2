//! A broker that used most of the processors.

use highwater_measure::quantity::{Quantity, Unit};
use highwater_model::{ProcessRole, ScenarioReport};

use super::{Advice, Measured, named};

/// Share of all processors above which a queue in front of them is to be expected.
const BUSY: f64 = 0.7;

pub(super) fn look(measured: &Measured<'_>) -> Option<Advice> {
    let cores = f64::from(measured.host.cores.max(1));
    let busy = |scenario: &&ScenarioReport| {
        let brokers = scenario
            .resources
            .processes
            .iter()
            .filter(|process| process.role == ProcessRole::Broker);
        let used: f64 = brokers.filter_map(|process| process.cpu_cores_mean).sum();
        (used >= BUSY * cores).then(|| {
            let used = Quantity::new(used, Unit::Cores);
            format!("{}: brokers used {used} of {cores} on average", named(scenario))
        })
    };
    let evidence: Vec<String> = measured.scenarios.iter().filter_map(busy).collect();
    if evidence.is_empty() {
        return None;
    }
    Some(Advice {
        text: "The processors are what limits the brokers: give them more cores, or spare them work (larger batches by a longer linger, compression by the producer, fewer partitions)."
            .to_owned(),
        evidence,
    })
}
