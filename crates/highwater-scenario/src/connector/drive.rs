//! The way through the scenario, on the clock of the run.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use highwater_load::rows::{RowLoad, RowSettings};
use highwater_model::{EventBody, Phase, Tick};
use highwater_target::{CdcNames, Target, TargetOptions};

use super::clear::clear;
use super::fault::{Carrier, Fact, report};
use super::following::Following;
use super::judge::{Judged, Places, judge};
use super::parts::{Parts, make_topics, names};
use crate::context::Context;
use crate::observation::Observation;
use crate::phases::Phases;
use crate::plan::Plan;
use crate::session::{Session, described};

/// Between two ticks.
const TICK: Duration = Duration::from_millis(100);
/// Ticks from one reading of the slot and of all processes to the next.
const TICKS_PER_READING: u64 = 10;
/// How long a connector may take from its making to its work.
const CONNECTOR_LIMIT: Duration = Duration::from_secs(60);
/// A connector that sends nothing for so long, when nothing changes any more, will not send the rest.
const SILENCE_NS: u64 = 10_000_000_000;
/// Share of the committed changes that must have arrived for warm-up to be over.
const CAUGHT_UP: f64 = 0.9;

/// What the scenario stands on.
pub(crate) struct Ground<'a> {
    pub(crate) target: &'a Mutex<Target>,
    pub(crate) bootstrap: &'a str,
    /// Where files go, and how processes are started.
    pub(crate) options: &'a TargetOptions,
    /// The run started the brokers: they go with all topics.
    pub(crate) own_brokers: bool,
    /// Topics are kept.
    pub(crate) keep: bool,
}

/// Drives it on a target that is ready.
pub(crate) fn drive(context: &Context<'_>, plan: &Plan, ground: &Ground<'_>, session: &mut Session) {
    let names = names(context);
    let mut made = Vec::new();
    session.topic.clone_from(&names.topic_prefix);
    let parts = match prepared(plan, ground, &names, &mut made) {
        Ok(parts) => {
            let parts = Mutex::new(parts);
            let outcome = Driving {
                context,
                plan,
                ground,
                names: &names,
                parts: &parts,
            }
            .run(session);
            if let Err(failure) = outcome {
                match context.is_interrupted() {
                    true => session.interrupted = Some("while rows were changing".into()),
                    false => {
                        session.failure.get_or_insert(failure);
                    }
                }
            }
            Some(parts.into_inner().unwrap_or_else(PoisonError::into_inner))
        }
        Err((failure, remedy)) => {
            match context.is_interrupted() {
                true => session.interrupted = Some("while PostgreSQL and Connect were started".into()),
                false => {
                    session.hints.extend(remedy);
                    session.failure = Some(failure);
                }
            }
            None
        }
    };
    clear(context, ground, &names, parts, &made);
}

fn prepared(
    plan: &Plan,
    ground: &Ground<'_>,
    names: &CdcNames,
    made: &mut Vec<String>,
) -> Result<Parts, (String, Option<String>)> {
    make_topics(plan, ground.bootstrap, names, made).map_err(|text| (text, None))?;
    let parts = Parts::start(plan, ground.bootstrap, ground.options, names)
        .map_err(|missing| (missing.text, missing.remedy))?;
    parts
        .database
        .check(names)
        .map_err(|error| (described(&error), error.remedy()))?;
    Ok(parts)
}

/// Everything that a step needs.
struct Driving<'a> {
    context: &'a Context<'a>,
    plan: &'a Plan,
    ground: &'a Ground<'a>,
    names: &'a CdcNames,
    parts: &'a Mutex<Parts>,
}

/// The largest readings of the slot.
#[derive(Debug, Clone, Copy, Default)]
struct SlotReadings {
    lag_bytes: u64,
    kept_bytes: u64,
    taken: u64,
}

