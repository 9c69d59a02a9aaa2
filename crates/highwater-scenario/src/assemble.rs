//! From the facts of a session to the report of a scenario: figures, faults, thresholds, validity, verdict.

use std::collections::BTreeMap;

use highwater_check::{Evidence, Findings, judge};
use highwater_measure::quantity;
use highwater_measure::recovery::recovery;
use highwater_measure::stall::{Base, Stall};
use highwater_measure::steady::Band;
use highwater_measure::threshold::Threshold;
use highwater_model::{
    FaultReport, GroupReport, Outcome, Phase, RecordCounts, Repetition, ScenarioReport, StallOracle,
    ThresholdReport, ThresholdResult,
};

use crate::bursts;
use crate::cluster;
use crate::config::{FaultKind, Kind, Rate};
use crate::fault::FaultFact;
use crate::groups::{JudgedGroup, judged, member_faults};
use crate::measured::{Measured, Scope, measure};
use crate::metrics::Metrics;
use crate::plan::Plan;
use crate::resources;
use crate::session::Session;
use crate::trends::{trends, why_not};
use crate::validity;

/// Where and when a scenario ran.
pub(crate) struct Frame {
    pub(crate) repetition: Option<Repetition>,
    pub(crate) target: String,
    pub(crate) started_ns: u64,
    pub(crate) ended_ns: u64,
}

/// Judges a session.
pub(crate) fn assemble(plan: &Plan, frame: Frame, mut session: Session) -> ScenarioReport {
    let scenario = plan.scenario();
    let scope = Scope {
        phases: &session.phases,
        gave_up_ns: session.gave_up_ns,
        received: session.consumers > 0,
        saturating: plan.schedule.is_saturating() || scenario.kind == Kind::Startup,
        load_end_ns: session.load_end_ns,
    };
    let measured = measure(&session.ledgers, &scope);
    let load = (
        session.phases.first().map_or(0, |span| span.start_ns),
        session.load_end_ns,
    );
    let mut resources = resources::summarise(
        std::mem::take(&mut session.samples),
        load,
        session.network,
        &session.pauses,
    );
    resources.network = std::mem::take(&mut session.network_samples);
    resources.pauses = std::mem::take(&mut session.pauses);
    resources.sampler_cpu_cores = watching_cores(&session);
    let seen = session.seen.take().unwrap_or_default();
    let cluster = cluster::summarise(seen, std::mem::take(&mut session.throttles), load);
    let mut faults = faults(plan, &session, &measured, cluster.brokers.len() > 1);
    let of_members = member_faults(&session);
    let groups = match session.findings {
        Some(_) => judged(&session, plan.contract),
        None => Vec::new(),
    };
    if let Some(findings) = &mut session.findings {
        let found = groups.iter().flat_map(|group| group.anomalies.iter().cloned());
        findings.anomalies.extend(found);
        findings.anomalies.sort_by_key(|anomaly| !anomaly.violation);
    }
    session
        .wire
        .extend(groups.iter().filter_map(JudgedGroup::missing));
    for facts in &session.groups {
        let first = facts.troubles.first();
        session.hints.extend(first.map(|text| {
            let all = facts.troubles.len() as u64;
            format!(
                "group {} told of {}: {text}",
                facts.name,
                quantity::counted(all, "trouble", "troubles")
            )
        }));
    }
    let stall = stall_oracle(plan, &session, &measured);
    let records = records(&session);
    let mut measurements = std::mem::take(&mut session.measurements);
    add_measurements(&mut measurements, &session, &faults, stall.as_ref());
    add_groups(&mut measurements, &groups, &of_members);
    faults.extend(of_members);
    cluster::measurements(&cluster, &mut measurements);
    let settled = bursts::settled_ns(&scenario.load, load.0, &session.phases, &measured.timeline);
    measurements.extend(settled.map(|ns| ("burst.settled".to_owned(), ns as f64)));
    measurements.extend(
        resources
            .sampler_cpu_cores
            .map(|cores| ("sampler.cpu".to_owned(), cores)),
    );
    let trends = match scenario.kind {
        Kind::Load => trends(
            &session.phases,
            &measured.timeline,
            &resources.samples,
            &mut measurements,
        ),
        Kind::Startup | Kind::Connector => Vec::new(),
    };
    let mut report = ScenarioReport {
        name: scenario.name.clone(),
        repetition: frame.repetition,
        summary: scenario.summary.clone(),
        target: frame.target,
        started_ns: frame.started_ns,
        duration_ns: frame.ended_ns.saturating_sub(frame.started_ns),
        verdict: highwater_model::Verdict::Inconclusive,
        reasons: Vec::new(),
        contract: plan.contract_words.clone(),
        records,
        latency: measured.latency,
        offered_per_s: measured.offered_per_s,
        achieved_per_s: measured.achieved_per_s,
        schedule_slip: measured.slip,
        phases: measured.phases,
        thresholds: Vec::new(),
        left_out: plan.resolved.left_out.clone(),
        faults,
        rules: std::mem::take(&mut session.rules),
        groups: groups.iter().map(|group| group.report.clone()).collect(),
        anomalies: session
            .findings
            .as_ref()
            .map(|findings| findings.anomalies.clone())
            .unwrap_or_default(),
        validity: Vec::new(),
        resources,
        cluster,
        trends,
        measurements,
        timeline: measured.timeline,
        curve: measured.curve,
        stall,
        configuration: plan.resolved.settings.clone(),
        hints: std::mem::take(&mut session.hints),
    };
    report.validity = validity::checks(plan, &report, &session);
    report.thresholds = thresholds(&plan.thresholds, &report);
    validity::too_few_samples(&mut report);
    let judgement = judge(&evidence(plan, &report, &session));
    report.verdict = judgement.verdict;
    report.reasons = judgement.reasons;
    report.reasons.extend(groups.iter().map(JudgedGroup::in_words));
    report.reasons.extend(starts_in_words(&report.measurements));
    report
}

