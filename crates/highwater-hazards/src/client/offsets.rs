//! Coordinators and committed offsets.

use std::net::{SocketAddr, ToSocketAddrs};

use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::{
    FindCoordinatorRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
};

use super::{Client, group_id, only, text, topic_name};
use crate::error::{HazardError, refused};

const FIND_COORDINATOR: i16 = 3;
const OFFSET_COMMIT: i16 = 7;
const OFFSET_FETCH: i16 = 7;
const OFFSET_DELETE: i16 = 0;
/// Nobody in particular.
const NO_GENERATION: i32 = -1;

impl Client {
    /// Asks who coordinates a group or a transactional id, until somebody does.
    pub(crate) fn find_coordinator(&mut self, key: &str, transactional: bool) -> Result<(), HazardError> {
        const WHAT: &str = "FindCoordinator";
        let request = FindCoordinatorRequest::default()
            .with_key(text(key))
            .with_key_type(i8::from(transactional));
        let answer = self.settled(WHAT, &request, FIND_COORDINATOR, |answer| answer.error_code)?;
        refused(WHAT, answer.error_code)
    }

    /// Where the coordinator of a transactional id is said to be.
    pub(crate) fn coordinator_of(&mut self, id: &str) -> Result<SocketAddr, HazardError> {
        const WHAT: &str = "FindCoordinator";
        let request = FindCoordinatorRequest::default()
            .with_key(text(id))
            .with_key_type(1);
        let answer = self.settled(WHAT, &request, FIND_COORDINATOR, |answer| answer.error_code)?;
        refused(WHAT, answer.error_code)?;
        let place = (answer.host.as_str(), u16::try_from(answer.port).unwrap_or(0));
        let mut found = place.to_socket_addrs().map_err(|source| HazardError::Io {
            action: "find the coordinator",
            source,
        })?;
        found.next().ok_or(HazardError::Empty { what: WHAT })
    }

    /// Commits an offset outside of any membership.
    pub(crate) fn commit(
        &mut self,
        group: &str,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), HazardError> {
        const WHAT: &str = "OffsetCommit";
        self.find_coordinator(group, false)?;
        let one = OffsetCommitRequestPartition::default()
            .with_partition_index(partition)
            .with_committed_offset(offset);
        let one = OffsetCommitRequestTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![one]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group_id(group))
            .with_generation_id_or_member_epoch(NO_GENERATION)
            .with_topics(vec![one]);
        let code = |answer: &kafka_protocol::messages::OffsetCommitResponse| {
            let topic = answer.topics.first();
            let partition = topic.and_then(|topic| topic.partitions.first());
            partition.map_or(0, |partition| partition.error_code)
        };
        let answer = self.settled(WHAT, &request, OFFSET_COMMIT, code)?;
        refused(WHAT, code(&answer))
    }

    /// The committed offset of a group, if it has one.
    pub(crate) fn committed_offset(
        &mut self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Result<Option<i64>, HazardError> {
        const WHAT: &str = "OffsetFetch";
        self.find_coordinator(group, false)?;
        let one = OffsetFetchRequestTopic::default()
            .with_name(topic_name(topic))
            .with_partition_indexes(vec![partition]);
        let request = OffsetFetchRequest::default()
            .with_group_id(group_id(group))
            .with_topics(Some(vec![one]));
        let answer = self.settled(WHAT, &request, OFFSET_FETCH, |answer| answer.error_code)?;
        refused(WHAT, answer.error_code)?;
        let found = only(WHAT, only(WHAT, answer.topics)?.partitions)?;
        refused(WHAT, found.error_code)?;
        Ok((found.committed_offset >= 0).then_some(found.committed_offset))
    }

    /// Deletes the committed offset of a group, as the expiry of offsets does.
    pub(crate) fn forget_offset(
        &mut self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Result<(), HazardError> {
        const WHAT: &str = "OffsetDelete";
        let one = OffsetDeleteRequestPartition::default().with_partition_index(partition);
        let one = OffsetDeleteRequestTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![one]);
        let request = OffsetDeleteRequest::default()
            .with_group_id(group_id(group))
            .with_topics(vec![one]);
        let answer = self.settled(WHAT, &request, OFFSET_DELETE, |answer| answer.error_code)?;
        refused(WHAT, answer.error_code)?;
        refused(
            WHAT,
            only(WHAT, only(WHAT, answer.topics)?.partitions)?.error_code,
        )
    }
}
