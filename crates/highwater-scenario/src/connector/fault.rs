//! The fault: the worker, PostgreSQL or the broker is ended and started again, and the connector is seen to go on.
//!
//! Invariant: it counts as recovered when an event has come after what was ended ran again, and not before.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use highwater_load::admin;
use highwater_load::rows::RowLoad;
use highwater_measure::quantity;
use highwater_model::{EventBody, FaultReport, NoticeLevel, Phase};
use highwater_target::{CdcNames, Ended, Target, TargetError};

use super::following::Arrived;
use super::parts::Parts;
use crate::config::{Fault, FaultKind, Wrong};
use crate::context::Context;
use crate::phases::Phases;
use crate::session::described;

/// How long to wait, when the moment has come, until a change is on its way.
const AIM_LIMIT: Duration = Duration::from_millis(500);
/// How often waiting looks up.
const GLANCE: Duration = Duration::from_millis(5);
/// Longest wait for a graceful end.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Longest wait for the first event after the fault; a worker that was killed holds its place for some seconds.
const RECOVERY_LIMIT: Duration = Duration::from_secs(90);
/// Between two looks at whether a task has given up.
const STATUS_EVERY: Duration = Duration::from_secs(2);
/// More of a stack trace's first line helps nobody in a report.
const SAID_CHARS: usize = 300;
/// How long what was made wrong may take: a topic goes and a slot is released after a moment.
const WRONG_LIMIT: Duration = Duration::from_secs(20);

/// What a fault did, on the clock of the run.
#[derive(Debug, Clone, Default)]
pub(super) struct Fact {
    pub(super) fired_ns: u64,
    pub(super) in_flight: u64,
    pub(super) as_asked: bool,
    /// Last event before what was ended ran again.
    pub(super) last_before_ns: u64,
    pub(super) lifted_ns: Option<u64>,
    pub(super) recovered_ns: Option<u64>,
    /// How often a task had given up and was started again.
    pub(super) restarted: u64,
    /// What it said when it had given up for the last time.
    pub(super) gave_up: Option<String>,
}

/// Everything that carrying it out needs.
pub(super) struct Carrier<'a> {
    pub(super) fault: Fault,
    pub(super) wrong: Option<Wrong>,
    pub(super) context: &'a Context<'a>,
    pub(super) bootstrap: &'a str,
    pub(super) names: &'a CdcNames,
    pub(super) phases: &'a Phases<'a>,
    pub(super) rows: &'a RowLoad,
    pub(super) arrived: &'a Arrived,
    pub(super) start_ns: u64,
    pub(super) warm_up_ns: u64,
    pub(super) target: &'a Mutex<Target>,
    pub(super) parts: &'a Mutex<Parts>,
    pub(super) give_up: &'a AtomicBool,
    pub(super) facts: &'a Mutex<Vec<Fact>>,
}

