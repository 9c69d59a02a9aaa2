//! The chart that matters: how long records waited, over time, with the faults on the same clock.

use highwater_model::{ScenarioReport, TimelineBin};
use maud::{Markup, html};

use super::scale::Scale;
use super::svg::{Plot, latency, px, seconds, short, window_label};
use crate::number::{count, moment, optional_duration, rate};

const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 470.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 988.0;
const TOP: f64 = 42.0;
const BOTTOM: f64 = 340.0;
/// The strip below, which shows how many records were due and acknowledged.
const STRIP_TOP: f64 = 384.0;
const STRIP_BOTTOM: f64 = 446.0;
/// The strip reaches to this many times the highest rate that was due.
const STRIP_REACH: f64 = 3.0;
/// Width of a character of a label, for leaving out what has no room.
const CHARACTER: f64 = 6.6;

/// The chart of a scenario with its switch and its table. `bins` may be thinned, `group` bins to a point;
/// `by_arrival` if they are those of a live view, where a record is placed when its acknowledgement arrived.
pub(super) fn latency_chart(
    scenario: &ScenarioReport,
    index: usize,
    bins: &[TimelineBin],
    group: usize,
    by_arrival: bool,
) -> Markup {
    let name = format!("scale-{index}");
    let any = bins.iter().any(|bin| bin.response_max_ns.is_some());
    html! {
        h3 class="first" { "How long records waited" }
        figure class="chart latency" {
            @if any {
                input type="radio" name=(name) id={ (name) "-log" } class="to-log" checked;
                input type="radio" name=(name) id={ (name) "-linear" } class="to-linear";
                div class="chart-head" {
                    (legend(scenario))
                    div class="switch" {
                        label class="for-log" for={ (name) "-log" } { "logarithmic" }
                        label class="for-linear" for={ (name) "-linear" } { "linear" }
                    }
                }
                div class="plot log" { (drawing(scenario, index, bins, true)) }
                div class="plot linear" { (drawing(scenario, index, bins, false)) }
            } @else {
                p class="nothing" { "No record was acknowledged, so there is no latency to draw." }
            }
            @if any {
                figcaption {
                    "Every record has a moment at which it was due. The chart shows how long after that moment the "
                    "broker acknowledged it"
                    @if by_arrival {
                        ". This scenario did not finish, so a point stands for the acknowledgements that arrived "
                        "around that time."
                    } @else {
                        "; each point stands for the records due around that time. The dashed line counts only from "
                        "the moment the client took the record, which hides the waiting that a stalled client causes."
                    }
                    @if group > 1 {
                        " A point stands for " (count(group as u64)) " bins and shows the slowest of them."
                    }
                }
            }
            @if !bins.is_empty() { (table(bins)) }
        }
    }
}

fn legend(scenario: &ScenarioReport) -> Markup {
    html! {
        ul class="legend" {
            li { span class="key max" {} "slowest" }
            li { span class="key p99" {} "99 % were faster" }
            li { span class="key p50" {} "half were faster" }
            li { span class="key service" {} "slowest, service time" }
            @if limits(scenario).next().is_some() { li { span class="key limit" {} "limit" } }
            @if scenario.faults.iter().any(|fault| fault.fired > 0) { li { span class="key window" {} "fault in effect" } }
        }
    }
}

/// Limits of acknowledgement latency with the stretch of time in which they apply.
fn limits(scenario: &ScenarioReport) -> impl Iterator<Item = (String, f64, Option<(f64, f64)>)> + '_ {
    scenario.thresholds.iter().filter_map(|threshold| {
        let limit = threshold
            .limit_ns
            .filter(|_| threshold.metric.starts_with("ack"))?;
        let span = threshold.phase.and_then(|phase| {
            let phase = scenario.phases.iter().find(|known| known.phase == phase)?;
            Some((phase.start_ns as f64, phase.end_ns as f64))
        });
        Some((crate::wording::threshold(threshold), limit as f64, span))
    })
}

