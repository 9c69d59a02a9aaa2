//! The first screen in words and figures: the verdict, why, and how to see it again.

use highwater_model::{Report, ScenarioReport, Verdict};
use maud::{Markup, html};

use crate::number::{count, duration, moment, optional_duration, records};
use crate::wording;

/// Verdict, reasons, command and seed of a run.
pub(super) fn head(report: &Report) -> Markup {
    let trouble = report.verdict != Verdict::Holds;
    html! {
        header class={ "verdict " (if trouble { "trouble" } else { "holds" }) } {
            @if !report.complete {
                p class="incomplete" {
                    strong { "Incomplete: " }
                    "the run ended " (report.stopped_at.as_deref().unwrap_or("early")) "."
                }
            }
            h1 {
                span class="word" { (report.verdict.word()) }
                (wording::form(report))
                " "
                span class="what" { (title(report)) }
            }
            p class="meaning" { (wording::meaning(report.verdict)) }
            @if let [only] = report.scenarios.as_slice() { (reasons(only)) }
            p class="again" {
                "To run it again: " code { (report.command) }
                span class="seed" { " seed " code { (report.seed) } }
            }
        }
    }
}

/// What the run was and what came out, in a line.
pub(super) fn title(report: &Report) -> String {
    match report.scenarios.as_slice() {
        [only] => format!("{}: {}", wording::subject(only), wording::headline(only)),
        scenarios => format!("{}: {}", report.name, wording::tally(scenarios)),
    }
}

/// The reasons after the first one, and the first example of each broken guarantee.
pub(super) fn reasons(scenario: &ScenarioReport) -> Markup {
    let more: Vec<String> = scenario
        .reasons
        .iter()
        .skip(1)
        .cloned()
        .chain(
            scenario
                .anomalies
                .iter()
                .filter(|a| a.violation)
                .map(wording::anomaly),
        )
        .chain(wording::not_passed(&scenario.thresholds).map(wording::threshold_outcome))
        .chain(wording::not_valid(&scenario.validity).map(wording::validity_outcome))
        .collect();
    html! {
        @if !more.is_empty() {
            ul class="reasons" { @for reason in more { li { (reason) } } }
        }
    }
}

/// The figures that everybody asks for first.
pub(super) fn tiles(scenario: &ScenarioReport) -> Markup {
    let account = &scenario.records;
    let response = &scenario.latency.ack.response;
    html! {
        @if !scenario.summary.is_empty() { p class="summary" { (scenario.summary) } }
        dl class="tiles" {
            (tile("acknowledged", &count(account.acknowledged), &format!("of {} attempted", records(account.attempted)), false))
            @if account.read_back {
                (tile("lost", &count(account.lost), "acknowledged, and not in the log", account.lost > 0))
                (tile("duplicated", &count(account.duplicated), "in the log more than once", account.duplicated > 0))
            } @else {
                (tile("lost", crate::number::NONE, "not known: the log was not read back", false))
            }
            (tile("longest wait", &optional_duration(response.max_ns), &wait(scenario), false))
            @for fault in scenario.faults.iter().take(1) {
                @if let Some(fired_at_ns) = fault.fired_at_ns.filter(|_| fault.fired > 0) {
                    @let outage = fault.lifted_at_ns.map(|lifted| duration(lifted.saturating_sub(fired_at_ns)));
                    (tile(
                        "outage",
                        outage.as_deref().unwrap_or("not lifted"),
                        &format!("{} at {}", fault.kind, moment(fired_at_ns)),
                        false,
                    ))
                } @else {
                    (tile("outage", "none", &wording::fault(fault).join(", "), true))
                }
            }
        }
    }
}

fn wait(scenario: &ScenarioReport) -> String {
    let response = &scenario.latency.ack.response;
    if response.count == 0 {
        "no latency was measured".to_owned()
    } else {
        format!("{} waited over 100 ms", records(response.over_100ms))
    }
}

fn tile(name: &str, value: &str, note: &str, trouble: bool) -> Markup {
    html! {
        div class=[trouble.then_some("bad")] {
            dt { (name) }
            dd class="value" { (value) }
            dd class="note" { (note) }
        }
    }
}

/// One line for each scenario of a run of several.
pub(super) fn overview(report: &Report) -> Markup {
    html! {
        div class="scroll" {
            table class="figures named" {
                thead {
                    tr {
                        th { "scenario" } th { "verdict" } th { "acknowledged" } th { "lost" } th { "duplicated" }
                        th { "ack p50" } th { "ack p99" } th { "ack max" }
                    }
                }
                tbody {
                    @for (index, scenario) in report.scenarios.iter().enumerate() {
                        @let response = &scenario.latency.ack.response;
                        @let trouble = scenario.verdict != Verdict::Holds;
                        tr {
                            td { a href={ "#scenario-" (index) } { (wording::title(scenario)) } }
                            td class=[trouble.then_some("bad")] { (scenario.verdict.word()) }
                            td { (count(scenario.records.acknowledged)) }
                            @for value in [scenario.records.lost, scenario.records.duplicated] {
                                td {
                                    @if scenario.records.read_back { (count(value)) } @else { (crate::number::NONE) }
                                }
                            }
                            @for value in [response.p50_ns, response.p99_ns, response.max_ns] {
                                td { (optional_duration(value)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What could not be done to this cluster, and what would make it possible.
pub(super) fn not_run(report: &Report) -> Markup {
    html! {
        @if !report.not_run.is_empty() {
            section {
                h3 { "Not run" }
                ul {
                    @for one in &report.not_run { li { strong { (one.name) } ": " (one.reason) } }
                }
            }
        }
    }
}
