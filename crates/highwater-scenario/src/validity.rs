//! Refusing to lie: what must be right with the measurement before its figures are believed.

use highwater_measure::quantity;
use highwater_model::{Phase, ProcessRole, ScenarioReport, ThresholdResult, ValidityCheck};

use crate::config::Kind;
use crate::metrics::Metrics;
use crate::plan::Plan;
use crate::session::Session;

/// Every check that applies to the scenario.
pub(crate) fn checks(plan: &Plan, report: &ScenarioReport, session: &Session) -> Vec<ValidityCheck> {
    if plan.scenario().kind == Kind::Startup {
        let (measured, wanted) = (session.starts_ns.len(), plan.scenario().startup.rounds);
        return vec![check(
            "starts-measured",
            measured as u64 == u64::from(wanted),
            format!("{measured} starts with an acknowledged record"),
            format!("{wanted}"),
            "run it again to its end",
        )];
    }
    let paced = !plan.schedule.is_saturating();
    let mut checks = Vec::new();
    if paced {
        checks.extend(achieved(plan, report));
        checks.extend(all_handed_over(session));
        checks.extend(slip(plan, report));
        if let Some(throttled) = throttled(plan, report) {
            checks.iter_mut().for_each(|check| excuse(check, &throttled));
        }
    }
    if !paced {
        checks.extend(every_record(plan, report));
    }
    checks.extend(generator_cpu(plan, report));
    checks
}

/// A load that takes what it can get and has a number of records must come to that number.
fn every_record(plan: &Plan, report: &ScenarioReport) -> Option<ValidityCheck> {
    let wanted = plan.scenario().load.records?;
    Some(check(
        "every-record-offered",
        report.records.attempted >= wanted,
        format!(
            "{} of {}",
            quantity::count(report.records.attempted),
            quantity::counted(wanted, "record", "records")
        ),
        "all of them".into(),
        "the time was over before: give it more (--set load.duration=…), or fewer records (--set load.records=…)",
    ))
}

/// What the brokers told about throttling, if it explains why the offered load was not taken: at least half of the share
/// of the load that was missing. Then the figures are those of a throttled cluster, and right; the limits judge them.
fn throttled(plan: &Plan, report: &ScenarioReport) -> Option<String> {
    let load = report.phases.iter().filter(|phase| phase.offered_per_s.is_some());
    let (start, end) = load.fold((u64::MAX, 0), |(start, end), phase| {
        (start.min(phase.start_ns), end.max(phase.end_ns))
    });
    let steady = report.phases.iter().find(|phase| phase.phase == Phase::Steady)?;
    let (offered, achieved) = (steady.offered_per_s?, steady.achieved_per_s?);
    let missing = (1.0 - achieved / offered).clamp(0.0, 1.0);
    let during = || {
        let told = report.cluster.throttles.iter();
        told.filter(move |told| (start..=end).contains(&told.at_ns))
    };
    let total: u64 = during().map(|told| told.total_ns).sum();
    let answers: u64 = during().map(|told| told.answers).sum();
    let longest = during().map(|told| told.longest_ns).max()?;
    // Each producer's connection stands still on its own.
    let producers = f64::from(plan.scenario().load.producers.max(1));
    let share = total as f64 / producers / end.saturating_sub(start).max(1) as f64;
    (total > 0 && share >= missing / 2.0).then(|| {
        format!(
            "throttled by the broker: {} in {}, {} at most",
            quantity::duration(total),
            quantity::counted(answers, "answer", "answers"),
            quantity::duration(longest)
        )
    })
}

/// The generator is not to blame for what a broker did not let in.
fn excuse(check: &mut ValidityCheck, throttled: &str) {
    if !check.ok {
        check.ok = true;
        check.measured = format!("{}; {throttled}", check.measured);
        check.required = format!("{}, unless the broker throttles", check.required);
        check.remedy = None;
    }
}

/// The steady phase alone: in a fault and after it the rate is what the fault makes of it.
fn achieved(plan: &Plan, report: &ScenarioReport) -> Option<ValidityCheck> {
    let steady = report.phases.iter().find(|phase| phase.phase == Phase::Steady)?;
    let (offered, achieved) = (steady.offered_per_s?, steady.achieved_per_s?);
    let share = if offered > 0.0 {
        achieved / offered
    } else {
        return None;
    };
    let limit = plan.scenario().validity.achieved;
    Some(check(
        "achieved-rate",
        share >= limit,
        format!("{:.2} % of the offered rate in the steady phase", share * 100.0),
        format!("at least {:.0} %", limit * 100.0),
        "offer less (--set load.rate=…), or use more producers (--set load.producers=2): this machine or the cluster could not take the rate",
    ))
}

/// A record that was due and that no client ever took has a row, and no hand-over.
fn all_handed_over(session: &Session) -> Option<ValidityCheck> {
    let rows = || session.ledgers.iter().flat_map(|ledger| ledger.rows());
    let never = rows().filter(|row| row.handed_ns.is_none()).count() as u64;
    rows().next().map(|_| {
        check(
            "all-offered",
            never == 0,
            format!(
                "{} due and never handed over",
                quantity::counted(never, "record", "records")
            ),
            "none".into(),
            "offer less (--set load.rate=…), or wait longer (--set drain.limit=…)",
        )
    })
}

fn slip(plan: &Plan, report: &ScenarioReport) -> Option<ValidityCheck> {
    let p99 = report.schedule_slip.p99_ns?;
    let limit = plan.scenario().validity.slip_p99.0.as_nanos() as u64;
    Some(check(
        "schedule-slip",
        p99 <= limit,
        format!("p99 {}", quantity::duration(p99)),
        format!("at most {}", quantity::duration(limit)),
        "records were handed over late, because the client's queue was full (--set producer.queue_records=…) or the machine busy: make room, or offer less (--set load.rate=…)",
    ))
}

fn generator_cpu(plan: &Plan, report: &ScenarioReport) -> Option<ValidityCheck> {
    let own = report
        .resources
        .processes
        .iter()
        .find(|process| process.role == ProcessRole::Generator)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let share = own.cpu_cores_mean? / cores;
    let limit = plan.scenario().validity.generator_cpu;
    Some(check(
        "generator-cpu",
        share <= limit,
        format!("{:.0} % of all processors", share * 100.0),
        format!("at most {:.0} %", limit * 100.0),
        "the generator itself was short of CPU: offer less, or run it on a larger machine",
    ))
}

/// A percentile that a threshold gates needs enough samples; a gated one without them is no measurement.
pub(crate) fn too_few_samples(report: &mut ScenarioReport) {
    let mut checks = Vec::new();
    for threshold in report
        .thresholds
        .iter()
        .filter(|threshold| threshold.result == ThresholdResult::NotMeasured)
    {
        let metrics = Metrics(report);
        if let Some(samples) = metrics
            .samples(threshold.phase, &threshold.metric)
            .filter(|samples| *samples > 0)
        {
            checks.push(check(
                "enough-samples",
                false,
                format!("{samples} samples for `{}`", threshold.expression),
                "100 samples for p99, 10,000 for p99.9".into(),
                "run longer (--set load.duration=…) or gate a lower percentile",
            ));
        }
    }
    report.validity.extend(checks);
}

/// Says a validity check for people.
fn check(name: &str, ok: bool, measured: String, required: String, remedy: &str) -> ValidityCheck {
    ValidityCheck {
        name: name.to_owned(),
        ok,
        measured,
        required,
        remedy: (!ok).then(|| remedy.to_owned()),
    }
}