fn drawing(scenario: &ScenarioReport, index: usize, bins: &[TimelineBin], log: bool) -> Markup {
    let plot = Plot {
        x: time_scale(scenario, bins),
        y: latency_scale(scenario, bins, log),
    };
    let (first, last) = plot.x.domain();
    let label = format!(
        "Latency over time of {}, {}",
        scenario.name,
        if log { "logarithmic" } else { "linear" }
    );
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(label) data-hover=(index)
            data-left=(LEFT) data-right=(RIGHT) data-from=(first) data-to=(last) {
            (plot.fault_windows(scenario))
            (phases(scenario, &plot))
            (plot.axes((10, 5), seconds, latency))
            (plot.area("spread", &series(bins, |bin| {
                Some((bin.response_p50_ns? as f64, bin.response_max_ns? as f64))
            })))
            (plot.line("service", &points(bins, |bin| bin.service_max_ns)))
            (plot.line("p50", &points(bins, |bin| bin.response_p50_ns)))
            (plot.line("p99", &points(bins, |bin| bin.response_p99_ns)))
            (plot.line("max", &points(bins, |bin| bin.response_max_ns)))
            (unanswered(&plot, bins))
            (limit_lines(scenario, &plot))
            (fault_labels(scenario, &plot))
            (strip(scenario, bins, plot.x))
            line class="cursor" x1="0" x2="0" y1=(TOP) y2=(STRIP_BOTTOM) visibility="hidden" {}
        }
    }
}

fn time_scale(scenario: &ScenarioReport, bins: &[TimelineBin]) -> Scale {
    let first = bins.first().map_or(scenario.started_ns, |bin| bin.start_ns);
    let last = bins.last().map_or(first, |bin| bin.start_ns + bin.width_ns);
    Scale::linear(first as f64, last as f64, LEFT, RIGHT)
}

fn latency_scale(scenario: &ScenarioReport, bins: &[TimelineBin], log: bool) -> Scale {
    let values = |pick: fn(&TimelineBin) -> [Option<u64>; 2]| bins.iter().flat_map(pick).flatten();
    let low = values(|bin| [bin.response_p50_ns, bin.service_max_ns])
        .min()
        .unwrap_or(1);
    let highest = values(|bin| [bin.response_max_ns, bin.service_max_ns])
        .max()
        .unwrap_or(1) as f64;
    // A limit far above everything would squeeze the chart: then it stays outside and is named in the table.
    let reach = if log { 100.0 } else { 1.5 };
    let high = limits(scenario)
        .map(|(_, limit, _)| limit)
        .filter(|limit| *limit <= highest * reach)
        .fold(highest, f64::max);
    if log {
        Scale::log(low as f64, high, BOTTOM, TOP)
    } else {
        Scale::from_zero(high, BOTTOM, TOP)
    }
}

fn series<T>(bins: &[TimelineBin], pick: impl Fn(&TimelineBin) -> Option<T>) -> Vec<(f64, Option<T>)> {
    bins.iter().map(|bin| (middle(bin), pick(bin))).collect()
}

fn points(bins: &[TimelineBin], pick: impl Fn(&TimelineBin) -> Option<u64>) -> Vec<(f64, Option<f64>)> {
    series(bins, |bin| pick(bin).map(|ns| ns as f64))
}

fn middle(bin: &TimelineBin) -> f64 {
    bin.start_ns as f64 + bin.width_ns as f64 / 2.0
}

fn phases(scenario: &ScenarioReport, plot: &Plot) -> Markup {
    let (first, last) = plot.x.domain();
    html! {
        g class="phases" {
            @for phase in &scenario.phases {
                @let start = phase.start_ns as f64;
                @let end = (phase.end_ns as f64).min(last);
                @if start < last && end > first {
                    @let (x1, x2) = (plot.x.at(start), plot.x.at(end));
                    @if x1 > LEFT { line x1=(px(x1)) x2=(px(x1)) y1=(TOP - 12.0) y2=(BOTTOM) {} }
                    @if x2 - x1 > phase.phase.name().len() as f64 * CHARACTER + 6.0 {
                        text x=(px(x1 + 5.0)) y=(TOP - 6.0) { (phase.phase.name()) }
                    }
                }
            }
        }
    }
}

/// Marks stretches in which records were due and none of them was ever acknowledged.
fn unanswered(plot: &Plot, bins: &[TimelineBin]) -> Markup {
    html! {
        @for bin in bins.iter().filter(|bin| bin.due > 0 && bin.response_max_ns.is_none()) {
            @let x = plot.x.at(bin.start_ns as f64);
            @let end = plot.x.at((bin.start_ns + bin.width_ns) as f64);
            rect class="unanswered" x=(px(x)) y=(BOTTOM - 5.0) width=(px((end - x).max(1.0))) height="5" {
                title { "records were due and none was acknowledged" }
            }
        }
    }
}

