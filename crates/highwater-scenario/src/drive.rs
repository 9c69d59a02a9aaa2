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

use highwater_load::{Counts, Load, Offer, ProducerSpec, Receivers, admin};
use highwater_measure::histogram::Latency;
use highwater_measure::steady::{Interval, SteadyDetector, SteadyState};
use highwater_model::{EventBody, NoticeLevel, Phase, Tick};
use highwater_target::Target;

use crate::context::Context;
use crate::fault::Carrier;
use crate::observation::Observation;
use crate::phases::Phases;
use crate::plan::Plan;
use crate::readback::Reader;
use crate::session::Session;

/// Between two ticks; the live view redraws no more often.
const TICK: Duration = Duration::from_millis(100);
/// Stretch over which warm-up is judged: long enough to hold some records at 100/s.
const WARM_UP_INTERVAL_NS: u64 = 500_000_000;
/// From starting the producers to the first record due: time for them to connect.
const LEAD: Duration = Duration::from_millis(100);
/// How long consumers may take to own all partitions before the load begins.
const ASSIGN_LIMIT: Duration = Duration::from_secs(30);

/// Drives a load scenario on a target that is ready.
pub(crate) fn drive(context: &Context<'_>, plan: &Plan, target: &Mutex<Target>, bootstrap: &str, session: &mut Session) {
    if let Err(failure) = prepare_and_offer(context, plan, target, bootstrap, session) {
        session.failure.get_or_insert(failure);
    }
}

fn prepare_and_offer(
    context: &Context<'_>,
    plan: &Plan,
    target: &Mutex<Target>,
    bootstrap: &str,
    session: &mut Session,
) -> Result<(), String> {
    let scenario = plan.scenario();
    admin::create_topic(bootstrap, &session.topic, scenario.topic.partitions, &scenario.topic.settings)
        .map_err(|error| error.to_string())?;
    let phases = Phases::new(context.events);
    let offer = Offer {
        bootstrap: bootstrap.to_owned(),
        topic: session.topic.clone(),
        run: context.run,
        clock: context.clock.clone(),
        producers: producers(context, plan),
        stop: Arc::new(AtomicBool::new(false)),
    };
    let mut load = Load::prepare(offer).map_err(|error| error.to_string())?;
    session.ledgers = load.ledgers();
    session.consumers = scenario.load.consumers;
    let mut receivers = receivers(context, plan, bootstrap, session)?;
    let start_ns = context.clock.now_ns() + LEAD.as_nanos() as u64;
    load.start(start_ns).map_err(|error| error.to_string())?;
    let mut observation = Observation::new(context, target);
    phases.enter(if scenario.warm_up.limit.0.is_zero() { Phase::Steady } else { Phase::WarmUp }, start_ns);
    let mut run = Running { context, plan, load: &load, receivers: receivers.as_ref(), phases: &phases, target, start_ns, session };
    run.offer(&mut observation);
    run.drain(&mut observation);
    load.drain(Duration::ZERO, context.interrupted);
    session.gave_up_ns = context.clock.now_ns();
    if let Some(receivers) = &mut receivers {
        receivers.stop();
    }
    session.client_events = load.client_events();
    session.never_handed_over = load.counts().never_handed_over;
    if let Some(ratio) = load.compression_ratio() {
        session.measurements.insert("compression.ratio".into(), ratio);
    }
    if session.failure.is_none() && session.interrupted.is_none() {
        phases.enter(Phase::ReadBack, context.clock.now_ns());
        read_back(context, plan, bootstrap, session);
    }
    observation.sample_now();
    session.phases = phases.finish(context.clock.now_ns());
    observation.finish(session);
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
            records_limit: load.records.map(|all| all / u64::from(of) + u64::from(u64::from(index) < all % u64::from(of))),
            keys: plan.keys(),
            values: plan.values(),
            client: plan.client(),
            seed: context.seed_for(index),
        })
        .collect()
}

fn receivers(context: &Context<'_>, plan: &Plan, bootstrap: &str, session: &Session) -> Result<Option<Receivers>, String> {
    let consumers = plan.scenario().load.consumers;
    if consumers == 0 {
        return Ok(None);
    }
    let receivers = Receivers::start(bootstrap, &session.topic, context.run, context.clock.clone(), session.ledgers.clone(), consumers, &session.topic)
        .map_err(|error| error.to_string())?;
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

pub(crate) fn read_back(context: &Context<'_>, plan: &Plan, bootstrap: &str, session: &mut Session) {
    let reader = Reader {
        bootstrap,
        topic: &session.topic,
        run: context.run,
        scenario: &plan.scenario().name,
        contract: plan.contract.clone(),
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
        Err(_) if context.is_interrupted() => session.interrupted = Some("interrupted during read-back".into()),
        Err(error) => session.failure = Some(format!("the log could not be read back: {error}")),
    }
}

/// A load that is running.
struct Running<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    load: &'a Load,
    receivers: Option<&'a Receivers>,
    phases: &'a Phases<'a>,
    target: &'a Mutex<Target>,
    start_ns: u64,
    session: &'a mut Session,
}

