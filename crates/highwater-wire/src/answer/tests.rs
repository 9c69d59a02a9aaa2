//! Refusals of every API and version, and answers altered.

use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{
    FetchRequest, FetchResponse, FindCoordinatorRequest, FindCoordinatorResponse, MetadataResponse,
    ProduceRequest, ProduceResponse, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, StrBytes};

use super::*;
use crate::addresses::Endpoint;

fn header(api_key: i16, api_version: i16) -> RequestHeader {
    RequestHeader {
        api_key,
        api_version,
        correlation_id: 42,
        client_id: None,
    }
}

pub(super) fn body<M: Encodable>(message: &M, version: i16) -> Bytes {
    let mut out = BytesMut::new();
    message.encode(&mut out, version).expect("encodes");
    out.freeze()
}

pub(super) fn decoded<M: Decodable + HeaderVersion>(mut frame: Bytes, version: i16) -> M {
    let header: ResponseHeader = bounded::decode(&mut frame, M::header_version(version)).expect("header");
    assert_eq!(header.correlation_id, 42);
    let message = bounded::decode(&mut frame, version).expect("message");
    assert!(frame.is_empty(), "nothing follows the message");
    message
}

fn produce(acks: i16) -> ProduceRequest {
    let partition = |index| PartitionProduceData::default().with_index(index);
    ProduceRequest::default().with_acks(acks).with_topic_data(vec![
        TopicProduceData::default()
            .with_name(TopicName(StrBytes::from_static_str("orders")))
            .with_partition_data(vec![partition(0), partition(3)]),
    ])
}

#[test]
fn produce_is_refused_for_every_partition() {
    for version in 3..=12 {
        let answer = error(&header(0, version), body(&produce(-1), version), 6).expect("answer");
        let answer: ProduceResponse = decoded(answer, version);
        let partitions: Vec<_> = answer.responses[0]
            .partition_responses
            .iter()
            .map(|partition| (partition.index, partition.error_code, partition.base_offset))
            .collect();
        assert_eq!(partitions, [(0, 6, -1), (3, 6, -1)], "version {version}");
    }
}

#[test]
fn produce_without_acknowledgement_has_no_answer() {
    for version in 3..=12 {
        let answer = error(&header(0, version), body(&produce(0), version), 6);
        assert!(matches!(answer, Err(WireError::NoAnswer)), "version {version}");
    }
}

#[test]
fn find_coordinator_is_refused_for_every_key() {
    let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![
        StrBytes::from_static_str("a"),
        StrBytes::from_static_str("b"),
    ]);
    let answer = error(&header(10, 4), body(&request, 4), 15).expect("answer");
    let answer: FindCoordinatorResponse = decoded(answer, 4);
    let codes: Vec<_> = answer.coordinators.iter().map(|c| c.error_code).collect();
    assert_eq!(codes, [15, 15]);
}

#[test]
fn a_fetch_that_names_no_partition_gets_one_code() {
    let answer = error(&header(1, 12), body(&FetchRequest::default(), 12), 6).expect("answer");
    let answer: FetchResponse = decoded(answer, 12);
    assert_eq!((answer.error_code, answer.session_id), (6, 0));
}

/// Codes for each topic, group or entry have no place in the answer to a request without any, and
/// these have one code only from some version on.
const NO_PLACE_FOR_A_CODE: &[&str] = &[
    "AddPartitionsToTxn",
    "AlterClientQuotas",
    "AlterConfigs",
    "AlterReplicaLogDirs",
    "AlterUserScramCredentials",
    "ConsumerGroupDescribe",
    "CreateAcls",
    "CreatePartitions",
    "CreateTopics",
    "DeleteAcls",
    "DeleteGroups",
    "DeleteRecords",
    "DeleteShareGroupState",
    "DeleteTopics",
    "DescribeConfigs",
    "DescribeGroups",
    "DescribeLogDirs",
    "DescribeProducers",
    "DescribeShareGroupOffsets",
    "DescribeTopicPartitions",
    "DescribeTransactions",
    "ElectLeaders",
    "Fetch",
    "FindCoordinator",
    "IncrementalAlterConfigs",
    "InitializeShareGroupState",
    "ListOffsets",
    "Metadata",
    "OffsetCommit",
    "OffsetFetch",
    "OffsetForLeaderEpoch",
    "Produce",
    "ReadShareGroupState",
    "ReadShareGroupStateSummary",
    "ShareGroupDescribe",
    "TxnOffsetCommit",
    "WriteShareGroupState",
    "WriteTxnMarkers",
];

