//! For a terminal: verdict, faults, account, what was found, how to see it again.

use highwater_model::{ProveReport, ProvedAnomaly, RoundEnding, RoundReport, Verdict};

use super::mark;
use crate::Style;
use crate::number::{count, duration};
use crate::paint::Paint;
use crate::text::{left, plain, wrap};

/// A narrower terminal wraps by itself.
const WIDTH_MIN: usize = 80;
/// Longer lines are hard to read.
const WIDTH_MAX: usize = 120;
/// Columns of the labels on the left.
const LABEL: usize = 14;
/// Columns of the name of a fault.
const FAULT: usize = 22;
/// Examples of each anomaly that are told.
const MOST_EXAMPLES: usize = 3;

/// The report for a terminal; `page` is where the page with everything is.
#[must_use]
pub fn prove(report: &ProveReport, style: &Style, page: Option<&str>) -> String {
    let mut text = Text {
        lines: Vec::new(),
        width: usize::from(style.width).clamp(WIDTH_MIN, WIDTH_MAX),
        paint: Paint::new(style.color),
    };
    text.verdict(report);
    text.blank();
    for round in &report.rounds {
        text.round(round);
    }
    if !report.rounds.is_empty() {
        text.blank();
    }
    text.account(report);
    for anomaly in &report.anomalies {
        text.blank();
        text.anomaly(anomaly);
    }
    if let Some(shrunk) = &report.shrunk {
        text.blank();
        let faults = match shrunk.faults.as_slice() {
            [] => "no fault at all".to_owned(),
            faults => faults.join(", then "),
        };
        let sure = if shrunk.minimal {
            "none of them can be left out"
        } else {
            "there was no time to try all"
        };
        text.labelled(
            "shortest",
            &format!(
                "{faults}: {} of {}, in {} trials; {sure}",
                shrunk.faults.len(),
                shrunk.from,
                shrunk.runs
            ),
        );
        text.labelled("replay", &shrunk.command);
    }
    if !report.notes.is_empty() {
        text.blank();
    }
    for note in &report.notes {
        text.labelled("note", note);
    }
    if !report.pipeline_output.is_empty() {
        text.blank();
        text.labelled("pipeline", "the last lines that it wrote:");
        for line in &report.pipeline_output {
            text.lines
                .push(format!("{}{}", " ".repeat(LABEL + 2), plain(line)));
        }
    }
    text.blank();
    if let Some(page) = page {
        text.labelled("report", page);
    }
    if let Some(history) = &report.history {
        text.labelled("wire", &format!("highwater history show {history}"));
    }
    text.labelled("again", &report.command);
    text.lines.join("\n") + "\n"
}

struct Text {
    lines: Vec<String>,
    width: usize,
    paint: Paint,
}

impl Text {
    fn blank(&mut self) {
        self.lines.push(String::new());
    }

    fn verdict(&mut self, report: &ProveReport) {
        let word = report.verdict.word();
        let shown = if report.verdict == Verdict::Holds {
            self.paint.bold(word)
        } else {
            self.paint.trouble(word)
        };
        let subject = format!(
            "{} on {}, {}",
            report.contract,
            report.target,
            duration(report.duration_ns)
        );
        let indent = word.len() + 2;
        let lines = wrap(&plain(&subject), self.width - indent);
        for (at, line) in lines.into_iter().enumerate() {
            match at {
                0 => self.lines.push(format!("{shown}  {line}")),
                _ => self.lines.push(format!("{}{line}", " ".repeat(indent))),
            }
        }
        for reason in &report.reasons {
            self.bullet("", reason);
        }
        self.bullet("pipeline ", &report.pipeline);
        if report.verdict == Verdict::Holds {
            self.bullet(
                "",
                "bounded evidence: these faults, at these moments, in this time; not a proof for all others",
            );
        }
    }

    fn bullet(&mut self, label: &str, text: &str) {
        let text = format!("{label}{text}");
        for (at, line) in wrap(&plain(&text), self.width - 4).into_iter().enumerate() {
            let indent = if at == 0 { "  " } else { "    " };
            self.lines.push(format!("{indent}{line}"));
        }
    }

    fn round(&mut self, round: &RoundReport) {
        let mark = mark(round.ending);
        let mark = match round.ending {
            RoundEnding::Stuck | RoundEnding::Missed => self.paint.trouble(mark),
            _ => mark.to_owned(),
        };
        let mut parts = Vec::new();
        parts.extend(round.moment.clone());
        parts.extend(round.reaction.clone());
        if round.ending == RoundEnding::Survived {
            parts.extend(
                round
                    .resumed_ns
                    .map(|ns| format!("went on after {}", duration(ns))),
            );
        }
        if !round.detail.is_empty() {
            parts.push(round.detail.clone());
        }
        let told = plain(&parts.join("; "));
        for (at, line) in wrap(&told, self.width - FAULT - 4).into_iter().enumerate() {
            match at {
                0 => self
                    .lines
                    .push(format!("  {mark} {}{line}", left(&round.fault, FAULT))),
                _ => self.lines.push(format!("    {}{line}", " ".repeat(FAULT))),
            }
        }
    }

    fn account(&mut self, report: &ProveReport) {
        let counts = &report.counts;
        let mut inputs = format!(
            "{} fed · {} acknowledged · {} done",
            count(counts.fed),
            count(counts.acknowledged),
            count(counts.processed)
        );
        if counts.aborted > 0 {
            inputs += &format!(" · {} more in aborted transactions", count(counts.aborted));
        }
        self.labelled("inputs", &inputs);
        let twice = match counts.duplicated_in_window {
            0 => String::new(),
            some => format!(" ({} of them in flight at a fault)", count(some)),
        };
        self.labelled(
            "outputs",
            &format!(
                "{} committed, {} in the log · {} lost · {} twice{twice} · {} out of order",
                count(counts.outputs),
                count(counts.outputs_in_log),
                count(counts.lost),
                count(counts.duplicated),
                count(counts.reordered)
            ),
        );
    }

    fn anomaly(&mut self, anomaly: &ProvedAnomaly) {
        let (mark, name) = match anomaly.violation {
            true => (self.paint.trouble("✗"), self.paint.bold(&anomaly.name)),
            false => ("·".to_owned(), anomaly.name.clone()),
        };
        self.lines
            .push(format!("  {mark} {name}  {}", plain(&anomaly.headline)));
        self.indented(4, &anomaly.explanation);
        for example in anomaly.examples.iter().take(MOST_EXAMPLES) {
            self.indented(4, &example.records.join(" → "));
            self.indented(6, &example.story);
            for line in example.wire.lines() {
                self.lines.push(format!("      {line}"));
            }
        }
        let more = anomaly
            .count
            .saturating_sub(anomaly.examples.len().min(MOST_EXAMPLES) as u64);
        if more > 0 {
            self.indented(4, &format!("and {} more", count(more)));
        }
    }

    fn indented(&mut self, indent: usize, text: &str) {
        for line in wrap(&plain(text), self.width - indent) {
            self.lines.push(format!("{}{line}", " ".repeat(indent)));
        }
    }

    fn labelled(&mut self, label: &str, text: &str) {
        for (at, line) in wrap(&plain(text), self.width - LABEL - 2).into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let label = self.paint.dim(&left(label, LABEL));
            self.lines.push(format!("  {label}{line}"));
        }
    }
}
