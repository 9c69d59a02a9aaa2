//! One supervised process: started in a process group of its own, signalled, observed, never left behind.
//!
//! Invariant: the process is reaped only here, and signals are sent only before that, so that a pid that
//! the system has given to somebody else is never signalled. Dropping it kills the whole group.

use std::fs::{File, OpenOptions};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

use crate::error::TargetError;
use crate::family::Family;
use crate::keeper::Keeper;
use crate::log_tail::LogTail;
use crate::patience::wait_until;

/// How often the end or the state of a process is looked at: fine enough to time a stop by it.
const LOOK: Duration = Duration::from_millis(2);
/// SIGSTOP and SIGCONT take effect within milliseconds; a thread in an uninterruptible disk wait may take
/// longer, and after this it is not a pause that could be timed.
const STATE_LIMIT: Duration = Duration::from_secs(5);

/// How a process ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Number of the signal that ended it, if one did.
    pub signal: Option<i32>,
    /// Exit code, if it exited.
    pub code: Option<i32>,
    /// When the end was seen.
    pub at: Instant,
    /// The same for people: `the dev broker process 4711 ended by signal 9 (SIGKILL)`.
    pub proof: String,
}

/// A state that was seen.
#[derive(Debug, Clone)]
pub struct Proof {
    /// What was seen, for people.
    pub proof: String,
    /// When it was seen.
    pub at: Instant,
}

/// A running process of this program.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    name: String,
    log: PathBuf,
    log_from: u64,
    reaped: bool,
    paused: bool,
    /// Asks it to end.
    stop_signal: Signal,
    /// Processes of it that are in groups of their own.
    family: Option<Family>,
}

