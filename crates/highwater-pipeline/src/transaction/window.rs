//! The state machine of a transactional producer and its windows.

use std::time::Duration;

use thiserror::Error;

use crate::flaw::{self, Flaw};

/// When a window closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowLimits {
    /// After so many records. Default: 10,000.
    pub records: usize,
    /// After so long. Default: 100 ms.
    pub open: Duration,
    /// How long a step may be repeated after errors that allow it, counted from the beginning of the window; below
    /// the transaction's timeout at the broker. Default: 8 seconds.
    pub patience: Duration,
    /// The pause before a step is repeated. Default: 50 ms.
    pub pause: Duration,
    /// How often in a row the producer is rebuilt before the pipeline stops. Default: 10.
    pub rebuilds: u32,
}

impl Default for WindowLimits {
    fn default() -> Self {
        Self {
            records: 10_000,
            open: Duration::from_millis(100),
            patience: Duration::from_secs(8),
            pause: Duration::from_millis(50),
            rebuilds: 10,
        }
    }
}

/// What to do with the producer. Each action is answered with [`Window::done`] or [`Window::failed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `init_transactions`: fences older instances and decides what they left open.
    Initialise,
    /// `begin_transaction`.
    Begin,
    /// Wait until everything produced is acknowledged.
    Flush,
    /// `send_offsets_to_transaction`, with the commit points of all partitions and the group's metadata. A commit
    /// point that left completions out is a [`Failure::Abortable`].
    SendOffsets,
    /// `commit_transaction`.
    Commit,
    /// `abort_transaction`.
    Abort,
    /// Throw the producer away, and build and initialise one with the same transactional id.
    Rebuild,
    /// Read the committed offsets from the broker and rewind every partition to them.
    Rewind,
    /// Stop the pipeline.
    Stop(StopReason),
}

/// How a step failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The client says that the step may be repeated.
    Retriable,
    /// The client says that the transaction must be aborted; also a generation that is over.
    Abortable,
    /// The producer can do nothing any more.
    Fatal,
    /// Another instance has the transactional id.
    Fenced,
    /// No answer: it may have happened.
    UnknownOutcome,
}

/// Why a pipeline with transactions stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StopReason {
    /// Another instance uses the same transactional id. Rebuilding would take it back, and the two would fence each
    /// other for ever.
    #[error("another instance has the same transactional id; give each instance its own")]
    Fenced,
    /// The producer was rebuilt again and again, and no window was committed.
    #[error("the transactional producer failed {0} times in a row")]
    Rebuilt(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Open,
    /// This action is to be done, or to be repeated.
    Step(Action),
}

/// The windows of one transactional producer.
#[derive(Debug, Clone)]
pub struct Window {
    limits: WindowLimits,
    state: State,
    records: usize,
    opened: Duration,
    not_before: Duration,
    closing: bool,
    rebuilds: u32,
    committed: u64,
    aborted: u64,
}

impl Window {
    /// A producer that is not initialised yet.
    #[must_use]
    pub fn new(limits: WindowLimits) -> Self {
        Self {
            limits,
            state: State::Step(Action::Initialise),
            records: 0,
            opened: Duration::ZERO,
            not_before: Duration::ZERO,
            closing: false,
            rebuilds: 0,
            committed: 0,
            aborted: 0,
        }
    }

    /// What to do now. `waiting` says that results wait for an open window.
    pub fn next(&mut self, now: Duration, waiting: bool) -> Option<Action> {
        match self.state {
            State::Step(_) if now < self.not_before => None,
            State::Step(action) => Some(action),
            State::Idle if waiting && !self.closing => {
                self.opened = now;
                self.step(Action::Begin)
            }
            State::Idle => None,
            State::Open => {
                let full = self.records >= self.limits.records;
                let over = now.saturating_sub(self.opened) >= self.limits.open;
                (full || over || self.closing)
                    .then(|| self.step(Action::Flush))
                    .flatten()
            }
        }
    }

    /// Whether effects may be produced, and their works be finished, now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether nothing is open and nothing is to be done.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// So many records were finished in the open window.
    pub fn produced(&mut self, records: usize) {
        self.records += records;
    }

    /// The open window is to be closed now, and no other opened: partitions are to be given back, or the pipeline
    /// ends. [`Self::is_closed`] says when it is.
    pub fn close(&mut self) {
        self.closing = true;
    }

