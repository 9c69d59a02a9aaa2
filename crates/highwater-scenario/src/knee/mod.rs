//! The highest rate at which limits hold: a load at one rate after the other on a target that stays up.
//!
//! ```text
//! target ─▶ measure::knee::Search ─▶ rate ─▶ Run (topic of its own, warm-up, read-back) ─▶ step: holds, breaks, invalid ─┐
//!                   ▲                                                                                                   │
//!                   └───────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//! Invariant: a rate that the generator could not offer is never said to break the cluster.

mod drive;
mod step;

pub use drive::{KneeError, KneeOptions, knee};
