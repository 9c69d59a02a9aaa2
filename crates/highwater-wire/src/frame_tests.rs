use kafka_protocol::messages::{
    ApiVersionsRequest, CreateTopicsRequest, FetchRequest, FetchResponse, JoinGroupRequest, MetadataRequest,
    MetadataResponse, OffsetCommitRequest, ProduceRequest, ProduceResponse, SyncGroupRequest,
};
use kafka_protocol::protocol::Message;
use proptest::prelude::*;

use super::*;

#[test]
fn a_request_reads_back() {
    let request = MetadataRequest::default().with_topics(None);
    for version in [1, 9, 12] {
        let frame = encode_request(&request, version, 42, "probe").expect("encodes");
        let length = frame_length(&frame, MAX_REQUEST_FRAME).expect("in range");
        assert_eq!(length, Some(frame.len() - LENGTH_BYTES));
        let mut content = frame.freeze().slice(LENGTH_BYTES..);
        let header = RequestHeader::decode(&mut content).expect("a header");
        assert_eq!(header.api(), Some(ApiKey::Metadata));
        assert_eq!((header.api_version, header.correlation_id), (version, 42));
        assert_eq!(header.client_id.as_deref(), Some("probe"));
        let decoded: MetadataRequest = decode_request(&mut content, version).expect("decodes");
        assert_eq!(decoded.topics, None);
        assert!(content.is_empty(), "nothing is left over");
    }
}

#[test]
fn an_answer_reads_back_and_belongs_to_its_request() {
    let response = MetadataResponse::default().with_controller_id(5.into());
    let frame = encode_response(&response, 9, 7).expect("encodes").freeze();
    let content = frame.slice(LENGTH_BYTES..);
    let decoded = decode_response::<MetadataRequest>(content.clone(), 9, 7).expect("decodes");
    assert_eq!(decoded.controller_id.0, 5);
    let other = decode_response::<MetadataRequest>(content, 9, 8);
    assert!(
        matches!(other, Err(WireError::Correlation { expected: 8, got: 7 })),
        "{other:?}"
    );
}

#[test]
fn lengths_are_compared_with_the_limit_first() {
    let cases: [(&str, &[u8], Option<usize>, bool); 5] = [
        ("too short to tell", b"\x00\x00\x00", None, true),
        ("nothing", b"\x00\x00\x00\x00", Some(0), true),
        ("the limit", b"\x00\x00\x01\x00", Some(256), true),
        ("above the limit", b"\x00\x00\x01\x01", None, false),
        ("negative", b"\xff\xff\xff\xff", None, false),
    ];
    for (name, bytes, expected, accepted) in cases {
        let length = frame_length(bytes, 256);
        assert_eq!(length.is_ok(), accepted, "{name}");
        assert_eq!(length.ok().flatten(), expected, "{name}");
    }
    assert!(request_limit(ApiKey::Produce as i16) > request_limit(ApiKey::Fetch as i16));
}

#[test]
fn a_count_that_lies_is_an_error_and_not_an_allocation() {
    let cases: [(&str, i16, &[u8]); 4] = [
        ("32-bit, nothing behind", 1, b"\x7f\xff\xff\xff"),
        (
            "32-bit, some bytes behind",
            1,
            b"\x7f\xff\xff\xff\x00\x01x\x00\x01y",
        ),
        ("compact, nothing behind", 9, b"\xff\xff\xff\xff\x0f"),
        (
            "compact, some bytes behind",
            9,
            b"\xff\xff\xff\xff\x0f\x02x\x00\x02y\x00",
        ),
    ];
    for (name, version, bytes) in cases {
        let decoded: Result<MetadataRequest, _> = decode_request(&mut Bytes::from_static(bytes), version);
        assert!(
            matches!(decoded, Err(WireError::Decode { .. })),
            "{name}: {decoded:?}"
        );
    }
}

/// Numbers that are no counts may be larger than the bytes that follow.
#[test]
fn large_plain_numbers_are_no_lies() {
    let request = FetchRequest::default()
        .with_max_wait_ms(i32::MAX)
        .with_min_bytes(i32::MAX)
        .with_max_bytes(i32::MAX);
    for version in [4, 12] {
        let mut bytes = BytesMut::new();
        request.encode(&mut bytes, version).expect("encodes");
        let decoded: FetchRequest = decode_request(&mut bytes.freeze(), version).expect("decodes");
        assert_eq!(decoded.max_bytes, i32::MAX);
    }
}

fn decode_in_every_version<M: Message + Decodable>(bytes: &Bytes) {
    for version in M::VERSIONS.min..=M::VERSIONS.max {
        let _ = decode_message::<M>(&mut bytes.clone(), version);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from(bytes);
        let _ = RequestHeader::decode(&mut bytes.clone());
        let _ = frame_length(&bytes, MAX_REQUEST_FRAME);
        decode_in_every_version::<ApiVersionsRequest>(&bytes);
        decode_in_every_version::<MetadataRequest>(&bytes);
        decode_in_every_version::<ProduceRequest>(&bytes);
        decode_in_every_version::<ProduceResponse>(&bytes);
        decode_in_every_version::<FetchRequest>(&bytes);
        decode_in_every_version::<FetchResponse>(&bytes);
        decode_in_every_version::<JoinGroupRequest>(&bytes);
        decode_in_every_version::<SyncGroupRequest>(&bytes);
        decode_in_every_version::<OffsetCommitRequest>(&bytes);
        decode_in_every_version::<CreateTopicsRequest>(&bytes);
    }

    /// Good messages with a few bytes replaced reach deeper into the decoder than noise does.
    #[test]
    fn damaged_messages_never_panic(
        version in 3i16..=13,
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = BytesMut::new();
        let data = kafka_protocol::messages::produce_request::PartitionProduceData::default()
            .with_records(Some(Bytes::from_static(b"records")));
        let topic = kafka_protocol::messages::produce_request::TopicProduceData::default()
            .with_partition_data(vec![data; 3]);
        let request = ProduceRequest::default().with_topic_data(vec![topic; 2]);
        request.encode(&mut bytes, version).expect("encodes");
        for (place, value) in damage {
            let place = place % bytes.len();
            bytes[place] = value;
        }
        let _ = decode_request::<ProduceRequest>(&mut bytes.freeze(), version);
    }
}
