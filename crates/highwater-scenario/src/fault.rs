//! Carrying out a fault on the clock of the run, and keeping what proves that it took effect.
//!
//! ```text
//! wait for the moment ─▶ aim: something in flight ─▶ kill | stop | pause ─▶ hold ─▶ start again | resume ─▶ ready
//! ```
//! All waiting ends at once when the run is interrupted; then the fault is lifted as far as that is possible.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use highwater_load::{Clock, Load};
use highwater_model::history::ProcessChange;
use highwater_model::{EventBody, Phase};
use highwater_target::{Target, TargetError};

use crate::config::{Fault, FaultKind};
use crate::context::salted;
use crate::events::EventStream;
use crate::phases::Phases;
use crate::wire::Wire;

/// How long to wait, when the moment has come, until a record is in flight. At 1,000/s one is within a
/// millisecond or two; a load that has nothing in flight for this long can't be caught at work.
const AIM_LIMIT: Duration = Duration::from_millis(500);
/// How often waiting looks at the interrupt flag.
const GLANCE: Duration = Duration::from_millis(20);
/// Longest wait for a graceful end; Kafka's own controlled shutdown takes a few seconds.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// The number of SIGTERM on Linux.
const SIGTERM: i32 = 15;
/// What a JVM, and by convention every program, exits with after SIGTERM.
const EXIT_AFTER_SIGTERM: i32 = 143;

/// What happened, on the clock of the run.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultFact {
    /// Just before the signal was sent.
    pub(crate) fired_ns: u64,
    /// Records that the clients had handed over and heard nothing of, counted just before the signal.
    pub(crate) in_flight: u64,
    /// Whether it took effect as asked: a stop that had to be a kill was another fault.
    pub(crate) as_asked: bool,
    /// When the process was started again or continued: nothing can be acknowledged before.
    pub(crate) resumed_ns: Option<u64>,
    /// When it answered its protocol again.
    pub(crate) lifted_ns: Option<u64>,
}

/// Everything that carrying out a fault needs.
pub(crate) struct Carrier<'a> {
    pub(crate) fault: Fault,
    pub(crate) clock: &'a Clock,
    pub(crate) events: &'a EventStream,
    pub(crate) phases: &'a Phases<'a>,
    pub(crate) load: &'a Load,
    pub(crate) load_start_ns: u64,
    pub(crate) target: &'a Mutex<Target>,
    pub(crate) give_up: &'a AtomicBool,
    pub(crate) interrupted: &'a AtomicBool,
    pub(crate) facts: &'a Mutex<Vec<FaultFact>>,
    pub(crate) seed: u64,
    /// The history of the run, if it has one: faults on processes are on its clock, too.
    pub(crate) wire: Option<&'a Wire>,
}

