//! One run of many in a line, while they are done.

use highwater_model::ScenarioReport;

use crate::number::{duration, optional_duration, optional_rate};
use crate::text::{left, right};

/// The verdict, the rate and the latency of a run, in columns of fixed width.
#[must_use]
pub fn headline(scenario: &ScenarioReport) -> String {
    let response = &scenario.latency.ack.response;
    format!(
        "{} {}  p50 {}  p95 {}",
        left(scenario.verdict.word(), 12),
        right(&optional_rate(scenario.achieved_per_s), 10),
        right(&optional_duration(response.p50_ns), 8),
        right(&optional_duration(response.p95_ns), 8),
    )
}

/// A length of time for people: `31.2 ms`, `2 min 05 s`.
#[must_use]
pub fn span(ns: u64) -> String {
    duration(ns)
}
