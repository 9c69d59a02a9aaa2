//! Every version that is advertised is answered in a form that decodes.

use highwater_wire::{Connection, WireError};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, ApiKey, ApiVersionsRequest, BrokerId, CreateTopicsRequest,
    DeleteTopicsRequest, ElectLeadersRequest, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest,
    LeaveGroupRequest, ListOffsetsRequest, ListPartitionReassignmentsRequest, MetadataRequest,
    OffsetCommitRequest, OffsetFetchRequest, OffsetForLeaderEpochRequest, SyncGroupRequest,
};

use crate::client::*;
use crate::running::start;
use crate::{transactional_versions, versions_admin};

type Outcome = Result<(), WireError>;

fn advertised(connection: &mut Connection) -> Vec<ApiVersion> {
    let response = connection
        .call(&ApiVersionsRequest::default(), 0)
        .expect("ApiVersions");
    assert_eq!(response.error_code, 0);
    response.api_keys
}

/// For a topic that is there and one that is not, so that both kinds of answer are encoded.
const TOPICS: [&str; 2] = ["t", "nowhere"];

/// A topic's id, none for one that is not there.
fn topic_id(connection: &mut Connection, name: &str) -> Result<uuid::Uuid, WireError> {
    let named = MetadataRequestTopic::default().with_name(Some(topic(name)));
    let request = MetadataRequest::default()
        .with_topics(Some(vec![named]))
        .with_allow_auto_topic_creation(false);
    Ok(connection.call(&request, 12)?.topics[0].topic_id)
}

fn produce_all(connection: &mut Connection, version: i16) -> Outcome {
    let junk = bytes::Bytes::from_static(b"junk");
    for (name, records) in [("t", batch(&["x"])), ("nowhere", batch(&["x"])), ("t", junk)] {
        let mut request = produce_request(name, 0, records);
        if version >= 13 {
            request.topic_data[0].topic_id = topic_id(connection, name)?;
            request.topic_data[0].name = topic("");
        }
        connection.call(&request, version)?;
    }
    Ok(())
}

fn fetch_all(connection: &mut Connection, version: i16) -> Outcome {
    for name in TOPICS {
        let mut request = fetch_request(name, 0, 0);
        if version >= 13 {
            request.topics[0].topic = topic("");
            request.topics[0].topic_id = topic_id(connection, name)?;
        }
        let response = connection.call(&request, version)?;
        let expect_records = name == "t";
        assert_eq!(
            !batches(&response.responses[0].partitions[0]).is_empty(),
            expect_records,
            "{name}"
        );
    }
    let session = fetch_request("t", 0, 0).with_session_id(if version >= 7 { 3 } else { 0 });
    connection.call(&session, version)?;
    Ok(())
}

fn list_all(connection: &mut Connection, version: i16) -> Outcome {
    for (name, timestamp) in [("t", -1), ("t", -2), ("t", 0), ("t", i64::MAX), ("nowhere", -1)] {
        let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
        let wanted = ListOffsetsTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition]);
        connection.call(&ListOffsetsRequest::default().with_topics(vec![wanted]), version)?;
    }
    Ok(())
}

fn metadata_all(connection: &mut Connection, version: i16) -> Outcome {
    for name in TOPICS {
        let wanted = MetadataRequestTopic::default().with_name(Some(topic(name)));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![wanted]))
            .with_allow_auto_topic_creation(version < 4);
        connection.call(&request, version)?;
    }
    let all = MetadataRequest::default().with_topics((version == 0).then(Vec::new));
    assert!(!connection.call(&all, version)?.topics.is_empty(), "all topics");
    Ok(())
}

fn commit_all(connection: &mut Connection, version: i16) -> Outcome {
    for name in TOPICS {
        let partition = OffsetCommitRequestPartition::default().with_committed_offset(1);
        let wanted = OffsetCommitRequestTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition]);
        let request = OffsetCommitRequest::default()
            .with_group_id(group("versions"))
            .with_generation_id_or_member_epoch(-1)
            .with_topics(vec![wanted]);
        connection.call(&request, version)?;
    }
    Ok(())
}

