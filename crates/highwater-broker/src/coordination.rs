//! Which partition of which internal topic stands for the coordination of a group or transactional id.
//!
//! As in Kafka, whoever leads that partition is the coordinator, so that moving it moves the coordinator.
//! The partitions have no records here: what Kafka keeps in them is kept in files of its own.

/// What is coordinated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coordination {
    Group,
    Transaction,
}

impl Coordination {
    /// Partitions of either topic, Kafka's default (`offsets.topic.num.partitions`,
    /// `transaction.state.log.num.partitions`).
    pub(crate) const PARTITIONS: i32 = 50;

    /// The internal topic.
    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::Group => "__consumer_offsets",
            Self::Transaction => "__transaction_state",
        }
    }

    /// The partition for a group or transactional id, in a topic of `count` partitions.
    pub(crate) fn partition_of(self, key: &str, count: usize) -> i32 {
        // Kafka takes the absolute value, and 0 for the one number that has none.
        let hash = i64::from(java_hash(key).checked_abs().unwrap_or(0));
        let partition = hash % i64::try_from(count.max(1)).unwrap_or(1);
        i32::try_from(partition).unwrap_or(0)
    }
}

/// Whether a topic is one that clients do not write to.
pub(crate) fn is_internal(topic: &str) -> bool {
    [Coordination::Group, Coordination::Transaction]
        .iter()
        .any(|kind| kind.topic() == topic)
}

/// `String.hashCode` of Java: over UTF-16 code units, wrapping.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_java() {
        let cases = [
            ("", 0),
            ("a", 97),
            ("hello", 99_162_322),
            ("polygenelubricants", i32::MIN),
            ("ü😀", 2_015_071),
        ];
        for (text, expected) in cases {
            assert_eq!(java_hash(text), expected, "{text}");
        }
        assert_eq!(Coordination::Group.partition_of("polygenelubricants", 50), 0);
        assert_eq!(Coordination::Group.partition_of("hello", 50), 22);
    }

    #[test]
    fn internal_topics_are_two() {
        assert!(is_internal("__consumer_offsets") && is_internal("__transaction_state"));
        assert!(!is_internal("__mine"));
    }
}
