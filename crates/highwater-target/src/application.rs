//! A program of the user that is run beside a target: a pipeline, a producer, a consumer.
//!
//! Invariant: it has a process group of its own, which ends with this value, whatever way that goes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use procfs::net::TcpState;
use procfs::process::FDTarget;

use crate::child::{Ended, Process, Proof};
use crate::error::TargetError;
use crate::keeper::Keeper;
use crate::log_tail::LogTail;
use crate::node::tied_to_parent;
use crate::program::{is_executable, on_path};

/// What to run.
#[derive(Debug, Clone)]
pub struct ApplicationOptions {
    /// The program, then its arguments.
    pub command: Vec<OsString>,
    /// Added to the environment.
    pub environment: Vec<(String, String)>,
    /// Where its output is appended.
    pub log: PathBuf,
    /// The `highwater` executable, through which it is started so that it ends with this process.
    pub highwater: PathBuf,
}

/// Where the program of a command is; looked up here because a program that is not there would only be told in the log.
///
/// # Errors
/// [`TargetError::Spawn`] if there is none.
pub fn find_program(command: &[OsString]) -> Result<PathBuf, TargetError> {
    let name = command.first().cloned().unwrap_or_default();
    let path = PathBuf::from(&name);
    let found = if path.components().count() > 1 {
        is_executable(&path).then_some(path)
    } else {
        name.to_str().and_then(on_path)
    };
    found.ok_or_else(|| TargetError::Spawn {
        what: "application".to_owned(),
        program: PathBuf::from(name),
        source: io::Error::new(io::ErrorKind::NotFound, "no such program"),
    })
}

/// A running application.
#[derive(Debug)]
pub struct Application {
    process: Process,
    _keeper: Keeper,
}

impl Application {
    /// Starts it.
    ///
    /// # Errors
    /// [`TargetError`] if it can't be started.
    pub fn start(options: &ApplicationOptions) -> Result<Self, TargetError> {
        let keeper = Keeper::start().map_err(|source| TargetError::Process {
            action: "start",
            process: "application".to_owned(),
            source,
        })?;
        let mut command = Command::new(find_program(&options.command)?);
        command.args(options.command.iter().skip(1));
        command.envs(options.environment.iter().map(|(name, value)| (name, value)));
        let tied = tied_to_parent(&options.highwater, &command);
        let process = Process::start(&keeper, "application", tied, &options.log)?;
        Ok(Self {
            process,
            _keeper: keeper,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// True once it has ended by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.process.has_ended()
    }

    /// Asks it to end with SIGTERM, kills its group after `limit`, and says how it ended.
    ///
    /// # Errors
    /// [`TargetError`] if the system can't signal it or wait for it.
    pub fn stop(&mut self, limit: Duration, interrupted: &AtomicBool) -> Result<Ended, TargetError> {
        if !self.process.has_ended() {
            match self.process.stop(limit, interrupted, &|| false) {
                // It ended by itself in this moment.
                Err(TargetError::Died { .. }) => {}
                other => return other,
            }
        }
        let status = self.process.reap()?;
        Ok(self.process.ended(status, ""))
    }

    /// Kills its whole group with SIGKILL and waits for its end.
    ///
    /// # Errors
    /// [`TargetError::Died`] if it ended by itself before.
    pub fn kill(&mut self) -> Result<Ended, TargetError> {
        self.process.kill()
    }

    /// Halts its whole group with SIGSTOP; returns when every one of its threads is seen halted.
    ///
    /// # Errors
    /// [`TargetError::Died`], [`TargetError::NotProven`].
    pub fn pause(&mut self) -> Result<Proof, TargetError> {
        self.process.pause()
    }

    /// Has a halted one go on with SIGCONT.
    ///
    /// # Errors
    /// As [`Application::pause`].
    pub fn resume(&mut self) -> Result<Proof, TargetError> {
        self.process.resume()
    }

    /// How it ended by itself; none while it runs.
    ///
    /// # Errors
    /// [`TargetError`] if the system can't wait for it.
    pub fn ended(&mut self) -> Result<Option<Ended>, TargetError> {
        if !self.process.has_ended() {
            return Ok(None);
        }
        let status = self.process.reap()?;
        Ok(Some(self.process.ended(status, "")))
    }

    /// The end of what it wrote; the log itself may be gone when this is read.
    #[must_use]
    pub fn log_tail(&self) -> LogTail {
        self.process.log_tail().without_path()
    }

    /// Which of these addresses it has an open TCP connection to. What can't be looked at is left out.
    #[must_use]
    pub fn connected_to(&self, addresses: &[SocketAddr]) -> Vec<SocketAddr> {
        let group = i32::try_from(self.pid()).unwrap_or(0);
        let Ok(processes) = procfs::process::all_processes() else {
            return Vec::new();
        };
        let sockets: BTreeSet<u64> = processes
            .filter_map(Result::ok)
            .filter(|process| process.stat().is_ok_and(|stat| stat.pgrp == group))
            .filter_map(|process| process.fd().ok())
            .flatten()
            .filter_map(|descriptor| match descriptor.ok()?.target {
                FDTarget::Socket(inode) => Some(inode),
                _ => None,
            })
            .collect();
        let entries = procfs::net::tcp()
            .unwrap_or_default()
            .into_iter()
            .chain(procfs::net::tcp6().unwrap_or_default());
        let found: BTreeSet<SocketAddr> = entries
            .filter(|entry| entry.state == TcpState::Established && sockets.contains(&entry.inode))
            .map(|entry| {
                SocketAddr::new(
                    entry.remote_address.ip().to_canonical(),
                    entry.remote_address.port(),
                )
            })
            .filter(|remote| addresses.contains(remote))
            .collect();
        found.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_told_before_anything_starts() {
        for name in ["./no-such-program", "no-such-program-anywhere", ""] {
            let options = ApplicationOptions {
                command: vec![name.into()],
                environment: Vec::new(),
                log: PathBuf::from("unused"),
                highwater: PathBuf::from("unused"),
            };
            let error = Application::start(&options).unwrap_err();
            assert!(matches!(error, TargetError::Spawn { .. }), "{name}: {error}");
        }
    }
}
