//! Driving a load: phases on one clock, the fault beside it, a tick ten times a second.
//!
//! ```text
//! topic ─▶ consumers ready ─▶ load ─▶ warm-up · steady · fault · recovery ─▶ drain ─▶ read-back
//! ```
//! Whatever goes wrong after the first record was offered is kept as a fact of the session; what was measured
//! until then stays.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use highwater_load::log::ProducerQuota;
use highwater_load::{Load, Offer, ProducerSpec, Receivers, Watch, admin};
use highwater_measure::histogram::IntervalSummary;
use highwater_measure::steady::{Interval, SteadyState, SteadyTest};
use highwater_model::{NoticeLevel, Phase, Tick};
use highwater_target::Target;

use crate::context::Context;
use crate::fault::Carrier;
use crate::groups::{Groups, group_id};
use crate::links::Links;
use crate::observation::Observation;
use crate::phases::Phases;
use crate::plan::Plan;
use crate::readback::Reader;
use crate::session::{Session, described};
use crate::wire::Wire;

/// Between two ticks; the live view redraws no more often.
const TICK: Duration = Duration::from_millis(100);
/// Stretch over which warm-up is judged: long enough to hold some records at 100/s.
const WARM_UP_INTERVAL_NS: u64 = 500_000_000;
/// From starting the producers to the first record due: time for them to connect.
const LEAD: Duration = Duration::from_millis(100);
/// Records that may be due and not taken by the client: a minute of 80,000/s, and 140 MB of ledger. More than that
/// is a load that can't be offered.
const MOST_WAITING: u64 = 5_000_000;
/// Consumers that received nothing for so long, after everything was acknowledged, will not receive the rest: it is
/// not in the log.
const RECEIVE_SILENCE_NS: u64 = 5_000_000_000;
/// How long consumers may take to own all partitions before the load begins.
const ASSIGN_LIMIT: Duration = Duration::from_secs(30);

/// Drives a load scenario on a target that is ready.
pub(crate) fn drive(
    context: &Context<'_>,
    plan: &Plan,
    target: &Mutex<Target>,
    (bootstrap, links): (&str, Option<&Links>),
    session: &mut Session,
) {
    if let Err(failure) = prepare_and_offer(context, plan, target, (bootstrap, links), session) {
        session.failure.get_or_insert(failure);
    }
}

