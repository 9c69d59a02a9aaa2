//! AddPartitionsToTxn, TxnOffsetCommit, WriteTxnMarkers and descriptions of producers and
//! transactions: a code for each partition or transactional id.
//!
//! Invariant: every partition of the request is in the answer once.

use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, TopicResponse};
use kafka_protocol::messages::describe_transactions_response::TransactionState;
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::write_txn_markers_response::{
    WritableTxnMarkerPartitionResult, WritableTxnMarkerResult, WritableTxnMarkerTopicResult,
};
use kafka_protocol::messages::{
    AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, DescribeProducersRequest,
    DescribeProducersResponse, DescribeTransactionsRequest, DescribeTransactionsResponse,
    TxnOffsetCommitRequest, TxnOffsetCommitResponse, WriteTxnMarkersRequest, WriteTxnMarkersResponse,
};

use super::Refused;

/// First version of AddPartitionsToTxn with a code for the whole answer (KIP-890).
const ADD_PARTITIONS_CODE_FOR_ALL: i16 = 4;

impl Refused for AddPartitionsToTxnRequest {
    fn refused(self, version: i16, error: i16) -> AddPartitionsToTxnResponse {
        let answer = AddPartitionsToTxnResponse::default();
        if version >= ADD_PARTITIONS_CODE_FOR_ALL {
            return answer.with_error_code(error);
        }
        let topics = self.v3_and_below_topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|&index| {
                AddPartitionsToTxnPartitionResult::default()
                    .with_partition_index(index)
                    .with_partition_error_code(error)
            });
            AddPartitionsToTxnTopicResult::default()
                .with_name(topic.name)
                .with_results_by_partition(partitions.collect())
        });
        answer.with_results_by_topic_v3_and_below(topics.collect())
    }
}

impl Refused for TxnOffsetCommitRequest {
    fn refused(self, _version: i16, error: i16) -> TxnOffsetCommitResponse {
        let topics = self.topics.into_iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|asked| {
                TxnOffsetCommitResponsePartition::default()
                    .with_partition_index(asked.partition_index)
                    .with_error_code(error)
            });
            TxnOffsetCommitResponseTopic::default()
                .with_name(topic.name)
                .with_partitions(partitions.collect())
        });
        TxnOffsetCommitResponse::default().with_topics(topics.collect())
    }
}

impl Refused for WriteTxnMarkersRequest {
    fn refused(self, _version: i16, error: i16) -> WriteTxnMarkersResponse {
        let partition = |&index: &i32| {
            WritableTxnMarkerPartitionResult::default()
                .with_partition_index(index)
                .with_error_code(error)
        };
        let markers = self.markers.into_iter().map(|marker| {
            let topics = marker.topics.into_iter().map(|topic| {
                WritableTxnMarkerTopicResult::default()
                    .with_name(topic.name)
                    .with_partitions(topic.partition_indexes.iter().map(partition).collect())
            });
            WritableTxnMarkerResult::default()
                .with_producer_id(marker.producer_id)
                .with_topics(topics.collect())
        });
        WriteTxnMarkersResponse::default().with_markers(markers.collect())
    }
}

impl Refused for DescribeProducersRequest {
    fn refused(self, _version: i16, error: i16) -> DescribeProducersResponse {
        let partition = |&index: &i32| {
            PartitionResponse::default()
                .with_partition_index(index)
                .with_error_code(error)
        };
        let topics = self.topics.into_iter().map(|topic| {
            TopicResponse::default()
                .with_name(topic.name)
                .with_partitions(topic.partition_indexes.iter().map(partition).collect())
        });
        DescribeProducersResponse::default().with_topics(topics.collect())
    }
}

impl Refused for DescribeTransactionsRequest {
    fn refused(self, _version: i16, error: i16) -> DescribeTransactionsResponse {
        let states = self.transactional_ids.into_iter().map(|id| {
            TransactionState::default()
                .with_transactional_id(id)
                .with_error_code(error)
        });
        DescribeTransactionsResponse::default().with_transaction_states(states.collect())
    }
}
