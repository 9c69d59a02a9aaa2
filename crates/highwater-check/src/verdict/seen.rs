//! What was seen when everything held.

use highwater_measure::quantity::{count, counted, moment};
use highwater_model::FaultReport;

use super::Evidence;
use crate::Findings;

pub(super) fn reasons(evidence: &Evidence<'_>) -> Vec<String> {
    let mut reasons: Vec<String> = evidence.findings.map(account).into_iter().collect();
    let fired = evidence.faults.iter().filter(|fault| fault.fired > 0);
    reasons.extend(fired.map(fault));
    reasons.extend(evidence.rules.iter().map(|rule| {
        let times = counted(rule.fired, "time", "times");
        format!(
            "rule {} fired {times} of {} that matched",
            rule.name,
            count(rule.matched)
        )
    }));
    let legal = evidence
        .findings
        .into_iter()
        .flat_map(|findings| &findings.anomalies)
        .map(|report| format!("{} {}: {}", report.name, count(report.count), report.explanation));
    reasons.extend(legal);
    if !evidence.thresholds.is_empty() {
        let all = evidence.thresholds.len() as u64;
        reasons.push(match all {
            1 => "the threshold passes".to_owned(),
            _ => format!("all {} thresholds pass", count(all)),
        });
    }
    reasons
}

fn account(findings: &Findings) -> String {
    let counts = &findings.counts;
    let mut text = format!(
        "{} acknowledged, {} readable, {} lost, {} duplicated",
        count(counts.acknowledged),
        count(counts.delivered),
        count(counts.lost),
        count(counts.duplicated)
    );
    if findings.contract.ordered_per_partition {
        text.push_str(&format!(", {} reordered", count(counts.reordered)));
    }
    if counts.unknown > 0 {
        text.push_str(&format!(
            "; {} unknown, {} of them readable",
            count(counts.unknown),
            count(findings.unknown_delivered)
        ));
    }
    if counts.failed > 0 {
        text.push_str(&format!("; {} failed", count(counts.failed)));
    }
    text
}

fn fault(fault: &FaultReport) -> String {
    let at = fault
        .fired_at_ns
        .map_or(String::new(), |ns| format!(" at {}", moment(ns)));
    let reaction = fault
        .client_reaction
        .as_ref()
        .map_or(String::new(), |reaction| format!(", {reaction}"));
    let in_flight = counted(fault.in_flight, "record", "records");
    format!("{} fired{at}, {in_flight} in flight{reaction}", fault.kind)
}
