//! Carrying out a fault on the clock of the run, and keeping what proves that it took effect.
//!
//! ```text
//! wait for the moment ─▶ aim: something in flight ─▶ kill | stop | pause | cut ─▶ hold ─▶ start again | resume | heal ─▶ ready
//! ```
//! All waiting ends at once when the run is interrupted; then the fault is lifted as far as that is possible. On a
//! cluster that Highwater did not start the user's hooks do it, and only a broker that was seen not to answer counts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use highwater_load::{Clock, Load, admin};
use highwater_model::history::ProcessChange;
use highwater_model::{EventBody, Phase};
use highwater_target::{Target, Which};

use crate::config::{Fault, FaultKind};
use crate::context::salted;
use crate::events::EventStream;
use crate::hooks::{self, Probe, Silence};
use crate::links::Links;
use crate::phases::Phases;
use crate::session::described;
use crate::wire::Wire;

/// How long to wait, when the moment has come, until a record is in flight. At 1,000/s one is within a
/// millisecond or two; a load that has nothing in flight for this long can't be caught at work.
const AIM_LIMIT: Duration = Duration::from_millis(500);
/// How often waiting looks at the interrupt flag.
const GLANCE: Duration = Duration::from_millis(20);
/// Longest wait for a graceful end; Kafka's own controlled shutdown takes a few seconds.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// Longest wait for replicas to be in sync again.
const ISR_LIMIT: Duration = Duration::from_secs(60);
/// Between two looks at the replicas.
const ISR_LOOK: Duration = Duration::from_millis(250);
/// How long the cluster may take to say who leads.
const ANSWER: Duration = Duration::from_secs(10);

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
    /// What the cluster was seen to do, in words.
    pub(crate) seen: Option<String>,
    /// From healing the network until all replicas were in sync again.
    pub(crate) isr_back_ns: Option<u64>,
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
    /// The network between the brokers, if the scenario cuts it.
    pub(crate) links: Option<&'a Links>,
    /// The cluster itself, past any proxy.
    pub(crate) bootstrap: &'a str,
    pub(crate) topic: &'a str,
    /// The user's commands by their names.
    pub(crate) hooks: &'a BTreeMap<String, String>,
    /// The directory of the run, and this executable.
    pub(crate) places: (&'a Path, &'a Path),
}

