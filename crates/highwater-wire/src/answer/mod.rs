//! Answers that the cluster did not give: a request refused as a broker would, or an answer altered.
//!
//! ```text
//! request ─▶ error ─▶ what Kafka answers when everything the request asks for fails with this code
//! answer ─▶ with_error, with_offset_delta, with_coordinators, … ─▶ the same answer, one thing altered
//! ```
//!
//! Invariant: an answer made here decodes in the version of the request and covers everything that
//! the request asked for; tagged fields of an answer that is altered stay. It does not decide whom to
//! answer how, and keeps no session: a refused Fetch ends the client's fetch session.
//!
//! All frames are contents without their length prefix.

mod admin;
mod altered;
mod by_hand;
mod cluster;
mod data;
mod groups;
mod plain;
mod security;
mod share;
#[cfg(test)]
mod tests;
mod topics;
mod transactions;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, ApiVersionsResponse};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Request};

pub use altered::{
    SeenMetadata, with_brokers, with_coordinators, with_error, with_offset_delta, without_leader_hints,
};

use crate::error::WireError;
use crate::frame::{self, LENGTH_BYTES, RequestHeader};
use crate::{api, bounded};

/// A request that knows the answer in which everything it asks for failed.
trait Refused: Request {
    /// The answer of `version` with this error code, as Kafka's own `getErrorResponse`.
    fn refused(self, version: i16, error: i16) -> Self::Response;
}

/// What a broker answers to this request when all of it fails with `error`: every topic and partition
/// that was asked for has the code, or every key, group or member, or the answer as a whole where it
/// has one code only. A version of ApiVersions that is refused with `UNSUPPORTED_VERSION` gets an
/// answer of version 0 (KIP-511).
///
/// # Errors
/// [`WireError::NoAnswer`] for a Produce request with acks=0; [`WireError::UnknownVersion`] for an
/// API or version that is not known here; [`WireError::Decode`] for a body that is not of this version.
pub fn error(header: &RequestHeader, body: Bytes, error: i16) -> Result<Bytes, WireError> {
    if let Some(answer) = by_hand::error(header, &body, error)? {
        return Ok(answer);
    }
    let unknown = || WireError::UnknownVersion {
        message: api::name(header.api_key).unwrap_or("request"),
        version: header.api_version,
    };
    let api = header.api().ok_or_else(unknown)?;
    let versions = api.valid_versions();
    let known = (versions.min..=versions.max).contains(&header.api_version);
    if api == ApiKey::ApiVersions && (!known || error == UNSUPPORTED_VERSION) {
        let answer = ApiVersionsResponse::default().with_error_code(error);
        return encode(&answer, 0, header.correlation_id);
    }
    if !known {
        return Err(unknown());
    }
    dispatch(api, header, body, error)
}

/// `UNSUPPORTED_VERSION`.
const UNSUPPORTED_VERSION: i16 = 35;

fn answer<R: Refused>(header: &RequestHeader, mut body: Bytes, error: i16) -> Result<Bytes, WireError>
where
    R::Response: Encodable + HeaderVersion,
{
    let request: R = bounded::decode(&mut body, header.api_version)?;
    let answer = request.refused(header.api_version, error);
    encode(&answer, header.api_version, header.correlation_id)
}

fn encode<M: Encodable + HeaderVersion>(
    message: &M,
    version: i16,
    correlation_id: i32,
) -> Result<Bytes, WireError> {
    frame::encode_response(message, version, correlation_id).map(without_length)
}

fn without_length(mut frame: BytesMut) -> Bytes {
    frame.advance(LENGTH_BYTES);
    frame.freeze()
}

/// Every API that the codec has.
macro_rules! dispatch {
    ($($api:ident => $request:ident),* $(,)?) => {
        fn dispatch(api: ApiKey, header: &RequestHeader, body: Bytes, error: i16) -> Result<Bytes, WireError> {
            match api {
                $(ApiKey::$api => answer::<kafka_protocol::messages::$request>(header, body, error),)*
            }
        }

        /// A request with nothing in it, and what remains of an answer to it after decoding.
        #[cfg(test)]
        fn empty_request_and_decoder(api: ApiKey) -> (fn(i16) -> Bytes, fn(Bytes, i16) -> String) {
            match api {
                $(ApiKey::$api => (
                    |version| tests::body(&kafka_protocol::messages::$request::default(), version),
                    |frame, version| {
                        let message: <kafka_protocol::messages::$request as Request>::Response =
                            tests::decoded(frame, version);
                        format!("{message:?}")
                    },
                ),)*
            }
        }
    };
}

