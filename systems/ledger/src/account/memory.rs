//! What an account remembers of what it has answered, so that a repeat has no second effect.
//!
//! Invariant: it never holds more than its limit; the oldest is forgotten first.

use std::collections::VecDeque;

/// Requests of clients that an account remembers: a client that repeats has seconds or minutes in mind, not its last
/// 256 requests to one account. A repeat of an older one is a new request.
pub const REMEMBERED_REQUESTS: usize = 256;

/// Transfers from others that an account remembers. They come through Kafka with their offsets in the transaction of
/// their effect, so that repeats are the exception; the memory is the second lock on that door.
pub const REMEMBERED_TRANSFERS: usize = 1_024;

/// The last so many answers, by name.
#[derive(Debug, Clone)]
pub(super) struct Memory<K, V> {
    entries: VecDeque<(K, V)>,
    limit: usize,
}

impl<K: PartialEq, V> Memory<K, V> {
    pub(super) fn of(limit: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            limit,
        }
    }

    /// The newest are looked at first: a repeat usually comes soon.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries
            .iter()
            .rev()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value)
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        if self.entries.len() == self.limit {
            self.entries.pop_front();
        }
        self.entries.push_back((key, value));
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut memory = Memory::of(2);
        for key in 1..=3 {
            memory.put(key, key * 10);
        }
        assert_eq!(
            (memory.get(&1), memory.get(&2), memory.get(&3)),
            (None, Some(&20), Some(&30))
        );
    }
}
