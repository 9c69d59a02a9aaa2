//! Spring Kafka's headers: `DeadLetterPublishingRecoverer` writes `kafka_dlt-…`, retry topics write
//! `kafka_original-…` and `retry_topic-…`.
//!
//! Source: `org.springframework.kafka.support.KafkaHeaders`, `…retrytopic.RetryTopicHeaders`. Partitions, offsets and
//! timestamps are bytes, big-endian; moments of retry topics are as short as they can be.

use std::time::Duration;

use super::letter::{Family, Find, Letter, TimestampKind};

const PREFIXES: [&str; 3] = ["kafka_dlt-", "kafka_original-", "retry_topic-"];

pub(super) fn read(find: Find<'_>) -> Option<Letter> {
    if !find
        .0
        .iter()
        .any(|(name, _)| PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
    {
        return None;
    }
    let original = |what: &str| {
        [
            format!("kafka_dlt-original-{what}"),
            format!("kafka_original-{what}"),
        ]
    };
    let text = |names: [String; 2]| names.iter().find_map(|name| find.text(name));
    let number = |names: [String; 2]| names.iter().find_map(|name| find.big_endian(name));
    let exception = |what: &str| {
        [
            "kafka_dlt-exception-",
            "kafka_exception-",
            "kafka_dlt-key-exception-",
            "kafka_key-exception-",
        ]
        .iter()
        .find_map(|prefix| find.text(&format!("{prefix}{what}")))
    };
    Some(Letter {
        topic: text(original("topic")),
        partition: number(original("partition")).and_then(|partition| i32::try_from(partition).ok()),
        offset: number(original("offset")),
        timestamp_ms: number(original("timestamp"))
            .or_else(|| find.big_endian("retry_topic-original-timestamp")),
        timestamp_kind: text(original("timestamp-type"))
            .as_deref()
            .and_then(TimestampKind::from_name),
        group: find.text("kafka_dlt-original-consumer-group"),
        chain: [exception("fqcn"), exception("cause-fqcn")]
            .into_iter()
            .flatten()
            .collect(),
        message: exception("message"),
        attempts: find
            .big_endian("retry_topic-attempts")
            .and_then(|attempts| u32::try_from(attempts).ok()),
        due: find
            .big_endian("retry_topic-backoff-timestamp")
            .and_then(|due| u64::try_from(due).ok())
            .map(Duration::from_millis),
        ..Letter::new(Family::Spring)
    })
}
