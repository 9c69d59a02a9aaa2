//! APIs whose answer has one error code for all of it.
//!
//! Invariant: what an answer of this kind says besides its error code is what Kafka's own defaults
//! say (no member, no producer id, no topics). APIs with a code for each thing asked are elsewhere.

use kafka_protocol::messages::*;
use kafka_protocol::protocol::StrBytes;

use super::Refused;

macro_rules! one_code {
    ($($request:ident),* $(,)?) => {
        $(impl Refused for $request {
            fn refused(self, _version: i16, error: i16) -> Self::Response {
                Self::Response::default().with_error_code(error)
            }
        })*
    };
}

one_code!(
    AddOffsetsToTxnRequest,
    AllocateProducerIdsRequest,
    AlterPartitionRequest,
    AlterShareGroupOffsetsRequest,
    ApiVersionsRequest,
    AssignReplicasToDirsRequest,
    BeginQuorumEpochRequest,
    BrokerHeartbeatRequest,
    BrokerRegistrationRequest,
    ConsumerGroupHeartbeatRequest,
    CreateDelegationTokenRequest,
    DeleteShareGroupOffsetsRequest,
    DescribeClusterRequest,
    DescribeDelegationTokenRequest,
    DescribeQuorumRequest,
    EndQuorumEpochRequest,
    EndTxnRequest,
    EnvelopeRequest,
    ExpireDelegationTokenRequest,
    FetchSnapshotRequest,
    GetTelemetrySubscriptionsRequest,
    HeartbeatRequest,
    LeaveGroupRequest,
    ListConfigResourcesRequest,
    ListGroupsRequest,
    ListTransactionsRequest,
    OffsetDeleteRequest,
    PushTelemetryRequest,
    RenewDelegationTokenRequest,
    SaslHandshakeRequest,
    ShareAcknowledgeRequest,
    ShareFetchRequest,
    ShareGroupHeartbeatRequest,
    SyncGroupRequest,
    UpdateRaftVoterRequest,
    VoteRequest,
);

/// As above, with a message that is empty by default: null lets clients say what the code means.
macro_rules! one_code_without_message {
    ($($request:ident),* $(,)?) => {
        $(impl Refused for $request {
            fn refused(self, _version: i16, error: i16) -> Self::Response {
                Self::Response::default()
                    .with_error_code(error)
                    .with_error_message(None)
            }
        })*
    };
}

one_code_without_message!(
    AddRaftVoterRequest,
    AlterPartitionReassignmentsRequest,
    ControllerRegistrationRequest,
    DescribeAclsRequest,
    DescribeClientQuotasRequest,
    DescribeUserScramCredentialsRequest,
    ListPartitionReassignmentsRequest,
    RemoveRaftVoterRequest,
    SaslAuthenticateRequest,
    UnregisterBrokerRequest,
    UpdateFeaturesRequest,
);

impl Refused for InitProducerIdRequest {
    fn refused(self, _version: i16, error: i16) -> InitProducerIdResponse {
        InitProducerIdResponse::default()
            .with_error_code(error)
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
    }
}

impl Refused for JoinGroupRequest {
    fn refused(self, version: i16, error: i16) -> JoinGroupResponse {
        let answer = JoinGroupResponse::default()
            .with_error_code(error)
            .with_generation_id(-1);
        if version < 7 {
            return answer.with_protocol_name(Some(StrBytes::default()));
        }
        answer.with_protocol_name(None)
    }
}

impl Refused for DescribeLogDirsRequest {
    fn refused(self, version: i16, error: i16) -> DescribeLogDirsResponse {
        let answer = DescribeLogDirsResponse::default();
        if version < 3 {
            answer
        } else {
            answer.with_error_code(error)
        }
    }
}
