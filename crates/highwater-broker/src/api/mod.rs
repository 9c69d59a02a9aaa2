//! Which requests are served, in which versions, and by whom.
//!
//! Invariant: [`SERVED`] is the one list; ApiVersions advertises it, and a request outside of it ends
//! the connection, which is what Kafka does too. One module per group of APIs; a handler turns a request
//! into a response and does not see bytes.

mod alter_configs;
mod api_versions;
mod call;
mod cluster;
mod config_resources;
mod coordinator;
mod create_partitions;
mod delete_records;
mod delete_topics;
mod describe_configs;
mod errors;
mod fetch;
mod group_admin;
mod group_offsets;
mod groups;
mod leader_hints;
mod list_offsets;
mod metadata;
mod operations;
mod produce;
mod producers;
mod reassignment;
mod repeated;
mod topic_partitions;
mod topics;
mod transaction_admin;
mod transaction_offsets;
mod transactions;

use bytes::{Bytes, BytesMut};
use highwater_wire::{WireError, frame};
use kafka_protocol::messages::{ApiKey, ListPartitionReassignmentsRequest, TopicName};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request, StrBytes};
use tokio::runtime::{Handle, RuntimeFlavor};

pub(crate) use self::call::Call;
use crate::memory::Room;

/// What goes back to the client.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A whole frame.
    Frame(BytesMut),
    /// A whole frame with records, and the room that they take until it is written.
    Records(BytesMut, Room),
    /// Nothing: Produce with `acks=0`.
    None,
}

/// Why a request is not answered and the connection is closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("not served")]
    NotServed,
    /// `acks=0` has no other way to tell the client.
    #[error("a batch sent with acks=0 was not appended")]
    UnacknowledgedFailure,
    /// No producer sends that.
    #[error("a partition to produce to without records")]
    NoRecords,
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// An API in a range of versions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub(crate) api: ApiKey,
    pub(crate) min: i16,
    pub(crate) max: i16,
}

const fn served(api: ApiKey, min: i16, max: i16) -> Served {
    Served { api, min, max }
}

/// Everything that is served. Upper ends, where the codec knows more: Fetch 18 is for replicas,
/// ListOffsets 9 and later are for tiered storage, FindCoordinator 6 is for share groups,
/// ListTransactions 2 wants regular expressions.
pub(crate) const SERVED: &[Served] = &[
    served(ApiKey::Produce, 3, 13),
    served(ApiKey::Fetch, 4, 17),
    served(ApiKey::ListOffsets, 1, 8),
    served(ApiKey::Metadata, 0, 13),
    served(ApiKey::OffsetCommit, 2, 9),
    served(ApiKey::OffsetFetch, 1, 9),
    served(ApiKey::FindCoordinator, 0, 5),
    served(ApiKey::JoinGroup, 0, 9),
    served(ApiKey::Heartbeat, 0, 4),
    served(ApiKey::LeaveGroup, 0, 5),
    served(ApiKey::SyncGroup, 0, 5),
    served(ApiKey::DescribeGroups, 0, 6),
    served(ApiKey::ListGroups, 0, 5),
    served(ApiKey::ApiVersions, 0, 4),
    served(ApiKey::CreateTopics, 2, 7),
    served(ApiKey::DeleteTopics, 1, 6),
    served(ApiKey::DeleteRecords, 0, 2),
    served(ApiKey::InitProducerId, 0, 5),
    served(ApiKey::AddPartitionsToTxn, 0, 5),
    served(ApiKey::AddOffsetsToTxn, 0, 4),
    served(ApiKey::EndTxn, 0, 5),
    served(ApiKey::WriteTxnMarkers, 1, 1),
    served(ApiKey::TxnOffsetCommit, 0, 5),
    served(ApiKey::DescribeProducers, 0, 0),
    served(ApiKey::DescribeTransactions, 0, 0),
    served(ApiKey::ListTransactions, 0, 2),
    served(ApiKey::OffsetForLeaderEpoch, 2, 4),
    served(ApiKey::DescribeAcls, 1, 3),
    served(ApiKey::DescribeConfigs, 1, 4),
    served(ApiKey::AlterConfigs, 0, 2),
    served(ApiKey::DescribeLogDirs, 1, 4),
    served(ApiKey::CreatePartitions, 0, 3),
    served(ApiKey::ElectLeaders, 0, 2),
    served(ApiKey::IncrementalAlterConfigs, 0, 1),
    served(ApiKey::AlterPartitionReassignments, 0, 1),
    served(ApiKey::ListPartitionReassignments, 0, 0),
    served(ApiKey::DeleteGroups, 0, 2),
    served(ApiKey::OffsetDelete, 0, 0),
    served(ApiKey::DescribeCluster, 0, 2),
    served(ApiKey::ListConfigResources, 0, 1),
    served(ApiKey::DescribeTopicPartitions, 0, 0),
];

fn is_served(api: ApiKey, version: i16) -> bool {
    SERVED
        .iter()
        .any(|entry| entry.api == api && (entry.min..=entry.max).contains(&version))
}

