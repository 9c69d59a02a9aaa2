//! Where rounds are played: the pipeline, the proxy in front of it, the target behind it, and what the wire says.
//!
//! Invariant: all waiting looks after the pipeline, ends on Ctrl-C, and has a limit.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use highwater_load::feed::Feed;
use highwater_proxy::Proxy;
use highwater_target::{Target, TargetError};

use super::gates::Gates;
use super::instances::Instances;
use super::moments::Moments;

/// How often the wire is looked at.
const LOOK: Duration = Duration::from_millis(3);
/// How often processes and sockets are looked at.
const LOOK_AFTER: Duration = Duration::from_millis(100);
/// How often it is looked for connections past the proxy.
const LOOK_PAST: Duration = Duration::from_millis(500);
/// A group that does not say how long it waits for a silent member: the broker's default for the newer protocol, and
/// the Java client's.
const SESSION_TIMEOUT: Duration = Duration::from_secs(45);
/// Beyond the session timeout, for processes to start and to find their way.
const START_ALLOWANCE: Duration = Duration::from_secs(20);

/// Why a trial can't go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// Ctrl-C.
    Interrupted,
    /// The pipeline is no use for this.
    Pipeline(String),
    /// Something around it failed.
    Infrastructure(String),
}

impl From<TargetError> for Stop {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::Interrupted { .. } => Self::Interrupted,
            other => Self::Infrastructure(crate::session::described(&other)),
        }
    }
}

/// Everything that a round needs.
pub(super) struct Stage<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) gates: &'a Gates,
    pub(super) moments: &'a Mutex<Moments>,
    pub(super) instances: &'a mut Instances,
    pub(super) target: &'a mut Target,
    pub(super) feed: &'a Feed,
    pub(super) began: Instant,
    /// When there must be an answer.
    pub(super) deadline: Instant,
    pub(super) interrupted: &'a Arc<AtomicBool>,
    /// Where the brokers really are.
    pub(super) brokers: Vec<SocketAddr>,
    /// Connections past the proxy that were told already.
    pub(super) past: BTreeSet<SocketAddr>,
    pub(super) looked_after: Instant,
    pub(super) looked_past: Instant,
    pub(super) progress_seen: u64,
    pub(super) seed: u64,
    /// Kills at random moments so far: each has a moment of its own from the seed.
    pub(super) random_kills: u64,
}

impl Stage<'_> {
    pub(super) fn moments(&self) -> MutexGuard<'_, Moments> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now_ns(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Time that is left for faults.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long a group waits for a silent member.
    pub(super) fn session_timeout(&self) -> Duration {
        match u64::try_from(self.moments().session_timeout_ms) {
            Ok(told) if told > 0 => Duration::from_millis(told),
            _ => SESSION_TIMEOUT,
        }
    }

    /// How long a pipeline may take to go on after it was killed: its group waits for the dead member first, and an
    /// open transaction for its timeout.
    pub(super) fn patience(&self) -> Duration {
        let transaction = u64::try_from(self.moments().transaction_timeout_ms).unwrap_or(0);
        self.session_timeout()
            .max(Duration::from_millis(transaction.min(60_000)))
            + START_ALLOWANCE
    }

    /// What the pipeline has done so far: it goes on when this grows.
    pub(super) fn progress(&self) -> u64 {
        let moments = self.moments();
        moments.produced + moments.commits
    }

    /// Waits until the wire says so; false after the limit.
    pub(super) fn wait(
        &mut self,
        limit: Duration,
        mut so: impl FnMut(&Moments) -> bool,
    ) -> Result<bool, Stop> {
        let end = Instant::now() + limit;
        loop {
            if so(&self.moments()) {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            self.look_after()?;
            std::thread::sleep(LOOK);
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) -> Result<(), Stop> {
        self.wait(time, |_| false).map(|_| ())
    }

    pub(super) fn look_after(&mut self) -> Result<(), Stop> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(Stop::Interrupted);
        }
        if self.proxy.history_failed() {
            return Err(Stop::Infrastructure(
                "the history can't be written any more".to_owned(),
            ));
        }
        if self.looked_after.elapsed() < LOOK_AFTER {
            return Ok(());
        }
        self.looked_after = Instant::now();
        let progress = self.progress();
        if progress > self.progress_seen {
            self.progress_seen = progress;
            self.instances.progress();
        }
        if let Some(why) = self.instances.look_after(self.proxy)? {
            return Err(Stop::Pipeline(why));
        }
        if let Some(story) = self.target.died() {
            return Err(Stop::Infrastructure(story));
        }
        if self.looked_past.elapsed() >= LOOK_PAST {
            self.looked_past = Instant::now();
            for address in self.instances.connected_to(&self.brokers) {
                if self.past.insert(address) {
                    self.proxy
                        .tell_bypass(&format!("the pipeline is connected to {address}"));
                }
            }
        }
        Ok(())
    }
}
