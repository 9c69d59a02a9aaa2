//! `report.html`: one page that needs nothing else.
//!
//! ```text
//! head (verdict, why, again) ─ per scenario: tiles, latency chart, validity, thresholds, latency by phase,
//! percentile curve, account of records, pause, groups, faults, brokers, resources, settings ─ provenance
//! ```
//!
//! Invariant: the page opens no connection (its own policy forbids it), holds every figure of its charts as text,
//! and is complete without its script, which only adds the reading under the pointer. Everything from outside is
//! escaped by the templates; only the style, the script and the escaped JSON are written as they are.

mod account;
mod cluster;
mod curve;
mod data;
mod faults;
mod groups;
mod head;
mod knee;
mod latency_chart;
mod phases;
mod provenance;
mod repetitions;
mod resources;
mod scale;
mod stall;
mod svg;
mod thresholds;
mod trends;
mod validity;

use highwater_model::{Report, ScenarioReport, Verdict};
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use knee::knee_html;

use crate::{ReportError, wording};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// The page may use what is in it and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// A picture of what happened on the wire, beside the result of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagram {
    /// The scenario, by its place in the report.
    pub scenario: usize,
    /// What it shows.
    pub title: String,
    /// The picture, as [`crate::history::svg`] draws it.
    pub svg: String,
}

/// The page without diagrams.
pub(crate) fn html(report: &Report) -> Result<String, ReportError> {
    html_with(report, &[])
}

/// The page, with diagrams of what happened on the wire.
///
/// # Errors
/// [`ReportError::Json`] if the result can't be serialised.
pub fn html_with(report: &Report, diagrams: &[Diagram]) -> Result<String, ReportError> {
    let (short, groups) = data::short(report);
    let json = data::embedded(&short)?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (report.verdict.word()) " · " (head::title(report)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (head::head(&short))
                    @match short.scenarios.as_slice() {
                        [only] => (scenario(&short, only, 0, groups[0], diagrams)),
                        scenarios => {
                            @if !scenarios.is_empty() { (head::overview(&short)) }
                            (repetitions::repetitions(&short))
                            @for (index, one) in scenarios.iter().enumerate() {
                                article id={ "scenario-" (index) } {
                                    (scenario_head(one))
                                    (scenario(&short, one, index, groups[index], diagrams))
                                }
                            }
                        }
                    }
                    (head::not_run(&short))
                    (repetitions::recommendations(&short))
                    (provenance::provenance(&short))
                }
                div id="reading" hidden {}
                script type="application/json" id="report" { (PreEscaped(json)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string())
}

fn scenario_head(scenario: &ScenarioReport) -> Markup {
    let trouble = scenario.verdict != Verdict::Holds;
    html! {
        h2 class=[trouble.then_some("trouble")] {
            span class="word" { (scenario.verdict.word()) } " "
            (wording::subject(scenario)) ": " (wording::headline(scenario))
        }
        (head::reasons(scenario))
    }
}

fn scenario(
    report: &Report,
    scenario: &ScenarioReport,
    index: usize,
    group: usize,
    diagrams: &[Diagram],
) -> Markup {
    // Only the last scenario of an interrupted run can be unfinished, and then nothing of it was checked.
    let last = index + 1 == report.scenarios.len();
    let unfinished =
        !report.complete && last && scenario.validity.is_empty() && scenario.curve.response.is_empty();
    html! {
        (head::tiles(scenario))
        (latency_chart::latency_chart(scenario, index, &scenario.timeline, group, unfinished))
        (validity::validity(scenario))
        (thresholds::thresholds(scenario))
        (trends::trends(scenario))
        (phases::phases(scenario))
        (curve::curve(scenario))
        (account::account(scenario))
        (stall::stall(scenario))
        (groups::groups(scenario))
        (faults::faults(scenario))
        @for diagram in diagrams.iter().filter(|diagram| diagram.scenario == index) {
            section class="wire" {
                h3 { (diagram.title) }
                div class="scroll" { (PreEscaped(&diagram.svg)) }
            }
        }
        (cluster::cluster(scenario))
        (resources::resources(scenario, &scenario.resources.samples))
        @if !scenario.hints.is_empty() {
            section {
                h3 { "To look further" }
                ul { @for hint in &scenario.hints { li { (hint) } } }
            }
        }
        (provenance::settings(scenario))
    }
}