fn evidence<'a>(plan: &Plan, report: &'a ScenarioReport, session: &'a Session) -> Evidence<'a> {
    Evidence {
        findings: session.findings.as_ref(),
        faults: &report.faults,
        rules: &report.rules,
        wire: &session.wire,
        fault_expected: plan.scenario().fault.is_some()
            || plan.scenario().groups.values().any(|group| group.fault.is_some()),
        thresholds: &report.thresholds,
        validity: &report.validity,
        quiet: session.quiet.clone(),
        interrupted: session.interrupted.clone(),
        failure: session.failure.clone(),
        subject: report.target.clone(),
    }
}

/// The account; without a read-back what the ledgers alone say.
fn records(session: &Session) -> RecordCounts {
    if let Some(Findings { counts, .. }) = &session.findings {
        return *counts;
    }
    let mut counts = RecordCounts::default();
    for row in session.ledgers.iter().flat_map(|ledger| ledger.rows()) {
        counts.attempted += 1;
        match row.outcome {
            Outcome::Acknowledged => counts.acknowledged += 1,
            Outcome::Failed => counts.failed += 1,
            Outcome::Unknown | Outcome::Pending => counts.unknown += 1,
        }
    }
    counts
}

fn faults(plan: &Plan, session: &Session, measured: &Measured, several: bool) -> Vec<FaultReport> {
    let Some(fault) = plan.scenario().fault else {
        return Vec::new();
    };
    if let Some(report) = &session.fault_report {
        return vec![report.clone()];
    }
    let mut report = FaultReport {
        kind: fault.kind.name().to_owned(),
        armed: fault.enabled,
        fired: session.faults.iter().filter(|fact| fact.as_asked).count() as u64,
        fired_at_ns: session.faults.first().map(|fact| fact.fired_ns),
        lifted_at_ns: session.faults.first().and_then(|fact| fact.lifted_ns),
        in_flight: 0,
        client_reaction: None,
        recovery_ns: None,
        back_to_baseline_ns: None,
    };
    let seen: Vec<Seen> = session
        .faults
        .iter()
        .map(
            |fact| match several && fault.kind.is_of_broker() && !fault.kind.cuts_clients() {
                true => Seen::of(fact, session, fault.kind).where_others_went_on(fact, session),
                false => Seen::of(fact, session, fault.kind),
            },
        )
        .collect();
    // With several faults the weakest counts for the verdict, the longest for the recovery.
    report.in_flight = session
        .faults
        .iter()
        .map(|fact| fact.in_flight)
        .min()
        .unwrap_or(0);
    report.recovery_ns = seen
        .iter()
        .map(|seen| seen.recovery_ns)
        .collect::<Option<Vec<_>>>()
        .and_then(|all| all.into_iter().max());
    let reactions: Option<Vec<String>> = seen.iter().map(|seen| seen.reaction(fault.kind)).collect();
    report.client_reaction = reactions.and_then(|all| all.into_iter().next());
    let told = session.faults.iter().find_map(|fact| fact.seen.clone());
    report.client_reaction = match (told, report.client_reaction.take()) {
        // What clients did meanwhile has nothing to do with a fault that was none.
        (Some(told), Some(reaction)) if report.fired > 0 => Some(format!("{told}, {reaction}")),
        (told, reaction) => told.or(reaction.filter(|_| report.fired > 0)),
    };
    if let ([fact], Some(steady)) = (
        session.faults.as_slice(),
        session.phases.iter().find(|span| span.phase == Phase::Steady),
    ) {
        let (before, after): (Vec<_>, Vec<_>) = measured
            .timeline
            .iter()
            .filter(|bin| bin.start_ns >= steady.start_ns)
            .cloned()
            .partition(|bin| bin.start_ns + bin.width_ns <= fact.fired_ns);
        report.back_to_baseline_ns = recovery(&before, &after, fact.fired_ns, Band::default()).after_ns();
    }
    vec![report]
}

