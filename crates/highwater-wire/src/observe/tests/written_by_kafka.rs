//! Facts of messages and batches that Kafka's own serializers wrote, above all in versions the codec lacks.

use highwater_model::history::{
    BatchFacts, CodecName, CommitFacts, CommittedOffset, ContentHash, FetchFacts, FetchPosition, GroupFacts,
    HeaderFact, InitProducerFacts, Isolation, PartitionResult, RecordFacts, RequestFacts, ResponseFacts,
};
use kafka_protocol::messages::ApiKey;

use super::super::batches::{self, End};
use super::super::{Depth, request, response};
use super::{names, with_header, written, written_as};
use crate::frame::RequestHeader;

const RECORDS: Depth<'_> = Depth::Records { headers: &[] };

fn asks(api: ApiKey, name: &str, version: i16) -> RequestFacts {
    let header = RequestHeader {
        api_key: api as i16,
        api_version: version,
        correlation_id: 1,
        client_id: None,
    };
    request(&header, written_as(name, version), &names(), RECORDS).expect("facts")
}

fn says(api: ApiKey, name: &str, version: i16, asked: &RequestFacts) -> ResponseFacts {
    let frame = with_header(&written_as(name, version));
    response(api as i16, version, frame, asked, &names(), RECORDS).expect("facts")
}

fn committed(partition: i32, offset: i64) -> CommittedOffset {
    CommittedOffset {
        topic: "orders".to_owned(),
        partition,
        offset,
    }
}

fn result(partition: i32, error: i16, offset: i64) -> PartitionResult {
    PartitionResult {
        topic: "orders".to_owned(),
        partition,
        error,
        offset,
    }
}

