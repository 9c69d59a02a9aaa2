//! Deduplication: which records are the same, and which of them were done lately.
//!
//! Invariant: an identity is remembered as done only after its record succeeded.
//! Not here: what is remembered across a restart. An effect that must not repeat records the identity in its own
//! transaction (an inbox table); this window is the fast answer in front of it.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use crate::flaw::{self, Flaw};

/// The identity of a record: 256 bits of BLAKE3, of its message id or of its canonical bytes.
///
/// Two records with one identity are the same record. A checksum of 32 bits says that of some two among 77,000
/// different ones as likely as not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity([u8; 32]);

impl Identity {
    /// By an id that the producer gave it.
    #[must_use]
    pub fn of_id(id: &[u8]) -> Self {
        Self::of("id", id)
    }

    /// By its content. The bytes must be canonical: the same content, the same bytes.
    #[must_use]
    pub fn of_content(bytes: &[u8]) -> Self {
        Self::of("content", bytes)
    }

    /// The bytes, for an inbox table.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// An id never equals a content, even when their bytes do.
    fn of(kind: &str, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(kind.as_bytes());
        hasher.update(&[0]);
        hasher.update(bytes);
        Self(*hasher.finalize().as_bytes())
    }
}

impl std::hash::Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        state.write_u64(u64::from_le_bytes(first));
    }
}

/// An identity is a hash already, and nobody can choose it.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// What is known about an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Seen {
    /// Nothing: it is running from now on. Say how it ended.
    New,
    /// A record with this identity is running. Wait for its end, then ask again.
    Running,
    /// It was done: this record needs no effect.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Done,
}

/// The identities that were done lately, a bounded number of them.
#[derive(Debug, Clone)]
pub struct RecentWindow {
    limit: usize,
    states: HashMap<Identity, State, BuildHasherDefault<Hashed>>,
    done: VecDeque<Identity>,
}

impl RecentWindow {
    /// Remembers so many; the oldest is forgotten first. About 100 bytes each.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            states: HashMap::default(),
            done: VecDeque::new(),
        }
    }

    /// Asks before a record runs.
    pub fn begin(&mut self, identity: Identity) -> Seen {
        match self.states.get(&identity) {
            Some(State::Running) => Seen::Running,
            Some(State::Done) => Seen::Done,
            None => {
                let state = if flaw::planted(Flaw::MarkEarly) {
                    State::Done
                } else {
                    State::Running
                };
                self.states.insert(identity, state);
                Seen::New
            }
        }
    }

    /// The record succeeded, and its effect is safe: with a transaction, after its commit.
    pub fn succeeded(&mut self, identity: Identity) {
        if self.limit == 0 {
            self.states.remove(&identity);
            return;
        }
        if self.states.insert(identity, State::Done) == Some(State::Done) {
            return;
        }
        self.done.push_back(identity);
        if self.done.len() > self.limit
            && let Some(oldest) = self.done.pop_front()
        {
            self.states.remove(&oldest);
        }
    }

    /// The record failed, or its transaction was aborted: the next one with this identity is new.
    pub fn failed(&mut self, identity: Identity) {
        if self.states.get(&identity) == Some(&State::Running) {
            self.states.remove(&identity);
        }
    }

    /// How many are remembered as done.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.done.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_no_content() {
        assert_ne!(Identity::of_id(b"a"), Identity::of_content(b"a"));
        assert_eq!(Identity::of_id(b"a"), Identity::of_id(b"a"));
    }

    #[test]
    fn done_only_after_success() {
        let mut window = RecentWindow::new(2);
        let [a, b, c] = [b"a", b"b", b"c"].map(|id| Identity::of_id(id));
        assert_eq!(window.begin(a), Seen::New);
        assert_eq!(window.begin(a), Seen::Running);
        window.failed(a);
        assert_eq!(window.begin(a), Seen::New);
        window.succeeded(a);
        assert_eq!(window.begin(a), Seen::Done);
        window.failed(a);
        assert_eq!(window.begin(a), Seen::Done, "what is done stays done");
        for identity in [b, c] {
            assert_eq!(window.begin(identity), Seen::New);
            window.succeeded(identity);
        }
        assert_eq!(window.begin(a), Seen::New, "forgotten");
        assert_eq!(window.remembered(), 2);
    }

    proptest! {
        #[test]
        fn the_window_is_bounded_and_never_wrong(limit in 0..8_usize, steps in prop::collection::vec((0..12_u8, any::<bool>()), 0..200)) {
            let mut window = RecentWindow::new(limit);
            let mut succeeded = BTreeSet::new();
            for (id, works) in steps {
                let identity = Identity::of_id(&[id]);
                match window.begin(identity) {
                    Seen::New if works => {
                        window.succeeded(identity);
                        succeeded.insert(id);
                    }
                    Seen::New => window.failed(identity),
                    Seen::Done => prop_assert!(succeeded.contains(&id)),
                    Seen::Running => prop_assert!(false, "nothing runs"),
                }
                prop_assert!(window.remembered() <= limit && window.states.len() <= limit);
            }
        }
    }
}
