//! Repetitions of the same scenario side by side, and what follows from the whole run.

use highwater_model::Report;
use maud::{Markup, html};

use crate::validation::{groups, spread};

/// The figures that people compare first.
const FIGURES: [&str; 7] = [
    "rate",
    "ack.p50",
    "ack.p95",
    "ack.p99",
    "ack.max",
    "lost",
    "duplicated",
];

/// Median and extremes of each scenario that was repeated.
pub(super) fn repetitions(report: &Report) -> Markup {
    let groups = groups(report);
    let repeated: Vec<_> = groups.iter().filter(|group| group.runs.len() > 1).collect();
    html! {
        @if !repeated.is_empty() {
            section {
                h3 { "Over the repetitions" }
                div class="scroll" {
                    table class="figures named" {
                        thead {
                            tr { th { "scenario" } th { "figure" } th { "median" } th { "least – most" } }
                        }
                        tbody {
                            @for group in repeated {
                                @for figure in FIGURES {
                                    @if let Some((median, range)) = spread(group, figure) {
                                        tr { td { (group.name) } td { (figure) } td { (median) } td { (range) } }
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

/// What the measurements speak for.
pub(super) fn recommendations(report: &Report) -> Markup {
    html! {
        @if !report.recommendations.is_empty() {
            section {
                h3 { "Recommendations" }
                ol {
                    @for one in &report.recommendations {
                        li {
                            (one.advice)
                            ul { @for figure in &one.evidence { li class="note" { (figure) } } }
                        }
                    }
                }
            }
        }
    }
}
