//! What becomes of a record whose handler failed.
//!
//! ```text
//!  failed ─▶ fatal ─────────────────────────────▶ the pipeline stops, the record stays uncommitted
//!        ├─▶ poison ─────────────────────────────────────────────────┐
//!        └─▶ transient ─▶ in the lane ─▶ parked ─▶ attempts used up ─┴▶ dead letter, if the cap allows
//! ```
//!
//! Invariant: an attempt never starts before it is due, also after a restart, and no record is given up without
//! a dead letter that was acknowledged.
//! Not here: writing. A parked record and a dead letter are written by the caller, who says when they are safe.

mod cap;
mod lot;
mod policy;
mod schedule;

pub use cap::{Alert, CapLimits, DeadLetterCap};
pub use lot::{Arrival, Lot, ParkKey, ParkedPermit};
pub use policy::{Attempts, Decision, ErrorClass, GiveUp, RetryPolicy};
pub use schedule::Schedule;