impl Carrier<'_> {
    /// Carries the fault out as often as it is asked for.
    pub(super) fn run(&self) -> Result<(), String> {
        let after_ns = nanos(self.fault.after.0);
        let mut at_ns = self.start_ns + after_ns;
        if !self.wait_until(at_ns) || !self.wait_for_a_steady_phase(after_ns.saturating_sub(self.warm_up_ns))
        {
            return Ok(());
        }
        for round in 0..self.fault.times {
            if !self.wait_until(at_ns) || (round > 0 && self.rows.is_done()) {
                break;
            }
            self.once(round)?;
            at_ns = self.context.clock.now_ns() + nanos(self.fault.every.0);
        }
        self.phases.enter(Phase::Recovery, self.context.clock.now_ns());
        Ok(())
    }

    /// A connector that came late is given the steady phase that was planned for it; false if the run ended before.
    fn wait_for_a_steady_phase(&self, planned_ns: u64) -> bool {
        while self.phases.current() == Some(Phase::WarmUp) {
            let in_vain = self.rows.is_done() && self.arrived.received.load(Relaxed) == 0;
            if self.stopped() || in_vain {
                return false;
            }
            std::thread::sleep(GLANCE);
        }
        self.wait_until(self.phases.current_since().unwrap_or(0) + planned_ns)
    }

    fn once(&self, round: u32) -> Result<(), String> {
        let kind = self.fault.kind.name().to_owned();
        let in_flight = self.aim();
        let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let fired_ns = self.context.clock.now_ns();
        if round == 0 {
            self.phases.enter(Phase::Fault, fired_ns);
        }
        let (proof, as_asked) = self
            .end(&mut target, &mut parts)
            .map_err(|error| described(&error))?;
        self.facts().push(Fact {
            fired_ns,
            in_flight,
            as_asked,
            ..Fact::default()
        });
        self.context.events.emit(EventBody::FaultFired {
            kind: kind.clone(),
            proof,
            in_flight,
        });
        self.wait_until(fired_ns + nanos(self.fault.down.0));
        if let Some(wrong) = self.wrong {
            self.make_wrong(wrong, &parts)?;
        }
        let last_before_ns = self.arrived.last_ns.load(Relaxed);
        let events_before = self.arrived.events.load(Relaxed);
        let detail = self
            .begin(&mut target, &mut parts)
            .map_err(|error| described(&error))?;
        drop((target, parts));
        let lifted_ns = self.context.clock.now_ns();
        self.note(|fact| {
            fact.last_before_ns = last_before_ns;
            fact.lifted_ns = Some(lifted_ns);
        });
        self.context.events.emit(EventBody::FaultLifted {
            kind,
            detail,
            outage_ns: lifted_ns - fired_ns,
        });
        self.await_recovery(fired_ns, events_before);
        Ok(())
    }

    fn end(&self, target: &mut Target, parts: &mut Parts) -> Result<(String, bool), TargetError> {
        let graceful = |ended: &Ended| ended.signal != Some(9);
        let killed = |ended: Ended| (ended.proof, true);
        let stopped = |ended: Ended| {
            let as_asked = graceful(&ended);
            (ended.proof, as_asked)
        };
        Ok(match self.fault.kind {
            FaultKind::ConnectKill => killed(parts.connect.part().kill()?),
            FaultKind::PostgresKill => killed(parts.database.part().kill()?),
            FaultKind::PostgresStop => stopped(parts.database.part().stop(STOP_LIMIT)?),
            FaultKind::BrokerKill => killed(target.kill()?),
            FaultKind::BrokerStop => stopped(target.stop(STOP_LIMIT)?),
            // The plan lets no other kind through.
            _ => (target.pause()?.proof, true),
        })
    }

    fn begin(&self, target: &mut Target, parts: &mut Parts) -> Result<String, TargetError> {
        let started = match self.fault.kind {
            FaultKind::ConnectKill => parts.connect.part().start_again()?,
            FaultKind::PostgresKill | FaultKind::PostgresStop => parts.database.part().start_again()?,
            FaultKind::BrokerKill | FaultKind::BrokerStop => target.start_again()?,
            _ => return Ok(target.resume()?.proof),
        };
        let took = started.ready_at.saturating_duration_since(started.spawned_at);
        Ok(format!("started again, ready after {:.3} s", took.as_secs_f64()))
    }

    /// While the worker is down.
    fn make_wrong(&self, wrong: Wrong, parts: &Parts) -> Result<(), String> {
        let limit = Instant::now() + WRONG_LIMIT;
        let text = match wrong {
            Wrong::OffsetsWiped => {
                let topic = &self.names.offsets_topic;
                admin::delete_topic(self.bootstrap, topic).map_err(|error| described(&error))?;
                while admin::partitions(self.bootstrap, topic, Duration::from_secs(5)).is_ok()
                    && Instant::now() < limit
                {
                    std::thread::sleep(GLANCE);
                }
                format!("made wrong on purpose: the offsets topic {topic} was deleted")
            }
            Wrong::SlotMadeAnew => loop {
                // The slot is released when the server has noticed the end of its reader.
                match parts.rows().renew_slot(&self.names.slot) {
                    Ok(()) => {
                        break format!(
                            "made wrong on purpose: the replication slot {} was dropped and made anew",
                            self.names.slot
                        );
                    }
                    Err(error) if Instant::now() >= limit || self.stopped() => return Err(described(&error)),
                    Err(_) => std::thread::sleep(GLANCE),
                }
            },
        };
        self.context.events.notice(NoticeLevel::Warning, text);
        Ok(())
    }

    /// Until an event comes. A task that has given up is started again, as somebody who watches it would.
    fn await_recovery(&self, fired_ns: u64, events_before: u64) {
        let limit = Instant::now() + RECOVERY_LIMIT;
        let mut look = Instant::now() + STATUS_EVERY;
        while !self.stopped() && Instant::now() < limit {
            if self.arrived.events.load(Relaxed) > events_before {
                let at_ns = self.arrived.last_ns.load(Relaxed);
                self.note(|fact| fact.recovered_ns = Some(at_ns));
                self.context.events.emit(EventBody::Recovered {
                    after_ns: at_ns.saturating_sub(fired_ns),
                });
                return;
            }
            if Instant::now() >= look {
                look = Instant::now() + STATUS_EVERY;
                self.restart_failed();
            }
            std::thread::sleep(GLANCE);
        }
    }

    fn restart_failed(&self) {
        let rest = match self.parts.lock() {
            Ok(parts) => parts.connect.rest(),
            Err(_) => return,
        };
        let Some(trace) = rest
            .status(&self.names.connector)
            .ok()
            .and_then(|status| status.failure())
        else {
            return;
        };
        let first = trace.first().map_or("no reason given", String::as_str);
        let text = format!("the connector had given up ({first}) and is started again");
        self.context.events.notice(NoticeLevel::Warning, text);
        if rest.restart(&self.names.connector).is_ok() {
            self.note(|fact| {
                fact.restarted += 1;
                fact.gave_up = Some(in_short(first));
            });
        }
    }

    /// Aims at a moment when a change is on its way; gives how many there were at the last look.
    fn aim(&self) -> u64 {
        let limit = Instant::now() + AIM_LIMIT;
        loop {
            let in_flight = self
                .rows
                .counts()
                .committed
                .saturating_sub(self.arrived.received.load(Relaxed));
            if in_flight > 0 || Instant::now() >= limit || self.stopped() {
                return in_flight;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn note(&self, change: impl FnOnce(&mut Fact)) {
        if let Some(fact) = self.facts().last_mut() {
            change(fact);
        }
    }

    fn facts(&self) -> std::sync::MutexGuard<'_, Vec<Fact>> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.give_up.load(Relaxed) || self.context.is_interrupted()
    }

    /// False if the run ended before the moment came.
    fn wait_until(&self, at_ns: u64) -> bool {
        while self.context.clock.now_ns() < at_ns {
            if self.stopped() {
                return false;
            }
            std::thread::sleep(GLANCE);
        }
        !self.stopped()
    }
}

/// The fault as the report has it; none if it never took effect.
pub(super) fn report(fault: Fault, facts: &[Fact]) -> Option<FaultReport> {
    let first = facts.first()?;
    let recovered: Option<Vec<u64>> = facts
        .iter()
        .map(|fact| Some(fact.recovered_ns?.saturating_sub(fact.fired_ns)))
        .collect();
    let silent = facts
        .iter()
        .filter_map(|fact| Some(fact.recovered_ns?.saturating_sub(fact.last_before_ns)))
        .max();
    let restarted: u64 = facts.iter().map(|fact| fact.restarted).sum();
    Some(FaultReport {
        kind: fault.kind.name().to_owned(),
        armed: true,
        fired: facts.iter().filter(|fact| fact.as_asked).count() as u64,
        fired_at_ns: Some(first.fired_ns),
        lifted_at_ns: first.lifted_ns,
        in_flight: facts.iter().map(|fact| fact.in_flight).min().unwrap_or(0),
        client_reaction: silent.map_or_else(
            || gave_up(restarted, facts),
            |silent| {
                let again = match restarted {
                    0 => String::new(),
                    times => format!(
                        ", its task started again {}",
                        quantity::counted(times, "time", "times")
                    ),
                };
                Some(format!(
                    "the connector sent nothing for {} and went on{again}",
                    quantity::duration(silent)
                ))
            },
        ),
        recovery_ns: recovered.and_then(|all| all.into_iter().max()),
        back_to_baseline_ns: None,
    })
}

/// Of a connector that never went on.
fn gave_up(restarted: u64, facts: &[Fact]) -> Option<String> {
    let said = facts.iter().rev().find_map(|fact| fact.gave_up.as_deref())?;
    let times = quantity::counted(restarted, "time", "times");
    Some(format!(
        "the connector gave up, was started again {times} and gave up again: {said}"
    ))
}

/// The first line of a stack trace, cut where Debezium shows the insides of an object.
fn in_short(trace: &str) -> String {
    let mut short: String = trace.chars().take(SAID_CHARS).collect();
    if short.len() < trace.len() {
        short.push('…');
    }
    short
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