impl Carrier<'_> {
    /// Carries the fault out as often as it is asked for. Facts are kept as they become known, so that they
    /// survive an error half-way.
    pub(crate) fn run(&self) -> Result<(), String> {
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

    fn once(&self, round: u32, in_flight: u64) -> Result<(), String> {
        if self.fault.kind.cuts_clients() {
            return self.cut_clients(round, in_flight);
        }
        let own = self.lock().can_fault();
        match self.fault.kind {
            FaultKind::BrokerIsolate => self.isolate(round, in_flight),
            _ if !own => self.by_hooks(round, in_flight),
            FaultKind::BrokerKillAhead => self.kill_ahead(round, in_flight),
            _ => self.on_process(round, in_flight),
        }
    }

    /// The broker that leads a partition of the run's topic; the only one there is otherwise.
    fn leader(&self, target: &Target) -> Result<String, String> {
        let names = target.broker_names();
        if let [only] = names.as_slice() {
            return Ok(only.clone());
        }
        Ok(format!("broker-{}", self.leading()?))
    }

    fn leading(&self) -> Result<i32, String> {
        let placed =
            admin::placements(self.bootstrap, self.topic, ANSWER).map_err(|error| described(&error))?;
        let first = placed.first().map(|one| one.leader);
        first.ok_or_else(|| format!("topic {} has no partition", self.topic))
    }

    fn on_process(&self, round: u32, in_flight: u64) -> Result<(), String> {
        let told = |error: highwater_target::TargetError| described(&error);
        let kind = self.fault.kind.name().to_owned();
        let mut target = self.lock();
        let name = self.leader(&target)?;
        let mut victim = target.brokers(Which::Named(&name)).map_err(told)?;
        let fired_ns = self.clock.now_ns();
        self.begin(round, fired_ns);
        let first = |mut all: Vec<highwater_target::Ended>| {
            all.pop().map(|ended| (ended.signal, ended.code, ended.proof))
        };
        let (proof, as_asked) = match self.fault.kind {
            FaultKind::BrokerStop => {
                let ended = first(victim.stop(STOP_LIMIT).map_err(told)?);
                let (signal, code, proof) = ended.unwrap_or_default();
                let graceful = signal == Some(SIGTERM) || matches!(code, Some(0 | EXIT_AFTER_SIGTERM));
                (proof, graceful)
            }
            FaultKind::BrokerPause => {
                let paused = victim.pause().map_err(told)?;
                (paused.into_iter().map(|one| one.proof).collect(), true)
            }
            _ => (first(victim.kill().map_err(told)?).unwrap_or_default().2, true),
        };
        self.keep(FaultFact {
            fired_ns,
            in_flight,
            as_asked,
            ..FaultFact::default()
        });
        if let Some(wire) = self.wire {
            let change = match self.fault.kind {
                FaultKind::BrokerStop => ProcessChange::Stopped,
                FaultKind::BrokerPause => ProcessChange::Paused,
                _ => ProcessChange::Killed,
            };
            wire.tell_process(change, &proof);
        }
        self.fired(proof, in_flight);
        let down_from = match self.fault.kind {
            FaultKind::BrokerStop => self.clock.now_ns(),
            _ => fired_ns,
        };
        self.wait_until(down_from + nanos(self.fault.down.0));
        let acknowledged_before = self.load.counts().acknowledged;
        let (resumed_ns, detail) = if self.fault.kind == FaultKind::BrokerPause {
            let resumed = self.clock.now_ns();
            let proofs = victim.resume().map_err(told)?;
            (resumed, proofs.into_iter().map(|one| one.proof).collect())
        } else {
            let started = victim.start_again().map_err(told)?.pop();
            let started = started.ok_or_else(|| format!("{name} was not started again"))?;
            let took = started.ready_at.saturating_duration_since(started.spawned_at);
            (
                self.clock.at(started.spawned_at),
                format!("started again, ready after {:.3} s", took.as_secs_f64()),
            )
        };
        drop(target);
        let lifted_ns = self.lifted(fired_ns, resumed_ns);
        if let Some(wire) = self.wire {
            let change = match self.fault.kind {
                FaultKind::BrokerPause => ProcessChange::Resumed,
                _ => ProcessChange::Started,
            };
            wire.tell_process(change, &detail);
        }
        self.told_lifted(kind, detail, lifted_ns - fired_ns);
        self.await_recovery(fired_ns, acknowledged_before);
        Ok(())
    }

    /// The leader is cut off from the other brokers, goes on alone for a while and is killed; the others go on without it.
    fn kill_ahead(&self, round: u32, in_flight: u64) -> Result<(), String> {
        let told = |error: highwater_target::TargetError| described(&error);
        let links = self.links.ok_or("there are no proxies between the brokers")?;
        let node = self.leading()?;
        let name = format!("broker-{node}");
        let cut_ns = self.clock.now_ns();
        self.begin(round, cut_ns);
        links.cut(node);
        self.wait_until(cut_ns + nanos(self.fault.ahead.0));
        let mut target = self.lock();
        let fired_ns = self.clock.now_ns();
        let ended = target.brokers(Which::Named(&name)).and_then(|mut one| one.kill());
        links.heal(node);
        let proof: String = ended.map_err(told)?.into_iter().map(|one| one.proof).collect();
        self.keep(FaultFact {
            fired_ns,
            in_flight,
            as_asked: true,
            ..FaultFact::default()
        });
        self.fired(
            format!("{proof}, {} ahead of the others", self.fault.ahead),
            in_flight,
        );
        self.wait_until(fired_ns + nanos(self.fault.down.0));
        let acknowledged_before = self.load.counts().acknowledged;
        let started = target
            .brokers(Which::Named(&name))
            .and_then(|mut one| one.start_again());
        started.map_err(told)?;
        drop(target);
        // The others go on while it is away.
        let lifted_ns = self.lifted(fired_ns, fired_ns);
        let detail = format!("{name} started again, behind the others");
        self.told_lifted(self.fault.kind.name().to_owned(), detail, lifted_ns - fired_ns);
        self.await_recovery(fired_ns, acknowledged_before);
        Ok(())
    }

    /// Clients are cut off from the brokers, at the proxy.
    fn cut_clients(&self, round: u32, in_flight: u64) -> Result<(), String> {
        let wire = self.wire.ok_or("there is no proxy between clients and brokers")?;
        let fired_ns = self.clock.now_ns();
        self.begin(round, fired_ns);
        wire.cut();
        self.keep(FaultFact {
            fired_ns,
            in_flight,
            as_asked: true,
            ..FaultFact::default()
        });
        self.fired("the proxy has cut the clients off".to_owned(), in_flight);
        self.wait_until(fired_ns + nanos(self.fault.down.0));
        let acknowledged_before = self.load.counts().acknowledged;
        let resumed_ns = self.clock.now_ns();
        wire.heal();
        let detail = "the proxy lets everything pass again".to_owned();
        let lifted_ns = self.lifted(fired_ns, resumed_ns);
        self.told_lifted(self.fault.kind.name().to_owned(), detail, lifted_ns - fired_ns);
        self.await_recovery(fired_ns, acknowledged_before);
        Ok(())
    }

    /// The leader of a partition of the run's topic is cut off from the other brokers, not from its clients.
    fn isolate(&self, round: u32, in_flight: u64) -> Result<(), String> {
        let links = self.links.ok_or("there are no proxies between the brokers")?;
        let node = self.leading()?;
        let fired_ns = self.clock.now_ns();
        self.begin(round, fired_ns);
        links.cut(node);
        self.fired(
            format!("the proxies have cut broker {node} off from the others"),
            in_flight,
        );
        let (mut fewest, mut shrank_ns) = (usize::MAX, None);
        while self.clock.now_ns() < fired_ns + nanos(self.fault.down.0) && !self.stopped() {
            if let Ok(placed) = admin::placements(self.bootstrap, self.topic, ANSWER) {
                fewest = fewest.min(placed.iter().map(|one| one.isr.len()).min().unwrap_or(usize::MAX));
                if placed.iter().any(|one| one.isr.len() < one.replicas.len()) {
                    shrank_ns = shrank_ns.or(Some(self.clock.now_ns()));
                }
            }
            std::thread::sleep(ISR_LOOK);
        }
        let acknowledged_before = self.load.counts().acknowledged;
        let resumed_ns = self.clock.now_ns();
        links.heal(node);
        self.keep(FaultFact {
            fired_ns,
            in_flight,
            // Without that nothing shows that it was cut off.
            as_asked: shrank_ns.is_some(),
            resumed_ns: Some(resumed_ns),
            lifted_ns: Some(resumed_ns),
            seen: shrank_ns.map(|at| {
                let after = at.saturating_sub(fired_ns) as f64 / 1e9;
                format!("replicas in sync shrank to {fewest} after {after:.1} s")
            }),
            isr_back_ns: None,
        });
        let detail = format!("broker {node} reaches the others again");
        self.told_lifted(self.fault.kind.name().to_owned(), detail, resumed_ns - fired_ns);
        self.await_recovery(fired_ns, acknowledged_before);
        let limit = resumed_ns + nanos(ISR_LIMIT);
        while self.clock.now_ns() < limit && !self.stopped() {
            let placed = admin::placements(self.bootstrap, self.topic, ANSWER).unwrap_or_default();
            if !placed.is_empty() && placed.iter().all(|one| one.isr.len() == one.replicas.len()) {
                if let Some(fact) = self.facts().last_mut() {
                    fact.isr_back_ns = Some(self.clock.now_ns() - resumed_ns);
                }
                return Ok(());
            }
            std::thread::sleep(ISR_LOOK);
        }
        Ok(())
    }

    /// The user's commands do it.
    fn by_hooks(&self, round: u32, in_flight: u64) -> Result<(), String> {
        let pair = hooks::pair(self.fault.kind, self.hooks)?;
        let probe = Probe::new(self.bootstrap)?;
        let environment = vec![
            ("HIGHWATER_BOOTSTRAP".to_owned(), self.bootstrap.to_owned()),
            ("HIGHWATER_TOPIC".to_owned(), self.topic.to_owned()),
            ("HIGHWATER_LEADER".to_owned(), self.leading()?.to_string()),
        ];
        let run = |command: &str, step: &str| {
            let name = format!("{}-{}-{step}", self.fault.kind.name(), round + 1);
            hooks::run_hook(command, &name, self.places, environment.clone(), self.interrupted)
        };
        let (silence, done) = (Mutex::new(Silence::default()), AtomicBool::new(false));
        let fired_ns = self.clock.now_ns();
        self.begin(round, fired_ns);
        let acknowledged_before = self.load.counts().acknowledged;
        let started_ns = std::thread::scope(|scope| {
            scope.spawn(|| probe.watch(&done, &silence));
            let carried_out = || -> Result<Option<u64>, String> {
                run(&pair.begin, "begin")?;
                self.fired(
                    "the hook ended well; whether it took effect is being watched".to_owned(),
                    in_flight,
                );
                let Some(end) = &pair.end else { return Ok(None) };
                self.wait_until(self.clock.now_ns() + nanos(self.fault.down.0));
                let started_ns = self.clock.now_ns();
                run(end, "end")?;
                Ok(Some(started_ns))
            };
            let carried_out = carried_out();
            done.store(true, Ordering::Relaxed);
            carried_out
        })?;
        let back = probe.wait_until_back(&silence, self.interrupted);
        let silence = silence
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let resumed_ns = started_ns.or(silence.seen.as_ref().map(|(_, last, _)| self.clock.at(*last)));
        let seen = silence.seen.map(|(first, last, who)| {
            format!(
                "{who} did not answer for {:.1} s",
                last.saturating_duration_since(first).as_secs_f64()
            )
        });
        let detail = seen
            .clone()
            .unwrap_or_else(|| "every broker answered all the time".to_owned());
        self.keep(FaultFact {
            fired_ns,
            in_flight,
            as_asked: seen.is_some(),
            seen: seen.is_none().then(|| detail.clone()),
            ..FaultFact::default()
        });
        if !back {
            return Err(format!("{detail}, and not every broker came back"));
        }
        let lifted_ns = self.lifted(fired_ns, resumed_ns.unwrap_or(fired_ns));
        self.told_lifted(self.fault.kind.name().to_owned(), detail, lifted_ns - fired_ns);
        self.await_recovery(fired_ns, acknowledged_before);
        Ok(())
    }

    fn begin(&self, round: u32, fired_ns: u64) {
        if round == 0 {
            self.phases.enter(Phase::Fault, fired_ns);
        }
    }

    fn fired(&self, proof: String, in_flight: u64) {
        self.events.emit(EventBody::FaultFired {
            kind: self.fault.kind.name().to_owned(),
            proof,
            in_flight,
        });
    }

    /// Notes when the target was itself again.
    fn lifted(&self, fired_ns: u64, resumed_ns: u64) -> u64 {
        let lifted_ns = self.clock.now_ns().max(fired_ns);
        if let Some(fact) = self.facts().last_mut() {
            fact.resumed_ns = Some(resumed_ns);
            fact.lifted_ns = Some(lifted_ns);
        }
        lifted_ns
    }

    fn told_lifted(&self, kind: String, detail: String, outage_ns: u64) {
        self.events.emit(EventBody::FaultLifted {
            kind,
            detail,
            outage_ns,
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Target> {
        self.target
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
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
