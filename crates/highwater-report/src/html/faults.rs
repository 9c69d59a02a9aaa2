//! What became of each fault.

use highwater_model::ScenarioReport;
use maud::{Markup, html};

use crate::number::{NONE, count, duration, moment, optional_duration};

pub(super) fn faults(scenario: &ScenarioReport) -> Markup {
    html! {
        @if !scenario.faults.is_empty() {
            section {
                h3 { "Faults" }
                div class="scroll" {
                    table {
                        thead {
                            tr {
                                th { "fault" } th { "took effect" } th class="n" { "at" } th class="n" { "outage" }
                                th class="n" { "in flight" } th class="n" { "first acknowledgement after" }
                                th class="n" { "usual latency after" } th { "seen at the client" }
                            }
                        }
                        tbody {
                            @for fault in &scenario.faults {
                                @let outage = fault.fired_at_ns.zip(fault.lifted_at_ns);
                                tr {
                                    td { (fault.kind) }
                                    td class=[(fault.fired == 0).then_some("bad")] {
                                        @match (fault.armed, fault.fired) {
                                            (false, _) => "not armed",
                                            (true, 0) => "never",
                                            (true, 1) => "once",
                                            (true, n) => { (count(n)) " times" }
                                        }
                                    }
                                    td class="n" { (fault.fired_at_ns.map_or_else(|| NONE.to_owned(), moment)) }
                                    td class="n" {
                                        (outage.map_or_else(
                                            || NONE.to_owned(),
                                            |(fired, lifted)| duration(lifted.saturating_sub(fired)),
                                        ))
                                    }
                                    td class="n" { (count(fault.in_flight)) }
                                    td class="n" { (optional_duration(fault.recovery_ns)) }
                                    td class="n" { (optional_duration(fault.back_to_baseline_ns)) }
                                    td { (fault.client_reaction.as_deref().unwrap_or("nothing")) }
                                }
                            }
                        }
                    }
                }
            }
        }
        @if !scenario.rules.is_empty() {
            section {
                h3 { "Rules of the fault proxy" }
                div class="scroll" {
                    table {
                        thead { tr { th { "rule" } th { "fault" } th class="n" { "matched" } th class="n" { "fired" } } }
                        tbody {
                            @for rule in &scenario.rules {
                                tr {
                                    td { (rule.name) }
                                    td { (rule.fault) }
                                    td class="n" { (count(rule.matched)) }
                                    td class=(if rule.fired == 0 { "n bad" } else { "n" }) { (count(rule.fired)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
