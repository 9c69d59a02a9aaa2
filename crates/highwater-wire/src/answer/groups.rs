//! Offsets of groups and groups described or deleted: a code for each partition or group.
//!
//! Invariant: every group and partition of the request is in the answer once.

use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DeleteGroupsRequest, DeleteGroupsResponse,
    DescribeGroupsRequest, DescribeGroupsResponse, OffsetCommitRequest, OffsetCommitResponse,
    OffsetFetchRequest, OffsetFetchResponse, ShareGroupDescribeRequest, ShareGroupDescribeResponse,
    consumer_group_describe_response, describe_groups_response, share_group_describe_response,
};

use super::Refused;

/// Versions of OffsetFetch: the first with a code for the group, the first with a list of groups.
const OFFSET_FETCH_CODE: i16 = 2;
const OFFSET_FETCH_GROUPS: i16 = 8;

impl Refused for OffsetCommitRequest {
    fn refused(self, _version: i16, error: i16) -> OffsetCommitResponse {
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                OffsetCommitResponsePartition::default()
                    .with_partition_index(asked.partition_index)
                    .with_error_code(error)
            });
            OffsetCommitResponseTopic::default()
                .with_name(topic.name)
                .with_topic_id(topic.topic_id)
                .with_partitions(partitions.collect())
        });
        OffsetCommitResponse::default().with_topics(topics.collect())
    }
}

impl Refused for OffsetFetchRequest {
    fn refused(self, version: i16, error: i16) -> OffsetFetchResponse {
        let answer = OffsetFetchResponse::default();
        if version >= OFFSET_FETCH_GROUPS {
            let groups = self.groups.into_iter().map(|group| {
                OffsetFetchResponseGroup::default()
                    .with_group_id(group.group_id)
                    .with_error_code(error)
            });
            return answer.with_groups(groups.collect());
        }
        if version >= OFFSET_FETCH_CODE {
            return answer.with_error_code(error);
        }
        let topics = self.topics.unwrap_or_default().into_iter().map(|topic| {
            let partitions = topic.partition_indexes.iter().map(|&index| {
                OffsetFetchResponsePartition::default()
                    .with_partition_index(index)
                    .with_committed_offset(-1)
                    .with_metadata(Some(kafka_protocol::protocol::StrBytes::default()))
                    .with_error_code(error)
            });
            OffsetFetchResponseTopic::default()
                .with_name(topic.name)
                .with_partitions(partitions.collect())
        });
        answer.with_topics(topics.collect())
    }
}

impl Refused for DeleteGroupsRequest {
    fn refused(self, _version: i16, error: i16) -> DeleteGroupsResponse {
        let results = self.groups_names.into_iter().map(|group| {
            DeletableGroupResult::default()
                .with_group_id(group)
                .with_error_code(error)
        });
        DeleteGroupsResponse::default().with_results(results.collect())
    }
}

impl Refused for DescribeGroupsRequest {
    fn refused(self, _version: i16, error: i16) -> DescribeGroupsResponse {
        let groups = self.groups.into_iter().map(|group| {
            describe_groups_response::DescribedGroup::default()
                .with_group_id(group)
                .with_error_code(error)
        });
        DescribeGroupsResponse::default().with_groups(groups.collect())
    }
}

impl Refused for ConsumerGroupDescribeRequest {
    fn refused(self, _version: i16, error: i16) -> ConsumerGroupDescribeResponse {
        let groups = self.group_ids.into_iter().map(|group| {
            consumer_group_describe_response::DescribedGroup::default()
                .with_group_id(group)
                .with_error_code(error)
        });
        ConsumerGroupDescribeResponse::default().with_groups(groups.collect())
    }
}

impl Refused for ShareGroupDescribeRequest {
    fn refused(self, _version: i16, error: i16) -> ShareGroupDescribeResponse {
        let groups = self.group_ids.into_iter().map(|group| {
            share_group_describe_response::DescribedGroup::default()
                .with_group_id(group)
                .with_error_code(error)
        });
        ShareGroupDescribeResponse::default().with_groups(groups.collect())
    }
}