fn offset_fetch_all(connection: &mut Connection, version: i16) -> Outcome {
    for name in TOPICS {
        let request = if version >= 8 {
            let wanted = OffsetFetchRequestTopics::default()
                .with_name(topic(name))
                .with_partition_indexes(vec![0]);
            let wanted = OffsetFetchRequestGroup::default()
                .with_group_id(group("versions"))
                .with_topics(Some(vec![wanted]));
            OffsetFetchRequest::default().with_groups(vec![wanted])
        } else {
            let wanted = OffsetFetchRequestTopic::default()
                .with_name(topic(name))
                .with_partition_indexes(vec![0]);
            OffsetFetchRequest::default()
                .with_group_id(group("versions"))
                .with_topics(Some(vec![wanted]))
        };
        connection.call(&request, version)?;
    }
    Ok(())
}

fn find_all(connection: &mut Connection, version: i16) -> Outcome {
    let good = if version >= 4 {
        FindCoordinatorRequest::default().with_coordinator_keys(vec![text("g"), text("")])
    } else {
        FindCoordinatorRequest::default().with_key(text("g"))
    };
    connection.call(&good, version)?;
    if version < 4 {
        connection.call(&FindCoordinatorRequest::default(), version)?;
    }
    Ok(())
}

fn join_all(connection: &mut Connection, version: i16) -> Outcome {
    let protocol = JoinGroupRequestProtocol::default().with_name(text("range"));
    let mut request = JoinGroupRequest::default()
        .with_group_id(group(&format!("join-{version}")))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(vec![protocol]);
    let mut joined = connection.call(&request, version)?;
    if version >= 4 {
        let code = ResponseError::try_from_code(joined.error_code);
        assert_eq!(code, Some(ResponseError::MemberIdRequired));
        request.member_id = joined.member_id;
        joined = connection.call(&request, version)?;
    }
    assert_eq!((joined.error_code, joined.generation_id), (0, 1));
    request.member_id = text("stranger");
    let refused = connection.call(&request, version)?;
    assert_eq!(refused.error_code, ResponseError::UnknownMemberId.code());
    Ok(())
}

fn leave_all(connection: &mut Connection, version: i16) -> Outcome {
    let request = LeaveGroupRequest::default().with_group_id(group("nobody"));
    let request = if version >= 3 {
        request.with_members(vec![MemberIdentity::default().with_member_id(text("m"))])
    } else {
        request.with_member_id(text("m"))
    };
    connection.call(&request, version)?;
    Ok(())
}

fn create_all(connection: &mut Connection, version: i16) -> Outcome {
    for name in ["t".to_owned(), format!("created-{version}")] {
        let wanted = CreatableTopic::default()
            .with_name(topic(&name))
            .with_num_partitions(1)
            .with_replication_factor(1)
            .with_configs(vec![
                CreatableTopicConfig::default()
                    .with_name(text("retention.ms"))
                    .with_value(Some(text("-1"))),
            ]);
        connection.call(&CreateTopicsRequest::default().with_topics(vec![wanted]), version)?;
    }
    Ok(())
}

fn delete_all(connection: &mut Connection, version: i16) -> Outcome {
    create_topic(connection, "doomed", 1);
    for name in ["doomed", "nowhere at all"] {
        let request = if version >= 6 {
            let wanted = DeleteTopicState::default().with_name(Some(topic(name)));
            DeleteTopicsRequest::default().with_topics(vec![wanted])
        } else {
            DeleteTopicsRequest::default().with_topic_names(vec![topic(name)])
        };
        connection.call(&request, version)?;
    }
    Ok(())
}

fn epoch_all(connection: &mut Connection, version: i16) -> Outcome {
    for name in TOPICS {
        let wanted = OffsetForLeaderTopic::default()
            .with_topic(topic(name))
            .with_partitions(vec![OffsetForLeaderPartition::default()]);
        let request = OffsetForLeaderEpochRequest::default().with_topics(vec![wanted]);
        connection.call(&request, version)?;
    }
    Ok(())
}

