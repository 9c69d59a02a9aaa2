//! The sentences that several formats share, so that all of them say the same.

use highwater_model::{
    AnomalyExample, AnomalyReport, FaultReport, RecordCounts, RecordId, Repetition, Report, RuleReport,
    ScenarioReport, ThresholdReport, ThresholdResult, ValidityCheck, Verdict,
};

use crate::number::{self, count, duration, moment, records};

/// What stands behind the verdict of a shortened form.
pub(crate) fn form(report: &Report) -> &'static str {
    match report.quick {
        true => " (quick form)",
        false => "",
    }
}

/// What a verdict means, for a person who sees it for the first time.
pub(crate) fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => {
            "Everything promised was seen to hold, under the conditions shown here. This is evidence, not proof: \
             it covers what this run did."
        }
        Verdict::Violated => "A guarantee or a threshold was seen to be broken.",
        Verdict::Inconclusive => {
            "Nothing was seen to break, but a condition for saying \"holds\" was not met, so this run proves nothing."
        }
        Verdict::Invalid => "The measurement itself can't be trusted, so its figures are not judged.",
    }
}

/// `throughput`, or `throughput (2 of 3)` where it was repeated.
pub(crate) fn title(scenario: &ScenarioReport) -> String {
    repeated(&scenario.name, scenario.repetition)
}

/// As [`title`], for a scenario that still runs.
pub(crate) fn repeated(name: &str, repetition: Option<Repetition>) -> String {
    match repetition {
        Some(Repetition { index, of }) => format!("{name} ({index} of {of})"),
        None => name.to_owned(),
    }
}

/// `broker-restart on the dev broker`
pub(crate) fn subject(scenario: &ScenarioReport) -> String {
    let article = if scenario.target.starts_with(|c: char| c.is_ascii_lowercase()) {
        "the "
    } else {
        ""
    };
    format!("{} on {article}{}", title(scenario), scenario.target)
}

/// The reason that stands beside the verdict; made from the account where the scenario gave none.
pub(crate) fn headline(scenario: &ScenarioReport) -> String {
    match scenario.reasons.first() {
        Some(reason) => reason.clone(),
        None => account_in_words(&scenario.records),
    }
}

/// `30,000 acknowledged, 30,000 readable, 0 lost, 0 duplicated`
pub(crate) fn account_in_words(account: &RecordCounts) -> String {
    if account.read_back {
        format!(
            "{} acknowledged, {} readable, {} lost, {} duplicated",
            count(account.acknowledged),
            count(account.delivered),
            count(account.lost),
            count(account.duplicated)
        )
    } else {
        format!(
            "{} acknowledged; the log was not read back",
            count(account.acknowledged)
        )
    }
}

/// What the client was told, in a line.
pub(crate) fn told(account: &RecordCounts) -> String {
    format!(
        "{} attempted · {} acknowledged · {} failed · {} unknown",
        count(account.attempted),
        count(account.acknowledged),
        count(account.failed),
        count(account.unknown)
    )
}

/// What is in the log, in a line.
pub(crate) fn found(account: &RecordCounts) -> String {
    if account.read_back {
        format!(
            "{} readable · {} lost · {} duplicated · {} reordered",
            count(account.delivered),
            count(account.lost),
            count(account.duplicated),
            count(account.reordered)
        )
    } else {
        "the log was not read back: what is in it is not known".to_owned()
    }
}

/// What became of a fault, in parts for a line.
pub(crate) fn fault(fault: &FaultReport) -> Vec<String> {
    if !fault.armed {
        return vec![format!("{} was not armed", fault.kind)];
    }
    let Some(fired_at_ns) = fault.fired_at_ns.filter(|_| fault.fired > 0) else {
        return vec![format!("{} was armed and never took effect", fault.kind)];
    };
    let mut parts = vec![format!("{} at {}", fault.kind, moment(fired_at_ns))];
    if fault.fired > 1 {
        parts.push(format!("took effect {} times", count(fault.fired)));
    }
    parts.push(format!("{} in flight", records(fault.in_flight)));
    match fault.lifted_at_ns {
        Some(lifted_at_ns) => parts.push(format!(
            "outage {}",
            duration(lifted_at_ns.saturating_sub(fired_at_ns))
        )),
        None => parts.push("never lifted".to_owned()),
    }
    if let Some(after) = fault.recovery_ns {
        let what = match fault.kind.starts_with("member-") {
            true => "partitions read again",
            false => "first acknowledgement",
        };
        parts.push(format!("{what} after {}", duration(after)));
    }
    if let Some(after) = fault.back_to_baseline_ns {
        parts.push(format!("usual latency after {}", duration(after)));
    }
    parts
}

/// `drop-ack fired 12 of 1,024, late never fired`
pub(crate) fn rules(rules: &[RuleReport]) -> String {
    let told: Vec<String> = rules.iter().map(rule).collect();
    told.join(", ")
}

/// `drop-ack fired 12 of 1,024`
pub(crate) fn rule(rule: &RuleReport) -> String {
    match (rule.fired, rule.matched) {
        (0, 0) => format!("{} matched nothing", rule.name),
        (0, matched) => format!("{} never fired of {}", rule.name, count(matched)),
        (fired, matched) => format!("{} fired {} of {}", rule.name, count(fired), count(matched)),
    }
}

