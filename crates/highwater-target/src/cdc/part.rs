//! A supervised server that is no broker: its life from the first start over faults to the end.
//!
//! Invariant: same data, same port over all incarnations; dropping it ends it.

use std::net::SocketAddrV4;
use std::time::Duration;

use highwater_model::ProcessRole;

use crate::child::{Ended, Proof};
use crate::error::TargetError;
use crate::log_tail::LogTail;
use crate::node::{Node, Started};
use crate::sampler::Watched;

/// A server that Highwater started and may break.
pub struct Part {
    node: Node,
    role: ProcessRole,
}

impl Part {
    pub(super) fn new(node: Node, role: ProcessRole) -> Self {
        Self { node, role }
    }

    /// Its name in the run: `PostgreSQL`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.node.plan().name()
    }

    /// What it is, with its version.
    #[must_use]
    pub fn description(&self) -> String {
        self.node.plan().description()
    }

    /// Where it listens, the same over all incarnations.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.node.plan().address()
    }

    /// Kills it, with every process of its own, by SIGKILL and waits for their end.
    ///
    /// # Errors
    /// [`TargetError::Died`] if it was gone already, [`TargetError::WrongState`] if it was ended before.
    pub fn kill(&mut self) -> Result<Ended, TargetError> {
        self.node.kill()
    }

    /// Asks it to end in good order and waits; after `limit` it is killed, and the proof says so.
    ///
    /// # Errors
    /// As [`Part::kill`]; [`TargetError::Interrupted`], then it has been killed.
    pub fn stop(&mut self, limit: Duration) -> Result<Ended, TargetError> {
        self.node.stop(limit)
    }

    /// Halts all its processes with SIGSTOP; returns when every one of their threads is seen halted.
    ///
    /// # Errors
    /// As [`Part::kill`]; [`TargetError::NotProven`].
    pub fn pause(&mut self) -> Result<Proof, TargetError> {
        self.node.pause()
    }

    /// Has it go on with SIGCONT, also when interrupted.
    ///
    /// # Errors
    /// As [`Part::pause`].
    pub fn resume(&mut self) -> Result<Proof, TargetError> {
        self.node.resume()
    }

    /// Starts it again on the same data and the same port; returns when it answers its protocol.
    ///
    /// # Errors
    /// [`TargetError::PortTaken`], [`TargetError::EndedAtStart`], [`TargetError::NotReady`],
    /// [`TargetError::Interrupted`].
    pub fn start_again(&mut self) -> Result<Started, TargetError> {
        self.node.start_again()
    }

    /// The story of its end with the last lines of its log, if it ended on its own and was not started again since.
    pub fn died(&mut self) -> Option<String> {
        self.node.died()
    }

    /// Its process, while it has one, for [`crate::Sampler`]. Processes that it starts itself are not in it.
    #[must_use]
    pub fn processes(&self) -> Vec<Watched> {
        let watched = |pid| Watched {
            name: self.name().to_owned(),
            role: self.role,
            pid,
        };
        self.node.pid().map(watched).into_iter().collect()
    }

    /// The last lines of its log, since the beginning of it.
    #[must_use]
    pub fn log_tail(&self) -> LogTail {
        LogTail::read(self.node.plan().log(), 0)
    }

    pub(super) fn leave(self) {
        self.node.leave();
    }
}
