//! A sequence diagram as a picture.
//!
//! Invariant: one element, without scripts and without anything from elsewhere; it follows the colour scheme of
//! who looks at it.

use maud::{Markup, html};

use super::lanes::{Lanes, steps};
use super::{Row, Shape, Step};
use crate::number::moment;
use crate::text::cut;

const WIDTH: f64 = 1240.0;
const LEFT: f64 = 96.0;
const LINE: f64 = 26.0;
const HEAD: f64 = 56.0;
const MIDDLE: f64 = 480.0;
/// Width of a character of the labels.
const CHARACTER: f64 = 7.3;

const STYLE: &str = "\
.hw-sequence{--paper:#fff;--ink:#1a2027;--muted:#57616c;--rule:#d5dbe1;--line:#0a5aa8;--bad:#b3261e;--mark:#0a5aa814;\
background:var(--paper);font:12px ui-monospace,'SF Mono',Menlo,Consolas,monospace}\
@media(prefers-color-scheme:dark){.hw-sequence{--paper:#12161b;--ink:#e4e9ee;--muted:#a2adb8;--rule:#38424c;\
--line:#76b5f2;--bad:#ff8a80;--mark:#76b5f21f}}\
.hw-sequence .paper{fill:var(--paper)}.hw-sequence text{fill:var(--ink)}\
.hw-sequence .time{fill:var(--muted)}.hw-sequence .name{font-weight:600}\
.hw-sequence .lane{stroke:var(--rule)}.hw-sequence .proxy{stroke-dasharray:3 4}\
.hw-sequence .arrow{stroke:var(--line);stroke-width:1.4}.hw-sequence .head{fill:var(--line)}\
.hw-sequence .bad .arrow,.hw-sequence .bad .cross{stroke:var(--bad)}.hw-sequence .cross{stroke-width:2;stroke:var(--line);fill:none}\
.hw-sequence .bad .head{fill:var(--bad)}.hw-sequence .bad text.label{fill:var(--bad)}\
.hw-sequence .bar{stroke:var(--rule)}.hw-sequence .bad .bar{stroke:var(--bad)}.hw-sequence .mark{fill:var(--mark)}\
.hw-sequence .label{paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}";

/// Draws rows as a sequence diagram: an SVG document.
#[must_use]
pub fn svg(rows: &[Row]) -> String {
    let steps = steps(rows);
    let lanes = Lanes::new(&steps, 8);
    let marked: Vec<u64> = rows
        .iter()
        .filter(|row| row.marked)
        .flat_map(|row| row.sequences.clone())
        .collect();
    let sheet = Sheet {
        places: places(&lanes),
        lanes,
    };
    let height = HEAD + LINE * (steps.len() as f64 + 1.0);
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" class="hw-sequence" role="img" width=(WIDTH) height=(height)
            viewBox=(format!("0 0 {WIDTH} {height}")) aria-label="Sequence of requests and answers" {
            style { (maud::PreEscaped(STYLE)) }
            rect class="paper" width=(WIDTH) height=(height) {}
            (sheet.heads(height))
            @for (at, step) in steps.iter().enumerate() {
                (sheet.step(step, HEAD + LINE * (at as f64 + 0.7), marked.contains(&step.sequence)))
            }
        }
    };
    markup.into_string() + "\n"
}

fn places(lanes: &Lanes) -> Vec<f64> {
    let gaps = (lanes.clients() + lanes.brokers() - 1).max(1) as f64;
    let lane = ((WIDTH - LEFT - MIDDLE - 120.0) / gaps).clamp(70.0, 140.0);
    let mut places: Vec<f64> = (0..lanes.clients())
        .map(|at| LEFT + 60.0 + at as f64 * lane)
        .collect();
    let first_broker = WIDTH - 60.0 - (lanes.brokers() - 1) as f64 * lane;
    let last_client = places.last().copied().unwrap_or(LEFT);
    places.push(last_client + (first_broker - last_client) * 0.72);
    places.extend((0..lanes.brokers()).map(|at| first_broker + at as f64 * lane));
    places
}

struct Sheet {
    lanes: Lanes,
    places: Vec<f64>,
}

