//! A sequence diagram as text.

use super::draw::Canvas;
use super::lanes::{Lanes, steps};
use super::{Row, Shape, Step};
use crate::format::Style;
use crate::number::moment;
use crate::paint::Paint;
use crate::text::{cut, width as columns};

const TIME: usize = 11;
/// Room for labels between clients and brokers.
const MIDDLE: usize = 36;
/// A lane is never narrower, so that its heading can be read.
const LANE: usize = 9;

/// Draws rows as a sequence diagram, in the order of their events.
#[must_use]
pub fn sequence(rows: &[Row], style: &Style) -> String {
    let steps = steps(rows);
    let width = usize::from(style.width.max(80));
    let lanes = Lanes::new(&steps, (width - TIME - MIDDLE) / LANE + 1);
    let marked: Vec<u64> = rows
        .iter()
        .filter(|row| row.marked)
        .flat_map(|row| row.sequences.clone())
        .collect();
    let sheet = Sheet {
        places: places(&lanes, width),
        lanes,
        width,
        paint: Paint::new(style.color),
    };
    let mut text = sheet.head();
    for step in &steps {
        text += &sheet.step(step, marked.contains(&step.sequence));
        text.push('\n');
    }
    text
}

/// Columns of the lanes.
fn places(lanes: &Lanes, width: usize) -> Vec<usize> {
    let room = width - TIME - MIDDLE;
    let gaps = lanes.clients() + lanes.brokers() - 1;
    let lane = (room / gaps.max(1)).clamp(LANE, 2 * LANE);
    let edge = LANE / 2;
    let mut places: Vec<usize> = (0..lanes.clients()).map(|at| TIME + edge + at * lane).collect();
    let first_broker = width - 1 - edge - (lanes.brokers() - 1) * lane;
    let last_client = places.last().copied().unwrap_or(TIME);
    // Two thirds of the way: labels of requests stand before it.
    places.push(last_client + (first_broker - last_client) * 3 / 4);
    places.extend((0..lanes.brokers()).map(|at| first_broker + at * lane));
    places
}

struct Sheet {
    lanes: Lanes,
    places: Vec<usize>,
    width: usize,
    paint: Paint,
}

impl Sheet {
    fn head(&self) -> String {
        let mut canvas = Canvas::new(self.width);
        for (at, (name, place)) in self.lanes.names().iter().zip(&self.places).enumerate() {
            let before = at.checked_sub(1).map_or(TIME, |before| self.places[before]);
            let room = (place - before).max(LANE) - 1;
            let name = cut(name, room.min(2 * LANE));
            let start = place
                .saturating_sub(columns(&name) / 2)
                .min(self.width - columns(&name));
            canvas.write(start.max(TIME), &name);
        }
        format!(
            "{}\n{}\n",
            self.paint.bold(&canvas.into_text()),
            self.blank().into_text()
        )
    }

    fn blank(&self) -> Canvas {
        let mut canvas = Canvas::new(self.width);
        for place in &self.places {
            canvas.put(*place, '│');
        }
        canvas
    }

    fn step(&self, step: &Step, marked: bool) -> String {
        let mut canvas = self.blank();
        match &step.shape {
            Shape::Arrow {
                from,
                to,
                label,
                held,
            } => {
                self.arrow(
                    &mut canvas,
                    self.lanes.lane(from),
                    self.lanes.lane(to),
                    label,
                    *held,
                );
            }
            Shape::Note { at, text } => self.note(&mut canvas, self.lanes.lane(at), text),
            Shape::Bar { text } => {
                canvas.fill(TIME, self.width, '═');
                let text = cut(text, self.width - TIME - 6);
                canvas.write(TIME + 2, &format!(" {text} "));
            }
        }
        let mark = if marked { '▶' } else { ' ' };
        let time = format!("{mark}{:>9}", moment(step.at_ns));
        let line = format!(
            "{time:<TIME$}{}",
            canvas.into_text().chars().skip(TIME).collect::<String>()
        );
        match (step.trouble, marked) {
            (true, _) => self.paint.trouble(&line),
            (false, true) => self.paint.bold(&line),
            (false, false) => line,
        }
    }

    fn arrow(&self, canvas: &mut Canvas, from: usize, to: usize, label: &str, held: bool) {
        let (start, end) = (self.places[from], self.places[to]);
        let (first, last) = (start.min(end), start.max(end));
        canvas.fill(first + 1, last, '─');
        canvas.put(start, if start < end { '├' } else { '┤' });
        let proxy = self.lanes.clients();
        let ends_at_proxy = to == proxy;
        let (head, mark) = match (held, ends_at_proxy) {
            (true, _) => (end, '■'),
            (false, true) => (end, '✗'),
            (false, false) if start < end => (end - 1, '▶'),
            (false, false) => (end + 1, '◀'),
        };
        canvas.put(head, mark);
        if from == proxy && to > proxy || from > proxy && to == proxy {
            // Too short for words: they stand before it, where nothing else is on this line.
            return self.before(canvas, proxy, label);
        }
        let room = (last - first).saturating_sub(7);
        let label = cut(label, room);
        // Close to where it starts.
        let place = if start < end {
            first + 3
        } else {
            last - 3 - columns(&label)
        };
        canvas.write(place - 1, &format!(" {label} "));
    }

    fn note(&self, canvas: &mut Canvas, lane: usize, text: &str) {
        let place = self.places[lane];
        canvas.put(place, '●');
        if lane >= self.lanes.clients() {
            return self.before(canvas, lane, text);
        }
        canvas.write(place + 1, &format!(" {} ", cut(text, self.width - place - 4)));
    }

    /// Text that ends in front of a lane.
    fn before(&self, canvas: &mut Canvas, lane: usize, text: &str) {
        let place = self.places[lane];
        let text = cut(text, place - TIME - 3);
        canvas.write(place - columns(&text) - 2, &format!(" {text} "));
    }
}
