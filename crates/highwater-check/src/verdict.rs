//! The verdict of a scenario from everything that was seen.
//!
//! Order of judgement: a guarantee seen broken is VIOLATED whatever else went wrong; what was cut short is
//! INCONCLUSIVE; figures that can't be trusted make the run INVALID; then a broken threshold is VIOLATED; then
//! any missing condition makes it INCONCLUSIVE. Only what is left HOLDS.
//!
//! Invariant: absence of evidence never holds. Each condition is asked for by itself and named if it is
//! missing.

mod broken;
mod missing;
mod seen;
#[cfg(test)]
mod tests;

use highwater_model::{FaultReport, RuleReport, ThresholdReport, ThresholdResult, ValidityCheck, Verdict};

use crate::Findings;

/// Everything that the verdict of a scenario rests on.
#[derive(Debug, Clone)]
pub struct Evidence<'a> {
    /// The account of records; none if the log was not read back.
    pub findings: Option<&'a Findings>,
    /// The faults of the scenario.
    pub faults: &'a [FaultReport],
    /// The rules of the fault proxy.
    pub rules: &'a [RuleReport],
    /// What makes the fault proxy's part of the run inconclusive, each in a sentence: a client past it, a frame that
    /// a rule wanted and that could not be read.
    pub wire: &'a [String],
    /// The scenario is about a fault, so that without one nothing is shown.
    pub fault_expected: bool,
    /// The thresholds with their results.
    pub thresholds: &'a [ThresholdReport],
    /// The checks of the measurement itself.
    pub validity: &'a [ValidityCheck],
    /// How the end of the log was proven; none if it was not tried.
    pub quiet: Option<Quiet>,
    /// What interrupted the scenario, in words.
    pub interrupted: Option<String>,
    /// What failed around the scenario, in words.
    pub failure: Option<String>,
    /// What was tested, in words: `the dev broker`.
    pub subject: String,
}

/// How the end of the log was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// Two readings of all bounds, one after the other, were equal.
    pub two_equal_reads: bool,
    /// The last stable offset is the high watermark in every partition: no transaction is open.
    pub lso_is_hw: bool,
    /// What was seen, in words.
    pub detail: String,
}

/// A verdict with its reasons, most important first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// Why; never empty.
    pub reasons: Vec<String>,
}

/// Judges a scenario. Pure: the same evidence gives the same judgement.
#[must_use]
pub fn judge(evidence: &Evidence<'_>) -> Judgement {
    let guarantees = broken::guarantees(evidence);
    let invalid = broken::validity(evidence);
    let thresholds = broken::thresholds(evidence);
    if !guarantees.is_empty() {
        let reasons = [guarantees, invalid, thresholds].concat();
        return Judgement {
            verdict: Verdict::Violated,
            reasons,
        };
    }
    // What was cut short was not measured to its end: its figures are neither believed nor held against it.
    let cut_short = evidence.interrupted.is_some() || evidence.failure.is_some();
    if !cut_short && !invalid.is_empty() {
        return Judgement {
            verdict: Verdict::Invalid,
            reasons: invalid,
        };
    }
    if !cut_short && !thresholds.is_empty() {
        return Judgement {
            verdict: Verdict::Violated,
            reasons: thresholds,
        };
    }
    let missing = missing::conditions(evidence);
    if !missing.is_empty() {
        return Judgement {
            verdict: Verdict::Inconclusive,
            reasons: missing,
        };
    }
    Judgement {
        verdict: Verdict::Holds,
        reasons: seen::reasons(evidence),
    }
}

fn with_result<'a>(
    evidence: &Evidence<'a>,
    result: ThresholdResult,
) -> impl Iterator<Item = &'a ThresholdReport> {
    evidence
        .thresholds
        .iter()
        .filter(move |threshold| threshold.result == result)
}
