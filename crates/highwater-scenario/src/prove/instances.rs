//! The processes of the pipeline under test.
//!
//! Invariant: an instance that ended by itself is started again, at most [`MOST_RESTARTS`] times in a row without any
//! progress, and none outlives this value.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use highwater_model::history::ProcessChange;
use highwater_proxy::Proxy;
use highwater_target::{Application, ApplicationOptions, TargetError};

/// Ends by itself in a row before it is given up.
const MOST_RESTARTS: u32 = 8;
/// Time before an instance that ended by itself is started again.
const RESTART_AFTER: Duration = Duration::from_millis(300);
/// How long an instance may take to end after SIGTERM: it leaves its group and commits.
const GRACE: Duration = Duration::from_secs(10);
/// Output of an instance that is kept; more is thrown away while it runs.
const MOST_OUTPUT: u64 = 16 << 20;

/// How the pipeline is started.
#[derive(Debug, Clone)]
pub(super) struct Command {
    /// Program and arguments, with `{bootstrap}` and `{instance}`.
    pub(super) words: Vec<OsString>,
    /// Where the proxy is.
    pub(super) bootstrap: String,
    /// Where its output goes.
    pub(super) directory: PathBuf,
    /// This program.
    pub(super) highwater: PathBuf,
}

/// One process and its name, which stays when it is started again.
pub(super) struct Instance {
    number: u32,
    application: Application,
    paused: bool,
    /// When it ended by itself, until it is started again.
    ended: Option<Instant>,
}

/// All processes of the pipeline.
pub(super) struct Instances {
    command: Command,
    running: Vec<Instance>,
    /// Ends by itself since there was progress.
    in_a_row: u32,
    /// Ends by itself at all.
    pub(super) exits: u32,
    /// How the last one ended.
    pub(super) last_exit: Option<String>,
    /// The last lines of whichever ended or was asked last.
    pub(super) tail: Vec<String>,
    pub(super) cut_output: bool,
}

impl Instances {
    pub(super) fn new(command: Command) -> Self {
        Self {
            command,
            running: Vec::new(),
            in_a_row: 0,
            exits: 0,
            last_exit: None,
            tail: Vec::new(),
            cut_output: false,
        }
    }

    /// Starts instance `number`, from 1.
    pub(super) fn start(&mut self, proxy: &Proxy, number: u32) -> Result<(), TargetError> {
        let application = self.application(number)?;
        self.tell(proxy, number, Some(application.pid()), ProcessChange::Started, "");
        self.running.push(Instance {
            number,
            application,
            paused: false,
            ended: None,
        });
        Ok(())
    }

    fn application(&self, number: u32) -> Result<Application, TargetError> {
        let filled = |word: &OsString| match word.to_str() {
            Some(text) => OsString::from(
                text.replace("{bootstrap}", &self.command.bootstrap)
                    .replace("{instance}", &number.to_string()),
            ),
            None => word.clone(),
        };
        let mut environment = Vec::new();
        for name in ["HIGHWATER_BOOTSTRAP", "BOOTSTRAP_SERVERS"] {
            environment.push((name.to_owned(), self.command.bootstrap.clone()));
        }
        environment.push(("HIGHWATER_INSTANCE".to_owned(), number.to_string()));
        Application::start(&ApplicationOptions {
            command: self.command.words.iter().map(filled).collect(),
            environment,
            log: self.log(number),
            highwater: self.command.highwater.clone(),
        })
    }

    fn log(&self, number: u32) -> PathBuf {
        self.command.directory.join(format!("pipeline-{number}.log"))
    }

    pub(super) fn numbers(&self) -> Vec<u32> {
        self.running.iter().map(|one| one.number).collect()
    }

