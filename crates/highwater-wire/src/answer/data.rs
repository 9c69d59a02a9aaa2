//! Produce, Fetch, ListOffsets, OffsetForLeaderEpoch and DeleteRecords: a code for each partition.
//!
//! Invariant: every partition of the request is in the answer once, under the same name or id.

use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    BrokerId, DeleteRecordsRequest, DeleteRecordsResponse, FetchRequest, FetchResponse, ListOffsetsRequest,
    ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, ProduceRequest,
    ProduceResponse,
};

use super::Refused;

impl Refused for ProduceRequest {
    fn refused(self, _version: i16, error: i16) -> ProduceResponse {
        let partition = |index| {
            PartitionProduceResponse::default()
                .with_index(index)
                .with_error_code(error)
                .with_base_offset(-1)
                .with_log_append_time_ms(-1)
                .with_log_start_offset(-1)
        };
        let topics = self.topic_data.into_iter().map(|topic| {
            let partitions = topic.partition_data.iter().map(|data| partition(data.index));
            TopicProduceResponse::default()
                .with_name(topic.name)
                .with_topic_id(topic.topic_id)
                .with_partition_responses(partitions.collect())
        });
        ProduceResponse::default().with_responses(topics.collect())
    }
}

/// Errors of a fetch session as a whole (KIP-227, KIP-516).
const SESSION_ERRORS: [i16; 3] = [70, 71, 106];

/// Version with a code for the whole answer.
const FETCH_CODE_FOR_ALL: i16 = 7;

impl Refused for FetchRequest {
    /// A code for each partition, and session 0: the client's session ends, so that it does not fall
    /// out of step with a broker that never saw the request. An incremental request that names no
    /// partition, and an error about the session, get the one code for the whole answer.
    fn refused(self, version: i16, error: i16) -> FetchResponse {
        let answer = FetchResponse::default();
        if version >= FETCH_CODE_FOR_ALL && (self.topics.is_empty() || SESSION_ERRORS.contains(&error)) {
            return answer.with_error_code(error);
        }
        let partition = |index| {
            PartitionData::default()
                .with_partition_index(index)
                .with_error_code(error)
                .with_high_watermark(-1)
                .with_last_stable_offset(-1)
                .with_log_start_offset(-1)
                .with_preferred_read_replica(BrokerId(-1))
                .with_records(Some(bytes::Bytes::new()))
        };
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| partition(asked.partition));
            FetchableTopicResponse::default()
                .with_topic(topic.topic)
                .with_topic_id(topic.topic_id)
                .with_partitions(partitions.collect())
        });
        answer.with_responses(topics.collect())
    }
}

impl Refused for ListOffsetsRequest {
    fn refused(self, _version: i16, error: i16) -> ListOffsetsResponse {
        let partition = |index| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(index)
                .with_error_code(error)
                .with_timestamp(-1)
                .with_offset(-1)
        };
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .map(|asked| partition(asked.partition_index));
            ListOffsetsTopicResponse::default()
                .with_name(topic.name)
                .with_partitions(partitions.collect())
        });
        ListOffsetsResponse::default().with_topics(topics.collect())
    }
}

impl Refused for OffsetForLeaderEpochRequest {
    fn refused(self, _version: i16, error: i16) -> OffsetForLeaderEpochResponse {
        let partition = |index| {
            EpochEndOffset::default()
                .with_partition(index)
                .with_error_code(error)
                .with_leader_epoch(-1)
                .with_end_offset(-1)
        };
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| partition(asked.partition));
            OffsetForLeaderTopicResult::default()
                .with_topic(topic.topic)
                .with_partitions(partitions.collect())
        });
        OffsetForLeaderEpochResponse::default().with_topics(topics.collect())
    }
}

impl Refused for DeleteRecordsRequest {
    fn refused(self, _version: i16, error: i16) -> DeleteRecordsResponse {
        let partition = |index| {
            DeleteRecordsPartitionResult::default()
                .with_partition_index(index)
                .with_error_code(error)
                .with_low_watermark(-1)
        };
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .map(|asked| partition(asked.partition_index));
            DeleteRecordsTopicResult::default()
                .with_name(topic.name)
                .with_partitions(partitions.collect())
        });
        DeleteRecordsResponse::default().with_topics(topics.collect())
    }
}
