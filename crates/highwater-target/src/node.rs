//! A broker that Highwater runs: its life from the first start over faults to the end.
//!
//! ```text
//! start ─▶ running ──kill/stop──▶ down ──start again──▶ running
//!             │ pause/resume        ▲
//!             └──── ended on its own ┘ (told once, kept for `died`)
//! ```
//! Invariant: same data, same ports over all incarnations; one process at a time.

use std::net::SocketAddrV4;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use highwater_model::{NoticeLevel, ProcessState};
use rustix::process::Signal;

use crate::child::{Ended, Process, Proof, how_it_ended};
use crate::error::TargetError;
use crate::family::Family;
use crate::keeper::Keeper;
use crate::log_tail::LogTail;
use crate::observer::{Observer, notice, tell};
use crate::port;
use crate::readiness::{Awaited, Prober};
use crate::rising::{Riser, Rising, await_all};
use crate::user::SystemUser;

/// Another program can take a port between its choice and the start; more often than this in a row is no
/// coincidence.
pub(crate) const PORT_ATTEMPTS: u32 = 5;

/// Why a broker is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// For the first time, on empty data.
    First,
    /// On the data of an earlier incarnation, whose end may not have been in good order.
    Again,
}

/// How long what is started lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// No longer than this process, whatever way that ends.
    OfRun,
    /// Until somebody ends it.
    ItsOwn,
}

/// What kind of broker it is and how it is started.
pub(crate) trait Plan: Send + Sync {
    /// Name of the process in the run.
    fn name(&self) -> &str;
    /// What it is, with its version where it has one.
    fn description(&self) -> String;
    /// Where it listens for clients.
    fn address(&self) -> SocketAddrV4;
    /// Where its output goes.
    fn log(&self) -> &Path;
    /// When to give up waiting for it.
    fn ready_limit(&self) -> Duration;
    /// How often to ask whether it is ready.
    fn probe_every(&self) -> Duration;
    /// A line in its log without which it is not ready.
    fn ready_line(&self) -> Option<String>;
    /// The id of its cluster, if it is known beforehand.
    fn cluster_id(&self) -> Option<String>;
    /// The id of the node in its cluster, where there are several.
    fn node_id(&self) -> Option<i32>;
    /// Where a listener of it listens.
    fn listener(&self, name: &str) -> Option<SocketAddrV4>;
    /// Longest pause after which it goes on as if nothing had been, in its present incarnation; none: any.
    fn longest_pause(&self) -> Option<Duration>;
    /// Chooses other ports after a clash at the first start.
    fn other_ports(&mut self) -> Result<(), TargetError>;
    /// Asks again and again whether it is ready.
    fn prober(&self, brokers: usize) -> std::io::Result<Prober> {
        let awaited = Awaited {
            cluster_id: self.cluster_id(),
            node_id: self.node_id(),
            brokers,
        };
        Prober::start(self.address().into(), self.probe_every(), awaited)
    }
    /// The signal that asks it to end in good order.
    fn stop_signal(&self) -> Signal {
        Signal::TERM
    }
    /// Processes of it that leave its process group.
    fn family(&self) -> Option<Family> {
        None
    }
    /// Where its garbage collector writes its log, if it is a JVM.
    fn gc_log(&self) -> Option<std::path::PathBuf> {
        None
    }
    /// The command of the next incarnation.
    fn command(&mut self, start: Start) -> Result<Command, TargetError>;
}

/// A broker that was started again.
#[derive(Debug, Clone, Copy)]
pub struct Started {
    /// When the process was started.
    pub spawned_at: Instant,
    /// When it answered its protocol.
    pub ready_at: Instant,
}

/// A process that was started and is not ready yet.
pub(crate) struct Launched {
    pub(crate) process: Process,
    spawned_at: Instant,
}

/// A supervised broker.
pub(crate) struct Node {
    // Before the keeper: fields are dropped in this order, and the keeper has to outlive the process.
    process: Option<Process>,
    keeper: Keeper,
    plan: Box<dyn Plan>,
    observer: Observer,
    interrupted: Arc<AtomicBool>,
    next_start: Start,
    paused_at: Option<Instant>,
    died: Option<(String, LogTail)>,
}