fn limit_lines(scenario: &ScenarioReport, plot: &Plot) -> Markup {
    let (_, top) = plot.y.domain();
    let lines: Vec<_> = limits(scenario).filter(|(_, limit, _)| *limit <= top).collect();
    let places: Vec<f64> = lines.iter().map(|(_, limit, _)| plot.y.at(*limit)).collect();
    html! {
        g class="limits" {
            @for (index, (name, _, span)) in lines.iter().enumerate() {
                @let y = places[index];
                @let x1 = span.map_or(LEFT, |(start, _)| plot.x.at(start));
                @let x2 = span.map_or(RIGHT, |(_, end)| plot.x.at(end));
                // Labels of limits at nearly the same height alternate above and below their line.
                @let crowded = places[..index].iter().filter(|other| (**other - y).abs() < 16.0).count();
                @let below = crowded % 2 == 1;
                line x1=(px(x1)) x2=(px(x2)) y1=(px(y)) y2=(px(y)) {}
                text class="on-line" x=(px(x1 + 6.0)) y=(px(if below { y + 13.0 } else { y - 5.0 })) { (name) }
            }
        }
    }
}

fn fault_labels(scenario: &ScenarioReport, plot: &Plot) -> Markup {
    let mut free_from = f64::MIN;
    let mut labels = Vec::new();
    for fault in scenario.faults.iter().filter(|fault| fault.fired > 0) {
        let Some(fired_at_ns) = fault.fired_at_ns else {
            continue;
        };
        let text = window_label(&fault.kind, fired_at_ns, fault.lifted_at_ns);
        let long = text.chars().count() as f64 * CHARACTER;
        let x = plot.x.at(fired_at_ns as f64).min(RIGHT - long).max(LEFT);
        if x > free_from {
            free_from = x + long + 8.0;
            labels.push((x, text));
        }
    }
    html! {
        @for (x, text) in labels { text class="fault-label" x=(px(x)) y="16" { (text) } }
    }
}

/// Records a second, due and acknowledged.
fn strip(scenario: &ScenarioReport, bins: &[TimelineBin], x: Scale) -> Markup {
    let per_s = |records: u64, bin: &TimelineBin| records as f64 * 1e9 / bin.width_ns.max(1) as f64;
    let highest =
        |rate: fn(&TimelineBin) -> u64| bins.iter().map(|bin| per_s(rate(bin), bin)).fold(0.0, f64::max);
    let (due, acknowledged) = (highest(|bin| bin.due), highest(|bin| bin.acknowledged));
    // A backlog drained in a moment would flatten everything else: its peak is named instead.
    let top = acknowledged.min(due * STRIP_REACH).max(due).max(1.0);
    let plot = Plot {
        x,
        y: Scale::from_zero(top, STRIP_BOTTOM, STRIP_TOP),
    };
    html! {
        g class="strip" {
            (plot.fault_windows(scenario))
            (plot.axes((0, 2), |_| String::new(), short))
            (plot.area("rate", &series(bins, |bin| Some((0.0, per_s(bin.acknowledged, bin))))))
            (plot.line("due", &series(bins, |bin| Some(per_s(bin.due, bin)))))
            text class="strip-label" x=(LEFT + 4.0) y=(STRIP_TOP - 8.0) {
                "records per second: acknowledged (filled, peak " (rate(acknowledged)) "), due (line)"
            }
        }
    }
}

fn table(bins: &[TimelineBin]) -> Markup {
    html! {
        details {
            summary { "The chart as a table" }
            div class="scroll" {
                table class="figures" {
                    thead {
                        tr {
                            th rowspan="2" { "due from" }
                            th rowspan="2" { "due" }
                            th rowspan="2" { "acknowledged" }
                            th colspan="3" { "response" }
                            th colspan="2" { "service" }
                        }
                        tr { th { "p50" } th { "p99" } th { "max" } th { "p50" } th { "max" } }
                    }
                    tbody {
                        @for bin in bins {
                            tr {
                                td { (moment(bin.start_ns)) }
                                td { (count(bin.due)) }
                                td { (count(bin.acknowledged)) }
                                @for value in [
                                    bin.response_p50_ns, bin.response_p99_ns, bin.response_max_ns,
                                    bin.service_p50_ns, bin.service_max_ns,
                                ] { td { (optional_duration(value)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
