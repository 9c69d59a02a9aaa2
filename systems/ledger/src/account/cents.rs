//! Amounts of money.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The most that an account may hold, in cents: 10 billion in whole units. The sum over nine million full accounts still
/// fits in SQLite's 64-bit integers, and each amount is exact as a number of JSON.
pub const MAX_CENTS: u64 = 1_000_000_000_000;

/// An amount in hundredths of the one currency, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cents(pub u64);

impl Cents {
    /// The sum, or none if it does not fit.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or none if it would be below zero.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The amount for SQLite, whose integers have a sign.
    pub fn signed(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}
