//! Advice that follows from what was measured, each with the figures it rests on.
//!
//! Invariant: no figure, no advice. A rule looks only at reports of this run; it says nothing where a figure is missing,
//! where the scenario was INVALID, or where the figures don't speak for it.
//!
//! Does not judge: a recommendation never changes a verdict.

mod broker_cpu;
mod client_buffer;
mod cold_start;
mod headroom;
mod idempotence;
mod outage;
mod spread;
#[cfg(test)]
mod tests;

use highwater_model::{Host, Recommendation, ScenarioReport, Verdict};

/// What the rules look at.
struct Measured<'a> {
    host: &'a Host,
    /// Scenarios whose figures can be believed.
    scenarios: Vec<&'a ScenarioReport>,
}

/// A rule: its name, and what it has to say.
struct Rule {
    name: &'static str,
    look: fn(&Measured<'_>) -> Option<Advice>,
}

/// What to do and why.
struct Advice {
    text: String,
    evidence: Vec<String>,
}

/// In the order in which they are shown.
const RULES: [Rule; 7] = [
    Rule {
        name: "headroom",
        look: headroom::look,
    },
    Rule {
        name: "broker-cpu",
        look: broker_cpu::look,
    },
    Rule {
        name: "outage",
        look: outage::look,
    },
    Rule {
        name: "client-buffer",
        look: client_buffer::look,
    },
    Rule {
        name: "idempotence",
        look: idempotence::look,
    },
    Rule {
        name: "cold-start",
        look: cold_start::look,
    },
    Rule {
        name: "spread",
        look: spread::look,
    },
];

/// What the scenarios of a run speak for, the most important first.
#[must_use]
pub fn advise(host: &Host, scenarios: &[ScenarioReport]) -> Vec<Recommendation> {
    let believed = scenarios
        .iter()
        .filter(|scenario| scenario.verdict != Verdict::Invalid);
    let measured = Measured {
        host,
        scenarios: believed.collect(),
    };
    let given = RULES.iter().filter_map(|rule| {
        let advice = (rule.look)(&measured)?;
        Some(Recommendation {
            rule: rule.name.to_owned(),
            advice: advice.text,
            evidence: advice.evidence,
        })
    });
    given.collect()
}

/// `throughput`, or `throughput (2 of 3)`.
fn named(scenario: &ScenarioReport) -> String {
    match scenario.repetition {
        Some(repetition) => format!("{} ({} of {})", scenario.name, repetition.index, repetition.of),
        None => scenario.name.clone(),
    }
}

/// A setting as a number, e.g. `producer.queue_records`.
fn number(scenario: &ScenarioReport, key: &str) -> Option<f64> {
    let setting = scenario.configuration.get(key)?;
    setting.value.replace('_', "").parse().ok()
}

/// The middle of some values, and of two middle ones their mean; none of none.
fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}
