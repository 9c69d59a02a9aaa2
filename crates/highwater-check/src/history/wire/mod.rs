//! The wire history as steps.
//!
//! ```text
//!                  ┌ clients: which process a connection belongs to
//! HistoryEvent ─▶ FromWire ─┬▶ produce ─▶ sends ──┐
//!                  │        ├▶ transactions ──────┼▶ Step
//!                  │        ├▶ fetches ─▶ polls ──┤
//!                  │        └▶ groups ────────────┘
//!                  └ identity: the Value of a record ─▶ ReadBack ─▶ LogStep
//! ```
//!
//! Invariant: an outcome is what the client was told. `Ok` only if the broker's answer reached it; `Failed` if it was
//! refused, also by the fault proxy; everything that got no answer, or another one than the broker gave, is `Unknown`.
//! What is kept grows with what is open (requests, transactions, sends without success, members, readers), and by
//! 16 bytes for each record that was sent without a producer id.
//!
//! It judges nothing.

mod aborted;
mod clients;
mod fetches;
mod groups;
mod heard;
mod identity;
mod out;
mod places;
mod produce;
mod read_back;
#[cfg(test)]
mod tests;
mod transactions;
mod translation;

pub use read_back::{Ends, ReadBack};
pub use translation::FromWire;
