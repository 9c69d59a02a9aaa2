//! Facts of messages in versions that Kafka 3 serves, Kafka 4 does not, and the codec lacks; each next to the
//! first version that the codec has.

use highwater_model::history::{
    CommitFacts, CommittedOffset, FetchPosition, GroupFacts, Isolation, PartitionResult, RequestFacts,
    ResponseFacts,
};
use kafka_protocol::messages::ApiKey;

use super::super::{Depth, request, response};
use super::{names, with_old_header, written_as};
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
    let frame = with_old_header(&written_as(name, version));
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
fn produce() {
    for version in 0..=3 {
        let asked = asks(ApiKey::Produce, "produce", version);
        let RequestFacts::Produce(facts) = &asked else {
            panic!("version {version}");
        };
        assert_eq!((facts.acks, facts.timeout_ms), (1, 1_500), "version {version}");
        assert_eq!(facts.transactional_id, None, "version {version}");
        let [partition] = facts.partitions.as_slice() else {
            panic!("version {version}");
        };
        assert_eq!((partition.topic.as_str(), partition.partition), ("orders", 3));
        assert_eq!(
            partition.batches.len(),
            usize::from(version == 3),
            "version {version}"
        );
        let said = says(ApiKey::Produce, "produce-answer", version, &asked);
        let expected = ResponseFacts::Partitions {
            error: 0,
            results: vec![result(3, 0, 77), result(4, 6, -1)],
        };
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn fetch() {
    let position = |partition, offset| FetchPosition {
        topic: "orders".to_owned(),
        partition,
        offset,
        leader_epoch: -1,
    };
    for version in 0..=4 {
        let asked = asks(ApiKey::Fetch, "fetch", version);
        let RequestFacts::Fetch(facts) = &asked else {
            panic!("version {version}");
        };
        assert_eq!(facts.replica_id, -1, "version {version}");
        assert_eq!(facts.isolation, Isolation::ReadUncommitted, "version {version}");
        assert_eq!(
            (facts.session_id, facts.session_epoch),
            (0, -1),
            "version {version}"
        );
        assert_eq!(
            facts.positions,
            [position(3, 42), position(4, 7)],
            "version {version}"
        );
        let ResponseFacts::Fetched { partitions, .. } = says(ApiKey::Fetch, "fetch-answer", version, &asked)
        else {
            panic!("version {version}");
        };
        let found: Vec<_> = partitions
            .iter()
            .map(|found| {
                (
                    found.partition,
                    found.error,
                    found.high_watermark,
                    found.last_stable_offset,
                    found.batches.len(),
                )
            })
            .collect();
        // Old messages, which are no batches.
        assert_eq!(
            found,
            [(3, 0, 100, -1, 0), (4, 6, -1, -1, 0)],
            "version {version}"
        );
    }
}

#[test]
fn commits() {
    for version in 0..=2 {
        let asked = asks(ApiKey::OffsetCommit, "offset-commit", version);
        let expected = RequestFacts::OffsetCommit(CommitFacts {
            group: GroupFacts {
                group_id: "g".to_owned(),
                member_id: if version == 0 { "" } else { "m-1" }.to_owned(),
                instance_id: None,
                generation: if version == 0 { -1 } else { 7 },
            },
            transaction: None,
            offsets: vec![committed(3, 42), committed(4, 1 << 40)],
        });
        assert_eq!(asked, expected, "version {version}");
        let said = says(ApiKey::OffsetCommit, "offset-commit-answer", version, &asked);
        let expected = ResponseFacts::Partitions {
            error: 0,
            results: vec![result(3, 22, -1)],
        };
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn fetched_commits() {
    for version in 0..=1 {
        let asked = asks(ApiKey::OffsetFetch, "offset-fetch", version);
        let expected = RequestFacts::OffsetFetch {
            groups: vec!["g".to_owned()],
            require_stable: false,
        };
        assert_eq!(asked, expected, "version {version}");
        let said = says(ApiKey::OffsetFetch, "offset-fetch-answer", version, &asked);
        let expected = ResponseFacts::CommittedOffsets {
            error: 0,
            groups: vec![("g".to_owned(), vec![committed(3, 42)])],
        };
        assert_eq!(said, expected, "version {version}");
    }
}

#[test]
fn offsets_by_time() {
    for version in 0..=1 {
        let asked = asks(ApiKey::ListOffsets, "list-offsets", version);
        let expected = RequestFacts::ListOffsets {
            isolation: Isolation::ReadUncommitted,
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
