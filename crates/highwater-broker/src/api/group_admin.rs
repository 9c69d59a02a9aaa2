//! DescribeGroups, ListGroups, DeleteGroups, OffsetDelete: groups as administrators see them.

use std::collections::BTreeSet;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_groups_response::DeletableGroupResult;
use kafka_protocol::messages::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use kafka_protocol::messages::{
    DeleteGroupsRequest, DeleteGroupsResponse, DescribeGroupsRequest, DescribeGroupsResponse, GroupId,
    ListGroupsRequest, ListGroupsResponse, OffsetDeleteRequest, OffsetDeleteResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::errors::log_storage_error;
use super::operations;
use crate::coordination::Coordination;
use crate::group::{DeleteError, GroupDescription, MemberDescription};

/// First version in which a group that is not there is an error; before, it is in state Dead.
const NOT_FOUND_VERSION: i16 = 6;

/// The state of a group that is not there.
const DEAD: &str = "Dead";

/// The type of every group here (KIP-848 names it).
const CLASSIC: &str = "classic";

fn text(string: &str) -> StrBytes {
    StrBytes::from_string(string.to_owned())
}

pub(super) fn describe(call: &Call<'_>, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let operations = operations::of_group(request.include_authorized_operations);
    let groups = request
        .groups
        .into_iter()
        .map(|id| {
            if let Err(error) = call.coordinates(Coordination::Group, &id) {
                return DescribedGroup::default()
                    .with_group_id(id)
                    .with_error_code(error.code())
                    .with_error_message(error.text())
                    .with_authorized_operations(operations::NOT_ASKED);
            }
            match call.cluster.groups.describe(&id) {
                Some(group) => described(id, group).with_authorized_operations(operations),
                None => not_found(call, id),
            }
        })
        .collect();
    DescribeGroupsResponse::default().with_groups(groups)
}

fn not_found(call: &Call<'_>, id: GroupId) -> DescribedGroup {
    let message = format!("Group {} not found.", &*id);
    let dead = DescribedGroup::default()
        .with_group_id(id)
        .with_group_state(text(DEAD))
        .with_authorized_operations(operations::NOT_ASKED);
    if call.version < NOT_FOUND_VERSION {
        return dead;
    }
    dead.with_error_code(ResponseError::GroupIdNotFound.code())
        .with_error_message(Some(StrBytes::from_string(message)))
}

fn described(id: GroupId, group: GroupDescription) -> DescribedGroup {
    let members = group.members.into_iter().map(described_member).collect();
    DescribedGroup::default()
        .with_group_id(id)
        .with_group_state(text(group.state.as_str()))
        .with_protocol_type(StrBytes::from_string(group.protocol_type))
        .with_protocol_data(StrBytes::from_string(group.protocol_name))
        .with_members(members)
}

fn described_member(member: MemberDescription) -> DescribedGroupMember {
    DescribedGroupMember::default()
        .with_member_id(StrBytes::from_string(member.member_id))
        .with_group_instance_id(member.instance_id.map(StrBytes::from_string))
        .with_client_id(StrBytes::from_string(member.client.id))
        .with_client_host(StrBytes::from_string(member.client.host))
        .with_member_metadata(member.metadata)
        .with_member_assignment(member.assignment)
}

/// Those that this node coordinates. Filters that are empty let everything through; case does not matter, as in Kafka.
pub(super) fn list(call: &Call<'_>, request: &ListGroupsRequest) -> ListGroupsResponse {
    let passes = |filter: &[StrBytes], value: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let groups = call
        .cluster
        .groups
        .list()
        .into_iter()
        .filter(|group| call.coordinates(Coordination::Group, &group.id).is_ok())
        .filter(|group| passes(&request.states_filter, group.state.as_str()))
        .filter(|_| passes(&request.types_filter, CLASSIC))
        .map(|group| {
            ListedGroup::default()
                .with_group_id(GroupId(StrBytes::from_string(group.id)))
                .with_protocol_type(StrBytes::from_string(group.protocol_type))
                .with_group_state(text(group.state.as_str()))
                .with_group_type(text(CLASSIC))
        })
        .collect();
    ListGroupsResponse::default().with_groups(groups)
}

fn code(error: &DeleteError) -> i16 {
    match error {
        DeleteError::Refused(error) => error.code(),
        DeleteError::Storage(_) => {
            log_storage_error(error);
            ResponseError::KafkaStorageError.code()
        }
    }
}

pub(super) fn delete(call: &Call<'_>, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let results = request
        .groups_names
        .into_iter()
        .map(|id| {
            let error_code = match call.coordinates(Coordination::Group, &id) {
                Err(error) => error.code(),
                Ok(()) => match call.cluster.groups.delete(&id) {
                    Ok(()) => 0,
                    Err(error) => code(&error),
                },
            };
            DeletableGroupResult::default()
                .with_group_id(id)
                .with_error_code(error_code)
        })
        .collect();
    DeleteGroupsResponse::default().with_results(results)
}

pub(super) fn delete_offsets(call: &Call<'_>, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    if request.group_id.is_empty() {
        return OffsetDeleteResponse::default().with_error_code(ResponseError::InvalidGroupId.code());
    }
    if let Err(error) = call.coordinates(Coordination::Group, &request.group_id) {
        return OffsetDeleteResponse::default().with_error_code(error.code());
    }
    let exists = |topic: &str, partition: i32| {
        let topic = call.cluster.topics.get(topic);
        topic.is_some_and(|topic| topic.partition(partition).is_some())
    };
    let keys: Vec<_> = request
        .topics
        .iter()
        .flat_map(|topic| {
            let of_topic = |index| (topic.name.to_string(), index);
            topic
                .partitions
                .iter()
                .map(move |partition| of_topic(partition.partition_index))
        })
        .filter(|(topic, partition)| exists(topic, *partition))
        .collect();
    let kept: BTreeSet<_> = match call.cluster.groups.delete_offsets(&request.group_id, &keys) {
        Ok(kept) => kept.into_iter().collect(),
        Err(error) => return OffsetDeleteResponse::default().with_error_code(code(&error)),
    };
    let topics = request
        .topics
        .into_iter()
        .map(|topic| {
            let partitions = topic
                .partitions
                .iter()
                .map(|partition| {
                    let index = partition.partition_index;
                    let error = if !exists(&topic.name, index) {
                        Some(ResponseError::UnknownTopicOrPartition)
                    } else if kept.contains(&(topic.name.to_string(), index)) {
                        Some(ResponseError::GroupSubscribedToTopic)
                    } else {
                        None
                    };
                    OffsetDeleteResponsePartition::default()
                        .with_partition_index(index)
                        .with_error_code(error.map_or(0, |error| error.code()))
                })
                .collect();
            OffsetDeleteResponseTopic::default()
                .with_name(topic.name)
                .with_partitions(partitions)
        })
        .collect();
    OffsetDeleteResponse::default().with_topics(topics)
}
