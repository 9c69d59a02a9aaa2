//! `report.html` of `highwater prove`: one page that needs nothing else.

use highwater_model::{ProveReport, ProvedAnomaly, RoundReport, Verdict};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{WirePictures, mark};
use crate::number::{count, duration};

const STYLE: &str = include_str!("../html/style.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The page. `wire`: pictures of what happened on the wire, as [`crate::history::svg`] draws them.
#[must_use]
pub fn prove_html(report: &ProveReport, wire: &WirePictures) -> String {
    let trouble = report.verdict != Verdict::Holds;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (report.verdict.word()) " · prove " (report.contract) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header {
                        h1 class=[trouble.then_some("trouble")] {
                            span class="word" { (report.verdict.word()) } " " (report.contract) " on " (report.target)
                        }
                        @for reason in &report.reasons { p { (reason) } }
                        p { "pipeline " code { (report.pipeline) } }
                    }
                    (account(report))
                    (rounds(&report.rounds))
                    @for (at, anomaly) in report.anomalies.iter().enumerate() { (found(at, anomaly, wire)) }
                    (shortest(report))
                    (rest(report))
                }
            }
        }
    }
    .into_string()
}

fn account(report: &ProveReport) -> Markup {
    let counts = &report.counts;
    let rows = [
        ("inputs fed", counts.fed),
        ("acknowledged by the cluster", counts.acknowledged),
        ("in aborted transactions", counts.aborted),
        ("inputs done", counts.processed),
        ("outputs, committed", counts.outputs),
        ("outputs in the log", counts.outputs_in_log),
        ("lost", counts.lost),
        ("twice", counts.duplicated),
        ("of these in flight at a fault", counts.duplicated_in_window),
        ("out of order", counts.reordered),
    ];
    html! {
        section {
            h3 { "The account of records" }
            table { tbody { @for (name, value) in rows { tr { th { (name) } td class="number" { (count(value)) } } } } }
        }
    }
}

fn rounds(rounds: &[RoundReport]) -> Markup {
    html! {
        section {
            h3 { "Faults, in their order" }
            div class="scroll" { table {
                thead { tr { th { "" } th { "fault" } th { "what it does" } th { "the moment" } th { "reaction" } th { "went on after" } } }
                tbody { @for round in rounds { tr {
                    td { (mark(round.ending)) }
                    td { (round.fault) }
                    td { (round.summary) }
                    td { (round.moment.as_deref().unwrap_or("–")) @if !round.detail.is_empty() { " (" (round.detail) ")" } }
                    td { (round.reaction.as_deref().unwrap_or("–")) }
                    td class="number" { (round.resumed_ns.map_or_else(|| "–".to_owned(), duration)) }
                } } }
            } }
        }
    }
}

fn found(at: usize, anomaly: &ProvedAnomaly, wire: &WirePictures) -> Markup {
    html! {
        section {
            h3 class=[anomaly.violation.then_some("trouble")] { (anomaly.name) ": " (anomaly.headline) }
            p { (anomaly.explanation) }
            @for (example_at, example) in anomaly.examples.iter().enumerate() {
                p { code { (example.records.join(" → ")) } br; (example.story) }
                @for (_, _, svg) in wire.iter().filter(|(one, example, _)| (*one, *example) == (at, example_at)) {
                    div class="scroll" { (PreEscaped(svg)) }
                }
            }
        }
    }
}

fn shortest(report: &ProveReport) -> Markup {
    let Some(shrunk) = &report.shrunk else {
        return html! {};
    };
    html! {
        section {
            h3 { "The shortest schedule that still shows it" }
            p {
                @if shrunk.faults.is_empty() { "no fault at all" } @else { (shrunk.faults.join(", then ")) }
                ": " (shrunk.faults.len()) " of " (shrunk.from) ", in " (shrunk.runs) " trials; "
                @if shrunk.minimal { "none of them can be left out" } @else { "there was no time to try all" }
            }
            p { code { (shrunk.command) } }
        }
    }
}

fn rest(report: &ProveReport) -> Markup {
    html! {
        @if !report.notes.is_empty() {
            section { h3 { "Notes" } ul { @for note in &report.notes { li { (note) } } } }
        }
        @if !report.pipeline_output.is_empty() {
            section { h3 { "The last lines of the pipeline" } pre { (report.pipeline_output.join("\n")) } }
        }
        section {
            h3 { "Where it comes from" }
            table { tbody {
                tr { th { "inputs" } td { (report.inputs.join(", ")) } }
                tr { th { "outputs" } td { (report.outputs.join(", ")) } }
                tr { th { "lineage" } td { (report.lineage) } }
                tr { th { "started" } td { (report.started_at) } }
                tr { th { "took" } td { (duration(report.duration_ns)) } }
                tr { th { "seed" } td { (report.seed) } }
                @if let Some(history) = &report.history { tr { th { "wire history" } td { (history) } } }
                tr { th { "again" } td { code { (report.command) } } }
                tr { th { "highwater" } td { (report.highwater_version) } }
            } }
        }
    }
}