/// Serves one request.
pub(crate) async fn answer(call: &Call<'_>, api: Option<ApiKey>, body: Bytes) -> Result<Reply, Refusal> {
    let api = api.ok_or(Refusal::NotServed)?;
    if !is_served(api, call.version) {
        return match api {
            ApiKey::ApiVersions => Ok(Reply::Frame(api_versions::unsupported(call)?)),
            _ => Err(Refusal::NotServed),
        };
    }
    match api {
        ApiKey::ApiVersions => reply(call, &api_versions::handle(call, &decode(call, body)?)),
        ApiKey::Metadata => reply(call, &metadata::handle(call, decode(call, body)?)),
        ApiKey::Produce => produce::answer(call, decode(call, body)?),
        ApiKey::Fetch => fetch::answer(call, decode(call, body)?).await,
        ApiKey::ListOffsets => reply(call, &list_offsets::list(call, decode(call, body)?)),
        ApiKey::OffsetForLeaderEpoch => {
            reply(call, &list_offsets::for_leader_epoch(call, decode(call, body)?))
        }
        ApiKey::CreateTopics => change(call, body, topics::create),
        ApiKey::DeleteTopics => change(call, body, delete_topics::delete),
        ApiKey::DeleteRecords => change(call, body, delete_records::handle),
        ApiKey::AddPartitionsToTxn => reply(call, &transactions::add_partitions(call, decode(call, body)?)),
        ApiKey::AddOffsetsToTxn => reply(call, &transactions::add_offsets(call, &decode(call, body)?)),
        ApiKey::EndTxn => reply(call, &transactions::end(call, &decode(call, body)?)),
        ApiKey::TxnOffsetCommit => reply(call, &transaction_offsets::commit(call, &decode(call, body)?)),
        ApiKey::WriteTxnMarkers => reply(call, &transaction_admin::write_markers(call, decode(call, body)?)),
        ApiKey::DescribeProducers => reply(
            call,
            &transaction_admin::describe_producers(call, decode(call, body)?),
        ),
        ApiKey::DescribeTransactions => reply(call, &transaction_admin::describe(call, decode(call, body)?)),
        ApiKey::ListTransactions => reply(call, &transaction_admin::list(call, &decode(call, body)?)),
        ApiKey::InitProducerId => reply(call, &producers::init(call, &decode(call, body)?)),
        ApiKey::FindCoordinator => reply(call, &coordinator::find(call, decode(call, body)?)),
        ApiKey::ElectLeaders => change(call, body, reassignment::elect),
        ApiKey::AlterPartitionReassignments => change(call, body, reassignment::alter),
        ApiKey::ListPartitionReassignments => {
            let _: ListPartitionReassignmentsRequest = decode(call, body)?;
            reply(call, &reassignment::list())
        }
        ApiKey::JoinGroup => reply(call, &groups::join(call, decode(call, body)?).await),
        ApiKey::SyncGroup => reply(call, &groups::sync(call, decode(call, body)?).await),
        ApiKey::Heartbeat => reply(call, &groups::heartbeat(call, &decode(call, body)?)),
        ApiKey::LeaveGroup => reply(call, &groups::leave(call, decode(call, body)?)),
        ApiKey::OffsetCommit => reply(call, &group_offsets::commit(call, decode(call, body)?)),
        ApiKey::OffsetFetch => reply(call, &group_offsets::fetch(call, decode(call, body)?)),
        ApiKey::DescribeGroups => reply(call, &group_admin::describe(call, decode(call, body)?)),
        ApiKey::ListGroups => reply(call, &group_admin::list(call, &decode(call, body)?)),
        ApiKey::DeleteGroups => reply(call, &group_admin::delete(call, decode(call, body)?)),
        ApiKey::OffsetDelete => reply(call, &group_admin::delete_offsets(call, decode(call, body)?)),
        ApiKey::DescribeConfigs => reply(call, &describe_configs::describe(call, decode(call, body)?)),
        ApiKey::AlterConfigs => change(call, body, alter_configs::replace),
        ApiKey::IncrementalAlterConfigs => change(call, body, alter_configs::incremental),
        ApiKey::DescribeAcls => reply(call, &cluster::describe_acls(&decode(call, body)?)),
        ApiKey::DescribeLogDirs => reply(call, &cluster::describe_log_dirs(call, decode(call, body)?)),
        ApiKey::DescribeCluster => reply(call, &cluster::describe(call, &decode(call, body)?)),
        ApiKey::CreatePartitions => change(call, body, create_partitions::create),
        ApiKey::ListConfigResources => reply(call, &config_resources::list(call, &decode(call, body)?)),
        ApiKey::DescribeTopicPartitions => {
            reply(call, &topic_partitions::describe(call, decode(call, body)?))
        }
        _ => Err(Refusal::NotServed),
    }
}

/// Serves a request that changes topics or their settings.
fn change<Q: Request, A: Encodable + HeaderVersion>(
    call: &Call<'_>,
    body: Bytes,
    handle: impl FnOnce(&Call<'_>, Q) -> A,
) -> Result<Reply, Refusal> {
    let request = decode(call, body)?;
    reply(call, &blocking(|| handle(call, request)))
}

/// Does work on many files. Such changes come one after the other, and each takes as long as the disk
/// does: two of them in the workers of the runtime, one at work and one waiting, would stop every
/// connection on a machine with two cores. So the worker hands its connections to another thread first;
/// outside of a runtime of several threads there is nobody to hand them to.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

fn decode<R: Request>(call: &Call<'_>, mut body: Bytes) -> Result<R, WireError> {
    frame::decode_request(&mut body, call.version)
}

fn reply<M: Encodable + HeaderVersion>(call: &Call<'_>, response: &M) -> Result<Reply, Refusal> {
    let frame = frame::encode_response(response, call.version, call.correlation_id)?;
    Ok(Reply::Frame(frame))
}
