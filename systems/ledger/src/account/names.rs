//! Names that come from outside: of accounts, requests and transfers.
//!
//! Invariant: a name that exists has 1 to [`MAX_NAME_BYTES`] bytes of the allowed characters.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name, in bytes: a UUID with a prefix fits, and thousands of them are no burden for memory.
pub const MAX_NAME_BYTES: usize = 64;

/// A name that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or more than [`MAX_NAME_BYTES`].
    #[error("{what} has {bytes} bytes: use 1 to {MAX_NAME_BYTES}")]
    Length {
        /// What was to be named.
        what: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// Something else than the allowed characters.
    #[error("{what} has a character that is not allowed: use {allowed}")]
    Character {
        /// What was to be named.
        what: &'static str,
        /// What may be in it.
        allowed: &'static str,
    },
}

fn checked(
    what: &'static str,
    allowed: &'static str,
    name: &str,
    fits: fn(u8) -> bool,
) -> Result<Arc<str>, NameError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(NameError::Length {
            what,
            bytes: name.len(),
        });
    }
    if !name.bytes().all(fits) {
        return Err(NameError::Character { what, allowed });
    }
    Ok(name.into())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name, if it can be one.
            ///
            /// # Errors
            /// [`NameError`]: too short, too long, or with other characters.
            pub fn new(name: &str) -> Result<Self, NameError> {
                checked($what, $allowed, name, $fits).map(Self)
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                Self::new(&name)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of an account, which is the key of its events: letters, digits, `.`, `_` and `-`.
    AccountId,
    "the name of an account",
    "letters, digits, '.', '_' and '-'",
    |byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
);

name!(
    /// What a client calls its request, so that it may send it again: visible ASCII.
    RequestId,
    "a request id",
    "visible characters of ASCII",
    |byte| byte.is_ascii_graphic()
);

/// A transfer: the account that began it, and the request that did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransferId {
    /// Whose money it is.
    pub from: AccountId,
    /// The request that began it.
    pub request: RequestId,
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.from, self.request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_of_few_characters() {
        for (name, account, request) in [
            ("a", true, true),
            ("acc-7.x_Y", true, true),
            ("", false, false),
            ("a b", false, false),
            ("a/b", false, true),
            ("ä", false, false),
            ("a\n", false, false),
            (&"x".repeat(64), true, true),
            (&"x".repeat(65), false, false),
        ] {
            assert_eq!(AccountId::new(name).is_ok(), account, "account {name:?}");
            assert_eq!(RequestId::new(name).is_ok(), request, "request {name:?}");
        }
        assert!(serde_json::from_str::<AccountId>("\"a b\"").is_err());
    }
}