impl Sheet {
    fn heads(&self, height: f64) -> Markup {
        let proxy = self.lanes.clients();
        html! {
            @for (at, (name, x)) in self.lanes.names().iter().zip(&self.places).enumerate() {
                text class="name" x=(px(*x)) y="26" text-anchor="middle" { (cut(name, 20)) }
                line class=(if at == proxy { "lane proxy" } else { "lane" }) x1=(px(*x)) x2=(px(*x)) y1="36"
                    y2=(px(height - 8.0)) {}
            }
        }
    }

    fn step(&self, step: &Step, y: f64, marked: bool) -> Markup {
        let body = match &step.shape {
            Shape::Arrow {
                from,
                to,
                label,
                held,
            } => self.arrow((self.lanes.lane(from), self.lanes.lane(to)), label, *held, y),
            Shape::Note { at, text } => self.note(self.lanes.lane(at), text, y),
            Shape::Bar { text } => bar(text, y),
        };
        html! {
            g class=[step.trouble.then_some("bad")] {
                @if marked {
                    rect class="mark" x="0" y=(px(y - LINE * 0.65)) width=(WIDTH) height=(LINE) {}
                }
                text class="time" x=(px(LEFT - 12.0)) y=(px(y + 4.0)) text-anchor="end" { (moment(step.at_ns)) }
                (body)
            }
        }
    }

    fn arrow(&self, (from, to): (usize, usize), label: &str, held: bool, y: f64) -> Markup {
        let proxy = self.lanes.clients();
        let (start, end) = (self.places[from], self.places[to]);
        let toward = if start < end { 1.0 } else { -1.0 };
        let short = from == proxy && to > proxy || from > proxy && to == proxy;
        let (x, anchor, available) = if short {
            let before = self.places[proxy] - 12.0;
            (before, "end", before - LEFT)
        } else {
            let anchor = if start < end { "start" } else { "end" };
            (start + toward * 10.0, anchor, (end - start).abs() - 24.0)
        };
        let label_y = if short { y + 4.0 } else { y - 5.0 };
        html! {
            line class="arrow" x1=(px(start)) x2=(px(end)) y1=(px(y)) y2=(px(y)) {}
            @if held {
                rect class="head" x=(px(end - 4.0)) y=(px(y - 4.0)) width="8" height="8" {}
            } @else if to == proxy {
                path class="cross" d=(format!("M{} {}l9 9m0 -9l-9 9", px(end - 4.5), px(y - 4.5))) {}
            } @else {
                path class="head" d=(format!("M{} {}l{} -4.5v9z", px(end), px(y), -9.0 * toward)) {}
            }
            text class="label" x=(px(x)) y=(px(label_y)) text-anchor=(anchor) { (cut(label, room(available))) }
        }
    }

    fn note(&self, lane: usize, text: &str, y: f64) -> Markup {
        let x = self.places[lane];
        let right = lane >= self.lanes.clients();
        let (at, anchor, available) = if right {
            (x - 10.0, "end", x - 10.0 - LEFT)
        } else {
            (x + 10.0, "start", WIDTH - x - 20.0)
        };
        html! {
            circle class="head" cx=(px(x)) cy=(px(y)) r="3.5" {}
            text class="label" x=(px(at)) y=(px(y + 4.0)) text-anchor=(anchor) { (cut(text, room(available))) }
        }
    }
}

/// A line across everything, with a text in it.
fn bar(text: &str, y: f64) -> Markup {
    let text = cut(text, room(WIDTH - LEFT - 60.0));
    let after = LEFT + 28.0 + crate::text::width(&text) as f64 * CHARACTER;
    html! {
        line class="bar" x1=(px(LEFT)) x2=(px(LEFT + 14.0)) y1=(px(y)) y2=(px(y)) {}
        text class="label" x=(px(LEFT + 20.0)) y=(px(y + 4.0)) { (text) }
        line class="bar" x1=(px(after)) x2=(px(WIDTH - 8.0)) y1=(px(y)) y2=(px(y)) {}
    }
}

/// Characters that fit.
fn room(width: f64) -> usize {
    (width / CHARACTER).max(1.0) as usize
}

/// One decimal is enough, and keeps files small.
fn px(value: f64) -> String {
    format!("{value:.1}")
}