impl Driving<'_> {
    fn run(&self, session: &mut Session) -> Result<(), String> {
        let scenario = self.plan.scenario();
        let database = self.parts().rows();
        database.prepare().map_err(|error| described(&error))?;
        let mut rows = RowLoad::new(RowSettings {
            database: database.clone(),
            schedule: self.plan.schedule.clone(),
            writers: scenario.connector.writers,
            most_changes: scenario.connector.changes,
            rolled_back: scenario.connector.rolled_back,
            seed: self.context.seed_for(0),
            clock: self.context.clock,
        });
        rows.fill(scenario.connector.rows)
            .map_err(|error| described(&error))?;
        session.ledgers = rows.ledgers();
        session.consumers = 1;
        let following = Following::start(
            self.ground.bootstrap,
            self.names,
            scenario.topic.partitions.unsigned_abs(),
            rows.tracker(),
            self.context.clock,
        )?;
        let made_at = database.wal_position().map_err(|error| described(&error))?;
        let phases = Phases::new(self.context.events);
        let mut observation = Observation::new(self.context, self.ground.target, 1);
        let start_ns = self.context.clock.now_ns();
        phases.enter(Phase::WarmUp, start_ns);
        // Rows change while the snapshot is taken.
        rows.start(start_ns).map_err(|error| described(&error))?;
        let facts = Mutex::new(Vec::new());
        let mut slot = SlotReadings::default();
        let mut offering = Offering {
            rows: &rows,
            following: &following,
            phases: &phases,
            observation: &mut observation,
            facts: &facts,
            start_ns,
            slot: &mut slot,
            ticks: 0,
            committed_before: 0,
        };
        let mut result = self.offer(&mut offering);
        rows.stop();
        let schedule_end = start_ns + self.plan.schedule.duration().as_nanos() as u64;
        session.load_end_ns = self.context.clock.now_ns().min(schedule_end).max(start_ns);
        if result.is_ok() && !self.context.is_interrupted() {
            phases.enter(Phase::Drain, self.context.clock.now_ns());
            self.drain(&mut offering);
        }
        let facts = facts.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = self.plan.armed_fault() {
            session.fault_report = report(fault, &facts);
        }
        rows.end();
        session.gave_up_ns = self.context.clock.now_ns();
        if result.is_ok() && !self.context.is_interrupted() {
            phases.enter(Phase::ReadBack, session.gave_up_ns);
            let places = Places {
                bootstrap: self.ground.bootstrap,
                names: self.names,
                database: &database,
                made_at,
            };
            result = judge(self.context, self.plan, &places, &rows, &facts)
                .map(|judged| note(&judged, &rows, slot, session));
        }
        self.watch_parts(&mut observation);
        observation.sample_now();
        session.phases = phases.finish(self.context.clock.now_ns());
        observation.finish(session);
        if self.context.is_interrupted() {
            session.interrupted = Some("while rows were changing".into());
        }
        result
    }

    /// Until every change that becomes due is written, and the fault is over.
    fn offer(&self, offering: &mut Offering<'_, '_>) -> Result<(), String> {
        self.parts().register(self.plan, self.names)?;
        let rest = self.parts().connect.rest();
        rest.await_running(&self.names.connector, CONNECTOR_LIMIT, self.context.interrupted)
            .map_err(|error| described(&error))?;
        let give_up = AtomicBool::new(false);
        thread::scope(|scope| {
            let carrier = self.plan.armed_fault().map(|fault| Carrier {
                fault,
                wrong: self.plan.scenario().connector.wrong,
                context: self.context,
                bootstrap: self.ground.bootstrap,
                names: self.names,
                phases: offering.phases,
                rows: offering.rows,
                arrived: &offering.following.arrived,
                start_ns: offering.start_ns,
                warm_up_ns: self.plan.scenario().warm_up.limit.0.as_nanos() as u64,
                target: self.ground.target,
                parts: self.parts,
                give_up: &give_up,
                facts: offering.facts,
            });
            let fault = carrier.map(|carrier| scope.spawn(move || carrier.run()));
            let over = || fault.as_ref().is_none_or(thread::ScopedJoinHandle::is_finished);
            let watched = self.watch(offering, &over);
            give_up.store(true, Relaxed);
            match fault.map(thread::ScopedJoinHandle::join) {
                Some(Ok(Err(error))) => {
                    watched.and(Err(format!("the fault could not be carried out: {error}")))
                }
                Some(Err(panic)) => std::panic::resume_unwind(panic),
                _ => watched,
            }
        })
    }

    fn watch(&self, offering: &mut Offering<'_, '_>, fault_over: &dyn Fn() -> bool) -> Result<(), String> {
        let warm_up_end = offering.start_ns + self.plan.scenario().warm_up.limit.0.as_nanos() as u64;
        loop {
            thread::sleep(TICK);
            self.tick(offering);
            let now = self.context.clock.now_ns();
            let counts = offering.rows.counts();
            let received = offering.following.arrived.received.load(Relaxed);
            let caught_up = received > 0 && received as f64 >= counts.committed as f64 * CAUGHT_UP;
            // A worker that is ended before its first snapshot is complete has to take another.
            let late = now >= warm_up_end && received > 0;
            if offering.phases.current() == Some(Phase::WarmUp) && (caught_up || late) {
                offering.phases.enter(Phase::Steady, now);
            }
            if self.context.is_interrupted() || (offering.rows.is_done() && fault_over()) {
                return Ok(());
            }
            if let Some(fatal) = offering.rows.fatal() {
                return Err(format!("the rows can't be changed any more: {fatal}"));
            }
            self.still_there()?;
        }
    }

    /// While a fault holds them, an ended process is what was wanted.
    fn still_there(&self) -> Result<(), String> {
        if let Ok(mut target) = self.ground.target.try_lock()
            && let Some(died) = target.died()
        {
            return Err(format!("the broker ended on its own: {died}"));
        }
        if let Ok(mut parts) = self.parts.try_lock() {
            for (name, died) in [
                ("PostgreSQL", parts.database.part().died()),
                ("Kafka Connect", parts.connect.part().died()),
            ] {
                if let Some(died) = died {
                    return Err(format!("{name} ended on its own: {died}"));
                }
            }
        }
        Ok(())
    }

    fn tick(&self, offering: &mut Offering<'_, '_>) {
        let counts = offering.rows.counts();
        let since = self.context.clock.now_ns().saturating_sub(offering.start_ns);
        let achieved = counts.committed.saturating_sub(offering.committed_before);
        offering.committed_before = counts.committed;
        self.context.events.emit(EventBody::Tick(Tick {
            interval_ns: TICK.as_nanos() as u64,
            due: counts.due,
            handed_over: counts.due,
            acknowledged: counts.committed,
            unknown: counts.unknown,
            received: offering.following.arrived.received.load(Relaxed),
            consumers: 1,
            offered_per_s: self.plan.schedule.rate_at(Duration::from_nanos(since)),
            achieved_per_s: achieved as f64 / TICK.as_secs_f64(),
            ..Tick::default()
        }));
        offering.ticks += 1;
        if offering.ticks % TICKS_PER_READING == 1 {
            self.watch_parts(offering.observation);
            offering.observation.sample_now();
            self.read_slot(offering.slot);
        }
    }

    fn watch_parts(&self, observation: &mut Observation<'_>) {
        if let Ok(parts) = self.parts.try_lock() {
            let mut processes = parts.database.as_part().processes();
            processes.extend(parts.connect.as_part().processes());
            observation.watch_also(processes);
        }
    }

    fn read_slot(&self, readings: &mut SlotReadings) {
        if let Ok(parts) = self.parts.try_lock()
            && let Ok(Some(slot)) = parts.database.slot(&self.names.slot)
        {
            readings.lag_bytes = readings.lag_bytes.max(slot.lag_bytes.unwrap_or(0));
            readings.kept_bytes = readings.kept_bytes.max(slot.kept_bytes);
            readings.taken += 1;
        }
    }

    /// Until every committed change has come, nothing comes any more, or the limit is reached.
    fn drain(&self, offering: &mut Offering<'_, '_>) {
        let began = self.context.clock.now_ns();
        let limit = began + self.plan.scenario().drain.limit.0.as_nanos() as u64;
        let (rows, following) = (offering.rows, offering.following);
        loop {
            let now = self.context.clock.now_ns();
            let all = rows.is_done() && following.arrived.received.load(Relaxed) >= rows.counts().committed;
            let heard = following.arrived.last_ns.load(Relaxed).max(began);
            if all || now >= limit || now > heard + SILENCE_NS || self.context.is_interrupted() {
                break;
            }
            thread::sleep(TICK);
            self.tick(offering);
        }
    }

    fn parts(&self) -> std::sync::MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A load that is being offered.
