//! Latency of each phase, response and service time side by side.

use highwater_model::{PhaseReport, Quantiles, ScenarioReport, Timing};
use maud::{Markup, html};

use crate::number::{NONE, count, duration_f64, optional_duration, optional_rate};

pub(super) fn phases(scenario: &ScenarioReport) -> Markup {
    let ack = &scenario.latency.ack;
    let end_to_end = &scenario.latency.end_to_end;
    if ack.response.count == 0 && end_to_end.response.count == 0 {
        return html! {};
    }
    html! {
        section {
            h3 { "Latency by phase" }
            p {
                strong { "Response" } " counts from the moment a record was due, " strong { "service" }
                " from the moment the client took it. A record belongs to the phase in which it was due; "
                "warm-up is shown and not judged."
            }
            (table("Until acknowledged", scenario, ack, |phase| &phase.latency.ack))
            @if end_to_end.response.count > 0 {
                (table("Until received by a consumer", scenario, end_to_end, |phase| &phase.latency.end_to_end))
            }
            (censored(ack))
            (rates(&scenario.phases))
        }
    }
}

fn table(title: &str, scenario: &ScenarioReport, all: &Timing, pick: fn(&PhaseReport) -> &Timing) -> Markup {
    html! {
        div class="scroll" {
            table class="figures named dense" {
                caption { (title) }
                thead {
                    tr {
                        th rowspan="2" { "phase" }
                        th rowspan="2" { "records" }
                        th colspan="6" class="group" { "response" }
                        th colspan="6" class="group" { "service" }
                    }
                    tr {
                        @for first in ["mean", "mean"] {
                            th class="group" { (first) } th { "p50" } th { "p95" } th { "p99" } th { "max" }
                            th { "over 100 ms" }
                        }
                    }
                }
                tbody {
                    @for phase in scenario.phases.iter().filter(|phase| pick(phase).response.count > 0) {
                        (row(phase.phase.name(), pick(phase), ""))
                    }
                    (row("all judged", all, "sum"))
                }
            }
        }
    }
}

fn row(name: &str, timing: &Timing, class: &str) -> Markup {
    html! {
        tr class=(class) {
            td { (name) }
            td { (count(timing.response.count)) }
            (quantiles(&timing.response))
            (quantiles(&timing.service))
        }
    }
}

fn quantiles(quantiles: &Quantiles) -> Markup {
    let bound = if quantiles.censored > 0 { "≥ " } else { "" };
    html! {
        td class="group" { (bound) (quantiles.mean_ns.map_or_else(|| NONE.to_owned(), duration_f64)) }
        @for value in [quantiles.p50_ns, quantiles.p95_ns, quantiles.p99_ns, quantiles.max_ns] {
            td { (optional_duration(value)) }
        }
        td { @if quantiles.count == 0 { (NONE) } @else { (count(quantiles.over_100ms)) } }
    }
}

fn censored(timing: &Timing) -> Markup {
    html! {
        @if timing.response.censored > 0 {
            p class="note" {
                (crate::number::counted(timing.response.censored, "record"))
                " never got an answer: they count as at least as long as was waited, so a mean is a lower bound."
            }
        }
    }
}

fn rates(phases: &[PhaseReport]) -> Markup {
    html! {
        div class="scroll" {
            table class="figures named" {
                caption { "Rates" }
                thead {
                    tr {
                        th { "phase" } th { "from" } th { "length" } th { "due" } th { "offered" } th { "achieved" }
                        th { "generator CPU, seconds" }
                    }
                }
                tbody {
                    @for phase in phases {
                        tr {
                            td { (phase.phase.name()) }
                            td { (crate::number::moment(phase.start_ns)) }
                            td { (crate::number::duration(phase.end_ns.saturating_sub(phase.start_ns))) }
                            td { (count(phase.due)) }
                            td { (optional_rate(phase.offered_per_s)) }
                            td { (optional_rate(phase.achieved_per_s)) }
                            td { (phase.generator_cpu_seconds.map_or_else(|| NONE.to_owned(), crate::number::significant)) }
                        }
                    }
                }
            }
        }
    }
}
