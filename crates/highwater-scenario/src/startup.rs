//! `kind = "startup"`: from the start of the broker process to the first acknowledged record.
//!
//! Every round stops the broker, starts it again on the same data, and offers one record through a new
//! producer as soon as the broker answers its protocol. All records are accounted for at the end.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use highwater_load::{Load, Offer, ProducerSpec};
use highwater_measure::schedule::{Schedule, Shape};
use highwater_model::{NoticeLevel, Outcome, Phase};
use highwater_target::{Started, Target};

use crate::context::Context;
use crate::drive::{create_topic, read_back};
use crate::observation::Observation;
use crate::phases::Phases;
use crate::plan::Plan;
use crate::session::{Session, described};

/// Longest wait for the broker to end when it is asked to.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Longest wait for the one acknowledgement.
const ACKNOWLEDGEMENT_LIMIT: Duration = Duration::from_secs(60);

/// Measures starts on a target that is ready.
pub(crate) fn drive(
    context: &Context<'_>,
    plan: &Plan,
    target: &Mutex<Target>,
    bootstrap: &str,
    session: &mut Session,
) {
    if let Err(failure) = rounds(context, plan, target, bootstrap, session) {
        match context.is_interrupted() {
            true => session.interrupted = Some("while starts were measured".into()),
            false => session.failure = Some(failure),
        }
    }
}

fn rounds(
    context: &Context<'_>,
    plan: &Plan,
    target: &Mutex<Target>,
    bootstrap: &str,
    session: &mut Session,
) -> Result<(), String> {
    create_topic(plan, bootstrap, session)?;
    let phases = Phases::new(context.events);
    let mut observation = Observation::new(context, target, session.consumers);
    phases.enter(Phase::Steady, context.clock.now_ns());
    for round in 0..plan.scenario().startup.rounds {
        if context.is_interrupted() {
            session.interrupted = Some(format!("after {round} starts"));
            break;
        }
        let started = restart(target)?;
        let spawned_ns = context.clock.at(started.spawned_at);
        let acknowledged_ns = one_record(context, plan, bootstrap, round, session)?;
        let took = acknowledged_ns.saturating_sub(spawned_ns);
        session.starts_ns.push(took);
        let ready = started.ready_at.saturating_duration_since(started.spawned_at);
        context.events.notice(
            NoticeLevel::Info,
            format!(
                "start {} of {}: ready after {:.1} ms, first acknowledged record after {:.1} ms",
                round + 1,
                plan.scenario().startup.rounds,
                ready.as_secs_f64() * 1e3,
                took as f64 / 1e6
            ),
        );
        observation.sample_now();
    }
    session.load_end_ns = context.clock.now_ns();
    session.gave_up_ns = session.load_end_ns;
    if session.interrupted.is_none() {
        phases.enter(Phase::ReadBack, context.clock.now_ns());
        read_back(context, plan, bootstrap, target, session);
    }
    session.phases = phases.finish(context.clock.now_ns());
    observation.finish(session);
    Ok(())
}

fn restart(target: &Mutex<Target>) -> Result<Started, String> {
    let mut target = target.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    target.stop(STOP_LIMIT).map_err(|error| described(&error))?;
    target.start_again().map_err(|error| described(&error))
}

/// Offers one record and waits for its acknowledgement; gives the moment at which it came.
fn one_record(
    context: &Context<'_>,
    plan: &Plan,
    bootstrap: &str,
    round: u32,
    session: &mut Session,
) -> Result<u64, String> {
    let schedule = Schedule::new(Shape::Constant { per_s: 1.0 }, Duration::from_secs(1))
        .map_err(|error| described(&error))?;
    let producer = ProducerSpec {
        index: round,
        of: 1,
        schedule,
        records_limit: Some(1),
        keys: plan.keys(),
        values: plan.values(),
        compressibility: plan.scenario().load.values.compression_ratio,
        client: plan.client(),
        seed: context.seed_for(round),
    };
    let offer = Offer {
        bootstrap: bootstrap.to_owned(),
        topic: session.topic.clone(),
        run: context.run,
        clock: context.clock,
        producers: vec![producer],
        stop: Arc::new(AtomicBool::new(false)),
    };
    let mut load = Load::prepare(&offer).map_err(|error| described(&error))?;
    session.ledgers.extend(load.ledgers());
    load.start(&offer, context.clock.now_ns())
        .map_err(|error| described(&error))?;
    let limit = context.clock.now_ns() + ACKNOWLEDGEMENT_LIMIT.as_nanos() as u64;
    while load.counts().acknowledged == 0
        && context.clock.now_ns() < limit
        && !context.is_interrupted()
        && load.fatal().is_none()
    {
        thread::sleep(Duration::from_millis(1));
    }
    load.drain(Duration::ZERO, context.interrupted);
    session.client_events.extend(load.client_events());
    let row = session.ledgers.last().and_then(|ledger| ledger.get(0));
    match row
        .filter(|row| row.outcome == Outcome::Acknowledged)
        .and_then(|row| row.acknowledged_ns)
    {
        Some(at) => Ok(at),
        None => Err(load.fatal().unwrap_or_else(|| {
            format!(
                "start {}: no acknowledgement within {} s",
                round + 1,
                ACKNOWLEDGEMENT_LIMIT.as_secs()
            )
        })),
    }
}
