//! Why an account says no.

use serde::{Deserialize, Serialize};

use super::{AccountId, Cents, MAX_CENTS, MAX_OPEN_TRANSFERS, REMEMBERED_REQUESTS};

/// Why a command was refused. Nothing has happened then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing was ever deposited.
    #[error("account {account} does not exist: a first deposit opens it")]
    UnknownAccount {
        /// Which one.
        account: AccountId,
    },
    /// More was asked than there is.
    #[error("{account} has {balance} and not {asked}: ask for less, or deposit first")]
    InsufficientFunds {
        /// Whose.
        account: AccountId,
        /// What it may spend.
        balance: Cents,
        /// What was asked for.
        asked: Cents,
    },
    /// The account would hold more than [`MAX_CENTS`].
    #[error(
        "an account holds at most {}, transfers under way included: deposit less",
        Cents(MAX_CENTS)
    )]
    TooMuch,
    /// An amount of zero.
    #[error("an amount of zero moves nothing: say how many cents")]
    NoAmount,
    /// From an account to itself.
    #[error("{account} can't transfer to itself: name another account")]
    SameAccount {
        /// Which one.
        account: AccountId,
    },
    /// Somebody else was first.
    #[error("{account} has version {version} and not {expected}: read it again, and decide again")]
    VersionConflict {
        /// Which one.
        account: AccountId,
        /// What the client expected.
        expected: u64,
        /// What it is.
        version: u64,
    },
    /// An id that was used for something else.
    #[error("this request id asked {account} for something else before: use a new id for a new request")]
    RequestReused {
        /// Of which account.
        account: AccountId,
    },
    /// Too many transfers of one account are under way.
    #[error("{account} has {MAX_OPEN_TRANSFERS} transfers under way: wait until some have arrived")]
    TooManyOpenTransfers {
        /// Of which account.
        account: AccountId,
    },
}

impl Refusal {
    /// A stable name for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::UnknownAccount { .. } => "unknown-account",
            Self::InsufficientFunds { .. } => "insufficient-funds",
            Self::TooMuch => "too-much",
            Self::NoAmount => "no-amount",
            Self::SameAccount { .. } => "same-account",
            Self::VersionConflict { .. } => "version-conflict",
            Self::RequestReused { .. } => "request-reused",
            Self::TooManyOpenTransfers { .. } => "too-many-open-transfers",
        }
    }
}

/// Why an account did not take a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decline {
    /// Nothing was ever deposited there.
    UnknownAccount,
    /// It would hold more than [`MAX_CENTS`].
    TooMuch,
}

// A transfer under way is found by its request as long as it is open, however many requests came since.
const _: () = assert!(MAX_OPEN_TRANSFERS > REMEMBERED_REQUESTS);