fn prepare_and_offer(
    context: &Context<'_>,
    plan: &Plan,
    target: &Mutex<Target>,
    (bootstrap, links): (&str, Option<&Links>),
    session: &mut Session,
) -> Result<(), String> {
    let scenario = plan.scenario();
    create_topic(plan, bootstrap, session)?;
    let quota = scenario.broker.producer_quota;
    let quota = quota
        .map(|most| ProducerQuota::set(bootstrap, most.0))
        .transpose();
    let quota = quota.map_err(|error| described(&error))?;
    let phases = Phases::new(context.events);
    let watch = Watch::start(bootstrap, &session.topic, context.clock)
        .map_err(|error| format!("the brokers can't be watched: {error}"))?;
    let wire = Wire::start(context, plan, bootstrap)?;
    // Only the load goes through the proxy: what the run does for itself is not put to the test.
    let load_bootstrap = wire.as_ref().map_or(bootstrap, Wire::bootstrap);
    let offer = Offer {
        bootstrap: load_bootstrap.to_owned(),
        topic: session.topic.clone(),
        run: context.run,
        clock: context.clock,
        producers: producers(context, plan),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let mut load = Load::prepare(&offer).map_err(|error| described(&error))?;
    session.ledgers = load.ledgers();
    session.consumers = scenario.load.consumers;
    let mut receivers = receivers(context, plan, load_bootstrap, session)?;
    let places = (load_bootstrap, bootstrap, session.topic.as_str());
    let names = scenario.groups.keys();
    session
        .group_ids
        .extend(names.map(|name| group_id(&session.topic, name)));
    let groups = Groups::start(context, &scenario.groups, scenario.topic.partitions, places)?;
    let start_ns = context.clock.now_ns() + LEAD.as_nanos() as u64;
    if let Some(wire) = &wire {
        wire.begin_windows(start_ns);
    }
    load.start(&offer, start_ns).map_err(|error| described(&error))?;
    let mut observation = Observation::new(context, target, session.consumers);
    phases.enter(
        if scenario.warm_up.limit.0.is_zero() {
            Phase::Steady
        } else {
            Phase::WarmUp
        },
        start_ns,
    );
    let mut run = Running {
        context,
        plan,
        load: &load,
        receivers: receivers.as_ref(),
        phases: &phases,
        target,
        wire: wire.as_ref(),
        links,
        bootstrap,
        groups: groups.as_ref(),
        start_ns,
        session,
    };
    if run.offer(&mut observation) == Offered::Whole {
        run.drain(&mut observation);
    }
    load.drain(Duration::ZERO, context.interrupted);
    session.gave_up_ns = context.clock.now_ns();
    if let Some(Err(error)) = quota.map(ProducerQuota::remove) {
        let text = format!(
            "the quota of producers could not be removed: {}",
            described(&error)
        );
        context.events.notice(NoticeLevel::Warning, text);
    }
    if let Some(groups) = &groups {
        if session.failure.is_none()
            && session.interrupted.is_none()
            && let Err(failure) = groups.rest(&load.counts(), scenario.drain.limit.0)
        {
            session.failure = Some(failure);
        }
        session.groups = groups.facts();
    }
    if let Some(receivers) = &mut receivers {
        receivers.stop();
        note_received(receivers, session);
    }
    session.client_events = load.client_events();
    session.throttles = load.throttles();
    if let Some(wire) = wire {
        wire.finish(context, session);
    }
    if let Some(ratio) = load.traffic().ratio() {
        session.measurements.insert("compression.ratio".into(), ratio);
    }
    if session.failure.is_none() && session.interrupted.is_none() {
        phases.enter(Phase::ReadBack, context.clock.now_ns());
        read_back(context, plan, bootstrap, target, session);
    }
    observation.sample_now();
    session.phases = phases.finish(context.clock.now_ns());
    observation.finish(session);
    session.seen = Some(watch.finish());
    Ok(())
}

fn producers(context: &Context<'_>, plan: &Plan) -> Vec<ProducerSpec> {
    let load = &plan.scenario().load;
    let of = load.producers;
    (0..of)
        .map(|index| ProducerSpec {
            index,
            of,
            schedule: plan.schedule.clone(),
            records_limit: load
                .records
                .map(|all| all / u64::from(of) + u64::from(u64::from(index) < all % u64::from(of))),
            keys: plan.keys(),
            values: plan.values(),
            compressibility: load.values.compression_ratio,
            client: plan.client(),
            seed: context.seed_for(index),
        })
        .collect()
}

/// What the consumers saw beside the times of first deliveries.
fn note_received(receivers: &Receivers, session: &mut Session) {
    let counts = receivers.counts();
    for (name, count) in [
        ("consumers.redelivered", counts.redelivered),
        ("consumers.corrupt", counts.corrupt),
        ("consumers.foreign", counts.foreign),
        ("consumers.before_intent", counts.negative_latencies),
    ] {
        session.measurements.insert(name.into(), count as f64);
    }
}

/// Makes the topic of the run.
pub(crate) fn create_topic(plan: &Plan, bootstrap: &str, session: &mut Session) -> Result<(), String> {
    let topic = &plan.scenario().topic;
    let settings: Vec<(&str, &str)> = topic
        .settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    admin::create_topic(
        bootstrap,
        &session.topic,
        topic.partitions.unsigned_abs(),
        topic.replication,
        &settings,
    )
    .map_err(|error| {
        session.hints.extend(error.remedy());
        described(&error)
    })?;
    // Only what was made is deleted afterwards.
    session.topic_made = true;
    Ok(())
}

fn receivers(
    context: &Context<'_>,
    plan: &Plan,
    bootstrap: &str,
    session: &mut Session,
) -> Result<Option<Receivers>, String> {
    let consumers = plan.scenario().load.consumers;
    if consumers == 0 {
        return Ok(None);
    }
    // Before they are there: nothing that fails keeps them from being removed.
    session.group_ids.push(session.topic.clone());
    let receivers = Receivers::start(
        bootstrap,
        &session.topic,
        context.run,
        context.clock,
        session.ledgers.clone(),
        consumers,
        &session.topic,
        Arc::new(AtomicBool::new(false)),
    )
    .map_err(|error| described(&error))?;
    let limit = context.clock.now_ns() + ASSIGN_LIMIT.as_nanos() as u64;
    while !receivers.assigned() && !context.is_interrupted() {
        if context.clock.now_ns() > limit {
            context.events.notice(NoticeLevel::Warning, "the run's consumers did not get all partitions within 30 s; end-to-end latency includes that wait");
            break;
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(Some(receivers))
}

pub(crate) fn read_back(
    context: &Context<'_>,
    plan: &Plan,
    bootstrap: &str,
    target: &Mutex<Target>,
    session: &mut Session,
) {
    let reader = Reader {
        bootstrap,
        topic: &session.topic,
        run: context.run,
        scenario: &plan.scenario().name,
        contract: plan.contract,
        ledgers: &session.ledgers,
        events: context.events,
        interrupted: context.interrupted,
        anomalies: context.directory.join("anomalies.jsonl"),
    };
    match reader.run() {
        Ok(read) => {
            session.findings = Some(read.findings);
            session.quiet = Some(read.quiet);
        }
        Err(_) if context.is_interrupted() => {
            session.interrupted = Some("during read-back".into());
        }
        Err(error) => {
            let died = target.lock().ok().and_then(|mut target| target.died());
            session.failure = Some(match died {
                Some(died) => format!("the broker ended on its own: {died}"),
                None => format!("the log could not be read back: {error}"),
            });
        }
    }
}

/// How offering ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offered {
    /// Everything that was due was handed over, or still can be.
    Whole,
    /// More was due than the client took; it makes no sense to wait for the rest.
    GivenUp,
}

/// A load that is running.
struct Running<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    load: &'a Load,
    receivers: Option<&'a Receivers>,
    phases: &'a Phases<'a>,
    target: &'a Mutex<Target>,
    wire: Option<&'a Wire>,
    links: Option<&'a Links>,
    bootstrap: &'a str,
    groups: Option<&'a Groups<'a>>,
    start_ns: u64,
    session: &'a mut Session,
}

impl Running<'_> {
    /// Until every record that becomes due was handed over, and the fault is lifted.
    fn offer(&mut self, observation: &mut Observation<'_>) -> Offered {
        let facts = Mutex::new(Vec::new());
        let give_up = AtomicBool::new(false);
        let topic = self.session.topic.clone();
        let offered = thread::scope(|scope| {
            let carrier = self.plan.armed_fault().map(|fault| Carrier {
                fault,
                clock: &self.context.clock,
                events: self.context.events,
                phases: self.phases,
                load: self.load,
                load_start_ns: self.start_ns,
                target: self.target,
                give_up: &give_up,
                interrupted: self.context.interrupted,
                facts: &facts,
                seed: self.context.seed_for(u32::MAX),
                wire: self.wire,
                links: self.links,
                bootstrap: self.bootstrap,
                topic: &topic,
                hooks: self.context.hooks,
                places: (self.context.directory, self.context.highwater),
            });
            // A fault on the cluster has the phases; one on members has them otherwise.
            let of_members = carrier.is_none().then_some(self.phases);
            let fault = carrier.map(|carrier| scope.spawn(move || carrier.run()));
            let deeds = self.groups.map(|groups| {
                let (start_ns, give_up) = (self.start_ns, &give_up);
                scope.spawn(move || groups.carry_out(start_ns, of_members, give_up))
            });
            let offered = self.watch(observation, &|| {
                fault.as_ref().is_none_or(thread::ScopedJoinHandle::is_finished)
                    && deeds.as_ref().is_none_or(thread::ScopedJoinHandle::is_finished)
            });
            give_up.store(true, Ordering::Relaxed);
            match deeds.map(thread::ScopedJoinHandle::join) {
                Some(Ok(Err(failure))) if !self.context.is_interrupted() => {
                    self.session.failure = Some(failure);
                }
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                _ => {}
            }
            match fault.map(thread::ScopedJoinHandle::join) {
                Some(Ok(Err(error))) if !self.context.is_interrupted() => {
                    let fired = facts.lock().is_ok_and(|facts| !facts.is_empty());
                    self.session.failure = Some(match fired {
                        true => format!("the broker did not come back after the fault: {error}"),
                        false => format!("the fault could not be carried out: {error}"),
                    });
                }
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                _ => {}
            }
            offered
        });
        self.session.faults = facts
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        offered
    }

    fn watch(&mut self, observation: &mut Observation<'_>, fault_done: &dyn Fn() -> bool) -> Offered {
        let schedule_end = self.start_ns + self.plan.schedule.duration().as_nanos() as u64;
        let mut warm_up = WarmUp::new(self.plan, self.start_ns);
        let offered = loop {
            thread::sleep(TICK);
            let (tick, interval) =
                observation.tick(self.load, self.receivers, &self.plan.schedule, self.start_ns);
            let now = self.context.clock.now_ns();
            if self.phases.current() == Some(Phase::WarmUp) && warm_up.is_over(now, &tick, &interval) {
                self.phases.enter(Phase::Steady, now);
            }
            if self.must_end() || (self.load.offering_done() && fault_done()) {
                break Offered::Whole;
            }
            if self.is_hopeless(now, schedule_end) {
                break Offered::GivenUp;
            }
        };
        self.load.stop_offering();
        self.session.load_end_ns = self.context.clock.now_ns().min(schedule_end).max(self.start_ns);
        offered
    }

    /// Whether more is due than can be handed over within the limit of the drain at the rate reached so far.
    fn is_hopeless(&self, now: u64, schedule_end: u64) -> bool {
        let counts = self.load.counts();
        let waiting = counts.due.saturating_sub(counts.handed_over);
        let per_ns = counts.handed_over as f64 / now.saturating_sub(self.start_ns).max(1) as f64;
        let limit_ns = self.plan.scenario().drain.limit.0.as_nanos() as f64;
        let hopeless = waiting > MOST_WAITING || (now >= schedule_end && waiting as f64 > per_ns * limit_ns);
        if hopeless {
            let text = format!(
                "{waiting} records were due and the client did not take them in time; the load is given up"
            );
            self.context.events.notice(NoticeLevel::Warning, text);
        }
        hopeless
    }

    /// Whether the run can't go on; keeps why.
    fn must_end(&mut self) -> bool {
        if self.context.is_interrupted() {
            self.session.interrupted = Some(format!(
                "in the {} phase",
                self.phases.current().map_or("first", Phase::name)
            ));
            return true;
        }
        if let Some(error) = self.context.events.write_error() {
            self.session.failure = Some(format!("the results can't be written any more: {error}"));
            return true;
        }
        if let Some(failure) = self.wire.and_then(|wire| wire.tell(self.context)) {
            self.session.failure = Some(failure);
            return true;
        }
        if let Some(fatal) = self.receivers.and_then(Receivers::fatal) {
            self.session.failure = Some(format!("a consumer of the run can't go on: {fatal}"));
            return true;
        }
        if let Some(failure) = self.groups.and_then(|groups| groups.read_if_free().err()) {
            self.session.failure = Some(failure);
            return true;
        }
        if let Some(fatal) = self.load.fatal() {
            self.session.failure = Some(format!("the producer can't go on: {fatal}"));
            return true;
        }
        // While the fault holds the target, an ended process is what was wanted.
        if let Ok(mut target) = self.target.try_lock()
            && let Some(died) = target.died()
        {
            self.session.failure = Some(format!("the broker ended on its own: {died}"));
            return true;
        }
        false
    }

    /// Until everything handed over is acknowledged and received, or the limit is reached.
    fn drain(&mut self, observation: &mut Observation<'_>) {
        self.phases.enter(Phase::Drain, self.session.load_end_ns);
        let limit = self.context.clock.now_ns() + self.plan.scenario().drain.limit.0.as_nanos() as u64;
        let mut heard = (self.context.clock.now_ns(), 0);
        while self.session.failure.is_none() && self.session.interrupted.is_none() {
            let counts = self.load.counts();
            let settled = counts.acknowledged + counts.failed + counts.unknown;
            let all_received = self
                .receivers
                .is_none_or(|receivers| receivers.counts().received >= counts.acknowledged);
            let received = self.receivers.map_or(0, |receivers| receivers.counts().received);
            if received > heard.1 {
                heard = (self.context.clock.now_ns(), received);
            }
            let silent = settled >= counts.due && self.context.clock.now_ns() > heard.0 + RECEIVE_SILENCE_NS;
            if silent
                || (settled >= counts.due && all_received)
                || self.context.clock.now_ns() >= limit
                || self.must_end()
            {
                break;
            }
            thread::sleep(TICK / 5);
            observation.tick_if_due(self.load, self.receivers, &self.plan.schedule, self.start_ns);
        }
        observation.tick(self.load, self.receivers, &self.plan.schedule, self.start_ns);
    }
}

