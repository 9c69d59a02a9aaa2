//! Whether two sides were run alike: on the same class of machine, against the same broker, with the same settings.

use std::collections::{BTreeMap, BTreeSet};

use highwater_model::{FingerprintDifference, Host, Report, ScenarioReport};

/// Settings that change what is said of a run and not what is done.
const NOT_DONE: [&str; 5] = ["summary", "thresholds", "contract", "name", "variants"];
/// The same machine reports a little more or less memory from one start to the next.
const MEMORY_TOLERANCE: f64 = 0.05;

/// What identifies one side; differing runs on one side are named too, by the first that differs.
pub(super) fn differences(
    base: &[&Report],
    candidate: &[&Report],
    may_differ: &BTreeSet<String>,
) -> Vec<FingerprintDifference> {
    let Some(first) = base.first() else {
        return Vec::new();
    };
    let mut found: BTreeMap<String, FingerprintDifference> = BTreeMap::new();
    for other in base.iter().skip(1).chain(candidate) {
        for difference in between(first, other, may_differ) {
            found.entry(difference.what.clone()).or_insert(difference);
        }
    }
    found.into_values().collect()
}

fn between(base: &Report, candidate: &Report, may_differ: &BTreeSet<String>) -> Vec<FingerprintDifference> {
    let mut found = hosts(&base.host, &candidate.host);
    for scenario in &base.scenarios {
        let same = |other: &&ScenarioReport| other.name == scenario.name;
        let Some(other) = candidate.scenarios.iter().find(same) else {
            continue;
        };
        found.extend(difference(
            "target",
            &kind_of(&scenario.target),
            &kind_of(&other.target),
        ));
        found.extend(settings(scenario, other, may_differ));
    }
    found
}

fn hosts(base: &Host, candidate: &Host) -> Vec<FingerprintDifference> {
    let memory = (base.memory_bytes as f64 - candidate.memory_bytes as f64).abs();
    let in_mib = |host: &Host| format!("{} MiB", host.memory_bytes >> 20);
    let mut found = Vec::new();
    found.extend(difference("processor", &base.processor, &candidate.processor));
    found.extend(difference(
        "cores",
        &base.cores.to_string(),
        &candidate.cores.to_string(),
    ));
    if memory > MEMORY_TOLERANCE * base.memory_bytes.max(candidate.memory_bytes) as f64 {
        found.extend(difference("memory", &in_mib(base), &in_mib(candidate)));
    }
    found
}

/// Where a cluster is does not matter as much as what it is; of one that was there, no more is known than its address.
fn kind_of(target: &str) -> String {
    target.split(" at 127.0.0.1").next().unwrap_or(target).to_owned()
}

fn settings(
    base: &ScenarioReport,
    candidate: &ScenarioReport,
    may_differ: &BTreeSet<String>,
) -> Vec<FingerprintDifference> {
    let keys: BTreeSet<&String> = base
        .configuration
        .keys()
        .chain(candidate.configuration.keys())
        .collect();
    let value = |scenario: &ScenarioReport, key: &str| {
        let setting = scenario.configuration.get(key);
        setting.map_or_else(|| "not set".to_owned(), |setting| setting.value.clone())
    };
    keys.into_iter()
        .filter(|key| !NOT_DONE.contains(&key.as_str()) && !excepted(key, may_differ))
        .filter_map(|key| difference(key, &value(base, key), &value(candidate, key)))
        .collect()
}

/// A key that may differ, or one below or above it: `load.values` covers `load.values.size`.
fn excepted(key: &str, may_differ: &BTreeSet<String>) -> bool {
    may_differ.iter().any(|allowed| {
        let below = |long: &str, short: &str| {
            long.strip_prefix(short)
                .is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        key == allowed || below(key, allowed) || below(allowed, key)
    })
}

fn difference(what: &str, base: &str, candidate: &str) -> Option<FingerprintDifference> {
    (base != candidate).then(|| FingerprintDifference {
        what: what.to_owned(),
        base: base.to_owned(),
        candidate: candidate.to_owned(),
    })
}