#[test]
fn every_api_of_the_codec_is_refused_in_every_version() {
    let mut without_a_code = std::collections::BTreeSet::new();
    for api in ApiKey::iter() {
        let (request, decode) = empty_request_and_decoder(api);
        let versions = api.valid_versions();
        for version in versions.min..=versions.max {
            let key = api as i16;
            let by_hand = matches!((key, version), (9, 10) | (8, 10) | (22, 6));
            // A request without anything in it has acks=0.
            let body = match key {
                0 => body(&ProduceRequest::default().with_acks(1), version),
                _ if by_hand => Bytes::from_static(&[1; 24]),
                _ => request(version),
            };
            let answer = error(&header(key, version), body, 58)
                .unwrap_or_else(|error| panic!("{api:?} {version}: {error}"));
            let text = decode(answer, version);
            if !text.contains("error_code: 58") {
                without_a_code.insert(format!("{api:?}"));
            }
        }
    }
    assert_eq!(Vec::from_iter(without_a_code), NO_PLACE_FOR_A_CODE);
}

#[test]
fn what_is_not_known_is_an_error() {
    for (key, version) in [(0, 14), (1, 19), (3, 14), (999, 0), (88, 1), (27, 2)] {
        let answer = error(&header(key, version), Bytes::from_static(&[0; 64]), 7);
        let unknown = matches!(answer, Err(WireError::UnknownVersion { .. }));
        assert!(unknown, "{key} {version}: {answer:?}");
    }
}

#[test]
fn versions_of_api_versions_that_nobody_knows_are_answered_in_version_0() {
    for (version, code) in [(3, 35), (4, 35), (5, 35), (99, 7)] {
        let answer = error(&header(18, version), Bytes::new(), code).expect("answer");
        let answer: ApiVersionsResponse = decoded(answer, 0);
        assert_eq!(answer.error_code, code);
    }
}

fn produced() -> ProduceResponse {
    let partition = |index, offset| {
        PartitionProduceResponse::default()
            .with_index(index)
            .with_base_offset(offset)
    };
    let mut answer = ProduceResponse::default().with_responses(vec![
        TopicProduceResponse::default()
            .with_name(TopicName(StrBytes::from_static_str("orders")))
            .with_partition_responses(vec![partition(0, 10), partition(1, 2), partition(2, -1)]),
    ]);
    answer
        .unknown_tagged_fields
        .insert(3, Bytes::from_static(b"later"));
    answer
}

fn offsets(answer: &ProduceResponse) -> Vec<i64> {
    let partitions = &answer.responses[0].partition_responses;
    partitions.iter().map(|partition| partition.base_offset).collect()
}

#[test]
fn offsets_are_shifted_where_it_is_meant_and_not_below_0() {
    let frame = frame::encode_response(&produced(), 9, 42)
        .map(without_length)
        .expect("frame");
    let shifted = |of: &dyn Fn(&str, i32) -> bool, delta| {
        let answer = with_offset_delta(0, 9, frame.clone(), delta, of).expect("shifted");
        decoded::<ProduceResponse>(answer, 9)
    };
    let first = shifted(&|topic, partition| topic == "orders" && partition == 0, 5);
    assert_eq!(offsets(&first), [15, 2, -1]);
    assert_eq!(first.unknown_tagged_fields, produced().unknown_tagged_fields);
    assert_eq!(offsets(&shifted(&|_, _| true, -4)), [6, 0, -1]);
    let nothing = with_offset_delta(0, 9, frame.clone(), 5, &|topic, _| topic == "others");
    assert_eq!(nothing.expect("as it came"), frame);
    let other = with_offset_delta(12, 4, frame, 5, &|_, _| true);
    assert!(matches!(other, Err(WireError::UnknownVersion { .. })));
}

#[test]
fn a_code_takes_the_offset_of_its_partition_and_no_other() {
    let frame = frame::encode_response(&produced(), 9, 42)
        .map(without_length)
        .expect("frame");
    let answer = with_error(0, 9, frame, 19, &|_, partition| partition == 1).expect("answer");
    let answer: ProduceResponse = decoded(answer, 9);
    assert_eq!(offsets(&answer), [10, -1, -1]);
    let partitions = &answer.responses[0].partition_responses;
    let codes: Vec<_> = partitions.iter().map(|partition| partition.error_code).collect();
    assert_eq!(codes, [0, 19, 0]);
}

