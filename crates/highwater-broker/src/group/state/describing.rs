//! What somebody who looks at a group sees.

use std::collections::BTreeSet;

use bytes::Bytes;
use highwater_wire::subscription;

use super::super::member::Client;
use super::{Group, Phase};

/// The protocol type of consumers, whose subscriptions the coordinator can read.
const CONSUMER: &str = "consumer";

/// A state under the name that Kafka gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateName {
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
}

impl StateName {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// A group as DescribeGroups shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupDescription {
    pub(crate) state: StateName,
    pub(crate) protocol_type: String,
    /// Empty unless the group is stable.
    pub(crate) protocol_name: String,
    pub(crate) members: Vec<MemberDescription>,
}

/// A member as DescribeGroups shows it; what it wants is there in a stable group only, and what it has
/// until a generation ends before its work was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MemberDescription {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client: Client,
    pub(crate) metadata: Bytes,
    pub(crate) assignment: Bytes,
}

impl GroupDescription {
    /// A group that has offsets and never had members.
    pub(crate) fn offsets_only() -> Self {
        Self {
            state: StateName::Empty,
            protocol_type: String::new(),
            protocol_name: String::new(),
            members: Vec::new(),
        }
    }
}

impl Group {
    pub(crate) fn state_name(&self) -> StateName {
        match self.phase {
            Phase::Empty => StateName::Empty,
            Phase::Joining { .. } => StateName::PreparingRebalance,
            Phase::Syncing => StateName::CompletingRebalance,
            Phase::Stable => StateName::Stable,
        }
    }

    pub(crate) fn protocol_type(&self) -> &str {
        &self.protocol_type
    }

    pub(crate) fn describe(&self) -> GroupDescription {
        let settled = Some(self.protocol_name.as_str()).filter(|_| self.phase == Phase::Stable);
        let members = self
            .members
            .iter()
            .map(|(id, member)| MemberDescription {
                member_id: id.clone(),
                instance_id: member.instance_id.clone(),
                client: member.client.clone(),
                metadata: settled.map_or_else(Bytes::new, |name| member.metadata(name)),
                assignment: member.assignment.clone(),
            })
            .collect();
        GroupDescription {
            state: self.state_name(),
            protocol_type: self.protocol_type.clone(),
            protocol_name: settled.unwrap_or_default().to_owned(),
            members,
        }
    }

    /// Whether the coordinator can know what the members read.
    pub(crate) fn is_of_consumers(&self) -> bool {
        self.protocol_type == CONSUMER
    }

    /// Whether a member reads a topic; when a subscription cannot be read, it might.
    pub(crate) fn may_be_subscribed_to(&self, topic: &str) -> bool {
        if !self.is_of_consumers() {
            return false;
        }
        self.members.values().any(|member| {
            let metadata = member.metadata(&self.protocol_name);
            match subscription::topics(&metadata) {
                Ok(topics) => BTreeSet::from_iter(topics).contains(topic),
                Err(_) => true,
            }
        })
    }
}
