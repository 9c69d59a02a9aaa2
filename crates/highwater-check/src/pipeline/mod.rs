//! A pipeline from end to end: which outputs belong to which inputs, and what is wrong with them.
//!
//! ```text
//!  inputs, as fed ──▶ PipelineCheck ◀── outputs, as a reader of committed records gets them
//!                          │  Lineage: which input does this output name?
//!                          ▼
//!  PipelineFindings: loss · duplicate · reorder · phantom · key-moved, each with the exact records;
//!                    what could not be traced, and what could be judged all the same
//! ```
//!
//! Invariant: every input is judged by its own outputs. Nothing is counted against something else, so that a loss and
//! an equal duplicate can't cancel out; where a rule leaves only counts (some aggregates) the findings say so.
//!
//! It does not read topics, and it does not know what a contract allows: that is in the table of
//! [`Anomaly::standing`](crate::Anomaly::standing).

mod aggregate;
mod check;
mod close;
mod finding;
mod lineage;
mod record;
#[cfg(test)]
mod tests;
mod texts;
mod trace;

pub use check::{Order, PipelineCheck};
pub use finding::{Check, Extent, Judged, PipelineFinding, PipelineFindings, Untraceable, Untraced};
pub use lineage::{Aggregate, Cardinality, Lineage, RuleError, Source};
pub use record::{Fed, Output, Place, Windows};
