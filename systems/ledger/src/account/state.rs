//! What an account is after its events.

use std::collections::BTreeMap;

use super::event::{Event, Fact};
use super::memory::{Memory, REMEMBERED_REQUESTS, REMEMBERED_TRANSFERS};
use super::{AccountId, Action, Cents, RequestId, TransferId};
use crate::flaw::{Flaw, planted};

/// Transfers that an account may have under way: they are kept until they are settled, so there is a limit.
pub const MAX_OPEN_TRANSFERS: usize = 1_000;

/// What a client is told of a request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The account's version after it: reads that wait for this version see it.
    pub version: u64,
    /// What the account could spend after it.
    pub balance: Cents,
}

/// A request that was answered.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) action: Action,
    pub(super) answer: Answer,
}

/// A transfer under way.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) cents: Cents,
    pub(super) answered: Answered,
}

/// An account, as its events left it.
#[derive(Debug, Clone)]
pub struct Account {
    pub(super) id: AccountId,
    pub(super) version: u64,
    pub(super) opened: bool,
    pub(super) balance: Cents,
    /// The sum of `open`: it may come back, so it counts against the limit.
    pub(super) held: Cents,
    pub(super) open: BTreeMap<RequestId, Open>,
    pub(super) requests: Memory<RequestId, Answered>,
    pub(super) transfers: Memory<TransferId, ()>,
}

/// An event that does not follow from those before it: the log is damaged, or two wrote to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Not the next number.
    #[error("event {sequence} of {account} came where {expected} was due")]
    Sequence {
        /// Of which account.
        account: AccountId,
        /// The number that was due.
        expected: u64,
        /// The number that came.
        sequence: u64,
    },
    /// It says another balance than follows.
    #[error("event {sequence} of {account} says a balance of {said}; {} follows from those before",
        .follows.map_or_else(|| "less than zero".to_owned(), |cents| cents.to_string()))]
    Balance {
        /// Of which account.
        account: AccountId,
        /// Which event.
        sequence: u64,
        /// What it says.
        said: Cents,
        /// What follows; none: below zero, or beyond all numbers.
        follows: Option<Cents>,
    },
    /// A transfer was settled that is not under way.
    #[error("event {sequence} of {account} settles the transfer {request}, which is not under way")]
    NotOpen {
        /// Of which account.
        account: AccountId,
        /// Which event.
        sequence: u64,
        /// Which transfer.
        request: RequestId,
    },
    /// An event of somebody else.
    #[error("an event of {found} among those of {account}")]
    Account {
        /// Whose events these are.
        account: AccountId,
        /// Whose it is.
        found: AccountId,
    },
}

impl Account {
    /// An account to which nothing has happened.
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            version: 0,
            opened: false,
            balance: Cents(0),
            held: Cents(0),
            open: BTreeMap::new(),
            requests: Memory::of(REMEMBERED_REQUESTS),
            transfers: Memory::of(REMEMBERED_TRANSFERS),
        }
    }

    /// How many events it has.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// What it may spend.
    pub fn balance(&self) -> Cents {
        self.balance
    }

    /// What is on its way to others.
    pub fn held(&self) -> Cents {
        self.held
    }

    /// Takes the account one event further.
    ///
    /// # Errors
    /// [`ApplyError`] if it does not follow from those before; the account is as it was then.
    pub fn apply(&mut self, event: &Event) -> Result<(), ApplyError> {
        let account = || self.id.clone();
        if event.account != self.id {
            return Err(ApplyError::Account {
                account: account(),
                found: event.account.clone(),
            });
        }
        let sequence = event.sequence;
        if sequence != self.version {
            return Err(ApplyError::Sequence {
                account: account(),
                expected: self.version,
                sequence,
            });
        }
        if let Fact::TransferCompleted { request } | Fact::TransferReversed { request, .. } = &event.fact
            && !self.open.contains_key(request)
        {
            return Err(ApplyError::NotOpen {
                account: account(),
                sequence,
                request: request.clone(),
            });
        }
        let follows = self.balance_after(&event.fact);
        if follows != Some(event.balance) {
            return Err(ApplyError::Balance {
                account: account(),
                sequence,
                said: event.balance,
                follows,
            });
        }
        self.balance = event.balance;
        self.version += 1;
        self.remember(&event.fact);
        Ok(())
    }

    /// What may be spent after this; none if there is no such amount.
    pub(super) fn balance_after(&self, fact: &Fact) -> Option<Cents> {
        match fact {
            Fact::Deposited { cents, .. }
            | Fact::TransferReceived { cents, .. }
            | Fact::TransferReversed { cents, .. } => self.balance.plus(*cents),
            Fact::Withdrawn { cents, .. } | Fact::TransferBegun { cents, .. } => self.balance.minus(*cents),
            Fact::TransferDeclined { .. } | Fact::TransferCompleted { .. } => Some(self.balance),
        }
    }

    fn remember(&mut self, fact: &Fact) {
        if let Some((request, action)) = fact.asked() {
            let answer = Answer {
                version: self.version,
                balance: self.balance,
            };
            let answered = Answered { action, answer };
            self.requests.put(request.clone(), answered.clone());
            if let Fact::TransferBegun { cents, .. } = fact {
                self.held = Cents(self.held.0.saturating_add(cents.0));
                self.open.insert(
                    request.clone(),
                    Open {
                        cents: *cents,
                        answered,
                    },
                );
            }
        }
        match fact {
            Fact::Deposited { .. } => self.opened = true,
            Fact::TransferReceived { transfer, .. } | Fact::TransferDeclined { transfer, .. } => {
                self.transfers.put(transfer.clone(), ());
            }
            Fact::TransferCompleted { request } | Fact::TransferReversed { request, .. } => {
                if !planted(Flaw::SettleAgain)
                    && let Some(open) = self.open.remove(request)
                {
                    self.held = Cents(self.held.0.saturating_sub(open.cents.0));
                }
            }
            Fact::Withdrawn { .. } | Fact::TransferBegun { .. } => {}
        }
    }
}
