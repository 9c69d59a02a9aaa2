//! What came of one rate.

use highwater_measure::knee::{Outcome, Probe, Purpose};
use highwater_measure::quantity;
use highwater_model::{
    KneeLimit, KneeOutcome, KneeStep, Phase, ScenarioReport, ThresholdReport, ThresholdResult,
};

use crate::config::Scenario;
use crate::metrics::Metrics;

/// Share of the client's queue that is filled when the client, and not the generator, makes records wait.
const QUEUE_FULL: f64 = 0.5;

/// Judges a step; `Err` names a limit that could not be measured.
pub(super) fn judge(
    probe: Probe,
    scenario: &Scenario,
    report: &ScenarioReport,
) -> Result<(KneeStep, Outcome), String> {
    let (outcome, why) = outcome(scenario, report)?;
    let response = &report.latency.ack.response;
    let step = KneeStep {
        purpose: purpose(probe.purpose).to_owned(),
        rate_per_s: probe.rate,
        achieved_per_s: report.achieved_per_s,
        p50_ns: response.p50_ns,
        p95_ns: response.p95_ns,
        p99_ns: response.p99_ns,
        outcome: match outcome {
            Outcome::Holds => KneeOutcome::Holds,
            Outcome::Breaks => KneeOutcome::Breaks,
            Outcome::NotOffered => KneeOutcome::Invalid,
        },
        why,
        limits: report.thresholds.iter().map(|one| limit(report, one)).collect(),
    };
    Ok((step, outcome))
}

fn limit(report: &ScenarioReport, threshold: &ThresholdReport) -> KneeLimit {
    let value = || Metrics(report).value(threshold.phase, &threshold.metric);
    KneeLimit {
        expression: threshold.expression.clone(),
        measured: threshold.measured.clone(),
        measured_ns: threshold.limit_ns.and_then(|_| value()).map(|ns| ns as u64),
        limit_ns: threshold.limit_ns,
        kept: threshold.result == ThresholdResult::Pass,
    }
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Bracket => "bracket",
        Purpose::Bisect => "bisect",
        Purpose::Hold => "hold",
        Purpose::Retry => "retry",
    }
}

fn outcome(scenario: &Scenario, report: &ScenarioReport) -> Result<(Outcome, Option<String>), String> {
    let failed = |name: &str| {
        report
            .validity
            .iter()
            .find(|check| check.name == name && !check.ok)
    };
    if let Some(cpu) = failed("generator-cpu") {
        return Ok((
            Outcome::NotOffered,
            Some(format!("the generator used {}", cpu.measured)),
        ));
    }
    // Records that wait to be handed over wait for the generator, unless the client is full: then they wait for the
    // cluster.
    let late = failed("schedule-slip").or_else(|| failed("all-offered"));
    if let Some(late) = late.filter(|_| !client_was_full(scenario, report)) {
        let why = format!("the generator handed records over late: {}", late.measured);
        return Ok((Outcome::NotOffered, Some(why)));
    }
    let broken = report
        .thresholds
        .iter()
        .find(|threshold| threshold.result == ThresholdResult::Fail);
    if let Some(broken) = broken {
        let measured = broken.measured.as_deref().unwrap_or("not measured");
        return Ok((
            Outcome::Breaks,
            Some(format!("{}: {measured}", broken.expression)),
        ));
    }
    if let Some(why) = not_taken(scenario, report) {
        return Ok((Outcome::Breaks, Some(why)));
    }
    if let Some(slow) = failed("all-offered") {
        return Ok((Outcome::Breaks, Some(slow.measured.clone())));
    }
    let open = report
        .thresholds
        .iter()
        .find(|threshold| threshold.result == ThresholdResult::NotMeasured);
    match open {
        Some(open) => Err(match &open.note {
            Some(note) => format!("`{}`: {note}", open.expression),
            None => format!("`{}` could not be measured", open.expression),
        }),
        None if report.phases.is_empty() => Err("no record was offered".to_owned()),
        None => Ok((Outcome::Holds, None)),
    }
}

/// Why the rate was not taken in the steady phase, if it was not. The check of the run is not asked: it lets pass what a
/// broker held back by throttling, whose figures are right; here the rate itself is the question.
fn not_taken(scenario: &Scenario, report: &ScenarioReport) -> Option<String> {
    let mut phases = report.phases.iter();
    let steady = phases.find(|phase| phase.phase == Phase::Steady)?;
    let throttled_ns = report.cluster.throttles.iter().map(|told| told.total_ns).sum();
    let (offered, achieved) = (steady.offered_per_s?, steady.achieved_per_s?);
    too_little(achieved / offered, scenario.validity.achieved, throttled_ns)
}

fn too_little(share: f64, limit: f64, throttled_ns: u64) -> Option<String> {
    let throttled = match throttled_ns {
        0 => String::new(),
        ns => format!("; the broker throttled for {}", quantity::duration(ns)),
    };
    (share < limit).then(|| {
        format!(
            "{:.2} % of the offered rate in the steady phase{throttled}",
            share * 100.0
        )
    })
}

/// Records in the client, after Little's law, against what it can hold.
fn client_was_full(scenario: &Scenario, report: &ScenarioReport) -> bool {
    let (Some(mean_ns), Some(rate)) = (report.latency.ack.service.mean_ns, report.achieved_per_s) else {
        return true;
    };
    let producer = &scenario.producer;
    let by_bytes = producer.queue_bytes.0 as f64 / (scenario.load.values.size.0 as f64).max(1.0);
    let room = (f64::from(producer.queue_records)).min(by_bytes) * f64::from(scenario.load.producers);
    mean_ns / 1e9 * rate >= QUEUE_FULL * room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_is_not_taken_is_told_with_what_held_it_back() {
        let cases = [
            ("taken", 0.999, 0, None),
            ("taken although throttled", 0.995, 5_000_000, None),
            (
                "held back",
                0.98,
                2_500_000_000,
                Some("98.00 % of the offered rate in the steady phase; the broker throttled for 2.5 s"),
            ),
            (
                "slow",
                0.5,
                0,
                Some("50.00 % of the offered rate in the steady phase"),
            ),
        ];
        for (name, share, throttled_ns, expected) in cases {
            let told = too_little(share, 0.99, throttled_ns);
            assert_eq!(told.as_deref(), expected, "{name}");
        }
    }
}
