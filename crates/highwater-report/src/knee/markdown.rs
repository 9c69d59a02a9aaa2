//! The result as Markdown.

use std::fmt::Write;

use highwater_model::KneeReport;

use super::words::{answer, curve, outcome};
use crate::number::{duration, optional_duration, optional_rate, rate};
use crate::text::plain;

/// The answer and the curve as a table.
#[must_use]
pub fn knee_markdown(report: &KneeReport) -> String {
    let (word, meaning) = answer(report);
    let limits: Vec<String> = report
        .slo
        .iter()
        .map(|limit| format!("`{}`", cell(limit)))
        .collect();
    let mut text = format!(
        "**{word}**: {meaning}\n\n- limits: {}\n- load: {} on {}\n- {} steps in {}\n\n\
         | rate | achieved | p50 | p95 | p99 | |\n|---:|---:|---:|---:|---:|---|\n",
        limits.join(", "),
        cell(&report.scenario),
        cell(&report.target),
        report.steps.len(),
        duration(report.duration_ns),
    );
    for step in curve(report) {
        let why = step.why.as_deref().map(|why| format!(": {}", cell(why)));
        // Writing into a string can't fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {}{} |",
            rate(step.rate_per_s),
            optional_rate(step.achieved_per_s),
            optional_duration(step.p50_ns),
            optional_duration(step.p95_ns),
            optional_duration(step.p99_ns),
            outcome(step.outcome),
            why.unwrap_or_default(),
        );
    }
    for hint in &report.hints {
        let _ = write!(text, "\n- {}", cell(hint));
    }
    text.push('\n');
    text
}

/// Text from outside within a line of a table.
fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|").replace('`', "'")
}