impl Process {
    /// Starts `command` with its output appended to `log`.
    pub(crate) fn start(
        keeper: &Keeper,
        name: &str,
        mut command: Command,
        log: &Path,
    ) -> Result<Self, TargetError> {
        let output = open_log(log)?;
        let log_from = output.metadata().map_or(0, |metadata| metadata.len());
        let errors = output.try_clone().map_err(TargetError::file("write", log))?;
        let program = PathBuf::from(command.get_program());
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors);
        let spawned = keeper.spawn(command);
        let child = spawned.map_err(|source| TargetError::Spawn {
            what: name.to_owned(),
            program,
            source,
        })?;
        let pid = Pid::from_child(&child);
        Ok(Self {
            child,
            pid,
            name: name.to_owned(),
            log: log.to_owned(),
            log_from,
            reaped: false,
            paused: false,
            stop_signal: Signal::TERM,
            family: None,
        })
    }

    /// It is asked to end by this signal, and has this family.
    pub(crate) fn with(mut self, stop_signal: Signal, family: Option<Family>) -> Self {
        self.stop_signal = stop_signal;
        self.family = family;
        self
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn paused(&self) -> bool {
        self.paused
    }

    /// What it has written since it was started.
    pub(crate) fn log_tail(&self) -> LogTail {
        LogTail::read(&self.log, self.log_from)
    }

    /// Where in its log the lines of this process begin.
    pub(crate) fn log_from(&self) -> u64 {
        self.log_from
    }

    /// True once it has ended, whether reaped or not.
    pub(crate) fn has_ended(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.reaped || !matches!(waitid(WaitId::Pid(self.pid), look), Ok(None) | Err(Errno::INTR))
    }

    /// Ends the rest of the group, reaps the process and says how it ended. Waits if it runs.
    pub(crate) fn reap(&mut self) -> Result<ExitStatus, TargetError> {
        if !self.reaped {
            // Ended and not reaped, its pid still names its group. Usually nobody is left in it.
            let _ = waitid(
                WaitId::Pid(self.pid),
                WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
            );
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
        let status = self
            .child
            .wait()
            .map_err(|source| self.failed("wait for", source))?;
        self.reaped = true;
        self.end_family();
        Ok(status)
    }

    /// Kills it with SIGKILL and waits for its end.
    pub(crate) fn kill(&mut self) -> Result<Ended, TargetError> {
        self.require_alive()?;
        kill_process_group(self.pid, Signal::KILL).map_err(|errno| self.failed("kill", errno.into()))?;
        let status = self
            .child
            .wait()
            .map_err(|source| self.failed("wait for", source))?;
        self.reaped = true;
        self.end_family();
        if status.signal() == Some(Signal::KILL.as_raw()) {
            return Ok(self.ended(status, ""));
        }
        Err(TargetError::Died {
            process: self.name.clone(),
            how: how_it_ended(status),
            log: self.log_tail(),
        })
    }

    /// Asks it to end by its signal, usually SIGTERM; kills it if it has not ended after `limit`, or once `hopeless` says that it will
    /// not.
    pub(crate) fn stop(
        &mut self,
        limit: Duration,
        interrupted: &AtomicBool,
        hopeless: &dyn Fn() -> bool,
    ) -> Result<Ended, TargetError> {
        self.require_alive()?;
        let asked = Instant::now();
        kill_process(self.pid, self.stop_signal).map_err(|errno| self.failed("stop", errno.into()))?;
        let asked_by = self.asked_by();
        if self.paused {
            // A halted process would never see the request.
            kill_process_group(self.pid, Signal::CONT)
                .map_err(|errno| self.failed("resume", errno.into()))?;
            self.signal_family(Signal::CONT);
            self.paused = false;
        }
        let waiting_for = format!("{} to end", self.name);
        let over = wait_until(&waiting_for, LOOK, limit, interrupted, || {
            Ok((self.has_ended() || hopeless()).then_some(()))
        })?;
        let seconds = asked.elapsed().as_secs_f64();
        if over.is_none() || !self.has_ended() {
            // It may end by itself in this moment; how it did is told by its status.
            let _ = kill_process_group(self.pid, Signal::KILL);
            let status = self.reap()?;
            return Ok(self.ended(
                status,
                &format!(", not having ended within {seconds:.1} s after {asked_by}"),
            ));
        }
        let status = self.reap()?;
        Ok(self.ended(status, &format!(", {seconds:.3} s after {asked_by}")))
    }

    /// Halts it with SIGSTOP; proven by the state of every one of its threads.
    pub(crate) fn pause(&mut self) -> Result<Proof, TargetError> {
        self.require_alive()?;
        kill_process_group(self.pid, Signal::STOP).map_err(|errno| self.failed("pause", errno.into()))?;
        self.signal_family(Signal::STOP);
        self.paused = true;
        let proof = self.await_state("halted", |states| states.iter().all(|state| *state == 'T'))?;
        Ok(self.proof(&format!("is halted: state T of all its {proof} threads in /proc")))
    }

    /// Continues it with SIGCONT; proven by the state of every one of its threads.
    pub(crate) fn resume(&mut self) -> Result<Proof, TargetError> {
        self.require_alive()?;
        kill_process_group(self.pid, Signal::CONT).map_err(|errno| self.failed("resume", errno.into()))?;
        self.signal_family(Signal::CONT);
        self.paused = false;
        let proof = self.await_state("running", |states| states.iter().all(|state| *state != 'T'))?;
        Ok(self.proof(&format!("runs again: none of its {proof} threads is in state T")))
    }

    /// Lets it live on its own: neither dropping this nor the end of Highwater ends it.
    pub(crate) fn leave(mut self) {
        self.reaped = true;
    }

    fn await_state(
        &self,
        expected: &'static str,
        reached: impl Fn(&[char]) -> bool,
    ) -> Result<usize, TargetError> {
        // Not to be interrupted: it takes milliseconds, and half a pause is worse than a late Ctrl-C.
        let calm = AtomicBool::new(false);
        let mut seen = Vec::new();
        let threads = wait_until(expected, LOOK, STATE_LIMIT, &calm, || {
            self.require_alive()?;
            seen = thread_states(self.pid);
            if let Some(family) = &self.family {
                for other in family.others(self.pid) {
                    seen.extend(thread_states(other));
                }
            }
            Ok((!seen.is_empty() && reached(&seen)).then_some(seen.len()))
        })?;
        threads.ok_or_else(|| TargetError::NotProven {
            process: self.name.clone(),
            expected,
            limit: STATE_LIMIT,
            seen: format!(
                "its threads are in the states {}",
                seen.iter().collect::<String>()
            ),
        })
    }

    /// The name of the signal that asks it to end.
    pub(crate) fn asked_by(&self) -> &'static str {
        signal_name(self.stop_signal)
    }

    fn signal_family(&self, signal: Signal) {
        if let Some(family) = &self.family {
            family.signal(signal);
        }
    }

    /// Once the process itself is gone.
    fn end_family(&self) {
        if let Some(family) = &self.family {
            family.end();
        }
    }

    fn require_alive(&self) -> Result<(), TargetError> {
        if !self.has_ended() {
            return Ok(());
        }
        let how = "seen when it was to be signalled".to_owned();
        Err(TargetError::Died {
            process: self.name.clone(),
            how,
            log: self.log_tail(),
        })
    }

    pub(crate) fn ended(&self, status: ExitStatus, more: &str) -> Ended {
        Ended {
            signal: status.signal(),
            code: status.code(),
            at: Instant::now(),
            proof: format!(
                "the {} process {} {}{more}",
                self.name,
                self.pid(),
                how_it_ended(status)
            ),
        }
    }

    fn proof(&self, what: &str) -> Proof {
        Proof {
            proof: format!("the {} process {} {what}", self.name, self.pid()),
            at: Instant::now(),
        }
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> TargetError {
        TargetError::Process {
            action,
            process: self.name.clone(),
            source,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            // Errors here mean that it is gone already.
            let _ = kill_process_group(self.pid, Signal::KILL);
            let _ = self.child.wait();
            self.end_family();
        }
    }
}

/// Runs a program to its end.
pub(crate) fn run_to_end(
    keeper: &Keeper,
    name: &str,
    command: Command,
    log: &Path,
    limit: Duration,
    interrupted: &AtomicBool,
) -> Result<ExitStatus, TargetError> {
    let mut process = Process::start(keeper, name, command, log)?;
    let ended = wait_until(name, LOOK, limit, interrupted, || {
        Ok(process.has_ended().then_some(()))
    })?;
    if ended.is_some() {
        return process.reap();
    }
    let (last, log) = ("it was still running".to_owned(), process.log_tail());
    Err(TargetError::NotReady {
        process: name.to_owned(),
        limit,
        last,
        log,
    })
}

/// `ended by signal 9 (SIGKILL)` or `ended with exit code 1`.
pub(crate) fn how_it_ended(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(9), _) => "ended by signal 9 (SIGKILL)".to_owned(),
        (Some(15), _) => "ended by signal 15 (SIGTERM)".to_owned(),
        (Some(signal), _) => format!("ended by signal {signal}"),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

fn signal_name(signal: Signal) -> &'static str {
    if signal == Signal::INT {
        "SIGINT"
    } else {
        "SIGTERM"
    }
}

fn thread_states(pid: Pid) -> Vec<char> {
    let tasks = procfs::process::Process::new(pid.as_raw_nonzero().get()).and_then(|process| process.tasks());
    let Ok(tasks) = tasks else { return Vec::new() };
    tasks
        .filter_map(|task| task.ok()?.stat().ok())
        .map(|stat| stat.state)
        .collect()
}

fn open_log(path: &Path) -> Result<File, TargetError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(TargetError::file("write", path))
}

#[cfg(test)]
mod tests;
