//! Addresses found and replaced, against answers that the codec encodes.

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::fetch_response::{self, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponseTopic};
use kafka_protocol::messages::produce_response::{
    self, BatchIndexAndErrorMessage, LeaderIdAndEpoch, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::share_fetch_response::{self, AcquiredRecords, ShareFetchableTopicResponse};
use kafka_protocol::messages::{
    BrokerId, DescribeClusterResponse, FetchResponse, FindCoordinatorResponse, MetadataResponse,
    ProduceResponse, ResponseHeader, ShareAcknowledgeResponse, ShareFetchResponse, TopicName,
    share_acknowledge_response,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, StrBytes};
use proptest::prelude::*;

use super::*;
use crate::bounded;

fn text(text: &'static str) -> StrBytes {
    StrBytes::from_static_str(text)
}

/// An answer as a frame, with a tagged field that nobody knows in its header.
fn frame<M: Encodable + HeaderVersion>(message: &M, version: i16) -> Bytes {
    let mut header = ResponseHeader::default().with_correlation_id(7);
    if M::header_version(version) >= 1 {
        header
            .unknown_tagged_fields
            .insert(3, Bytes::from_static(b"later"));
    }
    let mut out = BytesMut::new();
    header
        .encode(&mut out, M::header_version(version))
        .expect("header");
    message.encode(&mut out, version).expect("message");
    out.freeze()
}

fn decoded<M: Decodable + HeaderVersion>(mut frame: Bytes, version: i16) -> (ResponseHeader, M) {
    let header = bounded::decode(&mut frame, M::header_version(version)).expect("header");
    let message = bounded::decode(&mut frame, version).expect("message");
    assert!(frame.is_empty(), "nothing follows the message");
    (header, message)
}

/// Rewrites the addresses of `message` and hands back what a client would decode. Checks on the way
/// that nothing changes without a change, and that the addresses found are the ones `expected`.
fn rewritten<M: Encodable + Decodable + HeaderVersion>(
    key: i16,
    version: i16,
    message: &M,
    expected: &[(i32, &str, i32)],
) -> M {
    let before = frame(message, version);
    let found = endpoints(key, version, before.clone()).expect("addresses");
    let found: Vec<_> = found.iter().map(|e| (e.node, e.host.as_str(), e.port)).collect();
    assert_eq!(found, expected, "api {key} version {version}");

    let same = &mut |endpoint: &Endpoint| (endpoint.host.clone(), endpoint.port);
    assert_eq!(rewrite(key, version, before.clone(), same).expect("same"), None);

    let other = &mut |e: &Endpoint| ("localhost.of.the.proxy".to_owned(), 40_000 + e.node);
    let after = rewrite(key, version, before.clone(), other).expect("other");
    let after = after.unwrap_or_else(|| panic!("api {key} version {version} did not change"));

    // And back again: the same bytes.
    let mut originals = expected.iter();
    let back = &mut |_: &Endpoint| {
        let &(_, host, port) = originals.next().expect("as many as before");
        (host.to_owned(), port)
    };
    let back = rewrite(key, version, after.clone(), back).expect("back");
    assert_eq!(back, Some(before), "api {key} version {version}");
    let (header, message) = decoded(after, version);
    assert_eq!(header.correlation_id, 7);
    message
}

const TWO: [(i32, &str, i32); 2] = [(1, "broker-1", 9092), (2, "10.0.0.2", 9093)];
const MOVED: StrBytes = StrBytes::from_static_str("localhost.of.the.proxy");

#[test]
fn metadata_of_every_version() {
    for version in 0..=13 {
        let broker = |(node, host, port)| {
            let broker = MetadataResponseBroker::default()
                .with_node_id(BrokerId(node))
                .with_host(text(host))
                .with_port(port);
            if version >= 1 {
                broker.with_rack(Some(text("rack")))
            } else {
                broker
            }
        };
        let mut message = MetadataResponse::default()
            .with_brokers(TWO.map(broker).into())
            .with_topics(vec![
                MetadataResponseTopic::default().with_name(Some(TopicName(text("orders")))),
            ]);
        if version >= 9 {
            message
                .unknown_tagged_fields
                .insert(5, Bytes::from_static(b"later"));
        }
        let after = rewritten(3, version, &message, &TWO);
        for (broker, (node, ..)) in message.brokers.iter_mut().zip(TWO) {
            broker.host = MOVED;
            broker.port = 40_000 + node;
        }
        assert_eq!(after, message, "version {version}");
    }
}

#[test]
fn coordinators_of_every_version_but_not_one_that_is_none() {
    for version in 0..=6 {
        let mut message = FindCoordinatorResponse::default();
        let expected: &[_] = if version < 4 {
            message = message
                .with_node_id(BrokerId(1))
                .with_host(text("broker-1"))
                .with_port(9092);
            &TWO[..1]
        } else {
            let key = |(node, host, port)| {
                Coordinator::default()
                    .with_key(text("group"))
                    .with_node_id(BrokerId(node))
                    .with_host(text(host))
                    .with_port(port)
            };
            let keys = [TWO[0], (-1, "", -1), TWO[1]].map(key);
            message = message.with_coordinators(keys.into());
            &TWO
        };
        let after = rewritten(10, version, &message, expected);
        if version < 4 {
            assert_eq!((after.host, after.port), (MOVED, 40_001));
        } else {
            let ports: Vec<_> = after.coordinators.iter().map(|c| c.port).collect();
            assert_eq!(ports, [40_001, -1, 40_002]);
        }
    }
}

#[test]
fn clusters_of_every_version() {
    for version in 0..=2 {
        let broker = |(node, host, port)| {
            DescribeClusterBroker::default()
                .with_broker_id(BrokerId(node))
                .with_host(text(host))
                .with_port(port)
        };
        let message = DescribeClusterResponse::default()
            .with_cluster_id(text("cluster"))
            .with_brokers(TWO.map(broker).into());
        let after = rewritten(60, version, &message, &TWO);
        assert!(after.brokers.iter().all(|broker| broker.host == MOVED));
    }
}

#[test]
fn leaders_that_produce_and_fetch_answers_name() {
    for version in 10..=13 {
        let endpoint = |(node, host, port)| {
            produce_response::NodeEndpoint::default()
                .with_node_id(BrokerId(node))
                .with_host(text(host))
                .with_port(port)
        };
        let partition = PartitionProduceResponse::default()
            .with_error_code(6)
            .with_record_errors(vec![
                BatchIndexAndErrorMessage::default().with_batch_index_error_message(Some(text("no"))),
            ])
            .with_error_message(Some(text("moved")))
            .with_current_leader(LeaderIdAndEpoch::default().with_leader_id(BrokerId(2)));
        let mut topic = TopicProduceResponse::default().with_partition_responses(vec![partition; 2]);
        if version < 13 {
            topic.name = TopicName(text("orders"));
        }
        let mut message = ProduceResponse::default()
            .with_responses(vec![topic])
            .with_node_endpoints(TWO.map(endpoint).into());
        message
            .unknown_tagged_fields
            .insert(5, Bytes::from_static(b"later"));
        let after = rewritten(0, version, &message, &TWO);
        for (endpoint, (node, ..)) in message.node_endpoints.iter_mut().zip(TWO) {
            endpoint.host = MOVED;
            endpoint.port = 40_000 + node;
        }
        assert_eq!(after, message, "version {version}");
    }
    for version in 16..=18 {
        let endpoint = |(node, host, port)| {
            fetch_response::NodeEndpoint::default()
                .with_node_id(BrokerId(node))
                .with_host(text(host))
                .with_port(port)
        };
        let partition = PartitionData::default()
            .with_aborted_transactions(Some(vec![Default::default(); 3]))
            .with_records(Some(Bytes::from_static(b"records")))
            .with_current_leader(fetch_response::LeaderIdAndEpoch::default().with_leader_id(BrokerId(2)));
        let topic = FetchableTopicResponse::default().with_partitions(vec![partition; 2]);
        let message = FetchResponse::default()
            .with_responses(vec![topic])
            .with_node_endpoints(TWO.map(endpoint).into());
        let after = rewritten(1, version, &message, &TWO);
        assert!(after.node_endpoints.iter().all(|e| e.host == MOVED));
        assert_eq!(after.responses, message.responses);
    }
}

#[test]
fn leaders_that_share_answers_name_also_in_the_version_the_codec_lacks() {
    let endpoint = |(node, host, port)| {
        share_fetch_response::NodeEndpoint::default()
            .with_node_id(BrokerId(node))
            .with_host(text(host))
            .with_port(port)
    };
    let partition = share_fetch_response::PartitionData::default()
        .with_error_message(Some(text("moved")))
        .with_records(Some(Bytes::from_static(b"records")))
        .with_acquired_records(vec![AcquiredRecords::default(); 2]);
    let topic = ShareFetchableTopicResponse::default().with_partitions(vec![partition]);
    let message = ShareFetchResponse::default()
        .with_responses(vec![topic])
        .with_node_endpoints(TWO.map(endpoint).into());
    let after = rewritten(78, 1, &message, &TWO);
    assert_eq!(after.responses, message.responses);
    // Version 2 has the layout of version 1.
    assert_eq!(endpoints(78, 2, frame(&message, 1)).expect("2").len(), 2);

    let endpoint = |(node, host, port)| {
        share_acknowledge_response::NodeEndpoint::default()
            .with_node_id(BrokerId(node))
            .with_host(text(host))
            .with_port(port)
    };
    let message = ShareAcknowledgeResponse::default().with_node_endpoints(TWO.map(endpoint).into());
    rewritten(79, 1, &message, &TWO);
    // Version 2 has a timeout after the error message: correlation id, tagged fields, throttle time,
    // code and message take 4 + 8 + 4 + 2 + 1 bytes.
    let mut second = BytesMut::from(&frame(&message, 1)[..]);
    let rest = second.split_off(4 + 8 + 4 + 2 + 1);
    second.put_i32(30_000);
    second.unsplit(rest);
    assert_eq!(endpoints(79, 2, second.freeze()).expect("2").len(), 2);
}

#[test]
fn versions_that_are_not_known_are_errors_and_apis_without_addresses_pass() {
    for (key, version) in [
        (3, 14),
        (3, -1),
        (10, 7),
        (60, 3),
        (0, 14),
        (1, 19),
        (78, 0),
        (79, 3),
    ] {
        assert!(may_carry(key, version) || version < 0, "{key} {version}");
        let answer = endpoints(key, version, Bytes::from_static(&[0; 64]));
        assert!(
            matches!(answer, Err(WireError::UnknownVersion { .. })),
            "{key} {version}"
        );
    }
    for (key, version) in [(0, 9), (1, 15), (18, 4), (12, 4), (68, 1), (999, 0)] {
        assert!(!may_carry(key, version), "{key} {version}");
        let answer = rewrite(key, version, Bytes::new(), &mut |_| unreachable!());
        assert_eq!(answer.expect("passes"), None);
    }
}

#[test]
fn a_host_that_does_not_fit_is_an_error() {
    let message = FindCoordinatorResponse::default()
        .with_host(text("broker-1"))
        .with_port(9092);
    let long = &mut |_: &Endpoint| ("h".repeat(40_000), 1);
    let answer = rewrite(10, 2, frame(&message, 2), long);
    assert!(matches!(answer, Err(WireError::Encode { .. })));
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer_or_an_error(
        key in prop::sample::select(vec![0i16, 1, 3, 10, 60, 78, 79]),
        version in 0i16..20,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let frame = Bytes::from(bytes);
        let mut asked = 0usize;
        let answer = rewrite(key, version, frame.clone(), &mut |endpoint| {
            asked += 1;
            (format!("{}.", endpoint.host), endpoint.port)
        });
        // An endpoint takes ten bytes at least.
        prop_assert!(asked * 10 <= frame.len());
        if let Ok(Some(after)) = answer {
            prop_assert!(after.len() >= frame.len() + asked);
        }
    }
}
