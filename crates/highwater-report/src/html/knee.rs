//! `knee.html`: the highest rate at which limits hold, as one page that needs nothing else.
//!
//! Invariant: a rate that the generator could not offer is in the table and is no point of the curve.

use highwater_model::{KneeAnswer, KneeOutcome, KneeReport, KneeStep};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::STYLE;
use super::scale::Scale;
use super::svg::{Plot, latency, px, short};
use crate::knee::words::{answer, curve, outcome};
use crate::number::{bytes, count, counted, duration, optional_duration, optional_rate, percent, rate};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 360.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 316.0;

/// The page.
#[must_use]
pub fn knee_html(report: &KneeReport) -> String {
    let (word, meaning) = answer(report);
    let trouble = report.answer != KneeAnswer::Found;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (word) " · knee of " (report.scenario) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    header class={ "verdict " (if trouble { "trouble" } else { "holds" }) } {
                        h1 {
                            span class="word" { (word) } " "
                            span class="what" { "knee of " (report.scenario) ": " (meaning) }
                        }
                        p class="meaning" {
                            "The highest rate at which " (and(&report.slo)) ", on " (report.target) "."
                        }
                        @if !report.command.is_empty() {
                            p class="again" { "To search it again: " code { (report.command) } }
                        }
                    }
                    (tiles(report))
                    (chart(report))
                    (steps(report))
                    (rest(report))
                }
            }
        }
    }
    .into_string()
}

fn and(limits: &[String]) -> Markup {
    html! {
        @for (index, limit) in limits.iter().enumerate() {
            @if index > 0 { " and " }
            code { (limit) }
        }
        @if limits.len() == 1 { " holds" } @else { " hold" }
    }
}

fn tiles(report: &KneeReport) -> Markup {
    let apart = report.low_per_s.zip(report.high_per_s);
    let apart = apart.map(|(low, high)| format!("{} apart", percent(high / low - 1.0)));
    let steps = counted(report.steps.len() as u64, "step");
    html! {
        dl class="tiles" {
            (tile("holds", &optional_rate(report.low_per_s), "highest rate that held"))
            (tile("does not", &optional_rate(report.high_per_s), "lowest rate that did not"))
            (tile(
                "the two",
                apart.as_deref().unwrap_or("open"),
                &format!("{} were asked for", percent(report.precision)),
            ))
            @if let Some(limit) = report.generator_limit_per_s {
                (tile("generator", &rate(limit), "it could not offer on this machine"))
            }
            (tile("searched", &duration(report.duration_ns), &steps))
        }
    }
}

fn tile(name: &str, value: &str, note: &str) -> Markup {
    html! { div { dt { (name) } dd class="value" { (value) } dd class="note" { (note) } } }
}

/// The figure of a step that is drawn: that of the first limit that is a time, else the 99th percentile.
fn figure(step: &KneeStep) -> Option<u64> {
    let timed = step.limits.iter().find(|limit| limit.limit_ns.is_some());
    timed.map_or(step.p99_ns, |limit| limit.measured_ns)
}

/// The limit that is drawn, with its words.
fn limit(report: &KneeReport) -> Option<(&str, f64)> {
    let mut limits = report.steps.iter().flat_map(|step| &step.limits);
    limits.find_map(|limit| Some((limit.expression.as_str(), limit.limit_ns? as f64)))
}

fn chart(report: &KneeReport) -> Markup {
    let steps = curve(report);
    let figures = || {
        steps
            .iter()
            .flat_map(|step| [figure(step), step.p50_ns])
            .flatten()
    };
    let (Some(least), Some(most)) = (figures().min(), figures().max()) else {
        return html! {};
    };
    let limit = limit(report);
    let fastest = steps.iter().map(|step| step.rate_per_s).fold(0.0, f64::max);
    let high = limit.map_or(most as f64, |(_, limit)| limit.max(most as f64));
    let plot = Plot {
        x: Scale::from_zero(fastest, 66.0, 988.0),
        y: Scale::log(least as f64, high, BOTTOM, TOP),
    };
    let line = |pick: &dyn Fn(&KneeStep) -> Option<u64>| -> Vec<(f64, Option<f64>)> {
        let point = |step: &&KneeStep| Some((step.rate_per_s, Some(pick(step)? as f64)));
        steps.iter().filter_map(point).collect()
    };
    let name = limit.map_or("p99", |(expression, _)| metric(expression));
    html! {
        section {
            h3 { "Latency against load" }
            figure class="chart" {
                ul class="legend" {
                    li { span class="key max" {} (name) " of each step" }
                    li { span class="key p50" {} "half were faster" }
                    @if limit.is_some() { li { span class="key limit" {} "limit" } }
                    @if report.low_per_s.is_some() && report.high_per_s.is_some() {
                        li { span class="key window" {} "the knee is in here" }
                    }
                }
                div class="plot" {
                    svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label="Latency by rate" {
                        (interval(report, &plot))
                        (plot.axes((8, 5), per_second, latency))
                        (plot.line("p50", &line(&|step| step.p50_ns)))
                        (plot.line("max", &line(&figure)))
                        @for step in &steps { (dot(step, &plot)) }
                        @if let Some((expression, limit)) = limit {
                            @let y = plot.y.at(limit);
                            g class="limits" {
                                line x1="66" x2="988" y1=(px(y)) y2=(px(y)) {}
                                text class="on-line" x="74" y=(px(y - 5.0)) { (expression) }
                            }
                        }
                        text class="strip-label" x="988" y="352" text-anchor="end" { "records offered per second" }
                    }
                }
                figcaption {
                    "Every rate that was tried, timed from the moment each record was due; filled where it held. Above "
                    "the knee the figure says how long the step was, not how slow the cluster is: the backlog grows."
                }
            }
        }
    }
}