#[test]
fn commits_by_name_and_by_id_say_the_same() {
    for version in 8..=10 {
        let expected = RequestFacts::OffsetCommit(CommitFacts {
            group: GroupFacts {
                group_id: "g".to_owned(),
                member_id: "m-1".to_owned(),
                instance_id: Some("static-1".to_owned()),
                generation: 7,
            },
            transaction: None,
            offsets: vec![committed(3, 42), committed(4, 1 << 40)],
        });
        let asked = asks(ApiKey::OffsetCommit, "offset-commit", version);
        assert_eq!(asked, expected, "version {version}");
        let expected = ResponseFacts::Partitions {
            error: 0,
            results: vec![result(3, 22, -1)],
        };
        let said = says(ApiKey::OffsetCommit, "offset-commit-answer", version, &asked);
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn fetched_commits_by_name_and_by_id_say_the_same() {
    for version in 8..=10 {
        let asked = asks(ApiKey::OffsetFetch, "offset-fetch", version);
        let expected = RequestFacts::OffsetFetch {
            groups: vec!["g".to_owned(), "all".to_owned()],
            require_stable: true,
        };
        assert_eq!(asked, expected, "version {version}");
        let said = says(ApiKey::OffsetFetch, "offset-fetch-answer", version, &asked);
        let expected = ResponseFacts::CommittedOffsets {
            error: 88,
            groups: vec![("g".to_owned(), vec![committed(3, 42), committed(4, -1)])],
        };
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn share_groups_of_both_versions_say_the_same() {
    for version in 1..=2 {
        let asked = asks(ApiKey::ShareFetch, "share-fetch", version);
        let expected = RequestFacts::Fetch(FetchFacts {
            replica_id: -1,
            isolation: Isolation::ReadUncommitted,
            share_group: Some(GroupFacts {
                group_id: "s".to_owned(),
                member_id: "m-2".to_owned(),
                instance_id: None,
                generation: -1,
            }),
            session_id: 0,
            session_epoch: 5,
            positions: vec![FetchPosition {
                topic: "orders".to_owned(),
                partition: 3,
                offset: -1,
                leader_epoch: -1,
            }],
            forgotten: vec![("orders".to_owned(), 8), ("orders".to_owned(), 9)],
        });
        assert_eq!(asked, expected, "version {version}");

        let ResponseFacts::Fetched { partitions, .. } =
            says(ApiKey::ShareFetch, "share-fetch-answer", version, &asked)
        else {
            panic!("a share fetch brings records");
        };
        assert_eq!(partitions[0].acquired, [(0, 0, 2)], "version {version}");
        assert_eq!(partitions[0].batches[0].records[0].value_bytes, 1);

        let said = says(
            ApiKey::ShareAcknowledge,
            "share-acknowledge-answer",
            version,
            &RequestFacts::Other,
        );
        let expected = ResponseFacts::Partitions {
            error: 0,
            results: vec![result(3, 121, -1), result(4, 0, -1)],
        };
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn a_producer_with_two_phases_says_what_one_without_says() {
    for version in 5..=6 {
        let asked = asks(ApiKey::InitProducerId, "init-producer-id", version);
        let expected = RequestFacts::InitProducerId(InitProducerFacts {
            transactional_id: Some("tx".to_owned()),
            transaction_timeout_ms: 60_000,
            producer_id: 9,
            producer_epoch: 4,
        });
        assert_eq!(asked, expected, "version {version}");
    }
    let said = says(
        ApiKey::InitProducerId,
        "init-producer-id-answer",
        6,
        &RequestFacts::Other,
    );
    let expected = ResponseFacts::Producer {
        error: 0,
        producer_id: 9,
        producer_epoch: 5,
    };
    assert_eq!(said, expected);
}

#[test]
fn offsets_by_time_say_the_same_in_every_version() {
    for version in [6, 10, 11] {
        let asked = asks(ApiKey::ListOffsets, "list-offsets", version);
        let expected = RequestFacts::ListOffsets {
            isolation: Isolation::ReadCommitted,
            partitions: vec![("orders".to_owned(), 3, -1)],
        };
        assert_eq!(asked, expected, "version {version}");
        let said = says(ApiKey::ListOffsets, "list-offsets-answer", version, &asked);
        let expected = ResponseFacts::Partitions {
            error: 0,
            results: vec![result(3, 0, 77)],
        };
        assert_eq!(said, expected, "version {version}");
    }
}

/// XXH3 of 64 bits, seed 0, of what the batches hold: computed with the implementation in Java that Kafka brings.
const KEY: ContentHash = ContentHash(0xbbea_0d63_a051_65e3);
const VALUE: ContentHash = ContentHash(0x87d5_7e26_9b9d_f0f0);
const NOTHING: ContentHash = ContentHash(0x2d06_8005_38d3_94c2);

fn expected_batch(codec: CodecName, bytes: usize) -> BatchFacts {
    let kept = |value: Option<&str>| HeaderFact {
        key: "trace-id".to_owned(),
        value: value.map(str::to_owned),
    };
    let record = |offset_delta, key, value, value_bytes, headers| RecordFacts {
        offset_delta,
        key,
        value,
        value_bytes,
        headers,
    };
    BatchFacts {
        base_offset: 5,
        last_offset_delta: 2,
        leader_epoch: 3,
        producer_id: 9,
        producer_epoch: 4,
        base_sequence: 12,
        transactional: true,
        marker: None,
        codec,
        max_timestamp_ms: 1_002,
        bytes: u32::try_from(bytes).expect("small"),
        records: vec![
            record(0, Some(KEY), Some(VALUE), 5, vec![kept(Some("abc")), kept(None)]),
            record(1, None, Some(NOTHING), 0, Vec::new()),
            record(2, Some(KEY), None, 0, Vec::new()),
        ],
    }
}

#[test]
fn batches_of_every_codec_say_the_same() {
    let keep = ["trace-id".to_owned()];
    let cases = [
        ("records-none", CodecName::None),
        ("records-gzip", CodecName::Gzip),
        ("records-snappy", CodecName::Snappy),
        ("records-lz4", CodecName::Lz4),
        ("records-zstd", CodecName::Zstd),
    ];
    for (name, codec) in cases {
        let bytes = written_as(name, 2);
        let mut expected = expected_batch(codec, bytes.len());
        let depth = Depth::Records { headers: &keep };
        let found = batches::read(&bytes, End::Whole, depth).expect("facts");
        assert_eq!(found, [expected.clone()], "{name}");

        expected.records.clear();
        let found = batches::read(&bytes, End::Whole, Depth::Batches).expect("facts");
        assert_eq!(found, [expected], "{name} without records");
    }
}

#[test]
fn messages_of_old_formats_are_no_batches() {
    let mut seen = 0;
    for message in written() {
        if !message.name.starts_with("records-") || message.version == 2 {
            continue;
        }
        seen += 1;
        let name = format!("{} with magic {}", message.name, message.version);
        for end in [End::Whole, End::MayBeCut] {
            let found = batches::read(&message.bytes, end, RECORDS).expect("no error");
            assert_eq!(found, [], "{name}");
        }
        let both = [message.bytes, written_as("records-none", 2)].concat();
        let found = batches::read(&both.into(), End::Whole, RECORDS).expect("no error");
        assert_eq!(found.len(), 1, "{name}, then a batch");
    }
    assert_eq!(seen, 8);
}

#[test]
fn a_cut_batch_is_left_out_of_a_fetch_and_wrong_in_a_produce_request() {
    let whole = written_as("records-lz4", 2);
    for cut in 1..whole.len() {
        let bytes = [&whole, &whole[..cut]].concat().into();
        let found = batches::read(&bytes, End::MayBeCut, RECORDS).expect("no error");
        assert_eq!(found.len(), 1, "cut at {cut}");
        assert!(
            batches::read(&bytes, End::Whole, RECORDS).is_err(),
            "cut at {cut}"
        );
    }
}
