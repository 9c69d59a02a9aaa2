//! Money from one account to another: a saga over two accounts, with compensation.
//!
//! ```text
//!  source                          target                         source
//!  begun (balance −) ──receive──▶  received (balance +) ──settle──▶ completed
//!                             └─▶  declined             ──settle──▶ reversed (balance +)
//! ```
//!
//! Each arrow is a [`Leg`], written in the same transaction as the event that it follows from, and taken in the same
//! transaction as the event that follows from it.
//!
//! Invariant: a transfer goes through [`Stage`]s in one direction, and ends completed or reversed.
//! Not here: time limits. The target always answers, so there is nothing to give up on.

use serde::{Deserialize, Serialize};

use crate::account::{AccountId, Cents, Decline, Event, Fact, TransferId};

/// One step of a transfer, on its way to the account that has to take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Who has to take it; the key of the record.
    pub account: AccountId,
    /// Which transfer.
    pub transfer: TransferId,
    /// What is to be done.
    pub step: Step,
}

/// What a leg asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Of the target: to take so much.
    Receive(Cents),
    /// Of the source: to end it.
    Settle(Outcome),
}

/// What the target said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It has the money.
    Received,
    /// It did not take it.
    Declined(Decline),
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The source has given the money away.
    Begun,
    /// The target has it.
    Received,
    /// The target did not take it.
    Declined,
    /// The source knows that it arrived. The end.
    Completed,
    /// The source has it back. The other end.
    Reversed,
}

/// A step that can't follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fact} can't follow in a transfer that is at {stage:?}")]
pub struct Unexpected {
    /// Where it was; none: it had not begun.
    pub stage: Option<Stage>,
    /// What came.
    pub fact: &'static str,
}

/// Where a transfer is after this event; unchanged for an event that is of no transfer.
///
/// # Errors
/// [`Unexpected`] if it can't follow; that is a defect of this program, or of the log.
pub fn advance(stage: Option<Stage>, fact: &Fact) -> Result<Option<Stage>, Unexpected> {
    let next = match (stage, fact) {
        (stage, Fact::Deposited { .. } | Fact::Withdrawn { .. }) => return Ok(stage),
        (None, Fact::TransferBegun { .. }) => Stage::Begun,
        (Some(Stage::Begun), Fact::TransferReceived { .. }) => Stage::Received,
        (Some(Stage::Begun), Fact::TransferDeclined { .. }) => Stage::Declined,
        (Some(Stage::Received), Fact::TransferCompleted { .. }) => Stage::Completed,
        (Some(Stage::Declined), Fact::TransferReversed { .. }) => Stage::Reversed,
        (stage, fact) => {
            return Err(Unexpected {
                stage,
                fact: fact.name(),
            });
        }
    };
    Ok(Some(next))
}

/// The step that follows from an event, and that is written with it.
pub fn next_leg(event: &Event) -> Option<Leg> {
    let transfer = event.transfer()?;
    let (account, step) = match &event.fact {
        Fact::TransferBegun { to, cents, .. } => (to.clone(), Step::Receive(*cents)),
        Fact::TransferReceived { .. } => (transfer.from.clone(), Step::Settle(Outcome::Received)),
        Fact::TransferDeclined { reason, .. } => {
            (transfer.from.clone(), Step::Settle(Outcome::Declined(*reason)))
        }
        Fact::TransferCompleted { .. }
        | Fact::TransferReversed { .. }
        | Fact::Deposited { .. }
        | Fact::Withdrawn { .. } => return None,
    };
    Some(Leg {
        account,
        transfer,
        step,
    })
}
