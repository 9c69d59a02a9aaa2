//! Which records of a partition are done, and what may be committed.
//!
//! ```text
//!  delivered ─▶ engine ─▶ ticket ─▶ (lanes, handler, effect) ─▶ complete ─▶ engine
//!                 │
//!                 └─▶ commit point: lowest incomplete offset + metadata: what is done above it
//! ```
//!
//! Invariant: an offset is committed only when every delivered record below it is complete.
//! Not here: committing. A commit point is handed out, and the caller brings it to the broker.

mod engine;
mod metadata;
mod runs;

pub use engine::{CommitPoint, Delivery, EngineCounts, OffsetEngine, Resume, Ticket};
pub use metadata::{
    Encoded, METADATA_LIMIT_BYTES, METADATA_PAUSE_BYTES, METADATA_RESUME_BYTES, MetadataError, decode, encode,
};
pub use runs::Run;
