//! Consumer groups, classic protocol.
//!
//! ```text
//! api::groups ─▶ coordinator (locks, answers, the clock) ─▶ state (pure)
//!                            └▶ offsets (file)
//! ```

mod coordinator;
mod member;
mod offsets;
mod state;

pub(crate) use coordinator::Groups;
pub(crate) use member::{JoinAnswer, JoinRequest, Protocol};
pub(crate) use offsets::{Committed, OffsetKey};
pub(crate) use state::{CommitRequest, SyncRequest};
