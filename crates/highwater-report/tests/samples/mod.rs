//! Realistic results and event streams, made by arithmetic from a small simulation: no randomness, no clock.

pub(crate) mod outcomes;
pub(crate) mod simulation;

use std::collections::BTreeMap;

use highwater_model::{Host, Report, SCHEMA_VERSION, ScenarioReport, Setting, Verdict};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000_000_000;

/// A run of these scenarios.
pub(crate) fn run(name: &str, command: &str, scenarios: Vec<ScenarioReport>) -> Report {
    let verdict = Verdict::join(scenarios.iter().map(|scenario| scenario.verdict));
    Report {
        schema_version: SCHEMA_VERSION,
        highwater_version: "0.1.0".to_owned(),
        name: name.to_owned(),
        run_id: "7f3a91".to_owned(),
        started_at: "2026-11-21T08:15:00Z".to_owned(),
        duration_ns: scenarios.iter().map(|s| s.duration_ns).sum::<u64>() + 2 * S,
        verdict,
        exit_code: verdict.exit_code(),
        quick: false,
        seed: "7f3a91".to_owned(),
        command: command.to_owned(),
        complete: true,
        stopped_at: None,
        host: host(),
        scenarios,
        not_run: Vec::new(),
        recommendations: Vec::new(),
    }
}

pub(crate) fn host() -> Host {
    Host {
        system: "Linux 6.1.0-28-amd64".to_owned(),
        processor: "AMD EPYC 7B13".to_owned(),
        cores: 2,
        memory_bytes: 8 << 30,
        load_average: Some("0.31".to_owned()),
    }
}

pub(crate) fn configuration() -> BTreeMap<String, Setting> {
    [
        ("load.rate", "\"1000/s\"", "suites/broker-restart.toml:14"),
        ("load.acks", "\"all\"", "built-in"),
        ("load.value.bytes", "5120", "suites/broker-restart.toml:18"),
        ("fault.kind", "\"broker-kill\"", "suites/broker-restart.toml:24"),
        ("seed", "\"7f3a91\"", "--seed"),
    ]
    .into_iter()
    .map(|(name, value, origin)| {
        let setting = Setting {
            value: value.to_owned(),
            origin: origin.to_owned(),
        };
        (name.to_owned(), setting)
    })
    .collect()
}
