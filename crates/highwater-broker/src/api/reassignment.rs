//! AlterPartitionReassignments, ListPartitionReassignments, ElectLeaders: who leads which partition.
//!
//! A move takes effect before it is answered, as there is nothing to copy: so none is ever under way,
//! and none can be cancelled. Moving a partition of an internal topic moves what it coordinates.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_request::ReassignablePartition;
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ElectLeadersRequest,
    ElectLeadersResponse, ListPartitionReassignmentsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::errors::ApiError;
use crate::topics::Topic;

/// Kinds of election: by preference, or of anybody who is there. The first version knows only one.
const PREFERRED: i8 = 0;
const UNCLEAN: i8 = 1;
const ELECTION_TYPE_VERSION: i16 = 1;

/// Gives partitions to other replicas.
pub(super) fn alter(
    call: &Call<'_>,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let may_change_factor = request.allow_replication_factor_change;
    let responses = request
        .topics
        .into_iter()
        .map(|topic| {
            let partitions = topic
                .partitions
                .into_iter()
                .map(|wanted| {
                    let answer =
                        ReassignablePartitionResponse::default().with_partition_index(wanted.partition_index);
                    match reassign(call, &topic.name, wanted, may_change_factor) {
                        Ok(()) => answer.with_error_message(None),
                        Err(error) => answer
                            .with_error_code(error.code())
                            .with_error_message(error.text()),
                    }
                })
                .collect();
            ReassignableTopicResponse::default()
                .with_name(topic.name)
                .with_partitions(partitions)
        })
        .collect();
    AlterPartitionReassignmentsResponse::default().with_responses(responses)
}

fn reassign(
    call: &Call<'_>,
    topic: &TopicName,
    wanted: ReassignablePartition,
    may_change_factor: bool,
) -> Result<(), ApiError> {
    let known = call.cluster.topics.get(topic);
    let partition = known
        .as_ref()
        .and_then(|topic| topic.partition(wanted.partition_index))
        .ok_or_else(ApiError::unknown_partition)?;
    let Some(replicas) = wanted.replicas else {
        return Err(ApiError::new(
            ResponseError::NoReassignmentInProgress,
            "moves are finished at once, there is none to cancel",
        ));
    };
    let replicas: Vec<i32> = replicas.into_iter().map(|id| id.0).collect();
    let before = partition.leadership().replicas.len();
    if !may_change_factor && replicas.len() != before {
        return Err(ApiError::new(
            ResponseError::InvalidReplicationFactor,
            format!("{} replicas instead of {before}", replicas.len()),
        ));
    }
    found(call.cluster.reassign(topic, wanted.partition_index, replicas)?)
}

/// The topic may go while it is changed.
fn found(found: bool) -> Result<(), ApiError> {
    if found {
        Ok(())
    } else {
        Err(ApiError::unknown_partition())
    }
}

/// There is never one under way.
pub(super) fn list() -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse::default().with_error_message(None)
}

/// Has the preferred replicas lead. A request for all partitions is answered with those that changed.
pub(super) fn elect(call: &Call<'_>, request: ElectLeadersRequest) -> ElectLeadersResponse {
    let kind = if call.version >= ELECTION_TYPE_VERSION {
        request.election_type
    } else {
        PREFERRED
    };
    if ![PREFERRED, UNCLEAN].contains(&kind) {
        return ElectLeadersResponse::default().with_error_code(ResponseError::InvalidRequest.code());
    }
    let all = request.topic_partitions.is_none();
    let wanted = request.topic_partitions.unwrap_or_else(|| all_partitions(call));
    let results = wanted
        .into_iter()
        .map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .map(|&index| (index, elect_one(call, &topic.topic, index, kind)))
                .filter(|(_, result)| !all || !is_not_needed(result))
                .map(|(index, result)| describe(index, result))
                .collect();
            ReplicaElectionResult::default()
                .with_topic(topic.topic)
                .with_partition_result(partitions)
        })
        .filter(|topic| !all || !topic.partition_result.is_empty())
        .collect();
    ElectLeadersResponse::default().with_replica_election_results(results)
}

fn all_partitions(call: &Call<'_>) -> Vec<TopicPartitions> {
    let partitions = |topic: &Topic| topic.partitions.iter().map(|one| one.place.partition).collect();
    call.cluster
        .topics
        .all()
        .iter()
        .map(|topic| {
            TopicPartitions::default()
                .with_topic(TopicName(StrBytes::from_string(topic.name.to_string())))
                .with_partitions(partitions(topic))
        })
        .collect()
}

fn elect_one(call: &Call<'_>, topic: &TopicName, index: i32, kind: i8) -> Result<(), ApiError> {
    let known = call.cluster.topics.get(topic);
    if known.is_none_or(|topic| topic.partition(index).is_none()) {
        return Err(ApiError::unknown_partition());
    }
    let not_needed = |why| ApiError::new(ResponseError::ElectionNotNeeded, why);
    if kind == UNCLEAN {
        return Err(not_needed("the partition has a leader"));
    }
    match call.cluster.elect_preferred(topic, index)? {
        None => Err(not_needed("the preferred replica leads")),
        Some(there) => found(there),
    }
}

fn is_not_needed(result: &Result<(), ApiError>) -> bool {
    matches!(result, Err(error) if error.error == ResponseError::ElectionNotNeeded)
}

fn describe(index: i32, result: Result<(), ApiError>) -> PartitionResult {
    let answer = PartitionResult::default().with_partition_id(index);
    match result {
        Ok(()) => answer.with_error_message(None),
        Err(error) => answer
            .with_error_code(error.code())
            .with_error_message(error.text()),
    }
}
