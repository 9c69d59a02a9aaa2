//! Thresholds with what was measured.

use highwater_model::{ScenarioReport, ThresholdResult};
use maud::{Markup, html};

use crate::wording;

pub(super) fn thresholds(scenario: &ScenarioReport) -> Markup {
    let Some(summary) = wording::thresholds(&scenario.thresholds) else {
        return html! {};
    };
    html! {
        section {
            h3 { "Thresholds" }
            p { (summary) "." }
            div class="scroll" {
                table {
                    thead { tr { th { "threshold" } th { "phase" } th { "measured" } th { "limit" } th { "result" } } }
                    tbody {
                        @for threshold in &scenario.thresholds {
                            tr {
                                td { code { (threshold.expression) } }
                                td { (threshold.phase.map_or("all judged", |phase| phase.name())) }
                                td { (threshold.measured.as_deref().unwrap_or(crate::number::NONE)) }
                                td { (threshold.limit.as_deref().unwrap_or(crate::number::NONE)) }
                                td class=[(threshold.result != ThresholdResult::Pass).then_some("bad")] {
                                    (wording::result(threshold.result))
                                    @if let Some(note) = &threshold.note { ": " (note) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
