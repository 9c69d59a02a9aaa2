//! Recorded traffic of real clients and Apache Kafka 4.3.1 (`traffic/README.md`): nothing is lost
//! between decoding and encoding, and nothing but addresses changes when addresses are rewritten.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use highwater_wire::addresses::{Endpoint, endpoints, may_carry, rewrite};
use highwater_wire::frame::RequestHeader;
use highwater_wire::{WireError, answer, api, bounded};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Message};
use proptest::prelude::*;

/// One frame as it was recorded.
#[derive(Clone)]
struct Recorded {
    client: String,
    request: bool,
    key: i16,
    version: i16,
    content: Bytes,
}

impl Recorded {
    fn name(&self) -> String {
        let way = if self.request { "request" } else { "answer" };
        let api = api::name(self.key).unwrap_or("?");
        format!("{api} {} {way}", self.version)
    }

    /// The version an answer is written in: a version of ApiVersions that the broker does not have is
    /// answered in version 0 (KIP-511).
    fn written_as(&self) -> i16 {
        if !self.request && self.key == 18 && self.version > 4 {
            0
        } else {
            self.version
        }
    }
}

fn recorded() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traffic");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("folder of recorded traffic")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "frames"))
        .collect();
    files.sort();
    let mut frames = Vec::new();
    for path in files {
        let client = path.file_stem().expect("name").to_string_lossy().into_owned();
        let mut rest = Bytes::from(std::fs::read(&path).expect("file"));
        while !rest.is_empty() {
            let front = rest.split_to(9);
            let number = |at: usize| i16::from_be_bytes([front[at], front[at + 1]]);
            let length = u32::from_be_bytes([front[5], front[6], front[7], front[8]]);
            frames.push(Recorded {
                client: client.clone(),
                request: front[0] == b'>',
                key: number(1),
                version: number(3),
                content: rest.split_to(length as usize),
            });
        }
    }
    frames
}

/// What the codec makes of a frame: the same bytes again, and the message as text. `None` when it
/// lacks the version.
fn through_codec(frame: &Recorded) -> Option<(Bytes, String)> {
    macro_rules! table {
        ($($request:ident $response:ident),* $(,)?) => {
            match ApiKey::try_from(frame.key) {
                $(Ok(api) if api as i16 == <$request as kafka_protocol::protocol::Request>::KEY => {
                    if frame.request {
                        again::<kafka_protocol::messages::RequestHeader, $request>(frame)
                    } else {
                        again::<ResponseHeader, $response>(frame)
                    }
                })*
                _ => panic!("{} is not in the table of this test", frame.name()),
            }
        };
    }
    table!(
        ProduceRequest ProduceResponse,
        FetchRequest FetchResponse,
        ListOffsetsRequest ListOffsetsResponse,
        MetadataRequest MetadataResponse,
        OffsetCommitRequest OffsetCommitResponse,
        OffsetFetchRequest OffsetFetchResponse,
        FindCoordinatorRequest FindCoordinatorResponse,
        JoinGroupRequest JoinGroupResponse,
        HeartbeatRequest HeartbeatResponse,
        LeaveGroupRequest LeaveGroupResponse,
        SyncGroupRequest SyncGroupResponse,
        DescribeGroupsRequest DescribeGroupsResponse,
        ListGroupsRequest ListGroupsResponse,
        ApiVersionsRequest ApiVersionsResponse,
        CreateTopicsRequest CreateTopicsResponse,
        DeleteRecordsRequest DeleteRecordsResponse,
        InitProducerIdRequest InitProducerIdResponse,
        AddPartitionsToTxnRequest AddPartitionsToTxnResponse,
        AddOffsetsToTxnRequest AddOffsetsToTxnResponse,
        EndTxnRequest EndTxnResponse,
        TxnOffsetCommitRequest TxnOffsetCommitResponse,
        DescribeConfigsRequest DescribeConfigsResponse,
        DescribeLogDirsRequest DescribeLogDirsResponse,
        CreatePartitionsRequest CreatePartitionsResponse,
        DeleteGroupsRequest DeleteGroupsResponse,
        IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse,
        AlterPartitionReassignmentsRequest AlterPartitionReassignmentsResponse,
        ElectLeadersRequest ElectLeadersResponse,
        OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse,
        DescribeQuorumRequest DescribeQuorumResponse,
        DescribeClusterRequest DescribeClusterResponse,
        DescribeProducersRequest DescribeProducersResponse,
        DescribeTransactionsRequest DescribeTransactionsResponse,
        ListTransactionsRequest ListTransactionsResponse,
        ConsumerGroupHeartbeatRequest ConsumerGroupHeartbeatResponse,
        ConsumerGroupDescribeRequest ConsumerGroupDescribeResponse,
        DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse,
        ShareGroupHeartbeatRequest ShareGroupHeartbeatResponse,
        ShareGroupDescribeRequest ShareGroupDescribeResponse,
        ShareFetchRequest ShareFetchResponse,
        ShareAcknowledgeRequest ShareAcknowledgeResponse,
        DescribeShareGroupOffsetsRequest DescribeShareGroupOffsetsResponse,
    )
}

