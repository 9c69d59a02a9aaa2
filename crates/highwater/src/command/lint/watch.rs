//! The application: started, watched until the time is over or it is idle, and stopped.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use highwater_check::lint::APPLICATION;
use highwater_model::ExitCode;
use highwater_model::history::ProcessChange;
use highwater_proxy::Proxy;
use highwater_target::{Application, ApplicationOptions, Ended, LogTail, TargetError};

use super::observed::Observed;
use crate::arguments::LintArguments;
use crate::failure::Failure;

/// How often the application and its work are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often its sockets are looked at; a connection past the proxy that is shorter may be missed.
const LOOK_PAST: Duration = Duration::from_millis(500);
/// How long it may take to end after SIGTERM: consumers leave their group and commit.
const GRACE: Duration = Duration::from_secs(10);

/// What a watch needs.
pub(super) struct Watch<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) observed: &'a Observed,
    pub(super) arguments: &'a LintArguments,
    pub(super) interrupted: &'a AtomicBool,
    pub(super) log: PathBuf,
    /// Where the brokers really are.
    pub(super) brokers: Vec<SocketAddr>,
}

/// What was seen from outside.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How it failed, if it did, in words.
    pub(super) failed: Option<String>,
    /// The end of its output.
    pub(super) log: LogTail,
    /// Brokers that it spoke to past the proxy.
    pub(super) past: BTreeSet<SocketAddr>,
    pub(super) interrupted: bool,
}

impl Watch<'_> {
    /// Runs the application once, or twice with `--restart`.
    pub(super) fn run(&self) -> Result<Seen, Failure> {
        let mut seen = Seen::default();
        let starts = if self.arguments.restart { 2 } else { 1 };
        for _ in 0..starts {
            self.once(&mut seen)?;
            if seen.interrupted || seen.failed.is_some() {
                break;
            }
        }
        Ok(seen)
    }

    fn once(&self, seen: &mut Seen) -> Result<(), Failure> {
        let mut application = Application::start(&self.options()?).map_err(|error| match error {
            TargetError::Spawn { ref source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Failure::new(
                    ExitCode::Usage,
                    format!("can't start {}: no such program", self.program()),
                )
            }
            other => other.into(),
        })?;
        let pid = Some(application.pid());
        self.proxy
            .tell_process(APPLICATION, pid, ProcessChange::Started, &self.program());
        let ended_by_itself = self.watch(&application, seen);
        seen.log = application.log_tail();
        if !ended_by_itself {
            self.proxy
                .tell_process(APPLICATION, pid, ProcessChange::Stopped, "SIGTERM");
        }
        // Not to be cut short by the same Ctrl-C: it may need the time to leave its group.
        let ended = application.stop(GRACE, &AtomicBool::new(false))?;
        self.proxy
            .tell_process(APPLICATION, pid, ProcessChange::Exited, &ended.proof);
        if ended_by_itself {
            seen.failed = failure(&ended);
        }
        Ok(())
    }

    /// Until it ends, is idle, the time is over, or Ctrl-C; true if it ended.
    fn watch(&self, application: &Application, seen: &mut Seen) -> bool {
        let began = Instant::now();
        let (limit, idle) = (self.arguments.watch_for, self.arguments.idle);
        let (mut work, mut worked_at) = (self.observed.work(), None);
        let mut looked_past: Option<Instant> = None;
        loop {
            if application.has_ended() {
                return true;
            }
            if self.interrupted.load(Ordering::Relaxed) {
                seen.interrupted = true;
                return false;
            }
            let now = self.observed.work();
            if now != work {
                work = now;
                worked_at = Some(Instant::now());
            }
            let is_idle = worked_at.is_some_and(|at: Instant| at.elapsed() >= idle);
            if is_idle || began.elapsed() >= limit {
                return false;
            }
            if looked_past.is_none_or(|at| at.elapsed() >= LOOK_PAST) {
                looked_past = Some(Instant::now());
                self.look_past(application, seen);
            }
            thread::sleep(LOOK);
        }
    }

    fn look_past(&self, application: &Application, seen: &mut Seen) {
        for address in application.connected_to(&self.brokers) {
            if seen.past.insert(address) {
                self.proxy
                    .tell_bypass(&format!("the application is connected to {address}"));
            }
        }
    }

    fn program(&self) -> String {
        let program = self.arguments.command.first();
        program.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    fn options(&self) -> Result<ApplicationOptions, Failure> {
        let bootstrap = self.proxy.bootstrap().to_string();
        let command = self
            .arguments
            .command
            .iter()
            .map(|argument| filled(argument, &bootstrap));
        Ok(ApplicationOptions {
            command: command.collect(),
            environment: ["HIGHWATER_BOOTSTRAP", "BOOTSTRAP_SERVERS"]
                .map(|name| (name.to_owned(), bootstrap.clone()))
                .to_vec(),
            log: self.log.clone(),
            highwater: crate::command::run::own_path()?,
        })
    }
}

fn filled(argument: &OsString, bootstrap: &str) -> OsString {
    match argument.to_str() {
        Some(text) => text.replace("{bootstrap}", bootstrap).into(),
        None => argument.clone(),
    }
}

/// An application may end when its work is done.
fn failure(ended: &Ended) -> Option<String> {
    (ended.code != Some(0)).then(|| ended.proof.clone())
}
