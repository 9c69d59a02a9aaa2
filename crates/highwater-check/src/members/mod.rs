//! Members of consumer groups that are killed, stopped and halted: did the group get everything, and what did it get
//! again?
//!
//! ```text
//! what members told, on one clock ─┐
//!                                  ├─▶ GroupAccount ─▶ GroupFindings: never delivered, behind, again inside and outside
//! what was acknowledged ───────────┘                   the window since the last commit
//! ```
//! The window: a member that is given a partition goes on from the last commit. What it gets again from there on was
//! processed and not committed when its owner died; what it gets again from *before* that commit has no such reason.
//!
//! Invariant: a record is judged by its own identity and place. What a member does with partitions that were given to
//! another while it was halted is counted by itself: it can't know, and no group protocol can stop it.

mod account;
#[cfg(test)]
mod tests;

pub use account::{Delivered, Expected, GroupAccount, GroupFindings, Step};
