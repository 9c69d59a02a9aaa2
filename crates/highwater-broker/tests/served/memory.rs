//! What clients make the broker hold is bounded, and nobody holds it for ever.

use std::time::{Duration, Instant};

use kafka_protocol::messages::{ApiVersionsRequest, FetchRequest};

use crate::client::*;
use crate::running::{PATIENCE, config, start_with};

/// Smaller than two of the batches here.
const BUDGET: usize = 1 << 20;

const BATCH: usize = 700_000;

/// Far more of these batches than sockets take on their way, with Linux growing them to 38 MB.
const ANSWERS: usize = 150;

const CLIENT_PATIENCE: Duration = Duration::from_secs(1);

fn large(offset: i64, max_wait_ms: i32) -> FetchRequest {
    let mut request = fetch_request("t", 0, offset)
        .with_max_bytes(16 << 20)
        .with_max_wait_ms(max_wait_ms);
    request.topics[0].partitions[0].partition_max_bytes = 16 << 20;
    request
}

#[test]
fn readers_that_want_more_than_there_is_memory_for_take_turns() {
    let dir = tempfile::tempdir().expect("dir");
    let mut config = config(dir.path());
    config.fetch_memory_bytes = BUDGET;
    let broker = start_with(config).expect("starts");
    let mut writer = broker.connect();
    create_topic(&mut writer, "t", 1);
    let value = "x".repeat(BATCH);
    for _ in 0..4 {
        assert_eq!(produce(&mut writer, "t", 0, batch(&[&value])).error_code, 0);
    }
    std::thread::scope(|scope| {
        for _ in 0..6 {
            let mut reader = broker.connect();
            scope.spawn(move || {
                for offset in 0..4 {
                    let answer = reader.call(&large(offset, 15_000), 12).expect("answered");
                    let found = batches(&answer.responses[0].partitions[0]);
                    assert_eq!(found.len(), 1, "a batch is whole, and there is no room for two");
                    assert_eq!(found[0].base_offset(), offset);
                }
            });
        }
    });
}

#[test]
fn who_does_not_read_holds_no_more_than_the_budget_and_not_for_ever() {
    let dir = tempfile::tempdir().expect("dir");
    let mut config = config(dir.path());
    config.fetch_memory_bytes = BUDGET;
    config.client_patience = CLIENT_PATIENCE;
    let broker = start_with(config).expect("starts");
    let mut reader = broker.connect();
    create_topic(&mut reader, "t", 1);
    produce(&mut reader, "t", 0, batch(&[&"x".repeat(BATCH)]));
    let mut deaf = broker.connect();
    let sent: Vec<i32> = (0..ANSWERS)
        .map(|_| deaf.send(&large(0, 0), 12).expect("sent"))
        .collect();
    let begun = Instant::now();
    // An answer that is just being written uses the budget too, for a moment.
    let mut full_since = None;
    while full_since.is_none_or(|since: Instant| since.elapsed() < CLIENT_PATIENCE / 2) {
        let answer = reader.call(&large(0, 0), 12).expect("answered");
        let data = &answer.responses[0].partitions[0];
        assert_eq!((data.error_code, data.high_watermark), (0, 1));
        if batches(data).is_empty() {
            full_since.get_or_insert_with(Instant::now);
        } else {
            full_since = None;
        }
        assert!(begun.elapsed() < PATIENCE, "the budget is never used up");
    }
    let answer = reader.call(&large(0, 15_000), 12).expect("answered");
    assert_eq!(batches(&answer.responses[0].partitions[0]).len(), 1, "free again");
    let taken = sent
        .into_iter()
        .take_while(|id| deaf.receive::<FetchRequest>(12, *id).is_ok())
        .count();
    assert!(taken < ANSWERS, "cut off");
}

#[test]
fn a_long_request_that_never_ends_makes_others_wait_only_for_a_while() {
    let dir = tempfile::tempdir().expect("dir");
    let mut config = config(dir.path());
    config.request_memory_bytes = BUDGET;
    config.client_patience = CLIENT_PATIENCE;
    let broker = start_with(config).expect("starts");
    let mut half = broker.connect();
    half.call(&ApiVersionsRequest::default(), 3).expect("served");
    // A Produce request of 1 MiB, and its first bytes.
    half.send_raw(b"\x00\x10\x00\x00\x00\x00\x00\x09").expect("sent");
    let begun = Instant::now();
    let mut writer = broker.connect();
    assert_eq!(create_topic(&mut writer, "t", 1), 0, "a small request is served");
    let value = "x".repeat(BATCH);
    // The first ones may come before the broker has seen that the other is long.
    loop {
        let asked = Instant::now();
        assert_eq!(produce(&mut writer, "t", 0, batch(&[&value])).error_code, 0);
        if asked.elapsed() >= CLIENT_PATIENCE / 2 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "nobody waits for the other");
    }
    assert!(half.receive_raw().is_err(), "cut off");
}
