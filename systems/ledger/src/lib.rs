//! A small bank of accounts, event-sourced on Kafka.
//!
//! ```text
//!  HTTP ─▶ command ─▶ decide(account, command) ─▶ event ─▶ transaction ─▶ events topic ─▶ projections ─▶ GET
//!                        ▲       │                             │
//!                        └─apply─┘                             └─▶ legs topic ─▶ the other account of a transfer
//! ```
//!
//! [`account`], [`transfer`], [`encoding`] and [`window`] are pure: no socket, no clock, no thread; moments are passed in.
//!
//! Invariant: an account is what its events say, and nobody is told of an event before it is committed.
//! Not here: interest, currencies, owners of accounts, authorisation.

mod flaw;

pub mod account;
pub mod encoding;
mod kafka;
pub mod projection;
pub mod serve;
pub mod transfer;
pub mod window;

#[cfg(test)]
mod simulation;
