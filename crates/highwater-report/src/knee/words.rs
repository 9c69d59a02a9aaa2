//! The answer in words, and the curve.

use highwater_model::{KneeAnswer, KneeOutcome, KneeReport, KneeStep};

use crate::number::rate;

/// The word that stands first, and what it means.
pub(crate) fn answer(report: &KneeReport) -> (&'static str, String) {
    let or_none = |value: Option<f64>| value.map_or_else(|| "nothing".to_owned(), rate);
    let (low, high) = (or_none(report.low_per_s), or_none(report.high_per_s));
    match report.answer {
        KneeAnswer::Found => (
            "FOUND",
            format!("{low} holds and {high} does not; both were tried again"),
        ),
        KneeAnswer::Open => (
            "OPEN",
            format!("between {low} and {high}, not as close as asked for or not confirmed"),
        ),
        KneeAnswer::AtLeast => match report.generator_limit_per_s {
            Some(limit) => (
                "AT LEAST",
                format!(
                    "{low} holds; the generator could not offer {} on this machine",
                    rate(limit)
                ),
            ),
            None => ("AT LEAST", format!("{low} holds; nothing higher was tried")),
        },
        KneeAnswer::Below => (
            "BELOW",
            format!("the limits do not hold at {high}, the lowest rate tried"),
        ),
        KneeAnswer::Nothing => match report.generator_limit_per_s {
            Some(limit) => (
                "INVALID",
                format!("the generator could not offer {} on this machine", rate(limit)),
            ),
            None => ("NOTHING", "no rate was tried to its end".to_owned()),
        },
    }
}

/// Steps in the order of their rates, those that say something of the cluster.
pub(crate) fn curve(report: &KneeReport) -> Vec<&KneeStep> {
    let mut steps: Vec<&KneeStep> = report
        .steps
        .iter()
        .filter(|step| step.outcome != KneeOutcome::Invalid)
        .collect();
    steps.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    steps
}

pub(crate) fn outcome(outcome: KneeOutcome) -> &'static str {
    match outcome {
        KneeOutcome::Holds => "holds",
        KneeOutcome::Breaks => "breaks",
        KneeOutcome::Invalid => "INVALID",
    }
}

/// Latency as a bar on a logarithmic scale from the smallest to the largest; at least one block where something was
/// measured.
pub(crate) fn bar(value_ns: Option<u64>, steps: &[&KneeStep], columns: usize) -> String {
    let logs = |ns: u64| (ns.max(1) as f64).ln();
    let all = || steps.iter().filter_map(|step| step.p99_ns);
    let (Some(value), Some(least), Some(most)) = (value_ns, all().min(), all().max()) else {
        return String::new();
    };
    let width = (logs(most) - logs(least)).max(f64::EPSILON);
    let share = (logs(value) - logs(least)) / width;
    "█".repeat(1 + (share.clamp(0.0, 1.0) * (columns.saturating_sub(1)) as f64).round() as usize)
}
