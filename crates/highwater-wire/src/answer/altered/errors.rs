//! Error codes put into answers, API by API.
//!
//! Invariant: a partition that gets a code loses its offsets and records, so that no client can use
//! what the answer says failed.

use bytes::Bytes;
use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::{alter, named, unknown};

use crate::error::WireError;

/// APIs whose answer has one code.
macro_rules! whole {
    ($version:expr, $frame:expr, $error:expr, $of:expr, $response:ident) => {
        alter($version, $frame, |answer: &mut $response| {
            if $of("", -1) {
                answer.error_code = $error;
            }
        })
    };
}

pub(super) fn set(
    api_key: i16,
    version: i16,
    frame: Bytes,
    error: i16,
    of: &dyn Fn(&str, i32) -> bool,
) -> Result<Bytes, WireError> {
    match ApiKey::try_from(api_key).map_err(|()| unknown(api_key, version))? {
        ApiKey::Produce => alter(version, frame, |answer| produce(answer, error, of)),
        ApiKey::Fetch => alter(version, frame, |answer| fetch(answer, error, of)),
        ApiKey::ListOffsets => alter(version, frame, |answer| list_offsets(answer, error, of)),
        ApiKey::OffsetForLeaderEpoch => alter(version, frame, |answer| leader_epoch(answer, error, of)),
        ApiKey::DeleteRecords => alter(version, frame, |answer| delete_records(answer, error, of)),
        ApiKey::OffsetCommit => alter(version, frame, |answer| offset_commit(answer, error, of)),
        ApiKey::OffsetFetch => alter(version, frame, |answer| offset_fetch(answer, version, error, of)),
        ApiKey::TxnOffsetCommit => alter(version, frame, |answer| txn_offset_commit(answer, error, of)),
        ApiKey::AddPartitionsToTxn => alter(version, frame, |answer| {
            add_partitions(answer, version, error, of);
        }),
        ApiKey::Metadata => alter(version, frame, |answer| metadata(answer, error, of)),
        ApiKey::FindCoordinator => alter(version, frame, |answer| {
            find_coordinator(answer, version, error, of);
        }),
        ApiKey::ShareFetch => alter(version, frame, |answer| share_fetch(answer, error, of)),
        ApiKey::ShareAcknowledge => alter(version, frame, |answer| share_acknowledge(answer, error, of)),
        ApiKey::JoinGroup => whole!(version, frame, error, of, JoinGroupResponse),
        ApiKey::SyncGroup => whole!(version, frame, error, of, SyncGroupResponse),
        ApiKey::Heartbeat => whole!(version, frame, error, of, HeartbeatResponse),
        ApiKey::LeaveGroup => whole!(version, frame, error, of, LeaveGroupResponse),
        ApiKey::ConsumerGroupHeartbeat => {
            whole!(version, frame, error, of, ConsumerGroupHeartbeatResponse)
        }
        ApiKey::ShareGroupHeartbeat => whole!(version, frame, error, of, ShareGroupHeartbeatResponse),
        ApiKey::InitProducerId => whole!(version, frame, error, of, InitProducerIdResponse),
        ApiKey::AddOffsetsToTxn => whole!(version, frame, error, of, AddOffsetsToTxnResponse),
        ApiKey::EndTxn => whole!(version, frame, error, of, EndTxnResponse),
        ApiKey::ApiVersions => whole!(version, frame, error, of, ApiVersionsResponse),
        ApiKey::SaslHandshake => whole!(version, frame, error, of, SaslHandshakeResponse),
        ApiKey::SaslAuthenticate => whole!(version, frame, error, of, SaslAuthenticateResponse),
        ApiKey::DescribeCluster => whole!(version, frame, error, of, DescribeClusterResponse),
        ApiKey::ListGroups => whole!(version, frame, error, of, ListGroupsResponse),
        _ => Err(unknown(api_key, version)),
    }
}

type Of<'a> = &'a dyn Fn(&str, i32) -> bool;

fn produce(answer: &mut ProduceResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.responses {
        let name = named(&topic.name, topic.topic_id);
        for partition in &mut topic.partition_responses {
            if of(&name, partition.index) {
                partition.error_code = error;
                partition.base_offset = -1;
                partition.log_append_time_ms = -1;
                partition.log_start_offset = -1;
            }
        }
    }
}

fn fetch(answer: &mut FetchResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.responses {
        let name = named(&topic.topic, topic.topic_id);
        for partition in &mut topic.partitions {
            if of(&name, partition.partition_index) {
                partition.error_code = error;
                partition.high_watermark = -1;
                partition.last_stable_offset = -1;
                partition.log_start_offset = -1;
                partition.aborted_transactions = None;
                partition.records = Some(Bytes::new());
            }
        }
    }
}

