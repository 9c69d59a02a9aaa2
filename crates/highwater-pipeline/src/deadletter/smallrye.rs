//! SmallRye's headers, written by its failure strategy `dead-letter-queue`.
//!
//! Source: `io.smallrye.reactive.messaging.kafka.fault.KafkaDeadLetterQueue`. Everything is text.

use super::letter::{Family, Find, Letter};

const HEADERS: [&str; 7] = [
    "dead-letter-topic",
    "dead-letter-partition",
    "dead-letter-offset",
    "dead-letter-reason",
    "dead-letter-cause",
    "dead-letter-exception-class-name",
    "dead-letter-cause-class-name",
];

pub(super) fn read(find: Find<'_>) -> Option<Letter> {
    if !find.0.iter().any(|(name, _)| HEADERS.contains(name)) {
        return None;
    }
    Some(Letter {
        topic: find.text("dead-letter-topic"),
        partition: find.number("dead-letter-partition"),
        offset: find.number("dead-letter-offset"),
        chain: [
            "dead-letter-exception-class-name",
            "dead-letter-cause-class-name",
            "dead-letter-cause",
        ]
        .iter()
        .filter_map(|name| find.text(name))
        .collect(),
        message: find.text("dead-letter-reason"),
        ..Letter::new(Family::SmallRye)
    })
}
