//! The validity box: what was checked before the figures are believed.

use highwater_model::ScenarioReport;
use maud::{Markup, html};

pub(super) fn validity(scenario: &ScenarioReport) -> Markup {
    let failed = scenario.validity.iter().filter(|check| !check.ok).count();
    html! {
        section {
            h3 { "Can these figures be trusted?" }
            @if scenario.validity.is_empty() {
                p class="nothing" { "Not checked: the scenario did not come to its end." }
            } @else {
                p {
                    @match failed {
                        0 => "Yes: every check of the measurement itself passed.",
                        1 => "No: one check of the measurement itself failed.",
                        n => { "No: " (n) " checks of the measurement itself failed." }
                    }
                }
                div class="scroll" {
                    table {
                        thead { tr { th { "check" } th { "measured" } th { "required" } th { "result" } } }
                        tbody {
                            @for check in &scenario.validity {
                                tr {
                                    td { (check.name) }
                                    td { (check.measured) }
                                    td { (check.required) }
                                    td class=[(!check.ok).then_some("bad")] {
                                        @if check.ok { "ok" } @else {
                                            "failed"
                                            @if let Some(remedy) = &check.remedy { ": " (remedy) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
