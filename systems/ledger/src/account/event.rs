//! What has happened to an account.

use serde::{Deserialize, Serialize};

use super::{AccountId, Action, Cents, Decline, RequestId, TransferId};

/// One step of an account's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Whose history it is; the key of the record.
    pub account: AccountId,
    /// Its number in that history, from 0, without gaps.
    pub sequence: u64,
    /// When it was decided, in milliseconds since the Unix epoch, by the clock of the instance that did.
    pub at_ms: u64,
    /// What the account may spend after it. It follows from the events before, and is compared when they are read.
    pub balance: Cents,
    /// What happened.
    pub fact: Fact,
}

/// What happened to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fact {
    /// Money came from outside.
    Deposited {
        /// The client's request.
        request: RequestId,
        /// How much.
        cents: Cents,
    },
    /// Money went to the outside.
    Withdrawn {
        /// The client's request.
        request: RequestId,
        /// How much.
        cents: Cents,
    },
    /// Money was taken out of the balance, for another account.
    TransferBegun {
        /// The client's request, and with the account the name of the transfer.
        request: RequestId,
        /// Who is to get it.
        to: AccountId,
        /// How much.
        cents: Cents,
    },
    /// Money of another account arrived.
    TransferReceived {
        /// Which transfer.
        transfer: TransferId,
        /// How much.
        cents: Cents,
    },
    /// Money of another account was not taken; nothing changed here.
    TransferDeclined {
        /// Which transfer.
        transfer: TransferId,
        /// How much was offered.
        cents: Cents,
        /// Why.
        reason: Decline,
    },
    /// A transfer that this account began has arrived; nothing changes any more.
    TransferCompleted {
        /// The request that began it.
        request: RequestId,
    },
    /// A transfer that this account began was declined: the money is back. The compensation.
    TransferReversed {
        /// The request that began it.
        request: RequestId,
        /// How much came back.
        cents: Cents,
        /// Why it was declined.
        reason: Decline,
    },
}

impl Event {
    /// The transfer that it belongs to.
    pub fn transfer(&self) -> Option<TransferId> {
        match &self.fact {
            Fact::Deposited { .. } | Fact::Withdrawn { .. } => None,
            Fact::TransferBegun { request, .. }
            | Fact::TransferCompleted { request }
            | Fact::TransferReversed { request, .. } => Some(TransferId {
                from: self.account.clone(),
                request: request.clone(),
            }),
            Fact::TransferReceived { transfer, .. } | Fact::TransferDeclined { transfer, .. } => {
                Some(transfer.clone())
            }
        }
    }
}

impl Fact {
    /// The request of a client that it answers, and what was asked; none for the later steps of a transfer.
    pub fn asked(&self) -> Option<(&RequestId, Action)> {
        match self {
            Self::Deposited { request, cents } => Some((request, Action::Deposit(*cents))),
            Self::Withdrawn { request, cents } => Some((request, Action::Withdraw(*cents))),
            Self::TransferBegun { request, to, cents } => Some((
                request,
                Action::Transfer {
                    to: to.clone(),
                    cents: *cents,
                },
            )),
            Self::TransferReceived { .. }
            | Self::TransferDeclined { .. }
            | Self::TransferCompleted { .. }
            | Self::TransferReversed { .. } => None,
        }
    }

    /// How it is called in JSON and in statements.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Deposited { .. } => "deposited",
            Self::Withdrawn { .. } => "withdrawn",
            Self::TransferBegun { .. } => "transfer-begun",
            Self::TransferReceived { .. } => "transfer-received",
            Self::TransferDeclined { .. } => "transfer-declined",
            Self::TransferCompleted { .. } => "transfer-completed",
            Self::TransferReversed { .. } => "transfer-reversed",
        }
    }

    /// By how much it changes what the account may spend, in cents.
    pub fn change(&self) -> i64 {
        match self {
            Self::Deposited { cents, .. }
            | Self::TransferReceived { cents, .. }
            | Self::TransferReversed { cents, .. } => cents.signed(),
            Self::Withdrawn { cents, .. } | Self::TransferBegun { cents, .. } => -cents.signed(),
            Self::TransferDeclined { .. } | Self::TransferCompleted { .. } => 0,
        }
    }
}
