//! Giving partitions back: in a rebalance, when they are lost, and at the end of the process.
//!
//! ```text
//!  revoked, shutdown:  stop intake ─▶ drain, within a budget ─▶ commit ─▶ fence ─▶ release
//!  lost:               stop intake ─────────────────────────────────────▶ fence ─▶ release
//! ```
//!
//! Only the partitions that go are touched; the others flow on (KIP-429). Everything happens inside the client's
//! callback, whose time counts against `max.poll.interval.ms`: the budget is below it (see [`crate::settings`]).
//! What does not end within the budget is left to the next owner, who runs it again.
//!
//! Invariant: nothing is committed after the fence, and nothing at all of partitions that were lost.

use std::time::Duration;

use crate::flaw::{self, Flaw};

/// Why partitions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The group takes them in order: they are ours until we let go.
    Revoked,
    /// The pipeline ends.
    Shutdown,
    /// They are another member's already.
    Lost,
}

/// What to do with the partitions that go. Each action is answered with [`Departure::done`] or [`Departure::failed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Take no more of their records in, and give none out ([`Partition::drain`](crate::partition::Partition::drain)).
    StopIntake,
    /// Commit what is complete. With transactions: close the window
    /// ([`Window::close`](crate::transaction::Window::close)).
    Commit,
    /// With transactions: abort what is open ([`Window::lost`](crate::transaction::Window::lost)).
    Abandon,
    /// Let nothing of what still runs count ([`Partition::fence`](crate::partition::Partition::fence)).
    Fence,
    /// Let go of them.
    Release,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Do this.
    Do(Action),
    /// Handlers run; ask again when one has ended, and at this moment at the latest.
    WaitUntil(Duration),
    /// The partitions are gone.
    Finished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Draining,
    Step(Action),
    Finished,
}

/// Partitions on their way out.
#[derive(Debug, Clone)]
pub struct Departure {
    reason: Reason,
    transactional: bool,
    /// Handlers may run until then.
    drained_by: Duration,
    /// A commit may be repeated until then.
    over_by: Duration,
    not_before: Duration,
    state: State,
    committed: bool,
}

/// The pause before a commit is repeated.
const COMMIT_PAUSE: Duration = Duration::from_millis(20);

impl Departure {
    /// Begins. Three quarters of the budget are for handlers to end, the rest is for the commit.
    #[must_use]
    pub fn new(reason: Reason, transactional: bool, now: Duration, budget: Duration) -> Self {
        Self {
            reason,
            transactional,
            drained_by: now + budget / 4 * 3,
            over_by: now + budget,
            not_before: now,
            state: State::Step(Action::StopIntake),
            committed: false,
        }
    }

    /// What comes next, with so many works of these partitions still out.
    pub fn next(&mut self, now: Duration, running: usize) -> Next {
        if self.state == State::Draining {
            if running > 0 && now < self.drained_by {
                return Next::WaitUntil(self.drained_by);
            }
            self.state = State::Step(Action::Commit);
        }
        match self.state {
            State::Step(_) if now < self.not_before => Next::WaitUntil(self.not_before),
            State::Step(action) => Next::Do(action),
            State::Draining | State::Finished => Next::Finished,
        }
    }

    /// The action succeeded.
    pub fn done(&mut self) {
        let State::Step(action) = self.state else { return };
        self.committed |= action == Action::Commit;
        self.state = self.after(action);
    }

    /// The action failed. A commit is repeated as long as the budget lasts; without it the next owner runs again what
    /// was done since the last one. No other action can fail: what is not ours is let go in any case.
    pub fn failed(&mut self, now: Duration) {
        let State::Step(action) = self.state else { return };
        if action == Action::Commit && now + COMMIT_PAUSE < self.over_by {
            self.not_before = now + COMMIT_PAUSE;
        } else {
            self.state = self.after(action);
        }
    }

    /// Whether what was done is committed.
    #[must_use]
    pub fn committed(&self) -> bool {
        self.committed
    }

    fn after(&self, action: Action) -> State {
        match action {
            Action::StopIntake if self.reason != Reason::Lost || flaw::planted(Flaw::CommitLost) => {
                State::Draining
            }
            Action::StopIntake | Action::Commit => State::Step(Action::Fence),
            Action::Fence if self.reason == Reason::Lost && self.transactional => {
                State::Step(Action::Abandon)
            }
            Action::Fence | Action::Abandon => State::Step(Action::Release),
            Action::Release => State::Finished,
        }
    }
}

#[cfg(test)]
mod tests;
