//! Who takes part in a transaction: partitions, and groups whose offsets are committed in it.
//!
//! As in Kafka a group takes part through its partition of the offsets topic, which has no records here.

use std::sync::Arc;

use highwater_wire::control::{Marker, MarkerKind};
use kafka_protocol::error::ResponseError;

use super::coordinator::{Ended, Surroundings};
use super::state::{Ending, Place, Version};
use crate::cluster::Cluster;
use crate::coordination::Coordination;
use crate::error::BrokerError;
use crate::partition::{MarkerError, MarkerOrder};
use crate::producers::MarkerRefusal;

/// Epoch of the one coordinator there is: moving it does not part it from its state.
const COORDINATOR_EPOCH: i32 = 0;

const OFFSETS_PARTITIONS: usize = Coordination::PARTITIONS as usize;

/// The place through which a group takes part.
pub(crate) fn offsets_place(group: &str) -> Place {
    Place {
        topic: Arc::from(Coordination::Group.topic()),
        partition: Coordination::Group.partition_of(group, OFFSETS_PARTITIONS),
    }
}

/// Whether groups take part through this topic.
pub(crate) fn is_offsets_topic(topic: &str) -> bool {
    topic == Coordination::Group.topic()
}

impl Surroundings for Cluster {
    fn now_ms(&self) -> i64 {
        self.wall_clock_ms()
    }

    fn fresh_id(&self) -> Result<i64, ResponseError> {
        self.producer_ids.next().map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "producer ids");
            ResponseError::CoordinatorNotAvailable
        })
    }

    fn end_in(&self, place: &Place, ended: &Ended) -> Result<(), BrokerError> {
        let committed = ended.ending == Ending::Commit;
        if is_offsets_topic(&place.topic) {
            return self.end_offsets(place.partition, ended.producer.producer_id, committed);
        }
        let topic = self.topics.get(&place.topic);
        let Some(partition) = topic.as_ref().and_then(|topic| topic.partition(place.partition)) else {
            return Ok(());
        };
        let kind = if committed {
            MarkerKind::Commit
        } else {
            MarkerKind::Abort
        };
        let mut order = MarkerOrder {
            producer_id: ended.producer.producer_id,
            producer_epoch: ended.producer.epoch,
            marker: Marker {
                kind,
                coordinator_epoch: COORDINATOR_EPOCH,
            },
            raised_epoch: ended.version == Version::Two,
            timestamp_ms: ended.now_ms,
        };
        let mut written = partition.append_marker(&order, self.now());
        if let Err(MarkerError::Refused(MarkerRefusal::FencedCoordinator { current })) = written {
            // An administrator has written a marker in the name of a later coordinator; there is none.
            order.marker.coordinator_epoch = current;
            written = partition.append_marker(&order, self.now());
        }
        match written {
            Ok(()) | Err(MarkerError::Closed) => Ok(()),
            Err(error @ MarkerError::Refused(_)) => {
                tracing::warn!(topic = %place.topic, partition = place.partition, %error, "marker refused");
                Ok(())
            }
            Err(MarkerError::Encode(error)) => Err(BrokerError::Log(error.into())),
            Err(MarkerError::Storage(error)) => Err(BrokerError::Log(error)),
        }
    }
}

impl Cluster {
    /// Ends a producer's transaction for the groups of one partition of the offsets topic.
    pub(crate) fn end_offsets(
        &self,
        offsets_topic_partition: i32,
        producer_id: i64,
        committed: bool,
    ) -> Result<(), BrokerError> {
        let wanted = |group: &str| offsets_place(group).partition == offsets_topic_partition;
        self.groups
            .end_transaction(producer_id, committed, wanted)
            .map_err(|source| BrokerError::DataDir {
                action: "write",
                path: self.data_dir.root.join("group-offsets.jsonl"),
                source,
            })
    }
}
