//! Pipelines on Kafka: sources, a handler, an effect, and a stated guarantee. [`pipeline`] is where a user begins.
//!
//! All but [`runtime`] is the pure core. It decides which record runs when, what is retried, parked or given up, and
//! what may be committed; it owns no socket, no thread, no clock and no randomness. Moments and random numbers are
//! passed in, which is why every property of it can be tested, seeded, and repeated. [`runtime`] is the shell around
//! it: clients, threads, the clock.
//!
//! ```text
//!  delivered ─▶ offset engine ─▶ lanes ─▶ (handler) ─▶ done ──────────────▶ offset engine ─▶ commit point
//!                                                  └─▶ failed ─▶ retry ─▶ in the lane │ parked │ dead letter
//! ```
//!
//! Moments are [`Duration`](std::time::Duration)s since the Unix epoch.
//!
//! Invariant: nothing is committed before its effect is acknowledged.
//! Not here: a database, a listener for signals or HTTP.

mod flaw;

pub mod deadletter;
pub mod dedup;
pub mod lanes;
pub mod offset;
pub mod partition;
pub mod pipeline;
pub mod rebalance;
pub mod retry;
pub mod runtime;
pub mod settings;
pub mod transaction;

/// The guide, whose examples are compiled.
pub mod guide {
    #![doc = include_str!("../../../docs/pipelines.md")]
}

#[cfg(test)]
mod simulation;
