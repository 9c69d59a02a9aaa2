//! Reading forward only.
//!
//! After a change of leader the client library asks the new one where the epoch of what it read last ends (KIP-320,
//! `OffsetForLeaderEpoch`). If records of the next epoch arrive before the answer does, it takes the answer for a log
//! that was cut off, goes back to that end and hands over again what it has handed over (librdkafka 2.12.1, seen after
//! a broker was killed and started again). No broker did that, and a program that counts must not be misled by it.

use std::collections::BTreeMap;

/// Where each partition that is read goes on.
///
/// Invariant: an offset is new once, until its partition is forgotten.
#[derive(Debug)]
pub(crate) struct Forward<K>(BTreeMap<K, i64>);

impl<K: Ord> Forward<K> {
    pub(crate) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether this offset, or one behind it, was not handed over before.
    pub(crate) fn is_new(&mut self, partition: K, offset: i64) -> bool {
        let next = self.0.entry(partition).or_insert(i64::MIN);
        let new = offset >= *next;
        if new {
            *next = offset.saturating_add(1);
        }
        new
    }

    /// Partitions that went away: whoever has them begins where the group stands.
    pub(crate) fn forget(&mut self, gone: &[K]) {
        self.0.retain(|partition, _| !gone.contains(partition));
    }
}

#[cfg(test)]
mod tests {
    use super::Forward;

    #[test]
    fn what_came_comes_once() {
        let mut forward = Forward::new();
        let read = [
            (0, 5),
            (0, 6),
            (1, 5),
            (0, 9),
            (0, 6),
            (0, 7),
            (0, 9),
            (0, 10),
            (1, 6),
        ];
        let new: Vec<_> = read
            .into_iter()
            .filter(|(partition, offset)| forward.is_new(*partition, *offset))
            .collect();
        assert_eq!(new, [(0, 5), (0, 6), (1, 5), (0, 9), (0, 10), (1, 6)]);
    }

    #[test]
    fn a_partition_that_comes_back_begins_again() {
        let mut forward = Forward::new();
        assert!(forward.is_new(0, 5) && forward.is_new(1, 5));
        forward.forget(&[0]);
        assert!(forward.is_new(0, 3), "it may have been committed less far");
        assert!(!forward.is_new(1, 3));
    }
}
