use highwater_wire::BatchBuilder;
use kafka_protocol::error::ResponseError;

use crate::client::*;
use crate::running::start;

fn error(code: i16) -> Option<ResponseError> {
    ResponseError::try_from_code(code)
}

#[test]
fn records_come_back_as_they_went_in() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    assert_eq!(create_topic(&mut connection, "t", 2), 0);
    assert_eq!(
        produce(&mut connection, "t", 0, batch(&["a", "b"])).base_offset,
        0
    );
    assert_eq!(produce(&mut connection, "t", 0, batch(&["c"])).base_offset, 2);
    assert_eq!(produce(&mut connection, "t", 1, batch(&["d"])).base_offset, 0);
    assert_eq!(read_values(&mut connection, "t", 0), ["a", "b", "c"]);
    assert_eq!(read_values(&mut connection, "t", 1), ["d"]);
}

#[test]
fn a_retry_gets_the_first_offset_and_a_gap_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let id = init_producer(&mut connection);
    assert_ne!(init_producer(&mut connection), id, "every producer its own");
    for sequence in 0..3 {
        let answer = produce(&mut connection, "t", 0, sequenced(id, sequence, "v"));
        assert_eq!((answer.error_code, answer.base_offset), (0, i64::from(sequence)));
    }
    let retry = produce(&mut connection, "t", 0, sequenced(id, 1, "v"));
    assert_eq!((retry.error_code, retry.base_offset), (0, 1));
    let gap = produce(&mut connection, "t", 0, sequenced(id, 7, "v"));
    assert_eq!(
        error(gap.error_code),
        Some(ResponseError::OutOfOrderSequenceNumber)
    );
    let old = BatchBuilder::new().producer(id, 1, 0).record(None, None).build();
    assert_eq!(produce(&mut connection, "t", 0, old).error_code, 0, "a new epoch");
    let fenced = produce(&mut connection, "t", 0, sequenced(id, 3, "v"));
    assert_eq!(
        error(fenced.error_code),
        Some(ResponseError::InvalidProducerEpoch)
    );
    assert_eq!(read_values(&mut connection, "t", 0).len(), 4);
}

#[test]
fn what_kafka_refuses_is_refused_with_its_code() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let good = batch(&["value"]);
    let flip = |at: usize| {
        let mut bytes = good.to_vec();
        bytes[at] ^= 1;
        bytes::Bytes::from(bytes)
    };
    let two = bytes::Bytes::from([good.clone(), good.clone()].concat());
    let large = "x".repeat(2 << 20);
    let cases = [
        (
            "unknown topic",
            "nowhere",
            0,
            good.clone(),
            ResponseError::UnknownTopicOrPartition,
        ),
        (
            "unknown partition",
            "t",
            9,
            good.clone(),
            ResponseError::UnknownTopicOrPartition,
        ),
        (
            "negative partition",
            "t",
            -1,
            good.clone(),
            ResponseError::UnknownTopicOrPartition,
        ),
        ("a flipped bit", "t", 0, flip(70), ResponseError::CorruptMessage),
        (
            "half a batch",
            "t",
            0,
            good.slice(..good.len() - 3),
            ResponseError::InvalidRecord,
        ),
        (
            "no batch",
            "t",
            0,
            bytes::Bytes::new(),
            ResponseError::InvalidRecord,
        ),
        (
            "an old magic",
            "t",
            0,
            flip(16).slice(..),
            ResponseError::CorruptMessage,
        ),
        ("two batches", "t", 0, two, ResponseError::InvalidRecord),
        (
            "no record",
            "t",
            0,
            BatchBuilder::new().build(),
            ResponseError::InvalidRecord,
        ),
        (
            "too large",
            "t",
            0,
            batch(&[&large]),
            ResponseError::MessageTooLarge,
        ),
        (
            "of a transaction",
            "t",
            0,
            BatchBuilder::new()
                .producer(1, 0, 0)
                .transactional()
                .record(None, None)
                .build(),
            ResponseError::TransactionalIdAuthorizationFailed,
        ),
    ];
    for (name, topic, partition, records, expected) in cases {
        let answer = produce(&mut connection, topic, partition, records);
        assert_eq!(error(answer.error_code), Some(expected), "{name}");
        assert_eq!(answer.base_offset, -1, "{name}");
    }
    let odd = produce_request("t", 0, good.clone()).with_acks(2);
    let response = connection.call(&odd, 9).expect("answered");
    let code = response.responses[0].partition_responses[0].error_code;
    assert_eq!(error(code), Some(ResponseError::InvalidRequiredAcks));
    assert_eq!(
        read_values(&mut connection, "t", 0),
        [""; 0],
        "nothing of it got in"
    );
    assert_eq!(
        produce(&mut connection, "t", 0, good).base_offset,
        0,
        "the connection is usable"
    );
}

#[test]
fn without_acknowledgement_there_is_no_answer_and_a_failure_closes() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let silent = produce_request("t", 0, batch(&["a"])).with_acks(0);
    connection.send(&silent, 9).expect("sent");
    assert_eq!(
        produce(&mut connection, "t", 0, batch(&["b"])).base_offset,
        1,
        "the next answer"
    );
    let lost = produce_request("nowhere", 0, batch(&["a"])).with_acks(0);
    connection.send(&lost, 9).expect("sent");
    assert!(connection.receive_raw().is_err(), "closed");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let sent: Vec<i32> = (0..50)
        .map(|index| {
            let request = produce_request("t", 0, batch(&[&index.to_string()]));
            connection.send(&request, 9).expect("sent")
        })
        .collect();
    for (id, expected) in sent.into_iter().zip(0..) {
        let response = connection
            .receive::<kafka_protocol::messages::ProduceRequest>(9, id)
            .expect("in order");
        assert_eq!(response.responses[0].partition_responses[0].base_offset, expected);
    }
}
