//! The counters of the proxy in the words of its report.

use std::collections::BTreeMap;
use std::time::Duration;

use highwater_model::RuleReport;
use highwater_proxy::Snapshot;
use highwater_report::passing::{ApiCount, Passing};
use highwater_scenario::trouble_in_words;
use highwater_wire::api;

/// What passed until now; what does not change is taken from `frame`.
pub(super) fn passing(frame: &Passing, snapshot: &Snapshot, elapsed: Duration) -> Passing {
    let mut apis: BTreeMap<i16, ApiCount> = BTreeMap::new();
    let named = |key: i16| ApiCount {
        api: api::name(key).map_or_else(|| format!("API {key}"), str::to_owned),
        ..ApiCount::default()
    };
    for (key, requests) in &snapshot.requests {
        apis.entry(*key).or_insert_with(|| named(*key)).requests = *requests;
    }
    for ((key, error), count) in &snapshot.errors {
        let name = api::error_name(*error).map_or_else(|| format!("error {error}"), str::to_owned);
        let api = apis.entry(*key).or_insert_with(|| named(*key));
        *api.errors.entry(name).or_default() += count;
    }
    let mut apis: Vec<ApiCount> = apis.into_values().collect();
    apis.sort_by_key(|api| std::cmp::Reverse(api.requests));
    Passing {
        elapsed_ns: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX),
        connections_open: snapshot.connections_open,
        connections: snapshot.connections_total,
        responses: snapshot.responses,
        bytes_to_brokers: snapshot.bytes_to_broker,
        bytes_to_clients: snapshot.bytes_to_client,
        apis,
        unknown_requests: snapshot.unknown_requests,
        rules: snapshot
            .rules
            .iter()
            .map(|rule| RuleReport {
                name: rule.name.clone(),
                fault: rule.fault.to_owned(),
                matched: rule.matched,
                fired: rule.fired,
            })
            .collect(),
        troubles: snapshot.troubles.iter().map(trouble_in_words).collect(),
        troubles_total: snapshot.troubles_total,
        ..frame.clone()
    }
}
