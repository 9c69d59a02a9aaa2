//! Drawing into an SVG: axes, lines with gaps, shaded stretches of time.
//!
//! Invariant: coordinates have one decimal, so that files stay small; colours come from the style sheet only, so
//! that both colour schemes and paper work.

use std::fmt::Write as _;

use highwater_model::ScenarioReport;
use maud::{Markup, html};

use super::scale::Scale;
use crate::number::{duration, moment};

/// Two crossed scales.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    pub(super) x: Scale,
    pub(super) y: Scale,
}

impl Plot {
    /// Grid lines and labels of both axes.
    pub(super) fn axes(
        &self,
        ticks: (usize, usize),
        x_label: fn(f64) -> String,
        y_label: fn(f64) -> String,
    ) -> Markup {
        let (left, right) = self.x.range();
        let (bottom, _) = self.y.range();
        html! {
            g class="axis" {
                @for value in self.y.ticks(ticks.1) {
                    @let y = px(self.y.at(value));
                    line class="grid" x1=(px(left)) x2=(px(right)) y1=(y) y2=(y) {}
                    text x=(px(left - 8.0)) y=(y) dy="0.32em" text-anchor="end" { (y_label(value)) }
                }
                @for value in self.x.ticks(ticks.0) {
                    @let x = px(self.x.at(value));
                    line class="tick" x1=(x) x2=(x) y1=(px(bottom)) y2=(px(bottom + 5.0)) {}
                    text x=(x) y=(px(bottom + 18.0)) text-anchor="middle" { (x_label(value)) }
                }
                line class="base" x1=(px(left)) x2=(px(right)) y1=(px(bottom)) y2=(px(bottom)) {}
            }
        }
    }

    /// A line through the points; a missing value is a gap, a lone point is a dot.
    pub(super) fn line(&self, class: &str, points: &[(f64, Option<f64>)]) -> Markup {
        let mut path = String::new();
        let mut dots = Vec::new();
        for run in points.split(|(_, value)| value.is_none()) {
            let run: Vec<(f64, f64)> = run
                .iter()
                .filter_map(|(x, y)| y.map(|y| (self.x.at(*x), self.y.at(y))))
                .collect();
            match run.as_slice() {
                [] => {}
                [(x, y)] => dots.push((*x, *y)),
                run => polyline(&mut path, run),
            }
        }
        html! {
            @if !path.is_empty() { path class={ "line " (class) } d=(path) {} }
            @for (x, y) in dots { circle class={ "dot " (class) } cx=(px(x)) cy=(px(y)) r="2.2" {} }
        }
    }

    /// The area between two lines over the same places.
    pub(super) fn area(&self, class: &str, points: &[(f64, Option<(f64, f64)>)]) -> Markup {
        let mut path = String::new();
        for run in points.split(|(_, values)| values.is_none()) {
            let upper = run
                .iter()
                .filter_map(|(x, v)| v.map(|(_, high)| (self.x.at(*x), self.y.at(high))));
            let lower = run
                .iter()
                .rev()
                .filter_map(|(x, v)| v.map(|(low, _)| (self.x.at(*x), self.y.at(low))));
            let outline: Vec<_> = upper.chain(lower).collect();
            if outline.len() > 2 {
                polyline(&mut path, &outline);
                path.push('Z');
            }
        }
        html! { @if !path.is_empty() { path class={ "area " (class) } d=(path) {} } }
    }

    /// Shades the time in which each fault was in effect, and more lightly until latency was as before.
    pub(super) fn fault_windows(&self, scenario: &ScenarioReport) -> Markup {
        let (bottom, top) = self.y.range();
        let (_, last) = self.x.domain();
        html! {
            @for (fired, lifted, back) in windows(scenario) {
                @let x1 = self.x.at(fired);
                // A window of a few milliseconds is still seen.
                @let x2 = self.x.at(lifted.unwrap_or(last)).max(x1 + 2.0);
                rect class="fault" x=(px(x1)) y=(px(top)) width=(px(x2 - x1)) height=(px(bottom - top)) {}
                @if let Some(back) = back {
                    @let x3 = self.x.at(back);
                    @if x3 > x2 {
                        rect class="after" x=(px(x2)) y=(px(top)) width=(px(x3 - x2)) height=(px(bottom - top)) {}
                    }
                }
            }
        }
    }
}

/// Moments of each fault that took effect: fired, lifted, latency as before.
fn windows(scenario: &ScenarioReport) -> impl Iterator<Item = (f64, Option<f64>, Option<f64>)> + '_ {
    scenario.faults.iter().filter_map(|fault| {
        let fired = fault.fired_at_ns.filter(|_| fault.fired > 0)?;
        let back = fault.back_to_baseline_ns.map(|after| (fired + after) as f64);
        Some((fired as f64, fault.lifted_at_ns.map(|at| at as f64), back))
    })
}

fn polyline(path: &mut String, points: &[(f64, f64)]) {
    for (index, (x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        // Writing into a String can't fail.
        let _ = write!(path, "{command}{x:.1} {y:.1}");
    }
}

/// A coordinate.
pub(super) fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// Tick label of a time axis: `15 s`.
pub(super) fn seconds(ns: f64) -> String {
    let seconds = ns / 1e9;
    if (seconds - seconds.round()).abs() < 1e-6 {
        format!("{} s", crate::number::count(seconds.round() as u64))
    } else {
        format!("{} s", (seconds * 1000.0).round() / 1000.0)
    }
}

/// Tick label of a latency axis: `100 µs`, `1 ms`, `10 s`.
pub(super) fn latency(ns: f64) -> String {
    let (value, unit) = match ns {
        0.0 => return "0".to_owned(),
        ns if ns < 999.0 => (ns, "ns"),
        ns if ns < 999e3 => (ns / 1e3, "µs"),
        ns if ns < 999e6 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    format!("{} {unit}", (value * 100.0).round() / 100.0)
}

/// Tick label of a plain number, without digits that say nothing: `0.05`, `20`, `10,000`.
pub(super) fn short(value: f64) -> String {
    let text = crate::number::significant(value);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// What a fault window shows, for its label: `broker-kill, 1.31 s`.
pub(super) fn window_label(kind: &str, fired_ns: u64, lifted_ns: Option<u64>) -> String {
    match lifted_ns {
        Some(lifted_ns) => format!("{kind}, {}", duration(lifted_ns.saturating_sub(fired_ns))),
        None => format!("{kind} at {}, never lifted", moment(fired_ns)),
    }
}
