//! Transactions: the state machine of one transactional id, and the coordinator that keeps all of them.
//!
//! ```text
//! InitProducerId ─▶ Empty ─AddPartitions─▶ Ongoing ─EndTxn─▶ Prepare{Commit,Abort}
//!                     ▲                       ▲                      │ markers in every partition
//!                     └────── next init ──── Complete{Commit,Abort} ◀┘
//! ```
//!
//! Invariant: how a transaction ends is in the file before the first marker is written, so that whoever
//! starts after a death finishes it the same way.
//! Absent on purpose: expiry of transactional ids by age, two-phase commit (KIP-939).

mod coordinator;
mod defects;
mod file;
mod participants;
mod state;

pub(crate) use coordinator::{Identity, Listed, Transactions};
pub(crate) use participants::{is_offsets_topic, offsets_place};
pub(crate) use state::{Ending, NO_EPOCH, NO_ID, Place, Version};

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
