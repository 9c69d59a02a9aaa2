//! A member of a group, and what it says when it joins.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One assignor that a member supports, with its subscription as opaque bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) name: String,
    pub(crate) metadata: Bytes,
}

/// A JoinGroup request, as the state machine sees it.
#[derive(Debug, Clone)]
pub(crate) struct JoinRequest {
    /// Empty for a member that is new.
    pub(crate) member_id: String,
    /// The id a new member would get.
    pub(crate) fresh_member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client: Client,
    pub(crate) protocol_type: String,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    /// Whether a new member is told its id first and has to come again with it (KIP-394).
    pub(crate) needs_known_id: bool,
    /// Whether the member knows that a leader may be told to keep the assignment (KIP-814).
    pub(crate) may_skip_assignment: bool,
}

/// The program behind a member, for people who look at the group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) host: String,
}

/// What a member learns about its group when it has joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinAnswer {
    pub(crate) generation: i32,
    pub(crate) protocol_type: String,
    pub(crate) protocol_name: String,
    pub(crate) leader: String,
    pub(crate) member_id: String,
    /// Member id, instance id, subscription: for the leader only.
    pub(crate) members: Vec<(String, Option<String>, Bytes)>,
    /// Whether a leader that came back keeps the assignment as it is.
    pub(crate) skip_assignment: bool,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) instance_id: Option<String>,
    pub(super) client: Client,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    /// When the member is dropped unless it is heard of.
    pub(super) expires: Duration,
    /// Order of arrival: the first becomes leader.
    pub(super) arrival: u64,
    /// The join that waits for the others.
    pub(super) waiting_join: Option<u64>,
    /// The sync that waits for the leader.
    pub(super) waiting_sync: Option<u64>,
}

impl Member {
    pub(super) fn supports(&self, name: &str) -> bool {
        self.protocols.iter().any(|protocol| protocol.name == name)
    }

    pub(super) fn metadata(&self, name: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|protocol| protocol.name == name)
            .map(|protocol| protocol.metadata.clone())
            .unwrap_or_default()
    }

    /// A member that waits for an answer is alive, whatever its heartbeat says.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting_join.is_some() || self.waiting_sync.is_some()
    }
}