    /// Kills these instances with SIGKILL at once; how many were alive to be killed.
    pub(super) fn kill(&mut self, proxy: &Proxy, which: &[u32]) -> Result<usize, TargetError> {
        let mut killed = 0;
        let mut dead = Vec::new();
        self.running.retain_mut(|one| {
            let meant = which.contains(&one.number);
            if meant && one.ended.is_none() {
                dead.push((one.number, one.application.pid(), one.application.kill()));
            }
            !meant
        });
        for (number, pid, ended) in dead {
            match ended {
                Ok(ended) => {
                    killed += 1;
                    self.tell(proxy, number, Some(pid), ProcessChange::Killed, &ended.proof);
                }
                // It ended by itself in this moment.
                Err(TargetError::Died { .. }) => {
                    self.tell(proxy, number, Some(pid), ProcessChange::Exited, "by itself");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(killed)
    }

    pub(super) fn pause(&mut self, proxy: &Proxy, number: u32) -> Result<bool, TargetError> {
        let Some(one) = self
            .running
            .iter_mut()
            .find(|one| one.number == number && one.ended.is_none())
        else {
            return Ok(false);
        };
        let proof = one.application.pause()?;
        one.paused = true;
        let pid = one.application.pid();
        self.tell(proxy, number, Some(pid), ProcessChange::Paused, &proof.proof);
        Ok(true)
    }

    pub(super) fn resume(&mut self, proxy: &Proxy, number: u32) -> Result<(), TargetError> {
        let Some(one) = self
            .running
            .iter_mut()
            .find(|one| one.number == number && one.paused)
        else {
            return Ok(());
        };
        one.paused = false;
        let proof = one.application.resume()?;
        let pid = one.application.pid();
        self.tell(proxy, number, Some(pid), ProcessChange::Resumed, &proof.proof);
        Ok(())
    }

    /// Asks instances to end with SIGTERM; those that did not and had to be killed.
    pub(super) fn stop(&mut self, proxy: &Proxy, which: &[u32]) -> Result<Vec<String>, TargetError> {
        let mut stubborn = Vec::new();
        let (stopping, staying): (Vec<_>, Vec<_>) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|one| which.contains(&one.number));
        self.running = staying;
        for mut one in stopping {
            let pid = one.application.pid();
            if one.ended.is_none() {
                self.tell(proxy, one.number, Some(pid), ProcessChange::Stopped, "SIGTERM");
            }
            let ended = one.application.stop(GRACE, &AtomicBool::new(false))?;
            self.tail = lines(&one.application);
            if ended.signal == Some(9) {
                stubborn.push(ended.proof.clone());
            }
            self.tell(proxy, one.number, Some(pid), ProcessChange::Exited, &ended.proof);
        }
        Ok(stubborn)
    }

    /// Looks after the processes: starts again what ended by itself, and keeps their output small. Why it can't go
    /// on, if so.
    pub(super) fn look_after(&mut self, proxy: &Proxy) -> Result<Option<String>, TargetError> {
        for at in 0..self.running.len() {
            let number = self.running[at].number;
            self.keep_small(number);
            if self.running[at].ended.is_none() {
                let Some(ended) = self.running[at].application.ended()? else {
                    continue;
                };
                self.tail = lines(&self.running[at].application);
                let pid = self.running[at].application.pid();
                self.running[at].ended = Some(Instant::now());
                self.tell(proxy, number, Some(pid), ProcessChange::Exited, &ended.proof);
                self.exits += 1;
                self.in_a_row += 1;
                self.last_exit = Some(ended.proof);
            }
            if self.in_a_row > MOST_RESTARTS {
                let how = self.last_exit.clone().unwrap_or_default();
                return Ok(Some(format!(
                    "the pipeline ended by itself {} times in a row without getting on; at last {how}",
                    self.in_a_row
                )));
            }
            if self.running[at]
                .ended
                .is_some_and(|ended| ended.elapsed() >= RESTART_AFTER)
            {
                let application = self.application(number)?;
                self.tell(
                    proxy,
                    number,
                    Some(application.pid()),
                    ProcessChange::Started,
                    "again, having ended by itself",
                );
                self.running[at] = Instance {
                    number,
                    application,
                    paused: false,
                    ended: None,
                };
            }
        }
        Ok(None)
    }

    /// The pipeline got on.
    pub(super) fn progress(&mut self) {
        self.in_a_row = 0;
    }

    /// Addresses of brokers that an instance is connected to, past the proxy.
    pub(super) fn connected_to(&self, brokers: &[SocketAddr]) -> Vec<SocketAddr> {
        let alive = self.running.iter().filter(|one| one.ended.is_none());
        alive
            .flat_map(|one| one.application.connected_to(brokers))
            .collect()
    }

    /// The last lines of what runs, or of what ended last.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let running = self
            .running
            .iter()
            .find(|one| one.ended.is_none())
            .map(|one| lines(&one.application));
        running
            .filter(|lines| !lines.is_empty())
            .unwrap_or_else(|| self.tail.clone())
    }

    /// Throws away what a talkative pipeline wrote: its file is opened for appending, so that it goes on behind.
    fn keep_small(&mut self, number: u32) {
        let path = self.log(number);
        let large = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MOST_OUTPUT);
        if large && let Ok(file) = OpenOptions::new().write(true).open(&path) {
            self.cut_output |= file.set_len(0).is_ok();
        }
    }

    fn tell(&self, proxy: &Proxy, number: u32, pid: Option<u32>, change: ProcessChange, detail: &str) {
        proxy.tell_process(&format!("pipeline-{number}"), pid, change, detail);
    }
}

fn lines(application: &Application) -> Vec<String> {
    application.log_tail().lines().to_vec()
}

/// The words of a command as one text.
pub(super) fn shown(words: &[OsString]) -> String {
    words
        .iter()
        .map(|word| OsStr::to_string_lossy(word))
        .collect::<Vec<_>>()
        .join(" ")
}