fn list_offsets(answer: &mut ListOffsetsResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.topics {
        for partition in &mut topic.partitions {
            if of(&topic.name, partition.partition_index) {
                partition.error_code = error;
                partition.timestamp = -1;
                partition.offset = -1;
            }
        }
    }
}

fn leader_epoch(answer: &mut OffsetForLeaderEpochResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.topics {
        for partition in &mut topic.partitions {
            if of(&topic.topic, partition.partition) {
                partition.error_code = error;
                partition.leader_epoch = -1;
                partition.end_offset = -1;
            }
        }
    }
}

fn delete_records(answer: &mut DeleteRecordsResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.topics {
        for partition in &mut topic.partitions {
            if of(&topic.name, partition.partition_index) {
                partition.error_code = error;
                partition.low_watermark = -1;
            }
        }
    }
}

fn offset_commit(answer: &mut OffsetCommitResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.topics {
        let name = named(&topic.name, topic.topic_id);
        for partition in &mut topic.partitions {
            if of(&name, partition.partition_index) {
                partition.error_code = error;
            }
        }
    }
}

fn txn_offset_commit(answer: &mut TxnOffsetCommitResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.topics {
        for partition in &mut topic.partitions {
            if of(&topic.name, partition.partition_index) {
                partition.error_code = error;
            }
        }
    }
}

fn offset_fetch(answer: &mut OffsetFetchResponse, version: i16, error: i16, of: Of<'_>) {
    if (2..8).contains(&version) && of("", -1) {
        answer.error_code = error;
    }
    for topic in &mut answer.topics {
        for partition in &mut topic.partitions {
            if of(&topic.name, partition.partition_index) {
                partition.error_code = error;
                partition.committed_offset = -1;
            }
        }
    }
    for group in &mut answer.groups {
        if of("", -1) {
            group.error_code = error;
        }
        for topic in &mut group.topics {
            let name = named(&topic.name, topic.topic_id);
            for partition in &mut topic.partitions {
                if of(&name, partition.partition_index) {
                    partition.error_code = error;
                    partition.committed_offset = -1;
                }
            }
        }
    }
}

fn add_partitions(answer: &mut AddPartitionsToTxnResponse, version: i16, error: i16, of: Of<'_>) {
    if version >= 4 && of("", -1) {
        answer.error_code = error;
    }
    let batched = answer
        .results_by_transaction
        .iter_mut()
        .flat_map(|transaction| &mut transaction.topic_results);
    for topic in batched.chain(&mut answer.results_by_topic_v3_and_below) {
        for partition in &mut topic.results_by_partition {
            if of(&topic.name, partition.partition_index) {
                partition.partition_error_code = error;
            }
        }
    }
}

/// A topic with an error has no partitions, and a partition with one has no leader.
fn metadata(answer: &mut MetadataResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.topics {
        let name = named(topic.name.as_ref().map_or("", |name| name), topic.topic_id);
        if of(&name, -1) {
            topic.error_code = error;
            topic.partitions.clear();
        }
        for partition in &mut topic.partitions {
            if of(&name, partition.partition_index) {
                partition.error_code = error;
                partition.leader_id = BrokerId(-1);
            }
        }
    }
}

fn find_coordinator(answer: &mut FindCoordinatorResponse, version: i16, error: i16, of: Of<'_>) {
    if version < 4 && of("", -1) {
        answer.error_code = error;
        answer.node_id = BrokerId(-1);
        answer.host = StrBytes::default();
        answer.port = -1;
    }
    for coordinator in &mut answer.coordinators {
        if of(&coordinator.key, -1) {
            coordinator.error_code = error;
            coordinator.node_id = BrokerId(-1);
            coordinator.host = StrBytes::default();
            coordinator.port = -1;
        }
    }
}

fn share_fetch(answer: &mut ShareFetchResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.responses {
        let name = topic.topic_id.to_string();
        for partition in &mut topic.partitions {
            if of(&name, partition.partition_index) {
                partition.error_code = error;
                partition.acquired_records.clear();
                partition.records = Some(Bytes::new());
            }
        }
    }
}

fn share_acknowledge(answer: &mut ShareAcknowledgeResponse, error: i16, of: Of<'_>) {
    for topic in &mut answer.responses {
        let name = topic.topic_id.to_string();
        for partition in &mut topic.partitions {
            if of(&name, partition.partition_index) {
                partition.error_code = error;
            }
        }
    }
}