/// Decides when warm-up ends: by a test of steadiness, at the latest at its limit.
struct WarmUp {
    test: SteadyTest,
    limit_ns: u64,
    since_ns: u64,
    /// Medians of the ticks of the current interval, each with its number of samples.
    medians: Vec<(u64, u64)>,
    before: Tick,
    paced: bool,
}

impl WarmUp {
    fn new(plan: &Plan, start_ns: u64) -> Self {
        let limit_ns = start_ns + plan.scenario().warm_up.limit.0.as_nanos() as u64;
        Self {
            test: SteadyTest::default(),
            limit_ns,
            since_ns: start_ns,
            medians: Vec::new(),
            before: Tick::default(),
            paced: !plan.schedule.is_saturating(),
        }
    }

    fn is_over(&mut self, now: u64, tick: &Tick, interval: &IntervalSummary) -> bool {
        self.medians
            .extend(interval.p50_ns.map(|median| (median, interval.count)));
        if now >= self.limit_ns {
            return true;
        }
        if now.saturating_sub(self.since_ns) < WARM_UP_INTERVAL_NS {
            return false;
        }
        let observed = Interval {
            due: self.paced.then(|| tick.due - self.before.due),
            acknowledged: tick.acknowledged - self.before.acknowledged,
            length_ns: now - self.since_ns,
            response_p50_ns: self.median(),
        };
        self.since_ns = now;
        self.before = tick.clone();
        self.medians.clear();
        self.test.observe(observed) == SteadyState::Reached
    }

    /// Weighted median of the medians of the ticks: near enough to tell whether latency still changes.
    fn median(&mut self) -> Option<u64> {
        self.medians.sort_unstable();
        let half = self
            .medians
            .iter()
            .map(|(_, count)| count)
            .sum::<u64>()
            .div_ceil(2);
        let mut seen = 0;
        self.medians
            .iter()
            .find(|(_, count)| {
                seen += count;
                seen >= half
            })
            .map(|(median, _)| *median)
    }
}
