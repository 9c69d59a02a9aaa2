//! Everything that speaks to Kafka, so that it can move onto another shell in one piece.
//!
//! ```text
//!  membership ─▶ which partitions are ours, and their legs
//!  writer     ─▶ one transactional producer for each of them: fence, then windows
//!  replay     ─▶ the events of a partition, from its start to its end
//!  tail       ─▶ topics as they grow, for projections and for the table of owners
//! ```
//!
//! Invariant: nothing is read that is not committed, and a partition is only written to by who fenced it last.
//! Not here: what records mean.

mod client;
mod membership;
mod partitioner;
mod replay;
mod tail;
mod topics;
mod writer;

pub(crate) use client::{Cluster, SESSION};
pub(crate) use membership::{Assignments, GIVING_BACK, Membership};
pub(crate) use partitioner::partition_of;
pub(crate) use replay::{ReplayError, replay};
pub(crate) use tail::{Tail, Tailed};
pub use topics::TopicsError;
pub(crate) use topics::prepare;
pub(crate) use writer::{Record, Transacted, Writer};