fn reassign_all(connection: &mut Connection, version: i16) -> Outcome {
    for name in TOPICS {
        let partition = ReassignablePartition::default().with_replicas(Some(vec![BrokerId(1)]));
        let wanted = ReassignableTopic::default()
            .with_name(topic(name))
            .with_partitions(vec![partition]);
        let request = AlterPartitionReassignmentsRequest::default().with_topics(vec![wanted]);
        connection.call(&request, version)?;
    }
    Ok(())
}

fn exercise(connection: &mut Connection, api: ApiKey, version: i16) -> Outcome {
    match api {
        ApiKey::Produce => produce_all(connection, version),
        ApiKey::Fetch => fetch_all(connection, version),
        ApiKey::ListOffsets => list_all(connection, version),
        ApiKey::Metadata => metadata_all(connection, version),
        ApiKey::OffsetCommit => commit_all(connection, version),
        ApiKey::OffsetFetch => offset_fetch_all(connection, version),
        ApiKey::FindCoordinator => find_all(connection, version),
        ApiKey::JoinGroup => join_all(connection, version),
        ApiKey::SyncGroup => connection.call(&SyncGroupRequest::default(), version).map(drop),
        ApiKey::Heartbeat => connection.call(&HeartbeatRequest::default(), version).map(drop),
        ApiKey::LeaveGroup => leave_all(connection, version),
        ApiKey::ApiVersions => {
            let request = ApiVersionsRequest::default();
            connection.call(&request, version).map(drop)
        }
        ApiKey::CreateTopics => create_all(connection, version),
        ApiKey::DeleteTopics => delete_all(connection, version),
        ApiKey::OffsetForLeaderEpoch => epoch_all(connection, version),
        ApiKey::ElectLeaders => {
            let all = ElectLeadersRequest::default().with_topic_partitions(None);
            connection.call(&all, version).map(drop)
        }
        ApiKey::AlterPartitionReassignments => reassign_all(connection, version),
        ApiKey::ListPartitionReassignments => {
            let all = ListPartitionReassignmentsRequest::default().with_topics(None);
            connection.call(&all, version).map(drop)
        }
        ApiKey::InitProducerId
        | ApiKey::AddPartitionsToTxn
        | ApiKey::AddOffsetsToTxn
        | ApiKey::TxnOffsetCommit
        | ApiKey::EndTxn
        | ApiKey::WriteTxnMarkers
        | ApiKey::DescribeTransactions
        | ApiKey::ListTransactions
        | ApiKey::DescribeProducers => transactional_versions::exercise(connection, api, version),
        other => versions_admin::exercise(connection, other, version),
    }
}

#[test]
fn every_advertised_version_is_answered() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    produce(&mut connection, "t", 0, batch(&["x"]));
    let apis = advertised(&mut connection);
    assert!(apis.len() >= 16, "{apis:?}");
    for entry in apis {
        let api = ApiKey::try_from(entry.api_key).expect("a known api");
        for version in entry.min_version..=entry.max_version {
            if let Err(error) = exercise(&mut connection, api, version) {
                panic!(
                    "{api:?} version {version}: {error}: {:?}",
                    std::error::Error::source(&error)
                );
            }
        }
    }
}

#[test]
fn versions_that_are_not_served_close_the_connection_except_for_api_versions() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    // An ApiVersions request of version 90 from client "x", in the flexible header.
    connection
        .send_raw(b"\x00\x00\x00\x0d\x00\x12\x00\x5a\x00\x00\x00\x07\x00\x01x\x00\x00")
        .expect("sent");
    let answer = connection.receive_raw().expect("an answer in version 0");
    let response =
        highwater_wire::frame::decode_response::<ApiVersionsRequest>(answer, 0, 7).expect("decodes");
    let unsupported = ResponseError::UnsupportedVersion.code();
    assert_eq!(response.error_code, unsupported);
    assert!(!response.api_keys.is_empty(), "with the list");
    assert_eq!(
        advertised(&mut connection).len(),
        response.api_keys.len(),
        "the connection is usable"
    );
    let new = connection.call(&ListOffsetsRequest::default(), 9);
    assert!(matches!(new, Err(WireError::Io { .. })), "{new:?}");
}
