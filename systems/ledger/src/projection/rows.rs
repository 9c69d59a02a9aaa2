//! From events to changes of rows, without SQLite.
//!
//! Invariant: an event that is not the next of its account changes nothing: a lower one was there before, a higher one
//! is an error.

use std::collections::BTreeMap;

use super::store::{Placed, ProjectionError};
use crate::account::{Event, Fact};

const DAY_MS: u64 = 86_400_000;

/// An account's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Balance {
    pub(super) key: i64,
    pub(super) version: u64,
    pub(super) balance: i64,
    pub(super) at_ms: u64,
}

/// What is added to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Day {
    pub(super) events: i64,
    pub(super) deposited: i64,
    pub(super) withdrawn: i64,
    pub(super) transferred: i64,
}

/// What a batch adds, apart from the balances.
#[derive(Debug, Default)]
pub(super) struct Sums {
    pub(super) days: BTreeMap<u64, Day>,
    pub(super) events: i64,
    pub(super) put_in: i64,
    pub(super) under_way: i64,
}

impl Balance {
    /// Takes the next event; false if it was there before.
    pub(super) fn take(&mut self, placed: &Placed) -> Result<bool, ProjectionError> {
        let Placed {
            partition,
            offset,
            event,
        } = placed;
        if event.sequence < self.version {
            return Ok(false);
        }
        if event.sequence > self.version {
            return Err(ProjectionError::Gap {
                account: event.account.clone(),
                expected: self.version,
                sequence: event.sequence,
                partition: *partition,
                offset: *offset,
            });
        }
        let follows = self.balance.checked_add(event.fact.change());
        if follows != Some(event.balance.signed()) {
            return Err(ProjectionError::Balance {
                account: event.account.clone(),
                sequence: event.sequence,
                partition: *partition,
                offset: *offset,
            });
        }
        self.balance = event.balance.signed();
        self.version += 1;
        self.at_ms = event.at_ms;
        Ok(true)
    }
}

impl Sums {
    pub(super) fn add(&mut self, event: &Event) {
        let day = self.days.entry(event.at_ms / DAY_MS).or_default();
        day.events += 1;
        self.events += 1;
        let change = event.fact.change();
        match &event.fact {
            Fact::Deposited { .. } => {
                day.deposited += change;
                self.put_in += change;
            }
            Fact::Withdrawn { .. } => {
                day.withdrawn -= change;
                self.put_in += change;
            }
            // What leaves one account is under way until it is in another, or back; the other partition may be ahead.
            Fact::TransferReceived { .. } => {
                day.transferred += change;
                self.under_way -= change;
            }
            Fact::TransferBegun { .. } | Fact::TransferReversed { .. } => self.under_way -= change,
            Fact::TransferDeclined { .. } | Fact::TransferCompleted { .. } => {}
        }
    }
}
