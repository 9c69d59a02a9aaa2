//! A request's surroundings: who asks, which node was asked, and whether that node is the right one.

use std::net::IpAddr;

use kafka_protocol::error::ResponseError;
use tokio::sync::watch;

use super::errors::ApiError;
use crate::cluster::{Cluster, Node};
use crate::coordination::Coordination;
use crate::partition::Partition;

/// "I do not say which epoch I believe in."
const NO_EPOCH: i32 = -1;

/// A request's surroundings.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) cluster: &'a Cluster,
    /// The node that was asked.
    pub(crate) node: Node,
    /// The address under which the client has reached this node.
    pub(crate) reached_by: IpAddr,
    /// The client's address.
    pub(crate) peer: IpAddr,
    /// Turns true when the broker stops: whoever waits, answers.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) client_id: &'a str,
}

impl Call<'_> {
    /// Refuses unless the node that was asked leads the partition.
    pub(super) fn leads(&self, partition: &Partition) -> Result<(), ApiError> {
        self.leads_in(partition, NO_EPOCH)
    }

    /// Refuses unless the node leads the partition in the epoch that the client believes in, -1 for a
    /// client that does not say. In Kafka's order: a node without a replica knows no epoch, a follower
    /// does.
    pub(super) fn leads_in(&self, partition: &Partition, believed: i32) -> Result<(), ApiError> {
        let leadership = partition.leadership();
        let not_leader = || {
            ApiError::new(
                ResponseError::NotLeaderOrFollower,
                format!("node {} leads it", leadership.leader),
            )
        };
        if !leadership.replicas.contains(&self.node.id) {
            return Err(not_leader());
        }
        let epoch = leadership.epoch;
        if believed != NO_EPOCH && believed < epoch {
            return Err(ApiError::new(
                ResponseError::FencedLeaderEpoch,
                format!("leader epoch {believed} is over, the current one is {epoch}"),
            ));
        }
        if believed > epoch {
            return Err(ApiError::new(
                ResponseError::UnknownLeaderEpoch,
                format!("leader epoch {believed} is not here yet, the current one is {epoch}"),
            ));
        }
        if leadership.leader == self.node.id {
            Ok(())
        } else {
            Err(not_leader())
        }
    }

    /// Refuses unless the node coordinates this group or transactional id. Before anybody has asked for
    /// a coordinator a node that is alone is the right one.
    pub(super) fn coordinates(&self, kind: Coordination, key: &str) -> Result<(), ApiError> {
        let right = match self.cluster.coordinator(kind, key) {
            Some(node) => node.id == self.node.id,
            None => self.cluster.nodes().len() == 1,
        };
        if right {
            return Ok(());
        }
        Err(ApiError::new(
            ResponseError::NotCoordinator,
            "another node is the coordinator",
        ))
    }
}
