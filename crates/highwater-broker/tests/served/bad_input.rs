//! Bytes that are not requests, and requests that lie about lengths.

use std::time::Duration;

use highwater_wire::Connection;
use kafka_protocol::messages::{ApiVersionsRequest, FetchRequest};

use crate::client::*;
use crate::running::{Running, config, start, start_with};

fn still_serves(broker: &Running) {
    let mut connection = broker.connect();
    connection
        .call(&ApiVersionsRequest::default(), 3)
        .expect("a new client is served");
}

fn is_closed(mut connection: Connection) -> bool {
    connection.receive_raw().is_err()
}

#[test]
fn nonsense_closes_the_connection_and_nothing_else() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let cases: [(&str, &[u8]); 8] = [
        ("http", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("a negative length", b"\xff\xff\xff\xff\x00\x12"),
        ("a huge length", b"\x7f\xff\xff\xff\x00\x12"),
        ("an empty frame", b"\x00\x00\x00\x00\x00\x00"),
        (
            "an unknown api",
            b"\x00\x00\x00\x0a\x03\xe7\x00\x00\x00\x00\x00\x01\xff\xff",
        ),
        (
            "a client id past the end",
            b"\x00\x00\x00\x0a\x00\x12\x00\x00\x00\x00\x00\x01\x03\xff",
        ),
        // Metadata version 1 with two thousand million topics in no bytes.
        (
            "a lying count",
            b"\x00\x00\x00\x0e\x00\x03\x00\x01\x00\x00\x00\x01\xff\xff\x7f\xff\xff\xff",
        ),
        // Metadata version 9 with four thousand million topics in no bytes.
        (
            "a lying compact count",
            b"\x00\x00\x00\x11\x00\x03\x00\x09\x00\x00\x00\x01\xff\xff\x00\xff\xff\xff\xff\x0f\x01",
        ),
    ];
    for (name, bytes) in cases {
        let mut connection = broker.connect();
        connection.send_raw(bytes).expect("sent");
        assert!(is_closed(connection), "{name}");
        still_serves(&broker);
    }
}

#[test]
fn a_client_that_vanishes_in_mid_frame_or_while_waiting_leaves_no_trace() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut half = broker.connect();
    half.send_raw(b"\x00\x00\x10\x00\x00\x00").expect("sent");
    drop(half);
    let mut waiting = broker.connect();
    create_topic(&mut waiting, "t", 1);
    waiting
        .send(&fetch_request("t", 0, 0).with_max_wait_ms(60_000), 12)
        .expect("sent");
    drop(waiting);
    still_serves(&broker);
}

#[test]
fn a_request_in_many_small_pieces_is_a_request() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let frame =
        highwater_wire::frame::encode_request(&fetch_request("t", 0, 0), 12, 77, "slow").expect("encodes");
    for byte in &frame {
        connection.send_raw(&[*byte]).expect("sent");
    }
    let response = connection.receive::<FetchRequest>(12, 77).expect("answered");
    assert_eq!(response.responses[0].partitions[0].error_code, 0);
}

#[test]
fn a_silent_connection_is_closed_after_a_while_and_a_waiting_one_is_not_silent() {
    let dir = tempfile::tempdir().expect("dir");
    let mut config = config(dir.path());
    config.connections_max_idle = Duration::from_millis(300);
    let broker = start_with(config).expect("starts");
    let silent = broker.connect();
    let mut half = broker.connect();
    half.send_raw(b"\x00\x00\x10").expect("sent");
    let mut waiting = broker.connect();
    create_topic(&mut waiting, "t", 1);
    let request = fetch_request("t", 0, 0).with_max_wait_ms(1_000);
    let answer = waiting.call(&request, 12).expect("answered after a second");
    assert_eq!(answer.responses[0].partitions[0].error_code, 0);
    assert!(is_closed(silent));
    assert!(is_closed(half));
    still_serves(&broker);
}

#[test]
fn a_stop_does_not_wait_for_those_who_wait() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut waiting = broker.connect();
    create_topic(&mut waiting, "t", 1);
    waiting
        .send(&fetch_request("t", 0, 0).with_max_wait_ms(60_000), 12)
        .expect("sent");
    let mut deaf = broker.connect();
    for _ in 0..1_000 {
        deaf.send(&ApiVersionsRequest::default(), 3).expect("sent");
    }
    let begun = std::time::Instant::now();
    drop(broker);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}
