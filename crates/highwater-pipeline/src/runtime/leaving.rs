//! Partitions on their way out: what the core's departure says, done step by step, while others flow on.

use std::time::Duration;

use super::shell::Shell;
use crate::rebalance::{Action, Departure, Next, Reason};

/// Partitions that go.
pub(super) struct Leaving {
    pub(super) departure: Departure,
    partitions: Vec<i32>,
    reason: Reason,
    over_by: Duration,
}

impl Leaving {
    /// Partitions that the group waits for.
    pub(super) fn unanswered(self) -> Option<Vec<i32>> {
        (self.reason != Reason::Shutdown).then_some(self.partitions)
    }
}

impl Shell<'_> {
    pub(super) fn leave(&mut self, partitions: Vec<i32>, reason: Reason, now: Duration) {
        tracing::info!(?partitions, ?reason, "leaving");
        for partition in &partitions {
            if let Some(part) = self.parts.get_mut(partition) {
                part.leaving = true;
            }
        }
        self.leaving = Some(Leaving {
            departure: Departure::new(reason, self.windows.is_some(), now, self.facts.drain),
            partitions,
            reason,
            over_by: now + self.facts.drain,
        });
    }

    /// Goes as far as it can go now.
    pub(super) fn depart(&mut self, now: Duration) {
        loop {
            let Some(leaving) = &mut self.leaving else { return };
            let partitions = leaving.partitions.clone();
            let running = partitions
                .iter()
                .filter_map(|partition| self.parts.get(partition))
                .map(|part| part.core.running())
                .sum();
            match leaving.departure.next(now, running) {
                Next::Finished => {
                    self.leaving = None;
                    if let Some(windows) = &mut self.windows {
                        windows.window.reopen();
                    }
                    return;
                }
                Next::WaitUntil(_) => return,
                Next::Do(action) => {
                    if !self.departs(action, &partitions, now) {
                        return;
                    }
                }
            }
            if let Some(leaving) = &mut self.leaving {
                leaving.departure.done();
            }
        }
    }

    /// One step. False: not done yet.
    fn departs(&mut self, action: Action, partitions: &[i32], now: Duration) -> bool {
        match action {
            Action::StopIntake => self.each(partitions, |part| part.core.drain()),
            Action::Commit => return self.last_commit(partitions, now),
            Action::Fence => self.each(partitions, |part| part.core.fence()),
            Action::Abandon => {
                if let Some(windows) = &mut self.windows {
                    windows.window.lost();
                }
            }
            Action::Release => self.release(partitions),
        }
        true
    }

    fn each(&mut self, partitions: &[i32], mut what: impl FnMut(&mut super::shell::Assigned)) {
        for partition in partitions {
            if let Some(part) = self.parts.get_mut(partition) {
                what(part);
            }
        }
    }

    /// Commits what is complete; with windows, closes the one that is open.
    fn last_commit(&mut self, partitions: &[i32], now: Duration) -> bool {
        let over = self
            .leaving
            .as_ref()
            .is_some_and(|leaving| now >= leaving.over_by);
        if let Some(windows) = &mut self.windows {
            windows.window.close();
            if windows.window.is_closed() {
                return true;
            }
        } else if self.sinking.is_some() {
            if self.write_rows(now) {
                return true;
            }
            if let Some(leaving) = &mut self.leaving {
                leaving.departure.failed(now);
            }
            return false;
        } else if !self.is_committing() && !self.commit_now(now, Some(partitions)) {
            return true;
        }
        if over && let Some(leaving) = &mut self.leaving {
            tracing::warn!(?partitions, "left without a last commit, its time was over");
            leaving.departure.failed(now);
        }
        false
    }

    fn release(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.parts.remove(partition);
        }
        let shutdown = self
            .leaving
            .as_ref()
            .is_some_and(|leaving| leaving.reason == Reason::Shutdown);
        // At the end the consumer is closed, which lets go of all of them.
        let released = if shutdown {
            Ok(())
        } else {
            self.reader.unassign(partitions)
        };
        if let Err(error) = released.and_then(|()| self.parked.unassign(partitions)) {
            tracing::warn!(%error, ?partitions, "cannot let go");
        }
    }
}