dispatch! {
    Produce => ProduceRequest,
    Fetch => FetchRequest,
    ListOffsets => ListOffsetsRequest,
    Metadata => MetadataRequest,
    OffsetCommit => OffsetCommitRequest,
    OffsetFetch => OffsetFetchRequest,
    FindCoordinator => FindCoordinatorRequest,
    JoinGroup => JoinGroupRequest,
    Heartbeat => HeartbeatRequest,
    LeaveGroup => LeaveGroupRequest,
    SyncGroup => SyncGroupRequest,
    DescribeGroups => DescribeGroupsRequest,
    ListGroups => ListGroupsRequest,
    SaslHandshake => SaslHandshakeRequest,
    ApiVersions => ApiVersionsRequest,
    CreateTopics => CreateTopicsRequest,
    DeleteTopics => DeleteTopicsRequest,
    DeleteRecords => DeleteRecordsRequest,
    InitProducerId => InitProducerIdRequest,
    OffsetForLeaderEpoch => OffsetForLeaderEpochRequest,
    AddPartitionsToTxn => AddPartitionsToTxnRequest,
    AddOffsetsToTxn => AddOffsetsToTxnRequest,
    EndTxn => EndTxnRequest,
    WriteTxnMarkers => WriteTxnMarkersRequest,
    TxnOffsetCommit => TxnOffsetCommitRequest,
    DescribeAcls => DescribeAclsRequest,
    CreateAcls => CreateAclsRequest,
    DeleteAcls => DeleteAclsRequest,
    DescribeConfigs => DescribeConfigsRequest,
    AlterConfigs => AlterConfigsRequest,
    AlterReplicaLogDirs => AlterReplicaLogDirsRequest,
    DescribeLogDirs => DescribeLogDirsRequest,
    SaslAuthenticate => SaslAuthenticateRequest,
    CreatePartitions => CreatePartitionsRequest,
    CreateDelegationToken => CreateDelegationTokenRequest,
    RenewDelegationToken => RenewDelegationTokenRequest,
    ExpireDelegationToken => ExpireDelegationTokenRequest,
    DescribeDelegationToken => DescribeDelegationTokenRequest,
    DeleteGroups => DeleteGroupsRequest,
    ElectLeaders => ElectLeadersRequest,
    IncrementalAlterConfigs => IncrementalAlterConfigsRequest,
    AlterPartitionReassignments => AlterPartitionReassignmentsRequest,
    ListPartitionReassignments => ListPartitionReassignmentsRequest,
    OffsetDelete => OffsetDeleteRequest,
    DescribeClientQuotas => DescribeClientQuotasRequest,
    AlterClientQuotas => AlterClientQuotasRequest,
    DescribeUserScramCredentials => DescribeUserScramCredentialsRequest,
    AlterUserScramCredentials => AlterUserScramCredentialsRequest,
    Vote => VoteRequest,
    BeginQuorumEpoch => BeginQuorumEpochRequest,
    EndQuorumEpoch => EndQuorumEpochRequest,
    DescribeQuorum => DescribeQuorumRequest,
    AlterPartition => AlterPartitionRequest,
    UpdateFeatures => UpdateFeaturesRequest,
    Envelope => EnvelopeRequest,
    FetchSnapshot => FetchSnapshotRequest,
    DescribeCluster => DescribeClusterRequest,
    DescribeProducers => DescribeProducersRequest,
    BrokerRegistration => BrokerRegistrationRequest,
    BrokerHeartbeat => BrokerHeartbeatRequest,
    UnregisterBroker => UnregisterBrokerRequest,
    DescribeTransactions => DescribeTransactionsRequest,
    ListTransactions => ListTransactionsRequest,
    AllocateProducerIds => AllocateProducerIdsRequest,
    ConsumerGroupHeartbeat => ConsumerGroupHeartbeatRequest,
    ConsumerGroupDescribe => ConsumerGroupDescribeRequest,
    ControllerRegistration => ControllerRegistrationRequest,
    GetTelemetrySubscriptions => GetTelemetrySubscriptionsRequest,
    PushTelemetry => PushTelemetryRequest,
    AssignReplicasToDirs => AssignReplicasToDirsRequest,
    ListConfigResources => ListConfigResourcesRequest,
    DescribeTopicPartitions => DescribeTopicPartitionsRequest,
    ShareGroupHeartbeat => ShareGroupHeartbeatRequest,
    ShareGroupDescribe => ShareGroupDescribeRequest,
    ShareFetch => ShareFetchRequest,
    ShareAcknowledge => ShareAcknowledgeRequest,
    AddRaftVoter => AddRaftVoterRequest,
    RemoveRaftVoter => RemoveRaftVoterRequest,
    UpdateRaftVoter => UpdateRaftVoterRequest,
    InitializeShareGroupState => InitializeShareGroupStateRequest,
    ReadShareGroupState => ReadShareGroupStateRequest,
    WriteShareGroupState => WriteShareGroupStateRequest,
    DeleteShareGroupState => DeleteShareGroupStateRequest,
    ReadShareGroupStateSummary => ReadShareGroupStateSummaryRequest,
    DescribeShareGroupOffsets => DescribeShareGroupOffsetsRequest,
    AlterShareGroupOffsets => AlterShareGroupOffsetsRequest,
    DeleteShareGroupOffsets => DeleteShareGroupOffsetsRequest,
}