fn again<H, M>(frame: &Recorded) -> Option<(Bytes, String)>
where
    H: Decodable + Encodable,
    M: Message + Decodable + Encodable + HeaderVersion + Debug,
{
    let version = frame.written_as();
    if !(M::VERSIONS.min..=M::VERSIONS.max).contains(&version) {
        return None;
    }
    let context = format!("{} of {}", frame.name(), frame.client);
    let mut rest = frame.content.clone();
    let header: H = bounded::decode(&mut rest, M::header_version(version))
        .unwrap_or_else(|error| panic!("header, {context}: {error}"));
    let message: M = bounded::decode(&mut rest, version).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(rest.is_empty(), "{context}: {} bytes were not read", rest.len());
    let mut out = BytesMut::new();
    header
        .encode(&mut out, M::header_version(version))
        .and_then(|()| message.encode(&mut out, version))
        .unwrap_or_else(|error| panic!("{context}: {error}"));
    Some((out.freeze(), format!("{message:?}")))
}

/// How many frames of which version the codec lacks; everything else must come through.
const NOT_IN_THE_CODEC: &[(&str, usize)] = &[
    // franz-go asks for the version of the next Kafka first.
    ("ApiVersions 5 request", 6),
    ("DescribeLogDirs 5 answer", 1),
    ("DescribeLogDirs 5 request", 1),
    ("DescribeShareGroupOffsets 1 answer", 1),
    ("DescribeShareGroupOffsets 1 request", 1),
    ("ListOffsets 11 answer", 14),
    ("ListOffsets 11 request", 14),
    ("OffsetCommit 10 request", 3),
    ("OffsetFetch 10 request", 3),
    ("ShareAcknowledge 2 answer", 3),
    ("ShareAcknowledge 2 request", 3),
    ("ShareFetch 2 answer", 4),
    ("ShareFetch 2 request", 4),
];

#[test]
fn decoded_and_encoded_again_every_frame_is_the_same_bytes() {
    let frames = recorded();
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for frame in &frames {
        match through_codec(frame) {
            Some((again, text)) => assert_eq!(
                again,
                frame.content,
                "{} of {}: {text}",
                frame.name(),
                frame.client
            ),
            None => *unknown.entry(frame.name()).or_default() += 1,
        }
    }
    let unknown: Vec<_> = unknown
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    assert_eq!(unknown, NOT_IN_THE_CODEC);
    let clients: std::collections::BTreeSet<_> = frames.iter().map(|f| &f.client).collect();
    assert!(
        clients.len() >= 14 && frames.len() > 500,
        "{} frames",
        frames.len()
    );
}

/// What the brokers advertised: the recorder's ports.
const PORTS: [i32; 4] = [47092, 47101, 47102, 47103];

#[test]
fn nothing_but_addresses_changes_when_addresses_are_rewritten() {
    let mut changed: BTreeMap<String, usize> = BTreeMap::new();
    for frame in recorded().into_iter().filter(|frame| !frame.request) {
        let context = format!("{} of {}", frame.name(), frame.client);
        let go = |content: &Bytes, map: &mut dyn FnMut(&Endpoint) -> (String, i32)| {
            rewrite(frame.key, frame.version, content.clone(), map)
                .unwrap_or_else(|error| panic!("{context}: {error}"))
        };
        let mut seen = Vec::new();
        let same = go(&frame.content, &mut |endpoint| {
            seen.push(endpoint.clone());
            (endpoint.host.clone(), endpoint.port)
        });
        assert_eq!(same, None, "{context}");
        assert!(
            seen.iter()
                .all(|e| e.host == "127.0.0.1" && PORTS.contains(&e.port)),
            "{context}"
        );

        let other = go(&frame.content, &mut |_| ("proxy.example".to_owned(), 50001));
        let Some(other) = other else {
            assert!(seen.is_empty(), "{context}");
            assert!(
                !frame.content.windows(9).any(|text| text == b"127.0.0.1")
                    || !may_carry(frame.key, frame.version),
                "{context} keeps an address"
            );
            continue;
        };
        let after = endpoints(frame.key, frame.version, other.clone()).expect("addresses");
        assert_eq!(after.len(), seen.len(), "{context}");
        assert!(
            after.iter().all(|e| e.host == "proxy.example" && e.port == 50001),
            "{context}"
        );
        let mut ports = seen.iter().map(|endpoint| endpoint.port);
        let back = go(&other, &mut |_| {
            ("127.0.0.1".to_owned(), ports.next().unwrap_or(0))
        });
        assert_eq!(back.as_ref(), Some(&frame.content), "{context}");

        let moved = Recorded {
            content: other,
            ..frame.clone()
        };
        if let (Some((_, before)), Some((_, after))) = (through_codec(&frame), through_codec(&moved)) {
            let mut expected = before.replace("127.0.0.1", "proxy.example");
            for port in PORTS {
                expected = expected.replace(&format!("port: {port}"), "port: 50001");
            }
            assert_eq!(after, expected, "{context}");
        }
        *changed
            .entry(api::name(frame.key).unwrap_or("?").to_owned())
            .or_default() += 1;
    }
    let changed: Vec<_> = changed.keys().map(String::as_str).collect();
    let expected = [
        "DescribeCluster",
        "Fetch",
        "FindCoordinator",
        "Metadata",
        "Produce",
        "ShareFetch",
    ];
    assert_eq!(changed, expected);
}