#[test]
fn a_coordinator_is_named_anew_unless_there_is_none() {
    let to = Endpoint {
        node: 3,
        host: "elsewhere".to_owned(),
        port: 9094,
    };
    for version in 0..=6 {
        let mut answer = FindCoordinatorResponse::default();
        if version < 4 {
            answer.port = 9092;
        } else {
            answer.coordinators = vec![
                Coordinator::default().with_port(9092),
                Coordinator::default().with_error_code(15).with_port(-1),
            ];
        }
        let frame = frame::encode_response(&answer, version, 42).map(without_length);
        let moved = with_coordinators(version, frame.expect("frame"), &mut |_, _| Some(to.clone()));
        let moved = moved.expect("moved");
        let moved: FindCoordinatorResponse = decoded(moved, version);
        let ports: Vec<_> = moved.coordinators.iter().map(|c| c.port).collect();
        let expected: (i32, &[i32]) = if version < 4 {
            (9094, &[])
        } else {
            (0, &[9094, -1])
        };
        assert_eq!((moved.port, &ports[..]), expected, "version {version}");
    }
}

#[test]
fn brokers_are_added_that_are_not_listed() {
    let listed = MetadataResponseBroker::default()
        .with_node_id(1.into())
        .with_port(9092);
    let answer = MetadataResponse::default().with_brokers(vec![listed]);
    let broker = |node| Endpoint {
        node,
        host: "stand-in".to_owned(),
        port: 9999,
    };
    for version in 0..=13 {
        let frame = frame::encode_response(&answer, version, 42).map(without_length);
        let more = with_brokers(version, frame.expect("frame"), &[broker(1), broker(7)]);
        let more: MetadataResponse = decoded(more.expect("answer"), version);
        let brokers: Vec<_> = more.brokers.iter().map(|one| (one.node_id.0, one.port)).collect();
        assert_eq!(brokers, [(1, 9092), (7, 9999)], "version {version}");
    }
}

/// A topic with one partition that `leader` leads.
fn led(topic: &'static str, leader: i32, epoch: i32) -> MetadataResponseTopic {
    let partition = MetadataResponsePartition::default()
        .with_leader_id(leader.into())
        .with_leader_epoch(epoch);
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_static_str(topic))))
        .with_partitions(vec![partition])
}

#[test]
fn metadata_stays_as_first_seen_whatever_else_is_asked_for() {
    let lost = MetadataResponseTopic::default()
        .with_error_code(3)
        .with_name(Some(TopicName(StrBytes::from_static_str("a"))));
    // Answers one after the other, in which a version; what is told of leaders.
    let cases = [
        ("first seen", 12, vec![led("a", 1, 4)], vec![(0, 1)]),
        ("moved", 12, vec![led("a", 2, 5)], vec![(0, 1)]),
        (
            "beside a new one",
            13,
            vec![led("b", 2, 0), led("a", 2, 5)],
            vec![(0, 2), (0, 1)],
        ),
        ("in an old version", 1, vec![led("a", 2, 5)], vec![(0, 1)]),
        ("deleted", 12, vec![lost], vec![(0, 1)]),
        ("beyond the limit", 12, vec![led("c", 1, 0)], vec![(0, 1)]),
        ("never kept", 12, vec![led("c", 2, 0)], vec![(0, 2)]),
    ];
    let mut seen = SeenMetadata::default();
    for (name, version, topics, expected) in cases {
        let answer = MetadataResponse::default().with_topics(topics);
        let frame = frame::encode_response(&answer, version, 42).map(without_length);
        let told = seen.older(version, frame.expect("frame"), 2).expect("answer");
        let told: MetadataResponse = decoded(told, version);
        let leaders: Vec<_> = told
            .topics
            .iter()
            .map(|topic| (topic.error_code, topic.partitions[0].leader_id.0))
            .collect();
        assert_eq!(leaders, expected, "{name}");
    }
}

#[test]
fn an_answer_without_hints_still_has_its_errors() {
    let partition = PartitionProduceResponse::default()
        .with_error_code(6)
        .with_current_leader(
            LeaderIdAndEpoch::default()
                .with_leader_id(2.into())
                .with_leader_epoch(5),
        );
    let topic = TopicProduceResponse::default().with_partition_responses(vec![partition]);
    let node = NodeEndpoint::default().with_node_id(2.into()).with_port(9092);
    let answer = ProduceResponse::default()
        .with_responses(vec![topic])
        .with_node_endpoints(vec![node]);
    for version in 10..=13 {
        let frame = frame::encode_response(&answer, version, 42).map(without_length);
        let told = without_leader_hints(0, version, frame.expect("frame")).expect("answer");
        let told: ProduceResponse = decoded(told, version);
        assert!(told.node_endpoints.is_empty(), "version {version}");
        let partition = &told.responses[0].partition_responses[0];
        let leader = partition.current_leader.leader_id.0;
        assert_eq!((partition.error_code, leader), (6, -1), "version {version}");
    }
}
