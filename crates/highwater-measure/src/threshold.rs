//! Limits on what was measured: one expression language everywhere.
//!
//! ```text
//! threshold  = [ phase "." ] metric comparison sum
//! comparison = "<" | "<=" | ">" | ">=" | "==" | "!="
//! sum        = product { ( "+" | "-" ) product }
//! product    = factor { ( "*" | "/" ) factor }
//! factor     = "-" factor | "(" sum ")" | number [ unit ] | [ phase "." ] metric
//! ```
//!
//! ```
//! use highwater_measure::Threshold;
//!
//! let threshold = Threshold::parse("steady.ack.p95 < 100 ms").unwrap();
//! let report = threshold.evaluate(&|_phase, _metric| Some(1_870_000.0));
//! assert_eq!(report.measured.as_deref(), Some("1.87 ms"));
//! ```
//!
//! Units are checked when an expression is read: a time is never compared with a size, and a limit on a time or
//! a size must say its unit. Phases are those of [`Phase::name`]; on the right side a metric without a phase
//! means the one of the left side, where the metric exists for single phases.
//!
//! Invariant: what was not measured never passes.

mod expression;
mod metrics;
mod parser;
#[cfg(test)]
mod tests;
mod token;

use std::fmt;
use std::ops::Range;

use highwater_model::{Phase, ThresholdReport, ThresholdResult};
use thiserror::Error;

use crate::quantity::{Quantity, Unit};
use expression::{Comparison, Expression};
pub use metrics::{METRICS, Metric, metric};

/// Longest expression in bytes: a person wrote it on one line.
pub const MAX_LENGTH: usize = 1_000;

/// A limit on a metric, checked.
#[derive(Debug, Clone)]
pub struct Threshold {
    text: String,
    phase: Option<Phase>,
    metric: &'static Metric,
    comparison: Comparison,
    limit: Expression,
}

/// Why an expression can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ThresholdError {
    /// The part of the expression that is meant, in bytes from its start.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Threshold {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place and a suggestion.
    pub fn parse(text: &str) -> Result<Self, ThresholdError> {
        parser::parse(text)
    }

    /// The metric on the left side.
    #[must_use]
    pub fn metric(&self) -> &'static Metric {
        self.metric
    }

    /// The phase that the left side is bound to.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.phase
    }

    /// Compares what was measured with the limit.
    ///
    /// `lookup` gives the value of a metric in base units (nanoseconds, bytes, records, records per second,
    /// cores), of one phase or of the whole scenario, or `None` if it was not measured. A figure that is only
    /// a lower bound because of censored samples is compared as it is: the caller has to tell so.
    #[must_use]
    pub fn evaluate(&self, lookup: &dyn Fn(Option<Phase>, &str) -> Option<f64>) -> ThresholdReport {
        let measured = lookup(self.phase, self.metric.name).filter(|value| value.is_finite());
        let limit = self.limit.value(lookup);
        let unit = self.metric.unit;
        let in_words = |value: f64| Quantity::new(value, unit).to_string();
        let mut report = ThresholdReport {
            expression: self.text.clone(),
            phase: self.phase,
            metric: self.metric.name.to_owned(),
            measured: measured.map(in_words),
            limit: limit.as_ref().ok().copied().map(in_words),
            limit_ns: limit.as_ref().ok().and_then(|limit| self.limit_ns(*limit)),
            result: ThresholdResult::NotMeasured,
            note: None,
        };
        match (measured, limit) {
            (Some(measured), Ok(limit)) => {
                let kept = self.comparison.holds(measured, limit);
                report.result = if kept {
                    ThresholdResult::Pass
                } else {
                    ThresholdResult::Fail
                };
                let (measured, limit) = Quantity::new(measured, unit).told_apart(Quantity::new(limit, unit));
                report.measured = Some(measured);
                report.limit = Some(limit);
            }
            (None, _) => report.note = Some(expression::not_measured(self.phase, self.metric)),
            (_, Err(note)) => report.note = Some(note),
        }
        report
    }

    fn limit_ns(&self, limit: f64) -> Option<u64> {
        (self.metric.unit == Unit::Time && limit >= 0.0).then_some(limit.round() as u64)
    }
}

/// The expression as it was written.
impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
