//! What is coordinated, and by which internal topic.
//!
//! As in Kafka, whoever leads the partition that stands for a group or transactional id is its
//! coordinator, so that moving the partition moves the coordinator. The partitions have no records here:
//! what Kafka keeps in them is kept in files of its own.

use highwater_wire::coordinator::{self, GROUP_TOPIC, TRANSACTION_TOPIC};

/// What is coordinated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coordination {
    Group,
    Transaction,
}

impl Coordination {
    /// Partitions of either topic, Kafka's default (`offsets.topic.num.partitions`,
    /// `transaction.state.log.num.partitions`).
    pub(crate) const PARTITIONS: i32 = 50;

    /// The internal topic.
    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::Group => GROUP_TOPIC,
            Self::Transaction => TRANSACTION_TOPIC,
        }
    }

    /// The partition for a group or transactional id, in a topic of `count` partitions.
    pub(crate) fn partition_of(self, key: &str, count: usize) -> i32 {
        coordinator::partition_of(key, i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// Whether a topic is one that clients do not write to.
pub(crate) fn is_internal(topic: &str) -> bool {
    [GROUP_TOPIC, TRANSACTION_TOPIC].contains(&topic)
}
