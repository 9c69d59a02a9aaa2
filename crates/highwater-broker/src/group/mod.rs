//! Consumer groups, classic protocol.
//!
//! ```text
//! api::groups ─▶ coordinator (locks, answers, the clock) ─▶ state (pure)
//!                            └▶ offsets (file)
//! api::group_admin ─▶ administration (list, describe, delete)
//! ```

mod administration;
mod coordinator;
mod defects;
mod member;
mod offsets;
mod pending;
mod state;

pub(crate) use administration::DeleteError;
pub(crate) use coordinator::{CommitError, Groups};
pub(crate) use member::{Client, JoinAnswer, JoinRequest, Protocol};
pub(crate) use offsets::{Committed, OffsetKey};
pub(crate) use state::{CommitRequest, GroupDescription, MemberDescription, SyncRequest};