impl Carrier<'_> {
    /// Carries the fault out as often as it is asked for. Facts are kept as they become known, so that they
    /// survive an error half-way.
    pub(crate) fn run(&self) -> Result<(), TargetError> {
        let first = self.load_start_ns + nanos(self.fault.after.0);
        if !self.wait_until(first) {
            return Ok(());
        }
        for round in 0..self.fault.times {
            if round > 0 && !self.wait_until(self.clock.now_ns() + self.pause_before(round)) {
                break;
            }
            if round > 0 && self.load.offering_done() {
                break;
            }
            let in_flight = self.aim();
            self.once(round, in_flight)?;
            if self.stopped() {
                break;
            }
        }
        self.phases.enter(Phase::Recovery, self.clock.now_ns());
        Ok(())
    }

    fn once(&self, round: u32, in_flight: u64) -> Result<(), TargetError> {
        let kind = self.fault.kind.name().to_owned();
        let mut target = self
            .target
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let fired_ns = self.clock.now_ns();
        if round == 0 {
            self.phases.enter(Phase::Fault, fired_ns);
        }
        let (proof, as_asked) = match self.fault.kind {
            FaultKind::BrokerKill => (target.kill()?.proof, true),
            FaultKind::BrokerStop => {
                let ended = target.stop(STOP_LIMIT)?;
                let graceful =
                    ended.signal == Some(SIGTERM) || matches!(ended.code, Some(0 | EXIT_AFTER_SIGTERM));
                (ended.proof, graceful)
            }
            FaultKind::BrokerPause => (target.pause()?.proof, true),
        };
        self.keep(FaultFact {
            fired_ns,
            in_flight,
            as_asked,
            ..FaultFact::default()
        });
        if let Some(wire) = self.wire {
            let change = match self.fault.kind {
                FaultKind::BrokerKill => ProcessChange::Killed,
                FaultKind::BrokerStop => ProcessChange::Stopped,
                FaultKind::BrokerPause => ProcessChange::Paused,
            };
            wire.tell_process(change, &proof);
        }
        self.events.emit(EventBody::FaultFired {
            kind: kind.clone(),
            proof,
            in_flight,
        });
        let down_from = match self.fault.kind {
            FaultKind::BrokerPause | FaultKind::BrokerKill => fired_ns,
            FaultKind::BrokerStop => self.clock.now_ns(),
        };
        self.wait_until(down_from + nanos(self.fault.down.0));
        let acknowledged_before = self.load.counts().acknowledged;
        let (resumed_ns, detail) = match self.fault.kind {
            FaultKind::BrokerPause => {
                let resumed = self.clock.now_ns();
                (resumed, target.resume()?.proof)
            }
            FaultKind::BrokerKill | FaultKind::BrokerStop => {
                let started = target.start_again()?;
                let took = started.ready_at.saturating_duration_since(started.spawned_at);
                (
                    self.clock.at(started.spawned_at),
                    format!("started again, ready after {:.3} s", took.as_secs_f64()),
                )
            }
        };
        drop(target);
        let lifted_ns = self.clock.now_ns();
        if let Some(fact) = self.facts().last_mut() {
            fact.resumed_ns = Some(resumed_ns);
            fact.lifted_ns = Some(lifted_ns);
        }
        if let Some(wire) = self.wire {
            let change = match self.fault.kind {
                FaultKind::BrokerPause => ProcessChange::Resumed,
                FaultKind::BrokerKill | FaultKind::BrokerStop => ProcessChange::Started,
            };
            wire.tell_process(change, &detail);
        }
        self.events.emit(EventBody::FaultLifted {
            kind,
            detail,
            outage_ns: lifted_ns - fired_ns,
        });
        self.await_recovery(fired_ns, acknowledged_before);
        Ok(())
    }

    /// Aims at a moment when something is in flight; gives how many records were at the last look.
    fn aim(&self) -> u64 {
        let limit = Instant::now() + AIM_LIMIT;
        loop {
            let in_flight = self.load.counts().in_flight;
            if in_flight > 0 || Instant::now() >= limit || self.stopped() {
                return in_flight;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Tells the live view of the first acknowledgement after the fault; the report takes it from the ledger.
    fn await_recovery(&self, fired_ns: u64, acknowledged_before: u64) {
        let limit = self.clock.now_ns() + nanos(STOP_LIMIT);
        while !self.stopped() && self.clock.now_ns() < limit {
            if self.load.counts().acknowledged > acknowledged_before {
                self.events.emit(EventBody::Recovered {
                    after_ns: self.clock.now_ns() - fired_ns,
                });
                return;
            }
            if self.load.offering_done() && self.load.counts().in_flight == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// From the lifting of one fault to the next: fixed, or a random moment in a range.
    fn pause_before(&self, round: u32) -> u64 {
        let least = nanos(self.fault.every.0);
        let range = self
            .fault
            .every_at_most
            .map_or(0, |most| nanos(most.0).saturating_sub(least));
        // The high half of a product with a uniform number is uniform below the range.
        least + ((u128::from(salted(self.seed, u64::from(round))) * u128::from(range)) >> 64) as u64
    }

    fn keep(&self, fact: FaultFact) {
        self.facts().push(fact);
    }

    fn facts(&self) -> std::sync::MutexGuard<'_, Vec<FaultFact>> {
        self.facts
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.give_up.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed)
    }

    /// False if the run ended before the moment came.
    fn wait_until(&self, at_ns: u64) -> bool {
        loop {
            if self.stopped() {
                return false;
            }
            let left = at_ns.saturating_sub(self.clock.now_ns());
            if left == 0 {
                return true;
            }
            std::thread::sleep(Duration::from_nanos(left).min(GLANCE));
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
