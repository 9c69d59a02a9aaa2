//! What a history says of its log, built once and lent to every checker.
//!
//! ```text
//!  steps ─▶ Builder ── places where each record was seen, who sent it, who read it
//!              │ seal: which places count, in the order of their offsets
//!              ▼
//!           Index: records · operations · Order of each partition (offset ⇄ record, how many between)
//! ```
//!
//! Invariant: about 70 bytes for a record of the history, however often it was read; a place is told apart by the
//! offset, so that two copies of a record, or two records at one offset, are both kept.
//!
//! It finds nothing: what is an anomaly is said by the checkers.

mod build;
mod order;
mod seal;
mod sealed;
mod seen;
mod table;

pub use build::{Builder, Extent};
pub use order::Order;
pub use sealed::{Fate, Index, Operated, PartitionEnd, Place, RecordNumber};
pub use seen::Seen;
