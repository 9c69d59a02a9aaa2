use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::retry::{Attempts, ErrorClass};

fn whole() -> Letter {
    Letter {
        topic: Some("orders".to_owned()),
        partition: Some(3),
        offset: Some(42),
        timestamp_ms: Some(1_700_000_000_123),
        timestamp_kind: Some(TimestampKind::LogAppendTime),
        group: Some("billing".to_owned()),
        step: Some("charge".to_owned()),
        class: Some(ErrorClass::Transient),
        chain: vec!["charge failed".to_owned(), "connection refused".to_owned()],
        message: Some("charge failed".to_owned()),
        attempts: Some(4),
        first: Some(Duration::from_millis(1_700_000_001_000)),
        due: Some(Duration::from_millis(1_700_000_008_000)),
        ..Letter::new(Family::Highwater)
    }
}

fn borrow<'a>(headers: &'a [(&'static str, String)]) -> Vec<Header<'a>> {
    headers
        .iter()
        .map(|(name, value)| (*name, Some(value.as_bytes())))
        .collect()
}

#[test]
fn own_headers_say_everything_in_text() {
    let headers = whole().to_headers();
    assert_eq!(headers.len(), HEADERS.len());
    assert!(
        headers
            .iter()
            .all(|(name, value)| is_own(name) && value.chars().all(|c| c == '\n' || !c.is_control()))
    );
    assert_eq!(read(&borrow(&headers)), Some(whole()));
}

#[test]
fn what_is_long_is_cut_at_a_character() {
    let letter = Letter {
        message: Some("ü".repeat(MESSAGE_LIMIT_BYTES)),
        chain: (0..99)
            .map(|cause| format!("cause {cause}\nand more of it"))
            .collect(),
        ..whole()
    };
    let headers = letter.to_headers();
    let again = read(&borrow(&headers)).unwrap();
    assert_eq!(
        again.message.map(|message| message.len()),
        Some(MESSAGE_LIMIT_BYTES)
    );
    assert_eq!(again.chain.len(), CHAIN_LIMIT);
    assert_eq!(again.chain[1], "cause 1 and more of it");
}

#[test]
fn a_due_moment_is_never_written_as_an_earlier_one() {
    let due = Duration::from_nanos(1_700_000_008_000_000_001);
    let record = RetryRecord {
        topic: "orders".to_owned(),
        partition: 3,
        offset: 42,
        attempts: Attempts {
            made: 1,
            first: due,
            due,
        },
    };
    let headers = record.letter().to_headers();
    let again = RetryRecord::read(&borrow(&headers)).unwrap();
    assert_eq!(again.attempts.due, Duration::from_millis(1_700_000_008_001));
    assert!(again.attempts.due >= due);
}

#[test]
fn a_retry_record_that_was_altered_is_refused() {
    assert_eq!(RetryRecord::read(&[]), Err(RetryRecordError::Foreign));
    assert_eq!(
        RetryRecord::read(&[("trace", Some(b"1"))]),
        Err(RetryRecordError::Foreign)
    );
    for (name, what) in [
        ("highwater.topic", "topic"),
        ("highwater.partition", "partition"),
        ("highwater.offset", "offset"),
        ("highwater.attempts", "attempts"),
        ("highwater.first-seen-ms", "first attempt"),
        ("highwater.due-ms", "due moment"),
    ] {
        let headers = whole().to_headers();
        let without: Vec<Header<'_>> = borrow(&headers)
            .into_iter()
            .filter(|(other, _)| *other != name)
            .collect();
        assert_eq!(RetryRecord::read(&without), Err(RetryRecordError::Absent(what)));
        if name != "highwater.topic" {
            let altered: Vec<Header<'_>> = borrow(&headers)
                .into_iter()
                .map(|(other, value)| {
                    if other == name {
                        (other, Some(&b"-x"[..]))
                    } else {
                        (other, value)
                    }
                })
                .collect();
            assert_eq!(RetryRecord::read(&altered), Err(RetryRecordError::Absent(what)));
        }
    }
}

#[test]
fn spring_writes_numbers_as_bytes() {
    let headers: [Header<'_>; 10] = [
        ("kafka_dlt-original-topic", Some(b"orders")),
        ("kafka_dlt-original-partition", Some(&[0, 0, 0, 3])),
        ("kafka_dlt-original-offset", Some(&[0, 0, 0, 0, 0, 0, 1, 44])),
        (
            "kafka_dlt-original-timestamp",
            Some(&[0, 0, 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b]),
        ),
        ("kafka_dlt-original-timestamp-type", Some(b"CreateTime")),
        ("kafka_dlt-original-consumer-group", Some(b"billing")),
        (
            "kafka_dlt-exception-fqcn",
            Some(b"org.springframework.kafka.listener.ListenerExecutionFailedException"),
        ),
        (
            "kafka_dlt-exception-cause-fqcn",
            Some(b"java.lang.IllegalStateException"),
        ),
        ("kafka_dlt-exception-message", Some(b"Listener failed; boom")),
        ("kafka_dlt-exception-stacktrace", Some(b"...")),
    ];
    let letter = read(&headers).unwrap();
    assert_eq!(letter.family, Family::Spring);
    assert_eq!((letter.partition, letter.offset), (Some(3), Some(300)));
    assert_eq!(letter.timestamp_ms, Some(1_700_000_000_123));
    assert_eq!(letter.timestamp_kind, Some(TimestampKind::CreateTime));
    assert_eq!(letter.chain[1], "java.lang.IllegalStateException");
    assert_eq!(letter.message.as_deref(), Some("Listener failed; boom"));
}

#[test]
fn springs_retry_topics_have_a_due_moment_in_six_bytes() {
    let headers: [Header<'_>; 4] = [
        ("kafka_original-topic", Some(b"orders")),
        ("retry_topic-attempts", Some(&[0, 0, 0, 2])),
        (
            "retry_topic-original-timestamp",
            Some(&[0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7b]),
        ),
        (
            "retry_topic-backoff-timestamp",
            Some(&[0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x7c]),
        ),
    ];
    let letter = read(&headers).unwrap();
    assert_eq!(
        (letter.topic.as_deref(), letter.attempts),
        (Some("orders"), Some(2))
    );
    assert_eq!(letter.timestamp_ms, Some(1_700_000_000_123));
    assert_eq!(letter.due, Some(Duration::from_millis(1_700_000_000_124)));
}

#[test]
fn connect_and_smallrye_write_text() {
    let connect: [Header<'_>; 7] = [
        ("__connect.errors.topic", Some(b"orders")),
        ("__connect.errors.partition", Some(b"3")),
        ("__connect.errors.offset", Some(b"300")),
        ("__connect.errors.connector.name", Some(b"sink")),
        ("__connect.errors.stage", Some(b"VALUE_CONVERTER")),
        (
            "__connect.errors.exception.class.name",
            Some(b"org.apache.kafka.connect.errors.DataException"),
        ),
        ("__connect.errors.exception.message", Some(b"bad bytes")),
    ];
    let letter = read(&connect).unwrap();
    assert_eq!(
        (letter.family, letter.partition, letter.offset),
        (Family::Connect, Some(3), Some(300))
    );
    assert_eq!(
        (letter.group.as_deref(), letter.step.as_deref()),
        (Some("connect-sink"), Some("VALUE_CONVERTER"))
    );

    let smallrye: [Header<'_>; 7] = [
        ("dead-letter-topic", Some(b"orders")),
        ("dead-letter-partition", Some(b"3")),
        ("dead-letter-offset", Some(b"300")),
        ("dead-letter-reason", Some(b"boom")),
        ("dead-letter-cause", None),
        (
            "dead-letter-exception-class-name",
            Some(b"java.lang.IllegalStateException"),
        ),
        ("dead-letter-cause-class-name", Some(b"java.io.IOException")),
    ];
    let letter = read(&smallrye).unwrap();
    assert_eq!(
        (letter.family, letter.partition, letter.offset),
        (Family::SmallRye, Some(3), Some(300))
    );
    assert_eq!(
        letter.chain,
        ["java.lang.IllegalStateException", "java.io.IOException"]
    );
}

#[test]
fn other_headers_are_no_letter() {
    assert_eq!(read(&[]), None);
    assert_eq!(
        read(&[
            ("traceparent", Some(b"00-1")),
            ("kafka_topic", Some(b"x")),
            ("highwater.other", None)
        ]),
        None
    );
}

proptest! {
    #[test]
    fn any_headers_are_read(values in prop::collection::vec((0..40_usize, prop::option::of(prop::collection::vec(any::<u8>(), 0..40))), 0..12)) {
        let names = [
            "highwater.topic", "highwater.partition", "highwater.offset", "highwater.attempts", "highwater.due-ms",
            "highwater.error-chain", "kafka_dlt-original-offset", "kafka_dlt-original-partition",
            "retry_topic-backoff-timestamp", "retry_topic-attempts", "__connect.errors.offset", "dead-letter-offset",
        ];
        let headers: Vec<Header<'_>> =
            values.iter().map(|(name, value)| (names[name % names.len()], value.as_deref())).collect();
        let letter = read(&headers);
        prop_assert_eq!(letter.is_some(), !headers.is_empty());
        let _ = RetryRecord::read(&headers);
    }
}