/// What the ledgers and the clients saw of one fault.
struct Seen {
    /// Longest stretch without an acknowledgement that touches the fault.
    silence_ns: u64,
    errors: usize,
    first_error: Option<String>,
    recovery_ns: Option<u64>,
}

impl Seen {
    fn of(fact: &FaultFact, session: &Session, kind: FaultKind) -> Self {
        let resumed = fact.resumed_ns.unwrap_or(u64::MAX);
        // With one broker cut off, partitions that others lead go on: those that waited longest count.
        let waiting = (kind == FaultKind::BrokerIsolate)
            .then(|| longest_waiting(session, fact.fired_ns, resumed))
            .flatten();
        let (mut last_before, mut first_after) = (0, None::<u64>);
        for row in session.ledgers.iter().flat_map(|ledger| ledger.rows()) {
            if waiting.is_some() && row.partition != waiting {
                continue;
            }
            if let Some(at) = row.acknowledged_ns {
                if at < resumed {
                    last_before = last_before.max(at);
                } else {
                    first_after = Some(first_after.map_or(at, |first| first.min(at)));
                }
            }
        }
        let until = fact.lifted_ns.unwrap_or(session.gave_up_ns);
        let errors: Vec<_> = session
            .client_events
            .iter()
            .filter(|event| (fact.fired_ns..=until).contains(&event.at_ns))
            .collect();
        Self {
            silence_ns: first_after
                .unwrap_or(session.gave_up_ns)
                .saturating_sub(last_before.max(fact.fired_ns)),
            errors: errors.len(),
            first_error: errors.first().map(|event| event.text.clone()),
            recovery_ns: first_after.map(|at| at.saturating_sub(fact.fired_ns)),
        }
    }