/// `4 of 5 pass, 1 not measured`; none where there are no thresholds.
pub(crate) fn thresholds(thresholds: &[ThresholdReport]) -> Option<String> {
    if thresholds.is_empty() {
        return None;
    }
    let of = |result| thresholds.iter().filter(|t| t.result == result).count() as u64;
    let mut text = format!(
        "{} of {} pass",
        count(of(ThresholdResult::Pass)),
        count(thresholds.len() as u64)
    );
    for (result, words) in [
        (ThresholdResult::Fail, "broken"),
        (ThresholdResult::NotMeasured, "not measured"),
    ] {
        let n = of(result);
        if n > 0 {
            text.push_str(&format!(", {} {words}", count(n)));
        }
    }
    Some(text)
}

/// One word for the result of a threshold.
pub(crate) fn result(result: ThresholdResult) -> &'static str {
    match result {
        ThresholdResult::Pass => "pass",
        ThresholdResult::Fail => "broken",
        ThresholdResult::NotMeasured => "not measured",
    }
}

/// Expression with its phase, unless the expression itself names it.
pub(crate) fn threshold(threshold: &ThresholdReport) -> String {
    match threshold.phase {
        Some(phase) if !threshold.expression.contains(phase.name()) => {
            format!("{} ({})", threshold.expression, phase.name())
        }
        _ => threshold.expression.clone(),
    }
}

/// How often each verdict was given: `1 of 3 scenarios does not hold`.
pub(crate) fn tally(scenarios: &[ScenarioReport]) -> String {
    let total = scenarios.len() as u64;
    let not = scenarios.iter().filter(|s| s.verdict != Verdict::Holds).count() as u64;
    match not {
        0 if total == 0 => "no scenario was run".to_owned(),
        0 => format!("all {} hold", number::counted(total, "scenario")),
        1 => format!("1 of {} does not hold", number::counted(total, "scenario")),
        _ => format!(
            "{} of {} do not hold",
            count(not),
            number::counted(total, "scenario")
        ),
    }
}

/// Thresholds that were not kept or not measured.
pub(crate) fn not_passed(thresholds: &[ThresholdReport]) -> impl Iterator<Item = &ThresholdReport> {
    thresholds.iter().filter(|t| t.result != ThresholdResult::Pass)
}

/// `ack.p95 < 100ms (steady): measured 131 ms`
pub(crate) fn threshold_measured(report: &ThresholdReport) -> String {
    let name = threshold(report);
    let measured = report.measured.as_ref().map(|value| format!("measured {value}"));
    let parts: Vec<String> = measured.into_iter().chain(report.note.clone()).collect();
    if parts.is_empty() {
        name
    } else {
        format!("{name}: {}", parts.join("; "))
    }
}

/// `threshold broken: ack.p95 < 100ms (steady): measured 131 ms`
pub(crate) fn threshold_outcome(report: &ThresholdReport) -> String {
    format!(
        "threshold {}: {}",
        result(report.result),
        threshold_measured(report)
    )
}

/// Checks of the measurement that failed.
pub(crate) fn not_valid(checks: &[ValidityCheck]) -> impl Iterator<Item = &ValidityCheck> {
    checks.iter().filter(|check| !check.ok)
}

/// `achieved-rate: measured 61.2 % of offered, required at least 99 %; lower the rate`
pub(crate) fn validity_outcome(check: &ValidityCheck) -> String {
    let remedy = check
        .remedy
        .as_ref()
        .map(|remedy| format!("; {remedy}"))
        .unwrap_or_default();
    format!(
        "{}: measured {}, required {}{remedy}",
        check.name, check.measured, check.required
    )
}

/// `lost-write: 37 records, first demo-7f3a91/1 offset 5,012, producer 0, sequence 15,036 (…)`
pub(crate) fn anomaly(report: &AnomalyReport) -> String {
    let first = report
        .examples
        .first()
        .map(|example| format!(", first {}", self::example(example)))
        .unwrap_or_default();
    format!("{}: {}{first}", report.name, records(report.count))
}

/// `demo-7f3a91/1 offset 5,012, producer 0, sequence 15,036: acknowledged at 15.001 s`
pub(crate) fn example(example: &AnomalyExample) -> String {
    let offset = example
        .offset
        .map(|offset| format!(" offset {}", signed(offset)))
        .unwrap_or_default();
    let record = match identity(example.record) {
        Some((producer, sequence)) => format!("producer {producer}, sequence {sequence}"),
        None => "a record without an identity".to_owned(),
    };
    format!(
        "{}/{}{offset}, {record}: {}",
        example.topic, example.partition, example.detail
    )
}

/// Producer and sequence for people; none for a record that carries no identity of this run.
pub(crate) fn identity(record: RecordId) -> Option<(String, String)> {
    (record != RecordId::UNSTAMPED).then(|| (record.producer.to_string(), count(record.sequence)))
}

/// An offset for people.
pub(crate) fn signed(value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}", count(value.unsigned_abs()))
}
