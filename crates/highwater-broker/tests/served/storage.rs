use std::time::{Duration, Instant};

use bytes::Bytes;
use highwater_broker::{Bug, JournalEvent, read_journal};
use highwater_wire::records::Records;
use highwater_wire::{BatchBuilder, Connection};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::{CreateTopicsRequest, DeleteRecordsRequest};

use crate::client::*;
use crate::running::{PATIENCE, Running, config, start, start_with};

fn create_with(connection: &mut Connection, name: &str, configs: &[(&str, &str)]) {
    let configs = configs
        .iter()
        .map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        })
        .collect();
    let wanted = CreatableTopic::default()
        .with_name(topic(name))
        .with_num_partitions(1)
        .with_replication_factor(1)
        .with_configs(configs);
    let request = CreateTopicsRequest::default().with_topics(vec![wanted]);
    let response = connection.call(&request, 7).expect("CreateTopics");
    assert_eq!(
        response.topics[0].error_code, 0,
        "{:?}",
        response.topics[0].error_message
    );
}

fn keyed(key: &str, value: &str, timestamp: i64) -> Bytes {
    BatchBuilder::new()
        .timestamp(timestamp)
        .record(Some(key.as_bytes()), Some(value.as_bytes()))
        .build()
}

fn delete_records(connection: &mut Connection, name: &str, partition: i32, offset: i64) -> (i16, i64) {
    let wanted = DeleteRecordsPartition::default()
        .with_partition_index(partition)
        .with_offset(offset);
    let wanted = DeleteRecordsTopic::default()
        .with_name(topic(name))
        .with_partitions(vec![wanted]);
    let request = DeleteRecordsRequest::default()
        .with_topics(vec![wanted])
        .with_timeout_ms(1_000);
    let response = connection.call(&request, 2).expect("DeleteRecords");
    let partition = &response.topics[0].partitions[0];
    (partition.error_code, partition.low_watermark)
}

#[test]
fn records_are_deleted_up_to_an_offset() {
    let dir = tempfile::tempdir().expect("dir");
    let out_of_range = ResponseError::OffsetOutOfRange.code();
    {
        let broker = start(dir.path());
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        produce(&mut connection, "t", 0, batch(&["0", "1", "2"]));
        produce(&mut connection, "t", 0, batch(&["3"]));
        let cases = [
            (2, (0, 2)),
            (1, (0, 2)),
            (5, (out_of_range, -1)),
            (-2, (out_of_range, -1)),
        ];
        for (offset, expected) in cases {
            assert_eq!(
                delete_records(&mut connection, "t", 0, offset),
                expected,
                "{offset}"
            );
        }
        let unknown = ResponseError::UnknownTopicOrPartition.code();
        assert_eq!(delete_records(&mut connection, "t", 1, 0), (unknown, -1));
        assert_eq!(list_offset(&mut connection, "t", -2), (0, 2));
        assert_eq!(fetch(&mut connection, "t", 0, 1).error_code, out_of_range);
        assert_eq!(fetch(&mut connection, "t", 0, 2).log_start_offset, 2);
    }
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(
        fetch(&mut connection, "t", 0, 1).error_code,
        out_of_range,
        "after a restart"
    );
    assert_eq!(delete_records(&mut connection, "t", 0, -1), (0, 4), "all of them");
    assert_eq!(fetch(&mut connection, "t", 0, 4).error_code, 0);
}

#[test]
fn timestamps_are_the_brokers_if_the_topic_says_so_and_near_its_clock() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_with(
        &mut connection,
        "append",
        &[("message.timestamp.type", "LogAppendTime")],
    );
    let answer = produce(&mut connection, "append", 0, keyed("k", "v", 5));
    assert!(answer.log_append_time_ms > 1_700_000_000_000, "{answer:?}");
    let data = fetch(&mut connection, "append", 0, 0);
    assert_eq!(batches(&data)[0].max_timestamp(), answer.log_append_time_ms);
    create_with(
        &mut connection,
        "near",
        &[("message.timestamp.before.max.ms", "1000")],
    );
    let invalid = ResponseError::InvalidTimestamp.code();
    assert_eq!(
        produce(&mut connection, "near", 0, keyed("k", "v", 5)).error_code,
        invalid
    );
    let future = answer.log_append_time_ms + 4_000_000;
    assert_eq!(
        produce(&mut connection, "near", 0, keyed("k", "v", future)).error_code,
        invalid
    );
    create_topic(&mut connection, "t", 1);
    assert_eq!(produce(&mut connection, "t", 0, keyed("k", "v", 5)).error_code, 0);
    assert_eq!(
        produce(&mut connection, "t", 0, keyed("k", "v", future)).error_code,
        invalid
    );
}

#[test]
fn offsets_are_found_by_the_timestamp_of_a_record() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    for timestamp in [10, 30, 20] {
        produce(&mut connection, "t", 0, keyed("k", "v", timestamp));
    }
    let cases = [
        (0, 0),
        (10, 0),
        (11, 1),
        (30, 1),
        (31, -1),
        (-3, 1),
        (-2, 0),
        (-1, 3),
    ];
    for (timestamp, offset) in cases {
        assert_eq!(
            list_offset(&mut connection, "t", timestamp),
            (0, offset),
            "{timestamp}"
        );
    }
}

