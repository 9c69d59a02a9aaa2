//! What a client may ask of an account.

use super::{AccountId, Cents, RequestId};

/// One request of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The account that decides.
    pub account: AccountId,
    /// What the client calls it; the same id is the same request.
    pub request: RequestId,
    /// The version that the account must have, if the client cares. Default: any.
    pub expected: Option<u64>,
    /// What is asked.
    pub action: Action,
}

/// What is asked of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Money from outside. The first deposit opens the account.
    Deposit(Cents),
    /// Money to the outside.
    Withdraw(Cents),
    /// Money to another account.
    Transfer {
        /// Who is to get it.
        to: AccountId,
        /// How much.
        cents: Cents,
    },
}

impl Action {
    /// How much is to be moved.
    pub fn cents(&self) -> Cents {
        match self {
            Self::Deposit(cents) | Self::Withdraw(cents) | Self::Transfer { cents, .. } => *cents,
        }
    }
}
