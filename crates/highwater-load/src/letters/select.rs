//! Which topics hold dead letters, and which letters are meant.

use std::collections::BTreeSet;

use super::Dead;

/// Endings and beginnings of names that libraries and people give to such topics.
const ENDINGS: [&str; 9] = [
    ".dead-letters",
    "-dead-letters",
    ".dlt",
    "-dlt",
    "_dlt",
    ".dlq",
    "-dlq",
    "_dlq",
    "-dead-letter",
];
const BEGINNINGS: [&str; 4] = ["dead-letter-topic-", "dead-letter-", "dlq-", "dlt-"];

/// Whether a topic holds dead letters, by its name: `orders.billing.dead-letters` (this library), `orders-dlt` and
/// `orders.DLT` (Spring Kafka), `dead-letter-topic-orders` (SmallRye), `…-dlq`.
#[must_use]
pub fn is_dead_letter_topic(name: &str) -> bool {
    let name = name.to_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Which letters are meant; all of them by default. What is given must all be true.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// These partitions.
    pub partitions: BTreeSet<i32>,
    /// This offset.
    pub offset: Option<i64>,
    /// This key.
    pub key: Option<Vec<u8>>,
    /// This topic as the one that they were in first.
    pub source: Option<String>,
    /// This text in the error or what caused it.
    pub error: Option<String>,
}

impl Selection {
    /// Whether a letter is meant.
    #[must_use]
    pub fn takes(&self, dead: &Dead) -> bool {
        let letter = dead.letter.as_ref();
        let source = || letter.and_then(|letter| letter.topic.as_deref());
        let told = |text: &String| {
            letter.is_some_and(|letter| {
                letter
                    .message
                    .iter()
                    .chain(&letter.chain)
                    .any(|one| one.contains(text))
            })
        };
        (self.partitions.is_empty() || self.partitions.contains(&dead.partition))
            && self.offset.is_none_or(|offset| offset == dead.offset)
            && self.key.as_ref().is_none_or(|key| dead.key.as_ref() == Some(key))
            && self.source.as_ref().is_none_or(|wanted| source() == Some(wanted))
            && self.error.as_ref().is_none_or(told)
    }
}

#[cfg(test)]
mod tests {
    use highwater_pipeline::deadletter::{Family, Letter};

    use super::*;

    #[test]
    fn names_of_topics() {
        for (name, dead) in [
            ("orders.billing.dead-letters", true),
            ("orders-dlt", true),
            ("orders.DLT", true),
            ("dead-letter-topic-orders", true),
            ("dlq-orders", true),
            ("orders", false),
            ("orders-dlt-archive", false),
            ("dltx", false),
        ] {
            assert_eq!(is_dead_letter_topic(name), dead, "{name}");
        }
    }

    #[test]
    fn a_selection_takes_what_is_meant() {
        let dead = Dead {
            partition: 1,
            offset: 7,
            key: Some(b"a".to_vec()),
            letter: Some(Letter {
                topic: Some("orders".to_owned()),
                message: Some("no such account".to_owned()),
                ..Letter::new(Family::Spring)
            }),
            ..Dead::default()
        };
        let all = Selection::default();
        let cases: [(&str, Selection, bool); 7] = [
            ("all", all.clone(), true),
            (
                "partition",
                Selection {
                    partitions: [1].into(),
                    ..all.clone()
                },
                true,
            ),
            (
                "another partition",
                Selection {
                    partitions: [2].into(),
                    ..all.clone()
                },
                false,
            ),
            (
                "offset",
                Selection {
                    offset: Some(8),
                    ..all.clone()
                },
                false,
            ),
            (
                "key",
                Selection {
                    key: Some(b"b".to_vec()),
                    ..all.clone()
                },
                false,
            ),
            (
                "source",
                Selection {
                    source: Some("orders".to_owned()),
                    ..all.clone()
                },
                true,
            ),
            (
                "error",
                Selection {
                    error: Some("account".to_owned()),
                    ..all
                },
                true,
            ),
        ];
        for (name, selection, takes) in cases {
            assert_eq!(selection.takes(&dead), takes, "{name}");
        }
    }
}
