//! The hazards of Kafka, reproduced on purpose, each with a control that must come out the other way.
//!
//! ```text
//! Hazard ─▶ Scene (open)    ─▶ clients ─▶ fault proxy ─▶ broker     the same body twice,
//!        └▶ Scene (control) ─▶ clients ─▶ fault proxy ─▶ broker     with one setting changed
//!                │                                        │
//!                └◀── read back: log, committed reads, offsets, past the proxy ──┘ ─▶ Found ─▶ lesson
//! ```
//! Invariant: what an arm is judged by was read from the broker after the fact. An arm in which the harm is not there
//! says so, whatever was expected of it.
//!
//! It formats nothing for people and reads no flags; processes are the target's.

mod arm;
mod client;
mod error;
mod hazard;
mod librdkafka;
mod scene;
mod stage;

pub use error::HazardError;
pub use hazard::{Hazard, catalogue};
pub use stage::{Stage, StageOptions};
