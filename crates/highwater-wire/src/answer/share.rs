//! Offsets of share groups, and what brokers tell the share coordinator: a code for each group or
//! partition.
//!
//! Invariant: every partition of the request is in the answer once, under its topic's id.

use kafka_protocol::messages::describe_share_group_offsets_response::DescribeShareGroupOffsetsResponseGroup;
use kafka_protocol::messages::{DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse};

use super::Refused;

impl Refused for DescribeShareGroupOffsetsRequest {
    fn refused(self, _version: i16, error: i16) -> DescribeShareGroupOffsetsResponse {
        let groups = self.groups.into_iter().map(|group| {
            DescribeShareGroupOffsetsResponseGroup::default()
                .with_group_id(group.group_id)
                .with_error_code(error)
        });
        DescribeShareGroupOffsetsResponse::default().with_groups(groups.collect())
    }
}

/// All five of KIP-932 have the same form.
macro_rules! by_partition {
    ($($request:ident, $response:ident, $module:ident, $topic:ident;)*) => {
        $(impl Refused for kafka_protocol::messages::$request {
            fn refused(self, _version: i16, error: i16) -> Self::Response {
                use kafka_protocol::messages::$module::{$topic, PartitionResult};
                let results = self.topics.into_iter().map(|topic| {
                    let partitions = topic.partitions.iter().map(|asked| {
                        PartitionResult::default()
                            .with_partition(asked.partition)
                            .with_error_code(error)
                    });
                    $topic::default()
                        .with_topic_id(topic.topic_id)
                        .with_partitions(partitions.collect())
                });
                kafka_protocol::messages::$response::default().with_results(results.collect())
            }
        })*
    };
}

by_partition!(
    DeleteShareGroupStateRequest, DeleteShareGroupStateResponse, delete_share_group_state_response, DeleteStateResult;
    InitializeShareGroupStateRequest, InitializeShareGroupStateResponse, initialize_share_group_state_response, InitializeStateResult;
    ReadShareGroupStateRequest, ReadShareGroupStateResponse, read_share_group_state_response, ReadStateResult;
    ReadShareGroupStateSummaryRequest, ReadShareGroupStateSummaryResponse, read_share_group_state_summary_response, ReadStateSummaryResult;
    WriteShareGroupStateRequest, WriteShareGroupStateResponse, write_share_group_state_response, WriteStateResult;
);
