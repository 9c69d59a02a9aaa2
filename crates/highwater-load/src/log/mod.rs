//! The log as it is: every batch, marker and aborted transaction, read with raw requests.
//!
//! ```text
//! Cluster ── Metadata ─▶ leaders ─▶ ListOffsets ─▶ Fetch, Fetch, … ─▶ Fetched ─▶ whoever asks
//!        ├── FindCoordinator, OffsetFetch, ListTransactions, DescribeProducers ─▶ what is still open
//!        └── AlterClientQuotas ─▶ a quota of producers, for as long as somebody holds it
//! ```
//!
//! Invariant: a partition counts as read to its end only when an answer, or the end itself, said so. No group is
//! joined and nothing is committed. One request at a time; plain TCP only.
//!
//! What the records are is said by whoever asks; [`crate::read_back`] reads records of a run through a client library.

pub(crate) mod cluster;
mod committed;
mod error;
mod fetch;
mod fetched;
mod open;
mod quota;

pub use committed::{Committed, committed};
pub use error::LogError;
pub use fetch::{Ends, Reached, ends, read};
pub use fetched::{Fetched, ReadBatch};
pub use open::{Group, Open, still_open};
pub use quota::ProducerQuota;
