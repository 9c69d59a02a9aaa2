//! Which partition of an internal topic stands for a group or a transactional id: whoever leads it is
//! the coordinator.

/// The topic whose partitions stand for groups.
pub const GROUP_TOPIC: &str = "__consumer_offsets";

/// The topic whose partitions stand for transactional ids.
pub const TRANSACTION_TOPIC: &str = "__transaction_state";

/// The partition for a group or transactional id, in a topic of `count` partitions: the absolute value
/// of Java's hash (0 for the one number that has none), modulo the count.
pub fn partition_of(key: &str, count: i32) -> i32 {
    java_hash(key).checked_abs().unwrap_or(0) % count.max(1)
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
        assert_eq!(partition_of("polygenelubricants", 50), 0);
        assert_eq!(partition_of("hello", 50), 22);
    }
}
