use std::time::{Duration, Instant};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::{BrokerId, FetchRequest, OffsetForLeaderEpochRequest};

use crate::client::*;
use crate::running::start;

/// Far longer than a test may take: an answer before it was woken by data.
const LONG_MS: i32 = 15_000;

#[test]
fn a_waiting_fetch_is_answered_as_soon_as_data_is_there() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut writer = broker.connect();
    create_topic(&mut writer, "t", 1);
    let mut reader = broker.connect();
    for offset in 0..20 {
        let request = fetch_request("t", 0, offset).with_max_wait_ms(LONG_MS);
        let id = reader.send(&request, 12).expect("sent");
        let started = Instant::now();
        assert_eq!(produce(&mut writer, "t", 0, batch(&["x"])).base_offset, offset);
        let response = reader.receive::<FetchRequest>(12, id).expect("answer");
        assert_eq!(batches(&response.responses[0].partitions[0]).len(), 1);
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "woken, not timed out"
        );
    }
}

#[test]
fn a_fetch_waits_for_its_minimum_and_gives_up_in_time() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    produce(&mut connection, "t", 0, batch(&["x"]));
    let request = fetch_request("t", 0, 0)
        .with_min_bytes(1 << 20)
        .with_max_wait_ms(50);
    let started = Instant::now();
    let response = connection.call(&request, 12).expect("answer");
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert_eq!(
        batches(&response.responses[0].partitions[0]).len(),
        1,
        "what there is"
    );
}

#[test]
fn a_waiting_fetch_does_not_outlive_its_topic_or_its_broker() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    create_topic(&mut connection, "u", 1);
    let mut reader = broker.connect();
    let id = reader
        .send(&fetch_request("t", 0, 0).with_max_wait_ms(LONG_MS), 12)
        .expect("sent");
    // The second answer on this connection comes after the fetch has begun only by chance; either way
    // the reader learns that the topic is gone.
    crate::topics::delete_topic(&mut connection, "t");
    let response = reader.receive::<FetchRequest>(12, id).expect("answer");
    let code = response.responses[0].partitions[0].error_code;
    assert_eq!(
        ResponseError::try_from_code(code),
        Some(ResponseError::UnknownTopicOrPartition)
    );
    reader
        .send(&fetch_request("u", 0, 0).with_max_wait_ms(LONG_MS), 12)
        .expect("sent");
    let started = Instant::now();
    drop(broker);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "stopped while a fetch was waiting"
    );
}

#[test]
fn offsets_outside_of_the_log_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    produce(&mut connection, "t", 0, batch(&["a", "b"]));
    for offset in [-1, 3, i64::MAX] {
        let data = fetch(&mut connection, "t", 0, offset);
        let expected = Some(ResponseError::OffsetOutOfRange);
        assert_eq!(
            ResponseError::try_from_code(data.error_code),
            expected,
            "offset {offset}"
        );
    }
    let data = fetch(&mut connection, "t", 0, 2);
    assert_eq!(
        (data.error_code, data.high_watermark, data.last_stable_offset),
        (0, 2, 2)
    );
    let inside = batches(&fetch(&mut connection, "t", 0, 1));
    assert_eq!(inside[0].base_offset(), 0, "the batch that holds the offset");
}

#[test]
fn limits_hold_but_a_large_batch_gets_through() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 2);
    let large = "x".repeat(100_000);
    for partition in [0, 0, 1] {
        assert_eq!(
            produce(&mut connection, "t", partition, batch(&[&large])).error_code,
            0
        );
    }
    let mut request = fetch_request("t", 0, 0).with_max_bytes(1_000);
    let mut second = request.topics[0].partitions[0].clone();
    second.partition = 1;
    request.topics[0].partitions.push(second);
    let response = connection.call(&request, 12).expect("answer");
    let counts: Vec<usize> = response.responses[0]
        .partitions
        .iter()
        .map(|data| batches(data).len())
        .collect();
    assert_eq!(counts, [1, 0], "one batch in all (KIP-74)");
}

#[test]
fn offsets_are_listed() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    for time in [100, 200, 300] {
        let records = highwater_wire::BatchBuilder::new()
            .timestamp(time)
            .record(None, Some(b"a"))
            .record(None, Some(b"b"))
            .build();
        produce(&mut connection, "t", 0, records);
    }
    let cases = [
        ("latest", -1, (0, 6)),
        ("earliest", -2, (0, 0)),
        ("the first with the largest timestamp", -3, (0, 4)),
        ("before all", 0, (0, 0)),
        ("between", 150, (0, 2)),
        ("after all", 301, (0, -1)),
        (
            "unknown meaning",
            -9,
            (ResponseError::UnsupportedVersion.code(), -1),
        ),
    ];
    for (name, timestamp, expected) in cases {
        assert_eq!(list_offset(&mut connection, "t", timestamp), expected, "{name}");
    }
    let unknown = ResponseError::UnknownTopicOrPartition.code();
    assert_eq!(list_offset(&mut connection, "nowhere", -1), (unknown, -1));
}

#[test]
fn the_end_of_the_only_epoch_is_the_end_of_the_log() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    produce(&mut connection, "t", 0, batch(&["a", "b"]));
    let mut ask = |epoch| {
        let partition = OffsetForLeaderPartition::default()
            .with_current_leader_epoch(-1)
            .with_leader_epoch(epoch);
        let wanted = OffsetForLeaderTopic::default()
            .with_topic(topic("t"))
            .with_partitions(vec![partition]);
        let request = OffsetForLeaderEpochRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![wanted]);
        let response = connection.call(&request, 4).expect("answer");
        let end = &response.topics[0].partitions[0];
        (end.leader_epoch, end.end_offset)
    };
    assert_eq!(ask(0), (0, 2));
    assert_eq!(ask(5), (-1, -1));
}
