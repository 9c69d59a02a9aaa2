//! The end of a run in a terminal.
//!
//! Invariant: the first word is the verdict and the last line reproduces the run. No line that is set here is
//! wider than the terminal; only paths and commands are left whole, so that they can be copied.

mod details;
mod latency;
mod overview;

use std::path::Path;

use highwater_model::{Report, ScenarioReport, Verdict};

use crate::paint::Paint;
use crate::text::{left, plain, wrap};
use crate::{Style, wording};

/// Columns of the labels, indentation included.
const LABEL: usize = 18;
/// A narrower terminal wraps by itself.
const WIDTH_MIN: usize = 80;
/// Longer lines are hard to read.
const WIDTH_MAX: usize = 120;

/// The summary of a run for a terminal; `report_path` is where `report.html` was stored, if it was.
#[must_use]
pub fn terminal(report: &Report, style: &Style, report_path: Option<&Path>) -> String {
    let mut page = Page {
        lines: Vec::new(),
        width: usize::from(style.width).clamp(WIDTH_MIN, WIDTH_MAX),
        paint: Paint::new(style.color),
        form: wording::form(report).trim_start(),
    };
    if !report.complete {
        let stopped_at = report.stopped_at.as_deref().unwrap_or("early");
        page.block(
            report.verdict.word(),
            true,
            &format!("incomplete: the run ended {stopped_at}"),
        );
        page.blank();
    }
    match report.scenarios.as_slice() {
        [only] => page.scenario(only),
        scenarios => {
            page.overview(report);
            for scenario in scenarios.iter().filter(|s| s.verdict != Verdict::Holds) {
                page.blank();
                page.scenario(scenario);
            }
        }
    }
    for not_run in &report.not_run {
        page.blank();
        page.block("NOT RUN", true, &format!("{}: {}", not_run.name, not_run.reason));
    }
    page.blank();
    if let Some(path) = report_path {
        page.whole("report", &path.display().to_string());
    }
    page.whole("again", &report.command);
    let mut text = page.lines.join("\n");
    text.push('\n');
    text
}

/// Lines as they are set.
struct Page {
    lines: Vec<String>,
    width: usize,
    paint: Paint,
    /// `(quick form)`, or nothing: stands in front of what a verdict is about.
    form: &'static str,
}

impl Page {
    fn scenario(&mut self, scenario: &ScenarioReport) {
        let headline = format!("{}: {}", wording::subject(scenario), wording::headline(scenario));
        let headline = format!("{} {headline}", self.form);
        self.block(
            scenario.verdict.word(),
            scenario.verdict != Verdict::Holds,
            headline.trim_start(),
        );
        let indent = scenario.verdict.word().len() + 2;
        for reason in scenario.reasons.iter().skip(1) {
            self.indented(indent, reason);
        }
        self.blank();
        self.anomalies(scenario);
        self.conditions(scenario);
        self.account(scenario);
        self.faults(scenario);
        self.latency(scenario);
        self.stall(scenario);
        self.thresholds(scenario);
        self.hints(scenario);
    }

    fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// A word in front, text wrapped beside it.
    fn block(&mut self, word: &str, trouble: bool, text: &str) {
        let indent = word.len() + 2;
        let painted = if trouble {
            self.paint.trouble(word)
        } else {
            self.paint.bold(word)
        };
        for (index, line) in wrap(&plain(text), self.width - indent).into_iter().enumerate() {
            self.lines.push(match index {
                0 => format!("{painted}  {line}"),
                _ => format!("{}{line}", " ".repeat(indent)),
            });
        }
    }

    fn indented(&mut self, indent: usize, text: &str) {
        for line in wrap(&plain(text), self.width - indent) {
            self.lines.push(format!("{}{line}", " ".repeat(indent)));
        }
    }

    /// A label with text wrapped beside it.
    fn row(&mut self, label: &str, text: &str) {
        self.painted_row(label, text, false);
    }

    fn painted_row(&mut self, label: &str, text: &str, trouble: bool) {
        let label = left(&format!("  {}", plain(label)), LABEL);
        let painted = if trouble {
            self.paint.trouble(&label)
        } else {
            self.paint.dim(&label)
        };
        let gap = if label.trim_end().chars().count() >= LABEL {
            " "
        } else {
            ""
        };
        for (index, line) in wrap(&plain(text), self.width - LABEL).into_iter().enumerate() {
            self.lines.push(match index {
                0 => format!("{painted}{gap}{line}"),
                _ => format!("{}{line}", " ".repeat(LABEL)),
            });
        }
    }

    /// Parts joined by `·`, broken between parts only.
    fn parts(&mut self, label: &str, parts: &[String]) {
        let mut line = String::new();
        let mut label = label;
        for part in parts {
            let part = plain(part);
            let longer = crate::text::width(&line) + 3 + crate::text::width(&part);
            if !line.is_empty() && longer > self.width - LABEL {
                self.row(label, &line);
                label = "";
                line = part;
            } else if line.is_empty() {
                line = part;
            } else {
                line = format!("{line} · {part}");
            }
        }
        self.row(label, &line);
    }

    /// A label with text that is never broken.
    fn whole(&mut self, label: &str, text: &str) {
        let label = self.paint.dim(&left(&format!("  {label}"), LABEL));
        self.lines.push(format!("{label}{}", plain(text)));
    }
}
