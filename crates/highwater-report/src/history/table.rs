//! A history as a table.

use super::{Part, Row};
use crate::format::Style;
use crate::number::moment;
use crate::paint::Paint;
use crate::text::{cut, left, right, wrap};

const TIME: usize = 10;
const EVENT: usize = 7;

/// Sets rows in columns that fit the width; what is longer goes on below.
#[derive(Debug)]
pub struct Table {
    paint: Paint,
    client: usize,
    api: usize,
    what: usize,
    outcome: usize,
}

impl Table {
    /// Columns for a width; fewer than 80 are treated as 80.
    #[must_use]
    pub fn new(style: &Style) -> Self {
        let width = usize::from(style.width.max(80));
        let wide = width >= 120;
        let (client, api) = if wide { (20, 24) } else { (12, 16) };
        // Two columns between each.
        let rest = width - TIME - EVENT - client - api - 10;
        Self {
            paint: Paint::new(style.color),
            client,
            api,
            what: rest.div_ceil(2),
            outcome: rest / 2,
        }
    }

    /// The heading.
    #[must_use]
    pub fn head(&self) -> String {
        let line = self.line(["time", "event", "client", "request", "what", "outcome"].map(str::to_owned));
        self.paint.dim(&line) + "\n"
    }

    /// A row with its line feeds.
    #[must_use]
    pub fn row(&self, row: &Row) -> String {
        let (outcome, trouble) = (
            self.outcome(&row.outcome),
            row.outcome.iter().any(|part| part.trouble),
        );
        let client = [row.client.clone()];
        let api = wrap(&row.api, self.api);
        // Without an outcome what happened may take its column too.
        let room = if outcome.is_empty() {
            self.what + self.outcome + 2
        } else {
            self.what
        };
        let what = fit(&row.what, room);
        let lines = what.len().max(outcome.len()).max(client.len()).max(api.len());
        let mut text = String::new();
        for at in 0..lines {
            let cell = |cells: &[String]| cells.get(at).cloned().unwrap_or_default();
            let first = |cell: String| if at == 0 { cell } else { String::new() };
            let mut line = self.line([
                first(moment(row.at_ns)),
                first(row.sequence.to_string()),
                cell(&client),
                cell(&api),
                cell(&what),
                String::new(),
            ]);
            let outcome = cell(&outcome);
            if !outcome.is_empty() {
                let before = TIME + EVENT + self.client + self.api + self.what + 10;
                line = left(&line, before)
                    + &if trouble {
                        self.paint.trouble(&outcome)
                    } else {
                        outcome
                    };
            }
            text += &if row.marked && at == 0 {
                self.paint.bold(&line)
            } else {
                line
            };
            text.push('\n');
        }
        if row.marked {
            // Said without colour too.
            text.insert(0, '▶');
            if text[3..].starts_with(' ') {
                text.remove(3);
            }
        }
        text
    }

    fn outcome(&self, parts: &[Part]) -> Vec<String> {
        let text: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        if text.is_empty() {
            Vec::new()
        } else {
            fit(&text.join("; "), self.outcome)
        }
    }

    fn line(&self, cells: [String; 6]) -> String {
        let [time, event, client, api, what, outcome] = cells;
        let line = format!(
            "{}  {}  {}  {}  {}  {outcome}",
            right(&time, TIME),
            right(&event, EVENT),
            left(&cut(&client, self.client), self.client),
            left(&cut(&api, self.api), self.api),
            left(&what, self.what),
        );
        line.trim_end().to_owned()
    }
}

/// Lines of at most so many columns; a longer word is cut.
fn fit(text: &str, columns: usize) -> Vec<String> {
    wrap(text, columns)
        .iter()
        .map(|line| cut(line, columns))
        .collect()
}