fn metric(expression: &str) -> &str {
    expression
        .split(['<', '>', '=', '!'])
        .next()
        .unwrap_or(expression)
        .trim()
}

fn per_second(value: f64) -> String {
    match value >= 1_000.0 {
        true => count(value as u64),
        false => short(value),
    }
}

fn interval(report: &KneeReport, plot: &Plot) -> Markup {
    let Some((low, high)) = report.low_per_s.zip(report.high_per_s) else {
        return html! {};
    };
    let (start, end) = (plot.x.at(low), plot.x.at(high));
    html! {
        // Two rates that are nearly one are still seen.
        rect class="fault" x=(px(start)) y=(px(TOP)) width=(px((end - start).max(2.0))) height=(px(BOTTOM - TOP)) {}
    }
}

fn dot(step: &KneeStep, plot: &Plot) -> Markup {
    let Some(figure) = figure(step) else {
        return html! {};
    };
    let held = step.outcome == KneeOutcome::Holds;
    let place = (plot.x.at(step.rate_per_s), plot.y.at(figure as f64));
    html! {
        circle class=(if held { "part ok" } else { "part broke" }) cx=(px(place.0)) cy=(px(place.1)) r="4" {
            title { (rate(step.rate_per_s)) ": " (outcome(step.outcome)) ", " (duration(figure)) }
        }
    }
}

fn steps(report: &KneeReport) -> Markup {
    html! {
        section {
            h3 { "Every step" }
            div class="scroll" {
                table class="figures named" {
                    thead {
                        tr {
                            th { "step" } th { "rate" } th { "achieved" } th { "p50" } th { "p95" } th { "p99" }
                            @for limit in &report.slo { th { (limit) } }
                            th { "" }
                        }
                    }
                    tbody {
                        @for (index, step) in report.steps.iter().enumerate() { (row(index, step, report.slo.len())) }
                    }
                }
            }
            p class="note" {
                "bracket: to find one rate that holds and one that does not. bisect: to bring them together. hold: the "
                "lower one again, for twice as long. retry: the upper one again."
            }
            @let why = report.steps.iter().enumerate().filter_map(|(index, step)| Some((index, step.why.as_ref()?)));
            details open {
                summary { "Why steps did not hold" }
                ul class="reasons" {
                    @for (index, why) in why { li { (index + 1) ": " (why) } }
                }
            }
        }
    }
}

fn row(index: usize, step: &KneeStep, limits: usize) -> Markup {
    let held = step.outcome == KneeOutcome::Holds;
    html! {
        tr {
            td { (index + 1) " " (step.purpose) }
            td { (rate(step.rate_per_s)) }
            td { (optional_rate(step.achieved_per_s)) }
            @for value in [step.p50_ns, step.p95_ns, step.p99_ns] { td { (optional_duration(value)) } }
            @for limit in 0..limits {
                @let limit = step.limits.get(limit);
                @let measured = limit.and_then(|limit| limit.measured.as_deref());
                td class=[limit.is_some_and(|limit| !limit.kept).then_some("bad")] {
                    (measured.unwrap_or(crate::number::NONE))
                }
            }
            td class=[(!held).then_some("bad")] { (outcome(step.outcome)) }
        }
    }
}

fn rest(report: &KneeReport) -> Markup {
    let host = &report.host;
    let rows = [
        ("highwater", report.highwater_version.clone()),
        ("seed", report.seed.clone()),
        ("target", report.target.clone()),
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
    // The command stands in the head of the page.
    let again = |hint: &&String| !hint.starts_with("again: ");
    let hints: Vec<&String> = report.hints.iter().filter(again).collect();
    html! {
        @if !hints.is_empty() {
            section { h3 { "To look further" } ul { @for hint in hints { li { (hint) } } } }
        }
        section {
            h2 { "Where these figures come from" }
            table class="provenance" {
                tbody { @for (name, value) in rows { tr { th { (name) } td { (value) } } } }
            }
            p class="note" { "Each step is a run of its own, with its report in steps/ beside this page." }
        }
    }
}