    /// With several brokers the load goes on at the others before the one that was hit is back: what counts then is
    /// the partition that waited longest, and until when.
    fn where_others_went_on(self, fact: &FaultFact, session: &Session) -> Self {
        let lifted_ns = fact.lifted_ns.unwrap_or(session.gave_up_ns);
        let resumed_ns = fact.resumed_ns.unwrap_or(u64::MAX);
        match longest_gap(session, fact.fired_ns, lifted_ns) {
            Some((start_ns, end_ns)) if end_ns < resumed_ns => Self {
                silence_ns: end_ns - start_ns,
                recovery_ns: Some(end_ns - fact.fired_ns),
                ..self
            },
            _ => self,
        }
    }

    /// The clients reacted if they saw their connection break or, with a pause, went without acknowledgements.
    fn reaction(&self, kind: FaultKind) -> Option<String> {
        let silence = quantity::duration(self.silence_ns);
        match kind {
            FaultKind::BrokerPause
            | FaultKind::BrokerIsolate
            | FaultKind::ClientBlackHole
            | FaultKind::ClientReset
            | FaultKind::ClientHalfOpen => {
                (self.silence_ns >= 100_000_000).then(|| format!("no acknowledgement for {silence}"))
            }
            // The connection ended with the process: an acknowledgement by the next one proves a reconnection, also
            // where the client's own words were too many to keep.
            _ => match (&self.first_error, self.recovery_ns) {
                (Some(first), _) => {
                    let events = quantity::counted(self.errors as u64, "client event", "client events");
                    let first = in_short(first);
                    Some(format!(
                        "{first} (first of {events}), no acknowledgement for {silence}"
                    ))
                }
                (None, Some(_)) => Some(format!("reconnected, no acknowledgement for {silence}")),
                (None, None) => None,
            },
        }
    }
}

/// The partition that had the longest wait for an acknowledgement between two moments.
fn longest_waiting(session: &Session, from_ns: u64, to_ns: u64) -> Option<i32> {
    let mut acknowledged: BTreeMap<i32, Vec<u64>> = BTreeMap::new();
    for row in session.ledgers.iter().flat_map(|ledger| ledger.rows()) {
        if let (Some(partition), Some(at)) = (row.partition, row.acknowledged_ns) {
            acknowledged
                .entry(partition)
                .or_default()
                .push(at.clamp(from_ns, to_ns));
        }
    }
    let longest = |mut times: Vec<u64>| {
        times.extend([from_ns, to_ns]);
        times.sort_unstable();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
    };
    acknowledged
        .into_iter()
        .map(|(partition, times)| (longest(times), partition))
        .max()
        .map(|(_, partition)| partition)
}

/// The longest time without an acknowledgement that a partition had, of those that began between two moments: from
/// when, and until when.
fn longest_gap(session: &Session, from_ns: u64, until_ns: u64) -> Option<(u64, u64)> {
    let mut acknowledged: BTreeMap<i32, Vec<u64>> = BTreeMap::new();
    for row in session.ledgers.iter().flat_map(|ledger| ledger.rows()) {
        if let (Some(partition), Some(at)) = (row.partition, row.acknowledged_ns)
            && at >= from_ns
        {
            acknowledged.entry(partition).or_default().push(at);
        }
    }
    longest_of(acknowledged.into_values(), from_ns, until_ns)
}

fn longest_of(partitions: impl Iterator<Item = Vec<u64>>, from_ns: u64, until_ns: u64) -> Option<(u64, u64)> {
    let longest = |mut times: Vec<u64>| {
        times.push(from_ns);
        times.sort_unstable();
        let gaps = times.windows(2).map(|pair| (pair[0], pair[1]));
        gaps.take_while(|(start, _)| *start < until_ns)
            .max_by_key(|(start, end)| end - start)
    };
    partitions
        .filter_map(longest)
        .max_by_key(|(start, end)| end - start)
}

