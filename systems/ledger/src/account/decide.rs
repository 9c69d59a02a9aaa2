//! What follows from a command, or from a step of a transfer.
//!
//! Invariant: what is decided can be applied to the account that it was decided on.

use super::event::{Event, Fact};
use super::refusal::{Decline, Refusal};
use super::state::{Account, Answer, MAX_OPEN_TRANSFERS};
use super::{Action, Cents, Command, MAX_CENTS};
use crate::flaw::{Flaw, planted};
use crate::transfer::{Leg, Outcome, Step};

/// What follows from a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Something happens.
    New(Event),
    /// It has happened already: this was the answer.
    Repeated(Answer),
}

/// What follows from a command, at this moment in milliseconds since the Unix epoch. A repeated request gets its first
/// answer before anything else is looked at, the expected version too.
///
/// # Errors
/// [`Refusal`]: nothing happens, and nothing is remembered of it; the same request may succeed later.
pub fn decide(account: &Account, command: &Command, at_ms: u64) -> Result<Decision, Refusal> {
    if let Some(answer) = answered(account, command)? {
        return Ok(Decision::Repeated(answer));
    }
    if let Some(expected) = command.expected
        && expected != account.version
        && !planted(Flaw::IgnoreExpected)
    {
        return Err(Refusal::VersionConflict {
            account: account.id.clone(),
            expected,
            version: account.version,
        });
    }
    let request = command.request.clone();
    let asked = command.action.cents();
    if asked == Cents(0) {
        return Err(Refusal::NoAmount);
    }
    let fact = match &command.action {
        Action::Deposit(cents) => {
            if !fits(account, *cents) {
                return Err(Refusal::TooMuch);
            }
            Fact::Deposited {
                request,
                cents: *cents,
            }
        }
        Action::Withdraw(cents) => {
            spendable(account, *cents)?;
            Fact::Withdrawn {
                request,
                cents: *cents,
            }
        }
        Action::Transfer { to, cents } => {
            if *to == account.id {
                return Err(Refusal::SameAccount { account: to.clone() });
            }
            spendable(account, *cents)?;
            if account.open.len() >= MAX_OPEN_TRANSFERS {
                return Err(Refusal::TooManyOpenTransfers {
                    account: account.id.clone(),
                });
            }
            Fact::TransferBegun {
                request,
                to: to.clone(),
                cents: *cents,
            }
        }
    };
    Ok(Decision::New(event(account, fact, at_ms)))
}

/// What follows from a step of a transfer; none if it was taken before. A step is never refused: an account that can't
/// take money says so by an event, which sends it back.
pub fn decide_leg(account: &Account, leg: &Leg, at_ms: u64) -> Option<Event> {
    let transfer = leg.transfer.clone();
    let fact = match leg.step {
        Step::Receive(cents) => {
            if account.transfers.get(&transfer).is_some() && !planted(Flaw::ReceiveAgain) {
                return None;
            }
            match decline(account, cents) {
                Some(_) if planted(Flaw::DeclineInSilence) => return None,
                Some(reason) => Fact::TransferDeclined {
                    transfer,
                    cents,
                    reason,
                },
                None => Fact::TransferReceived { transfer, cents },
            }
        }
        Step::Settle(outcome) => {
            let request = transfer.request;
            let open = account.open.get(&request)?;
            match outcome {
                Outcome::Declined(reason) if !planted(Flaw::NoCompensation) => Fact::TransferReversed {
                    request,
                    cents: open.cents,
                    reason,
                },
                Outcome::Declined(_) | Outcome::Received => Fact::TransferCompleted { request },
            }
        }
    };
    Some(event(account, fact, at_ms))
}

/// The answer that this request got before.
fn answered(account: &Account, command: &Command) -> Result<Option<Answer>, Refusal> {
    if planted(Flaw::ForgetRequests) {
        return Ok(None);
    }
    let known = account
        .requests
        .get(&command.request)
        .or_else(|| account.open.get(&command.request).map(|open| &open.answered));
    match known {
        None => Ok(None),
        Some(known) if known.action == command.action => Ok(Some(known.answer.clone())),
        Some(_) => Err(Refusal::RequestReused {
            account: account.id.clone(),
        }),
    }
}

fn spendable(account: &Account, asked: Cents) -> Result<(), Refusal> {
    if !account.opened {
        return Err(Refusal::UnknownAccount {
            account: account.id.clone(),
        });
    }
    if account.balance < asked && !planted(Flaw::Overdraft) {
        return Err(Refusal::InsufficientFunds {
            account: account.id.clone(),
            balance: account.balance,
            asked,
        });
    }
    Ok(())
}

fn decline(account: &Account, cents: Cents) -> Option<Decline> {
    if !account.opened {
        Some(Decline::UnknownAccount)
    } else if !fits(account, cents) {
        Some(Decline::TooMuch)
    } else {
        None
    }
}

/// Whether there is room for more. What is under way may come back, and then there must be room for it.
fn fits(account: &Account, more: Cents) -> bool {
    account
        .balance
        .plus(account.held)
        .and_then(|sum| sum.plus(more))
        .is_some_and(|sum| sum.0 <= MAX_CENTS)
}

fn event(account: &Account, fact: Fact, at_ms: u64) -> Event {
    let balance = account.balance_after(&fact).unwrap_or_default();
    let skipped = u64::from(planted(Flaw::SkipSequence) && matches!(fact, Fact::TransferDeclined { .. }));
    Event {
        account: account.id.clone(),
        sequence: account.version + skipped,
        at_ms,
        balance,
        fact,
    }
}