impl Node {
    /// One that is not started yet.
    pub(crate) fn new(
        plan: Box<dyn Plan>,
        keeper: Keeper,
        observer: Observer,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        Self {
            process: None,
            keeper,
            plan,
            observer,
            interrupted,
            next_start: Start::First,
            paused_at: None,
            died: None,
        }
    }

    /// One that is the only one of its cluster, started for the first time.
    pub(crate) fn start(
        plan: Box<dyn Plan>,
        keeper: Keeper,
        observer: Observer,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, TargetError> {
        let mut node = Self::new(plan, keeper, observer, interrupted);
        for _ in 1..PORT_ATTEMPTS {
            match node.bring_up() {
                Err(TargetError::EndedAtStart { .. }) if port::is_taken(node.plan.address().port()) => {
                    node.plan.other_ports()?;
                }
                other => return other.map(|_| node),
            }
        }
        node.bring_up().map(|_| node)
    }

    /// The same on the port that was asked for and no other.
    pub(crate) fn start_at(
        plan: Box<dyn Plan>,
        keeper: Keeper,
        observer: Observer,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, TargetError> {
        let mut node = Self::new(plan, keeper, observer, interrupted);
        node.bring_up().map(|_| node)
    }

    /// Lets its process live on its own.
    pub(crate) fn leave(mut self) {
        if let Some(process) = self.process.take() {
            process.leave();
        }
    }

    pub(crate) fn plan(&self) -> &dyn Plan {
        self.plan.as_ref()
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    pub(crate) fn kill(&mut self) -> Result<Ended, TargetError> {
        let mut process = self.take("killed")?;
        let ended = process.kill()?;
        self.tell(ProcessState::Killed, None, &ended.proof);
        Ok(ended)
    }

    pub(crate) fn stop(&mut self, limit: Duration) -> Result<Ended, TargetError> {
        self.stop_unless(limit, &|| false)
    }

    /// The same, and killed once `hopeless` says that it will not end.
    pub(crate) fn stop_unless(
        &mut self,
        limit: Duration,
        hopeless: &dyn Fn() -> bool,
    ) -> Result<Ended, TargetError> {
        let mut process = self.take("stopped")?;
        self.tell(
            ProcessState::Stopping,
            Some(process.pid()),
            &format!("asked to end by {}", process.asked_by()),
        );
        let ended = process.stop(limit, &self.interrupted, hopeless)?;
        if ended.signal == Some(Signal::KILL.as_raw()) {
            let text = format!("{} had to be killed: {}", self.plan.name(), ended.proof);
            notice(&self.observer, NoticeLevel::Warning, &text);
        }
        self.tell(ProcessState::Stopped, None, &ended.proof);
        Ok(ended)
    }

    pub(crate) fn pause(&mut self) -> Result<Proof, TargetError> {
        let process = self.running("paused")?;
        if process.paused() {
            return Err(self.wrong_state("paused", "is paused already"));
        }
        let (proof, pid) = (process.pause()?, process.pid());
        self.paused_at = Some(proof.at);
        self.tell(ProcessState::Paused, Some(pid), &proof.proof);
        Ok(proof)
    }

    pub(crate) fn resume(&mut self) -> Result<Proof, TargetError> {
        let process = self.running("resumed")?;
        if !process.paused() {
            return Err(self.wrong_state("resumed", "is not paused"));
        }
        let (proof, pid) = (process.resume()?, process.pid());
        self.tell(ProcessState::Resumed, Some(pid), &proof.proof);
        let paused = self
            .paused_at
            .take()
            .map(|since| proof.at.saturating_duration_since(since));
        if let Some((paused, limit)) = paused
            .zip(self.plan.longest_pause())
            .filter(|(paused, limit)| paused > limit)
        {
            let (name, paused, limit) = (self.plan.name(), paused.as_secs_f64(), limit.as_secs_f64());
            let text = format!(
                "the pause of {paused:.1} s was longer than the session of {name} ({limit:.0} s): it was out of its cluster for a moment"
            );
            notice(&self.observer, NoticeLevel::Warning, &text);
        }
        Ok(proof)
    }

    pub(crate) fn interrupted(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    pub(crate) fn start_again(&mut self) -> Result<Started, TargetError> {
        self.may_start_again()?;
        self.bring_up()
    }

    /// An error if it can't be started again.
    pub(crate) fn may_start_again(&mut self) -> Result<(), TargetError> {
        if self.process.as_ref().is_some_and(|process| !process.has_ended()) {
            return Err(self.wrong_state("started again", "is running"));
        }
        self.died();
        let port = self.plan.address().port();
        if port::is_taken(port) {
            return Err(TargetError::PortTaken { port });
        }
        Ok(())
    }

    /// How it ended, if it did so on its own and was not started again since.
    pub(crate) fn died(&mut self) -> Option<String> {
        if let Some(mut process) = self.process.take_if(|process| process.has_ended()) {
            let how = process
                .reap()
                .map_or_else(|error| error.to_string(), how_it_ended);
            let how = format!("process {} {how}", process.pid());
            self.tell(ProcessState::Died, None, &how);
            self.died = Some((how, process.log_tail()));
        }
        self.died
            .as_ref()
            .map(|(how, log)| format!("{} {how}{log}", self.plan.name()))
    }

    fn bring_up(&mut self) -> Result<Started, TargetError> {
        let mut launched = self.launch()?;
        let rising = Rising::begin(self.plan(), 1)?;
        let mut risers = [Riser {
            plan: self.plan(),
            process: &mut launched.process,
            rising,
        }];
        let ready_at = await_all(&mut risers, &self.interrupted)?
            .first()
            .copied()
            .unwrap_or_else(Instant::now);
        Ok(self.is_up(launched, ready_at))
    }

    /// Starts the process, which is nobody's yet: dropping it ends it.
    pub(crate) fn launch(&mut self) -> Result<Launched, TargetError> {
        let command = self.plan.command(self.next_start)?;
        let spawned_at = Instant::now();
        let process = Process::start(&self.keeper, self.plan.name(), command, self.plan.log())?
            .with(self.plan.stop_signal(), self.plan.family());
        let address = self.plan.address();
        self.tell(
            ProcessState::Starting,
            Some(process.pid()),
            &format!("listens on {address} when ready"),
        );
        Ok(Launched { process, spawned_at })
    }

    /// Takes over a process that is ready.
    pub(crate) fn is_up(&mut self, launched: Launched, ready_at: Instant) -> Started {
        let Launched { process, spawned_at } = launched;
        let took = ready_at.saturating_duration_since(spawned_at).as_secs_f64();
        let address = self.plan.address();
        self.tell(
            ProcessState::Ready,
            Some(process.pid()),
            &format!("{address}, ready after {took:.3} s"),
        );
        self.process = Some(process);
        self.paused_at = None;
        self.died = None;
        self.next_start = Start::Again;
        Started { spawned_at, ready_at }
    }

    fn running(&mut self, action: &'static str) -> Result<&mut Process, TargetError> {
        self.died();
        if let Some((how, log)) = &self.died {
            let process = self.plan.name().to_owned();
            return Err(TargetError::Died {
                process,
                how: how.clone(),
                log: log.clone(),
            });
        }
        let missing = self.wrong_state(action, "is not running");
        self.process.as_mut().ok_or(missing)
    }

    fn take(&mut self, action: &'static str) -> Result<Process, TargetError> {
        self.running(action)?;
        self.paused_at = None;
        self.process
            .take()
            .ok_or_else(|| self.wrong_state(action, "is not running"))
    }

    fn wrong_state(&self, action: &'static str, state: &'static str) -> TargetError {
        TargetError::WrongState {
            process: self.plan.name().to_owned(),
            action,
            state,
        }
    }

    fn tell(&self, state: ProcessState, pid: Option<u32>, detail: &str) {
        tell(&self.observer, self.plan.name(), pid, state, detail);
    }
}

/// A command that ends with this process: `highwater exec-with-parent --parent PID -- COMMAND`.
pub(crate) fn tied_to_parent(highwater: &Path, command: &Command) -> Command {
    tied_as(None, highwater, command)
}

/// The same as another user of the system, which only root can ask for.
pub(crate) fn tied_as(user: Option<SystemUser>, highwater: &Path, command: &Command) -> Command {
    let mut tied = Command::new(highwater);
    tied.arg("exec-with-parent")
        .arg("--parent")
        .arg(std::process::id().to_string());
    if let Some(user) = user {
        tied.arg("--user").arg(user.to_string());
    }
    tied.arg("--");
    tied.arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        tied.current_dir(dir);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => tied.env(name, value),
            None => tied.env_remove(name),
        };
    }
    tied
}