struct Offering<'a, 'c> {
    rows: &'a RowLoad,
    following: &'a Following,
    phases: &'a Phases<'c>,
    observation: &'a mut Observation<'c>,
    facts: &'a Mutex<Vec<Fact>>,
    start_ns: u64,
    slot: &'a mut SlotReadings,
    ticks: u64,
    committed_before: u64,
}

/// Keeps what was found.
fn note(judged: &Judged, rows: &RowLoad, slot: SlotReadings, session: &mut Session) {
    let (summary, counts) = (judged.summary, rows.counts());
    let mut put = |name: &str, value: u64| session.measurements.insert(name.to_owned(), value as f64);
    put("connector.streamed", summary.streamed);
    put("connector.snapshot_rows", summary.snapshot_rows);
    put("connector.repeated", summary.repeated);
    put("connector.rewinds", summary.rewinds);
    put("connector.longest_repeat", summary.longest_repeat);
    put("connector.flushes", judged.flushed as u64);
    put("connector.tombstones_missing", summary.tombstones_missing);
    put("rows.transactions", counts.transactions);
    put("rows.rolled_back", counts.rolled_back);
    put("rows.unknown", counts.unknown);
    if slot.taken > 0 {
        put("slot.lag", slot.lag_bytes);
        put("slot.kept", slot.kept_bytes);
    }
    session.findings = Some(judged.findings.clone());
    session.quiet = Some(judged.quiet.clone());
}