/// What a client said of its connection, without thread names, addresses and how long it had been up:
/// `highwater-producer-0: [thrd:a:1/1]: a:1/1: Disconnected (after 3ms in state UP)` is `highwater-producer-0:
/// Disconnected`. The text stays whole where it has another form.
fn in_short(event: &str) -> String {
    let shortened = || {
        let (client, rest) = event.split_once(": ")?;
        let (_, rest) = rest.split_once("]: ")?;
        let (_, what) = rest.split_once(": ").unwrap_or(("", rest));
        Some(format!("{client}: {}", what.split(" (after ").next()?))
    };
    shortened().unwrap_or_else(|| event.to_owned())
}

/// A pause under a constant rate can be compared with arithmetic.
fn stall_oracle(plan: &Plan, session: &Session, measured: &Measured) -> Option<StallOracle> {
    let scenario = plan.scenario();
    let fault = scenario
        .fault
        .filter(|fault| fault.kind == FaultKind::BrokerPause)?;
    let Rate::PerSecond(arrival_per_s) = scenario.load.rate else {
        return None;
    };
    let ([fact], crate::config::Arrival::Constant, 1) =
        (session.faults.as_slice(), scenario.load.arrival, fault.times)
    else {
        return None;
    };
    let start_ns = session
        .phases
        .iter()
        .find(|span| span.phase != Phase::WarmUp)?
        .start_ns;
    let times = AckTimes::around(fact, session)?;
    let stall = Stall {
        arrival_per_s,
        window_ns: session.load_end_ns.saturating_sub(start_ns),
        outage_start_ns: times.last_before.saturating_sub(start_ns),
        outage_ns: times.first_after.saturating_sub(times.last_before),
        drain_per_s: times.drain_per_s,
        base: Base::Measured(&measured.steady_response),
    };
    stall
        .compare(&measured.latency.ack.response, &measured.latency.ack.service)
        .ok()
}

/// Acknowledgements around a pause: the outage as the producer saw it, and how fast the backlog went.
struct AckTimes {
    last_before: u64,
    first_after: u64,
    drain_per_s: f64,
}

impl AckTimes {
    fn around(fact: &FaultFact, session: &Session) -> Option<Self> {
        let resumed = fact.resumed_ns?;
        let (mut last_before, mut first_after) = (0_u64, u64::MAX);
        let mut backlog: Vec<u64> = Vec::new();
        for row in session.ledgers.iter().flat_map(|ledger| ledger.rows()) {
            let Some(at) = row.acknowledged_ns else { continue };
            if at < resumed {
                last_before = last_before.max(at);
            } else {
                first_after = first_after.min(at);
            }
            if row.intended_ns <= resumed && at >= resumed {
                backlog.push(at);
            }
        }
        backlog.sort_unstable();
        let (first, last) = (*backlog.first()?, *backlog.last()?);
        let seconds = last.checked_sub(first).filter(|span| *span > 0)? as f64 / 1e9;
        (first_after != u64::MAX).then_some(Self {
            last_before,
            first_after,
            drain_per_s: backlog.len() as f64 / seconds,
        })
    }
}

/// What a startup scenario is about.
fn starts_in_words(measurements: &BTreeMap<String, f64>) -> Option<String> {
    let words = |name: &str| measurements.get(name).map(|ns| quantity::duration(*ns as u64));
    let (median, longest) = (words("startup.p50")?, words("startup.max")?);
    Some(format!(
        "start to first acknowledged record: median {median}, longest {longest}"
    ))
}

fn add_measurements(
    measurements: &mut BTreeMap<String, f64>,
    session: &Session,
    faults: &[FaultReport],
    stall: Option<&StallOracle>,
) {
    let mut starts = session.starts_ns.clone();
    starts.sort_unstable();
    if let (Some(first), Some(last)) = (starts.first(), starts.last()) {
        measurements.insert("startup.min".into(), *first as f64);
        measurements.insert("startup.p50".into(), starts[(starts.len() - 1) / 2] as f64);
        measurements.insert("startup.max".into(), *last as f64);
    }
    if let Some(recovery) = faults.iter().filter_map(|fault| fault.recovery_ns).max() {
        measurements.insert("recovery".into(), recovery as f64);
    }
    if let Some(back) = session.faults.iter().filter_map(|fact| fact.isr_back_ns).max() {
        measurements.insert("isr.back".into(), back as f64);
    }
    if let Some(stall) = stall {
        measurements.insert("stall.error".into(), stall.largest_error);
    }
}

