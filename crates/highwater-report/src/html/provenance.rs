//! Where the figures come from: versions, machine, every setting with its origin.

use highwater_model::{Report, ScenarioReport};
use maud::{Markup, html};

use crate::number::{bytes, count, duration};
use crate::validation::measurement;

/// Settings of a scenario with where each came from, what else was measured, and what was promised.
pub(super) fn settings(scenario: &ScenarioReport) -> Markup {
    html! {
        section {
            h3 { "Settings" }
            @if !scenario.contract.is_empty() { p { "Promised: " (scenario.contract.join(", ")) "." } }
            @if !scenario.measurements.is_empty() {
                div class="scroll" {
                    table class="figures named" {
                        thead { tr { th { "also measured" } th { "value" } } }
                        tbody {
                            @for (name, value) in &scenario.measurements {
                                tr { td { (name) } td { (measurement(name, *value)) } }
                            }
                        }
                    }
                }
            }
            @if !scenario.configuration.is_empty() {
                details class="settings" {
                    summary { "Every setting and where it came from (" (count(scenario.configuration.len() as u64)) ")" }
                    div class="scroll" {
                        table {
                            thead { tr { th { "setting" } th { "value" } th { "from" } } }
                            tbody {
                                @for (name, setting) in &scenario.configuration {
                                    tr { td { code { (name) } } td { code { (setting.value) } } td { (setting.origin) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The run and the machine.
pub(super) fn provenance(report: &Report) -> Markup {
    let host = &report.host;
    let rows = [
        ("highwater", report.highwater_version.clone()),
        ("run", report.run_id.clone()),
        ("seed", report.seed.clone()),
        ("command", report.command.clone()),
        ("started", report.started_at.clone()),
        ("took", duration(report.duration_ns)),
        ("exit code", u8::from(report.exit_code).to_string()),
        ("system", host.system.clone()),
        (
            "processor",
            format!("{}, {} usable", host.processor, count(u64::from(host.cores))),
        ),
        ("memory", bytes(host.memory_bytes)),
        (
            "load at the start",
            host.load_average
                .clone()
                .unwrap_or_else(|| crate::number::NONE.to_owned()),
        ),
    ];
    html! {
        section {
            h2 { "Where these figures come from" }
            table class="provenance" {
                tbody { @for (name, value) in rows { tr { th { (name) } td { (value) } } } }
            }
            p class="note" { "All points in time count from the start of the run, on one clock." }
        }
    }
}
