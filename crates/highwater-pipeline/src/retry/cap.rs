//! How many records may become dead letters before the pipeline asks a person.

use std::collections::VecDeque;

use thiserror::Error;

use crate::flaw::{self, Flaw};

/// When giving records up stops being about records: a bad deployment fails them all, and its whole topic must not go
/// to the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapLimits {
    /// Dead letters one after another, with no success between. Default: 100.
    pub consecutive: u32,
    /// Dead letters among the last records, in thousandths. Default: 200.
    pub share_per_mille: u32,
    /// How many of the last records the share is taken of; it is not judged before so many. Default: 1,000.
    pub window: usize,
}

impl Default for CapLimits {
    fn default() -> Self {
        Self {
            consecutive: 100,
            share_per_mille: 200,
            window: 1_000,
        }
    }
}

/// Why a partition was paused. A person, or a new deployment, resumes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Alert {
    /// Too many dead letters in a row.
    #[error("{consecutive} records in a row would be given up; paused before the next")]
    Consecutive {
        /// How many were given up in a row.
        consecutive: u32,
    },
    /// Too large a share of dead letters.
    #[error("{given_up} of the last {window} records were given up; paused before the next")]
    Share {
        /// How many of them were given up.
        given_up: usize,
        /// How many records were looked at.
        window: usize,
    },
    /// A retry record or a dead letter could not be written. The record stays, uncommitted, and is written again later.
    #[error("a retry record or a dead letter could not be written; the record stays where it is")]
    Unwritable,
}

/// Counts what became of the last records of a partition.
#[derive(Debug, Clone)]
pub struct DeadLetterCap {
    limits: CapLimits,
    last: VecDeque<bool>,
    given_up: usize,
    consecutive: u32,
}

impl DeadLetterCap {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(limits: CapLimits) -> Self {
        Self {
            limits,
            last: VecDeque::new(),
            given_up: 0,
            consecutive: 0,
        }
    }

    /// A record was handled.
    pub fn succeeded(&mut self) {
        self.consecutive = 0;
        self.count(false);
    }

    /// A record is to be given up: counted when it may be.
    ///
    /// # Errors
    ///
    /// It may not: the cap is reached.
    pub fn give_up(&mut self) -> Result<(), Alert> {
        if flaw::planted(Flaw::NoCap) {
            return Ok(());
        }
        if self.consecutive >= self.limits.consecutive {
            return Err(Alert::Consecutive {
                consecutive: self.consecutive,
            });
        }
        let full = self.last.len() >= self.limits.window;
        let share = u128::from(self.limits.share_per_mille) * self.last.len() as u128;
        if full && self.given_up as u128 * 1_000 >= share {
            return Err(Alert::Share {
                given_up: self.given_up,
                window: self.last.len(),
            });
        }
        self.consecutive += 1;
        self.count(true);
        Ok(())
    }

    /// Counts from the beginning, after a person has looked.
    pub fn reset(&mut self) {
        *self = Self::new(self.limits);
    }

    fn count(&mut self, given_up: bool) {
        if self.last.len() >= self.limits.window
            && let Some(oldest) = self.last.pop_front()
        {
            self.given_up -= usize::from(oldest);
        }
        self.last.push_back(given_up);
        self.given_up += usize::from(given_up);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_failures_pauses_and_a_success_breaks_the_row() {
        let mut cap = DeadLetterCap::new(CapLimits {
            consecutive: 3,
            share_per_mille: 1_000,
            window: 100,
        });
        for _ in 0..5 {
            assert_eq!((cap.give_up(), cap.give_up()), (Ok(()), Ok(())));
            cap.succeeded();
        }
        for _ in 0..3 {
            assert_eq!(cap.give_up(), Ok(()));
        }
        assert_eq!(cap.give_up(), Err(Alert::Consecutive { consecutive: 3 }));
        cap.reset();
        assert_eq!(cap.give_up(), Ok(()));
    }

    #[test]
    fn a_share_of_failures_pauses_when_enough_was_seen() {
        let mut cap = DeadLetterCap::new(CapLimits {
            consecutive: 100,
            share_per_mille: 200,
            window: 10,
        });
        for _ in 0..2 {
            assert_eq!(cap.give_up(), Ok(()), "two of two are no share yet");
        }
        for _ in 0..8 {
            cap.succeeded();
        }
        assert_eq!(
            cap.give_up(),
            Err(Alert::Share {
                given_up: 2,
                window: 10
            })
        );
        cap.succeeded();
        assert_eq!(cap.give_up(), Ok(()), "the window has moved on");
    }
}