#[test]
fn a_full_disk_is_an_error_to_the_producer_and_the_broker_goes_on() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "full", 1);
    create_topic(&mut connection, "t", 1);
    let log = dir.path().join("topics/full-0/00000000000000000000.log");
    std::os::unix::fs::symlink("/dev/full", &log).expect("link");
    let storage = ResponseError::KafkaStorageError.code();
    assert_eq!(
        produce(&mut connection, "full", 0, batch(&["1"])).error_code,
        storage
    );
    assert_eq!(produce(&mut connection, "t", 0, batch(&["1"])).error_code, 0);
    std::fs::remove_file(&log).expect("room again");
    drop(broker);
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(produce(&mut connection, "full", 0, batch(&["1"])).base_offset, 0);
}

#[test]
fn with_fsync_everything_works_as_without() {
    let dir = tempfile::tempdir().expect("dir");
    let mut config = config(dir.path());
    config.fsync = true;
    let broker = start_with(config).expect("starts");
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    assert_eq!(produce(&mut connection, "t", 0, batch(&["1"])).error_code, 0);
    assert_eq!(read_values(&mut connection, "t", 0), ["1"]);
}

fn start_cleaning(dir: &std::path::Path, bug: Option<Bug>) -> Running {
    let mut config = config(dir);
    config.cleaner_interval = Duration::from_millis(20);
    config.retention_interval = Duration::from_millis(20);
    config.bugs.extend(bug);
    start_with(config).expect("starts")
}

const COMPACTED: &[(&str, &str)] = &[
    ("cleanup.policy", "compact"),
    ("segment.ms", "1"),
    ("min.cleanable.dirty.ratio", "0"),
];

/// Offset, key and value of every record.
fn read_all(connection: &mut Connection, name: &str) -> Vec<(i64, String, String)> {
    let (_, mut offset) = list_offset(connection, name, -2);
    let mut all = Vec::new();
    loop {
        // One answer brings batches of one segment.
        let data = fetch(connection, name, 0, offset);
        let mut rest = data.records.unwrap_or_default();
        if rest.is_empty() {
            assert_eq!(offset, data.high_watermark);
            return all;
        }
        while !rest.is_empty() {
            let batch = Records::of(&rest).expect("a batch");
            offset = batch.header().last_offset() + 1;
            for record in batch.iter().map(|record| record.expect("a record")) {
                let text =
                    |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
                all.push((record.offset, text(record.key), text(record.value)));
            }
            rest = rest.slice(batch.header().length()..);
        }
    }
}

/// Produces until compaction has come by, each record in a segment of its own.
fn compacted(connection: &mut Connection, name: &str) -> Vec<(i64, String, String)> {
    for (index, (key, value)) in [("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")]
        .iter()
        .enumerate()
    {
        let timestamp = 1_000 + 10 * i64::try_from(index).expect("small");
        let answer = produce(connection, name, 0, keyed(key, value, timestamp));
        assert_eq!(answer.error_code, 0);
    }
    let begun = Instant::now();
    loop {
        let read = read_all(connection, name);
        if read.len() < 4 {
            return read;
        }
        assert!(begun.elapsed() < PATIENCE, "never compacted: {read:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn values(records: &[(i64, String, String)]) -> Vec<(i64, &str)> {
    records
        .iter()
        .map(|(offset, _, value)| (*offset, value.as_str()))
        .collect()
}

#[test]
fn a_compacted_topic_keeps_last_values_and_takes_no_record_without_a_key() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_cleaning(dir.path(), None);
    let mut connection = broker.connect();
    create_with(&mut connection, "t", COMPACTED);
    let read = compacted(&mut connection, "t");
    assert_eq!(values(&read), [(1, "2"), (2, "3"), (3, "4")]);
    let refused = produce(&mut connection, "t", 0, batch(&["no key"]));
    assert_eq!(refused.error_code, ResponseError::InvalidRecord.code());
    drop(broker);
    let broker = start(dir.path());
    assert_eq!(read_all(&mut broker.connect(), "t"), read, "after a restart");
}

#[test]
fn compaction_keeps_older_keeps_the_wrong_value_and_owns_up() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start_cleaning(dir.path(), Some(Bug::CompactionKeepsOlder));
    let mut connection = broker.connect();
    create_with(&mut connection, "t", COMPACTED);
    let read = compacted(&mut connection, "t");
    assert_eq!(values(&read), [(0, "1"), (1, "2"), (3, "4")]);
    let entries = read_journal(dir.path()).expect("journal");
    let harmed: Vec<_> = entries
        .iter()
        .map(|entry| (entry.event, entry.base_offset, entry.copy_base_offset))
        .collect();
    assert_eq!(harmed, [(JournalEvent::Compacted, 2, Some(0))]);
}

#[test]
fn old_records_go_and_offsets_go_on() {
    let dir = tempfile::tempdir().expect("dir");
    {
        let broker = start_cleaning(dir.path(), None);
        let mut connection = broker.connect();
        create_with(&mut connection, "t", &[("retention.ms", "1000")]);
        produce(&mut connection, "t", 0, keyed("k", "v", 5));
        let begun = Instant::now();
        while list_offset(&mut connection, "t", -2) != (0, 1) {
            assert!(begun.elapsed() < PATIENCE, "never removed");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(
        produce(&mut connection, "t", 0, keyed("k", "v", 5)).base_offset,
        1
    );
}