impl Running<'_> {
    /// Until every record that becomes due was handed over, and the fault is lifted.
    fn offer(&mut self, observation: &mut Observation<'_>) {
        let facts = Mutex::new(Vec::new());
        let give_up = AtomicBool::new(false);
        thread::scope(|scope| {
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
            });
            let fault = carrier.map(|carrier| scope.spawn(move || carrier.run()));
            self.watch(observation, &|| fault.as_ref().is_none_or(thread::ScopedJoinHandle::is_finished));
            give_up.store(true, Ordering::Relaxed);
            match fault.map(thread::ScopedJoinHandle::join) {
                Some(Ok(Err(error))) if !self.context.is_interrupted() => {
                    self.session.failure = Some(format!("the fault could not be carried out: {error}"));
                }
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                _ => {}
            }
        });
        self.session.faults = facts.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    }

    fn watch(&mut self, observation: &mut Observation<'_>, fault_done: &dyn Fn() -> bool) {
        let schedule_end = self.start_ns + self.plan.schedule.duration().as_nanos() as u64;
        let drain_limit = self.plan.scenario().drain.limit.0.as_nanos() as u64;
        let mut warm_up = WarmUp::new(self.plan, self.start_ns);
        loop {
            thread::sleep(TICK);
            let (tick, interval) = observation.tick(self.load, self.receivers, &self.plan.schedule, self.start_ns);
            let now = self.context.clock.now_ns();
            if self.phases.current() == Some(Phase::WarmUp) && warm_up.is_over(now, &tick, &interval) {
                self.phases.enter(Phase::Steady, now);
            }
            if self.must_end() {
                break;
            }
            if self.load.offering_done() && fault_done() {
                break;
            }
            if now >= schedule_end {
                let counts = self.load.counts();
                let backlog = counts.due.saturating_sub(counts.handed_over);
                if hopeless(backlog, counts.handed_over, now - self.start_ns, drain_limit) {
                    self.context.events.notice(
                        NoticeLevel::Warning,
                        format!("{backlog} records that were due could not be handed over; they are given up"),
                    );
                    break;
                }
            }
        }
        self.load.stop_offering();
        self.session.load_end_ns = self.context.clock.now_ns().min(schedule_end).max(self.start_ns);
    }

    /// Whether the run can't go on; keeps why.
    fn must_end(&mut self) -> bool {
        if self.context.is_interrupted() {
            self.session.interrupted = Some(format!(
                "interrupted in the {} phase",
                self.phases.current().map_or("first", Phase::name)
            ));
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
            self.session.failure = Some(died);
            return true;
        }
        false
    }

    /// Until everything handed over is acknowledged and received, or the limit is reached.
    fn drain(&mut self, observation: &mut Observation<'_>) {
        self.phases.enter(Phase::Drain, self.context.clock.now_ns());
        let limit = self.context.clock.now_ns() + self.plan.scenario().drain.limit.0.as_nanos() as u64;
        while self.session.failure.is_none() && self.session.interrupted.is_none() {
            let counts = self.load.counts();
            let all_received = self.receivers.is_none_or(|receivers| receivers.counts().received >= counts.acknowledged);
            if (counts.in_flight == 0 && all_received) || self.context.clock.now_ns() >= limit || self.must_end() {
                break;
            }
            if counts.in_flight == 0 && self.receivers.is_some_and(|receivers| receivers.at_end()) {
                break;
            }
            thread::sleep(TICK / 5);
            observation.tick_if_due(self.load, self.receivers, &self.plan.schedule, self.start_ns);
        }
        observation.tick(self.load, self.receivers, &self.plan.schedule, self.start_ns);
    }
}

/// Whether a backlog can't be handed over within a limit at the rate reached so far.
fn hopeless(backlog: u64, handed_over: u64, elapsed_ns: u64, limit_ns: u64) -> bool {
    let per_ns = handed_over as f64 / elapsed_ns.max(1) as f64;
    backlog as f64 > per_ns * limit_ns as f64
}

/// Decides when warm-up ends: by a test of steadiness, at the latest at its limit.
struct WarmUp {
    detector: SteadyDetector,
    limit_ns: u64,
    since_ns: u64,
    latency: Latency,
    before: u64,
    offered: Option<f64>,
}

impl WarmUp {
    fn new(plan: &Plan, start_ns: u64) -> Self {
        let limit_ns = start_ns + plan.scenario().warm_up.limit.0.as_nanos() as u64;
        Self { detector: SteadyDetector::default(), limit_ns, since_ns: start_ns, latency: Latency::default(), before: 0, offered: None }
    }

    fn is_over(&mut self, now: u64, tick: &Tick, interval: &Latency) -> bool {
        self.latency.merge(interval);
        self.offered = tick.offered_per_s.or(self.offered);
        if now >= self.limit_ns {
            return true;
        }
        if now.saturating_sub(self.since_ns) < WARM_UP_INTERVAL_NS {
            return false;
        }
        let seconds = (now - self.since_ns) as f64 / 1e9;
        let observed = Interval {
            median_ns: self.latency.value_at(0.5),
            achieved_per_s: (tick.acknowledged - self.before) as f64 / seconds,
            offered_per_s: self.offered,
        };
        self.since_ns = now;
        self.before = tick.acknowledged;
        self.latency = Latency::default();
        self.detector.observe(&observed) == SteadyState::Reached
    }
}

/// Counts of a load as a tick shows them.
pub(crate) fn tick_of(counts: &Counts) -> Tick {
    Tick {
        due: counts.due,
        handed_over: counts.handed_over,
        acknowledged: counts.acknowledged,
        failed: counts.failed,
        unknown: counts.unknown,
        oldest_pending_ns: counts.oldest_pending_ns,
        ..Tick::default()
    }
}

/// The events of a start that is not a load use this too.
pub(crate) fn told(context: &Context<'_>, text: String) {
    context.events.emit(EventBody::Notice { level: NoticeLevel::Info, text });
}
