//! Kafka Connect's headers, written with `errors.deadletterqueue.context.headers.enable=true`.
//!
//! Source: KIP-298; `org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter`. Everything is text.

use super::letter::{Family, Find, Letter};

const PREFIX: &str = "__connect.errors.";

pub(super) fn read(find: Find<'_>) -> Option<Letter> {
    if !find.0.iter().any(|(name, _)| name.starts_with(PREFIX)) {
        return None;
    }
    Some(Letter {
        topic: find.text("__connect.errors.topic"),
        partition: find.number("__connect.errors.partition"),
        offset: find.number("__connect.errors.offset"),
        // A sink's group, unless its worker or its connector says otherwise.
        group: find
            .text("__connect.errors.connector.name")
            .map(|name| format!("connect-{name}")),
        step: find.text("__connect.errors.stage"),
        chain: find
            .text("__connect.errors.exception.class.name")
            .into_iter()
            .collect(),
        message: find.text("__connect.errors.exception.message"),
        ..Letter::new(Family::Connect)
    })
}