#[test]
fn every_recorded_request_can_be_refused() {
    let mut without_answer = 0;
    for frame in recorded().into_iter().filter(|frame| frame.request) {
        let context = format!("{} of {}", frame.name(), frame.client);
        let mut body = frame.content.clone();
        let header = RequestHeader::decode(&mut body).unwrap_or_else(|e| panic!("{context}: {e}"));
        match answer::error(&header, body, 7) {
            Err(WireError::NoAnswer) => without_answer += 1,
            Err(error) => panic!("{context}: {error}"),
            Ok(content) => {
                let refusal = Recorded {
                    request: false,
                    content,
                    ..frame
                };
                if let Some((_, text)) = through_codec(&refusal) {
                    // Metadata of all topics, before version 13, has no place for a code.
                    let place = refusal.key != 3 || refusal.version >= 13 || !text.contains("topics: []");
                    assert!(!place || text.contains("error_code: 7"), "{context}: {text}");
                }
            }
        }
    }
    assert_eq!(without_answer, 1, "the one record that Java sent with acks=0");
}

#[test]
fn an_altered_answer_keeps_everything_that_was_not_meant() {
    let mut altered = 0;
    for frame in recorded().into_iter().filter(|frame| !frame.request) {
        let context = format!("{} of {}", frame.name(), frame.client);
        let nothing = answer::with_error(frame.key, frame.version, frame.content.clone(), 6, &|_, _| false);
        let all = answer::with_error(frame.key, frame.version, frame.content.clone(), 6, &|_, _| true);
        match (nothing, all) {
            (Ok(nothing), Ok(all)) => {
                assert_eq!(nothing, frame.content, "{context}");
                if all != frame.content {
                    altered += 1;
                    let all = Recorded {
                        content: all,
                        ..frame
                    };
                    let (_, text) = through_codec(&all).unwrap_or_default();
                    assert!(
                        text.is_empty() || text.contains("error_code: 6"),
                        "{context}: {text}"
                    );
                }
            }
            (Err(WireError::UnknownVersion { .. }), Err(WireError::UnknownVersion { .. })) => {}
            (nothing, all) => panic!("{context}: {nothing:?} {all:?}"),
        }
    }
    assert!(altered > 100, "{altered} answers were altered");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Real frames with some bytes changed or cut off: an answer or an error, never a panic.
    #[test]
    fn damaged_frames_give_an_answer_or_an_error(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        thread_local!(static FRAMES: Vec<Recorded> = recorded());
        let frame = FRAMES.with(|frames| which.get(frames).clone());
        let mut content = frame.content.to_vec();
        for (at, byte) in changes {
            *at.get_mut(&mut content) = byte;
        }
        if !whole {
            content.truncate(cut.index(content.len()));
        }
        let content = Bytes::from(content);
        if frame.request {
            let mut body = content;
            if let Ok(header) = RequestHeader::decode(&mut body) {
                let _ = answer::error(&header, body, 7);
            }
            return Ok(());
        }
        let (key, version) = (frame.key, frame.version);
        let _ = rewrite(key, version, content.clone(), &mut |_| ("h".to_owned(), 1));
        let _ = answer::with_error(key, version, content.clone(), 6, &|_, _| true);
        let _ = answer::with_offset_delta(key, version, content.clone(), -3, &|_, _| true);
        let to = Endpoint { node: 2, host: "h".to_owned(), port: 1 };
        let _ = answer::with_coordinators(version, content.clone(), &mut |_, _| Some(to.clone()));
        let _ = answer::with_brokers(version, content.clone(), &[to]);
        let _ = answer::without_leader_hints(key, version, content.clone());
        let _ = answer::SeenMetadata::default().older(version, content.clone(), 2);
    }
}
