//! The search for a terminal: one line for each step while it goes on, the answer and the curve at the end.

use highwater_model::{KneeOutcome, KneeReport, KneeStep};

use super::words::{answer, bar, curve, outcome};
use crate::Style;
use crate::number::{counted, duration, optional_duration, optional_rate, rate};
use crate::paint::Paint;
use crate::text::{left, plain, right, wrap};

const BAR: usize = 20;

/// One step, as it is done; with the time that is left.
#[must_use]
pub fn knee_step(number: usize, step: &KneeStep, left_ns: u64) -> String {
    let why = step.why.as_deref().map(|why| format!("  {}", plain(why)));
    format!(
        "{number:3}  {} {}  {}  p50 {}  p99 {}  · {} left{}",
        left(&step.purpose, 8),
        right(&rate(step.rate_per_s), 12),
        left(outcome(step.outcome), 8),
        right(&optional_duration(step.p50_ns), 8),
        right(&optional_duration(step.p99_ns), 8),
        duration(left_ns),
        why.unwrap_or_default(),
    )
}

/// The result for a person.
#[must_use]
pub fn knee_text(report: &KneeReport, style: &Style) -> String {
    let paint = Paint::new(style.color);
    let width = usize::from(style.width).clamp(80, 120);
    let (word, meaning) = answer(report);
    let mut text = format!("{}  {meaning}\n\n", paint.bold(word));
    let mut labelled = |label: &str, words: &str| {
        for (index, line) in wrap(&plain(words), width - 14).into_iter().enumerate() {
            let label = left(if index == 0 { label } else { "" }, 12);
            text += &format!("  {}{line}\n", paint.dim(&label));
        }
    };
    labelled("limits", &report.slo.join(" · "));
    labelled("load", &format!("{} on {}", report.scenario, report.target));
    labelled(
        "searched",
        &format!(
            "{} in {}",
            counted(report.steps.len() as u64, "step"),
            duration(report.duration_ns)
        ),
    );
    text += &paint.bold(&format!(
        "\n  {}{}{}{}  {}  p99, logarithmic\n",
        right("rate", 12),
        right("achieved", 12),
        right("p50", 10),
        right("p99", 10),
        left("", 8),
    ));
    let steps = curve(report);
    for step in &steps {
        let word = left(outcome(step.outcome), 8);
        let word = match step.outcome {
            KneeOutcome::Holds => word,
            _ => paint.trouble(&word),
        };
        text += &format!(
            "  {}{}{}{}  {word}  {}\n",
            right(&rate(step.rate_per_s), 12),
            right(&optional_rate(step.achieved_per_s), 12),
            right(&optional_duration(step.p50_ns), 10),
            right(&optional_duration(step.p99_ns), 10),
            bar(step.p99_ns, &steps, BAR),
        );
    }
    let first_broken = steps.iter().find(|step| step.outcome == KneeOutcome::Breaks);
    let invalid = report
        .steps
        .iter()
        .filter(|step| step.outcome == KneeOutcome::Invalid);
    let mut notes: Vec<String> = Vec::new();
    if let Some((step, why)) = first_broken.and_then(|step| Some((step, step.why.as_ref()?))) {
        notes.push(format!("breaks at {}: {why}", rate(step.rate_per_s)));
    }
    notes.extend(invalid.map(|step| {
        let why = step.why.as_deref().unwrap_or("not offered");
        format!("says nothing of the cluster at {}: {why}", rate(step.rate_per_s))
    }));
    notes.extend(report.hints.iter().cloned());
    if !notes.is_empty() {
        text.push('\n');
    }
    for note in notes {
        for (index, line) in wrap(&plain(&note), width - 4).into_iter().enumerate() {
            text += &format!("  {}{line}\n", if index == 0 { "" } else { "  " });
        }
    }
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}
