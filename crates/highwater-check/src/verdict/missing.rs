//! Conditions for "holds", each by itself, with what to change if it is missing.

use highwater_measure::quantity::counted;
use highwater_model::{FaultReport, RuleReport, ThresholdResult};

use super::{Evidence, with_result};
use crate::Findings;

pub(super) fn conditions(evidence: &Evidence<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    if let Some(what) = &evidence.failure {
        missing.push(format!("the run failed before its end: {what}"));
    }
    if let Some(what) = &evidence.interrupted {
        missing.push(format!("interrupted, {what}: run it again to its end"));
    }
    if !missing.is_empty() {
        // Everything else that is missing follows from that.
        return missing;
    }
    missing.extend(faults(evidence));
    missing.extend(evidence.rules.iter().filter_map(rule));
    missing.extend(evidence.wire.iter().cloned());
    match evidence.findings {
        None => missing.push(
            "the log was not read back, so nothing is known about loss: run it again to its end".to_owned(),
        ),
        Some(findings) => missing.extend(account(findings, &evidence.subject)),
    }
    missing.extend(quiet(evidence));
    missing.extend(
        with_result(evidence, ThresholdResult::NotMeasured).map(|threshold| {
            let note = threshold.note.as_deref().unwrap_or("the run has no such figure");
            format!(
                "threshold `{}` was not measured, {note}: lengthen the run or remove it",
                threshold.expression
            )
        }),
    );
    missing
}

fn faults(evidence: &Evidence<'_>) -> Vec<String> {
    if evidence.fault_expected && evidence.faults.is_empty() {
        return vec!["the scenario is about a fault and has none: add one".to_owned()];
    }
    evidence
        .faults
        .iter()
        .filter(|fault| evidence.fault_expected || fault.armed)
        .flat_map(fault)
        .collect()
}

/// A rule that did nothing shows nothing.
fn rule(rule: &RuleReport) -> Option<String> {
    let named = match rule.name == rule.fault {
        true => format!("rule {}", rule.name),
        false => format!("rule {} ({})", rule.name, rule.fault),
    };
    match (rule.fired, rule.matched) {
        (0, 0) => Some(format!(
            "{named} never fired, nothing matched it: see its scope, or let the load last longer"
        )),
        (0, matched) => Some(format!(
            "{named} never fired, though it matched {}: see its trigger, or let the load last longer",
            counted(matched, "time", "times")
        )),
        _ => None,
    }
}

/// The first condition that is missing explains the later ones, except that flight and reaction are
/// independent of each other.
fn fault(fault: &FaultReport) -> Vec<String> {
    let kind = &fault.kind;
    if !fault.armed {
        return vec![format!(
            "{kind} was disabled, so nothing is shown about it: enable it"
        )];
    }
    if fault.fired == 0 && fault.fired_at_ns.is_some() {
        let seen = fault.client_reaction.as_ref().map(|seen| format!(" ({seen})"));
        return vec![format!(
            "{kind} was carried out and was not seen to take effect{}: look at what was to do it",
            seen.unwrap_or_default()
        )];
    }
    if fault.fired == 0 {
        return vec![format!(
            "{kind} never fired: let the load last beyond the moment it is planned for"
        )];
    }
    let mut missing = Vec::new();
    if kind.starts_with("member-") {
        if fault.in_flight == 0 {
            missing.push(format!(
                "the group had committed everything when {kind} fired, so nothing was in danger: raise the rate, or commit less often"
            ));
        }
        if fault.recovery_ns.is_none() {
            missing.push(format!(
                "the partitions of the member were not seen to be read again after {kind}: let the load go on after it"
            ));
        }
        return missing;
    }
    if fault.in_flight == 0 {
        missing.push(format!(
            "no record was in flight when {kind} fired, so nothing was in danger: raise the rate"
        ));
    }
    if fault.recovery_ns.is_none() {
        missing.push(format!(
            "nothing was acknowledged after {kind}: let the load go on after it"
        ));
    }
    if fault.client_reaction.is_none() {
        missing.push(format!(
            "no client was seen to react to {kind}: let it last longer, or the load go on after it"
        ));
    }
    missing
}

fn account(findings: &Findings, subject: &str) -> Vec<String> {
    let counts = &findings.counts;
    if counts.attempted == 0 {
        return vec!["no record was attempted: raise the rate or lengthen the load".to_owned()];
    }
    let mut missing = Vec::new();
    if counts.acknowledged == 0 {
        missing.push(format!(
            "{subject} acknowledged none of {}: see its log, and the errors of the clients",
            counted(counts.attempted, "record", "records")
        ));
    }
    if !counts.read_back {
        missing.push(not_read(findings));
    }
    if findings.read_backwards > 0 {
        missing.push(format!(
            "offsets went backwards {} while the log was read: read it again with --keep",
            counted(findings.read_backwards, "time", "times")
        ));
    }
    missing
}

fn not_read(findings: &Findings) -> String {
    let what = match findings.incomplete.first() {
        Some(end) => format!(
            "partition {} was read to {} of {}",
            end.partition, end.read_to, end.high_watermark
        ),
        None if findings.unread > 0 => format!(
            "{} may stand in partitions that were not read",
            counted(findings.unread, "acknowledged record", "acknowledged records")
        ),
        None => format!(
            "none of {} was looked for",
            counted(findings.counts.attempted, "record", "records")
        ),
    };
    format!("the log was not read to its end, {what}: give the read-back more time")
}

fn quiet(evidence: &Evidence<'_>) -> Vec<String> {
    let Some(quiet) = &evidence.quiet else {
        return vec!["the log was not proven quiet: run it again to its end".to_owned()];
    };
    let mut missing = Vec::new();
    if !quiet.two_equal_reads {
        missing.push(format!(
            "the log was still changing when it was read, {}: lengthen the drain",
            quiet.detail
        ));
    }
    if !quiet.lso_is_hw {
        missing.push(format!(
            "a transaction is still open, {}: end it, or wait for its timeout",
            quiet.detail
        ));
    }
    missing
}