fn add_groups(measurements: &mut BTreeMap<String, f64>, groups: &[JudgedGroup], faults: &[FaultReport]) {
    if groups.is_empty() {
        return;
    }
    let sum = |of: fn(&GroupReport) -> u64| groups.iter().map(|group| of(&group.report)).sum::<u64>() as f64;
    measurements.insert("groups.skipped".into(), sum(|group| group.skipped));
    measurements.insert("groups.behind".into(), sum(|group| group.behind));
    measurements.insert("groups.redelivered".into(), sum(|group| group.redelivered));
    measurements.insert("groups.outside_window".into(), sum(|group| group.outside_window));
    let widest = groups.iter().map(|group| group.report.widest_window).max();
    measurements.insert("groups.window".into(), widest.unwrap_or(0) as f64);
    if let Some(error) = groups.iter().filter_map(JudgedGroup::lag_error).max() {
        measurements.insert("groups.lag_error".into(), error as f64);
    }
    let recoveries: Option<Vec<u64>> = faults.iter().map(|fault| fault.recovery_ns).collect();
    if let Some(recovery) = recoveries.and_then(|all| all.into_iter().max()) {
        measurements.insert("groups.recovery".into(), recovery as f64);
    }
}

fn thresholds(thresholds: &[Threshold], report: &ScenarioReport) -> Vec<ThresholdReport> {
    let metrics = Metrics(report);
    thresholds
        .iter()
        .map(|threshold| {
            let mut result = threshold.evaluate(&|phase, name| metrics.value(phase, name));
            // A percentile over records that never came back is only known to be larger: a limit on it can't be
            // seen to hold.
            if result.result == ThresholdResult::Pass
                && let Some(censored) = metrics.censored(result.phase, &result.metric)
            {
                result.result = ThresholdResult::NotMeasured;
                result.note = Some(format!(
                    "{censored} records were never acknowledged: the value is a lower bound"
                ));
            }
            if result.result == ThresholdResult::NotMeasured
                && let Some(why) = why_not(&report.trends, &result.metric)
            {
                result.note = Some(why);
            }
            result
        })
        .collect()
}

/// CPU of reading processes and of asking brokers, in cores.
fn watching_cores(session: &Session) -> Option<f64> {
    let (reading, seconds) = session.watching_seconds?;
    let asking = session.seen.as_ref().map_or(0.0, |seen| seen.cpu_ns as f64 / 1e9);
    (seconds > 0.0).then(|| (reading + asking) / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_is_that_of_one_partition_and_begins_before_the_end() {
        for (name, partitions, expected) in [
            ("nobody was acknowledged", vec![], None),
            (
                "one stood still",
                vec![vec![11, 12, 13, 20], vec![12, 18, 19]],
                Some((13, 20)),
            ),
            (
                "from the fault on",
                vec![vec![11, 12], vec![17, 18]],
                Some((10, 17)),
            ),
            (
                "what comes later does not count",
                vec![vec![12, 14, 21, 90]],
                Some((14, 21)),
            ),
        ] {
            assert_eq!(longest_of(partitions.into_iter(), 10, 20), expected, "{name}");
        }
    }

    #[test]
    fn client_events_are_told_in_short() {
        let long = "highwater-producer-0: [thrd:127.0.0.1:18182/1]: 127.0.0.1:18182/1: Disconnected: connection reset by peer (after 15103ms in state UP)";
        assert_eq!(
            in_short(long),
            "highwater-producer-0: Disconnected: connection reset by peer"
        );
        assert_eq!(in_short("something else"), "something else");
    }
}