    /// Whether nothing is open after [`Self::close`].
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closing && self.state == State::Idle
    }

    /// Windows may open again.
    pub fn reopen(&mut self) {
        self.closing = false;
    }

    /// Partitions are lost: what is in the open window must not be committed.
    pub fn lost(&mut self) {
        match self.state {
            State::Open => self.state = State::Step(Action::Abort),
            // A commit that is under way is decided by the broker, which knows the generation.
            State::Step(Action::Begin | Action::Flush | Action::SendOffsets) => {
                self.state = State::Step(Action::Abort);
            }
            State::Idle | State::Step(_) => {}
        }
    }

    /// A record could not be produced.
    pub fn produce_failed(&mut self, failure: Failure, now: Duration) {
        if matches!(
            self.state,
            State::Open | State::Step(Action::Flush | Action::SendOffsets)
        ) {
            let failure = if failure == Failure::Retriable {
                Failure::Abortable
            } else {
                failure
            };
            self.state = State::Step(Action::Flush);
            self.failed(failure, now);
        }
    }

    /// The action succeeded.
    pub fn done(&mut self) {
        let State::Step(action) = self.state else { return };
        self.not_before = Duration::ZERO;
        self.state = match action {
            Action::Initialise | Action::Rebuild | Action::Abort => {
                self.aborted += u64::from(action == Action::Abort);
                State::Step(Action::Rewind)
            }
            Action::Begin => {
                self.records = 0;
                State::Open
            }
            Action::Flush => State::Step(Action::SendOffsets),
            Action::SendOffsets => State::Step(Action::Commit),
            Action::Commit => {
                self.committed += 1;
                self.rebuilds = 0;
                State::Idle
            }
            Action::Rewind => State::Idle,
            Action::Stop(reason) => State::Step(Action::Stop(reason)),
        };
        if flaw::planted(Flaw::NoRewind) && action == Action::Abort {
            self.state = State::Idle;
        }
    }

    /// The action failed.
    pub fn failed(&mut self, failure: Failure, now: Duration) {
        let State::Step(action) = self.state else { return };
        let patient = now.saturating_sub(self.opened) < self.limits.patience;
        let next = match (action, failure) {
            (Action::Stop(_), _) => action,
            (_, Failure::Fenced) => Action::Stop(StopReason::Fenced),
            // Nothing of ours is open: there is nothing to decide, and nothing to lose by trying again.
            (Action::Initialise | Action::Rewind, Failure::Retriable | Failure::UnknownOutcome) => action,
            (
                Action::Begin | Action::Flush | Action::SendOffsets | Action::Commit | Action::Abort,
                Failure::Retriable,
            ) if patient => action,
            // May have happened, or may still happen: only a new producer's initialisation decides it.
            (Action::Commit, Failure::Retriable | Failure::UnknownOutcome) => {
                if flaw::planted(Flaw::AbortInDoubt) {
                    Action::Abort
                } else {
                    Action::Rebuild
                }
            }
            (
                Action::Begin | Action::Flush | Action::SendOffsets,
                Failure::Retriable | Failure::UnknownOutcome | Failure::Abortable,
            )
            | (Action::Commit, Failure::Abortable) => Action::Abort,
            (_, Failure::Fatal | Failure::Abortable)
            | (Action::Abort | Action::Rebuild, Failure::Retriable | Failure::UnknownOutcome) => {
                Action::Rebuild
            }
        };
        self.not_before = if next == action {
            now + self.limits.pause
        } else {
            Duration::ZERO
        };
        if next == Action::Rebuild {
            self.rebuilds += 1;
            self.not_before = if action == Action::Rebuild {
                now + self.limits.pause
            } else {
                Duration::ZERO
            };
            if self.rebuilds > self.limits.rebuilds {
                self.state = State::Step(Action::Stop(StopReason::Rebuilt(self.rebuilds - 1)));
                return;
            }
        }
        self.state = State::Step(next);
    }

    /// Windows committed.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.committed
    }

    /// Windows aborted by this producer.
    #[must_use]
    pub fn aborted(&self) -> u64 {
        self.aborted
    }

    fn step(&mut self, action: Action) -> Option<Action> {
        self.state = State::Step(action);
        Some(action)
    }
}

#[cfg(test)]
mod tests;
