//! Parked records of one partition: keys that wait, each with its records in order.
//!
//! ```text
//!  record of key k fails ─▶ retry topic ─▶ written(k) ─▶ k is locked ─▶ due ─▶ take ─▶ finished ─▶ next of k
//!  later records of k    ─▶ retry topic ─▶ written(k) ─▶ wait behind it                             └ none: unlocked
//!  after a restart: the retry topic is read again ─▶ arrived(k), …
//! ```
//!
//! A parked record is named by its source offset and the attempts made. When it fails again, a new version with more
//! attempts and a later moment is written, and the older version's place in the retry topic is complete.
//!
//! A record runs only after it was read back from the retry topic: then its place there is known, and completing it
//! goes into the same commit as its effect. Otherwise a crash right behind that commit would run it again.
//!
//! Invariant: the records of a key run in the order of their source offsets, one at a time, none before it is due.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::policy::Attempts;
use crate::flaw::{self, Flaw};
use crate::lanes::DueQueue;
use crate::offset::Ticket;

/// What waits together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ParkKey {
    /// All records of a key.
    Key(Box<[u8]>),
    /// One record alone, by its source offset: it has no key, or its pipeline keeps no order.
    Alone(i64),
    /// All records of the partition.
    Partition,
}

/// A parked record that runs now.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a key whose permit is lost never runs again"]
pub struct ParkedPermit {
    key: ParkKey,
    source_offset: i64,
}

impl ParkedPermit {
    /// The offset of the record in the source partition.
    #[must_use]
    pub fn source_offset(&self) -> i64 {
        self.source_offset
    }
}

/// What a record from the retry topic is.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It waits here now, or waited already.
    Kept,
    /// It is a version that is done or was replaced: complete these tickets of the retry partition.
    Complete(Vec<Ticket>),
}

#[derive(Debug)]
struct Entry<T> {
    attempts: Attempts,
    /// Its place in the retry partition, once it was read from there.
    ticket: Option<Ticket>,
    /// Before this it does not run, whatever moments the queue has for it.
    not_before: Duration,
    /// Away while it runs.
    record: Option<T>,
    bytes: usize,
}

/// The records of one key, by their source offsets.
#[derive(Debug)]
struct Queue<T> {
    records: BTreeMap<i64, Entry<T>>,
    /// One of them is out. It need not be the first: an earlier one may have been written since, by a source that
    /// was read again.
    running: bool,
}

/// The parked records of one partition.
#[derive(Debug)]
pub struct Lot<T> {
    keys: HashMap<ParkKey, Queue<T>>,
    due: DueQueue<(ParkKey, i64, u32)>,
    /// Versions written and not needed: complete when they are read back.
    gone: BTreeSet<(i64, u32)>,
    records: usize,
    bytes: usize,
    running: usize,
}

impl<T> Default for Lot<T> {
    fn default() -> Self {
        Self {
            keys: HashMap::new(),
            due: DueQueue::default(),
            gone: BTreeSet::new(),
            records: 0,
            bytes: 0,
            running: 0,
        }
    }
}

impl<T> Lot<T> {
    /// Whether records of this key must wait here.
    #[must_use]
    pub fn locked(&self, key: &ParkKey) -> bool {
        self.keys.contains_key(key) && !flaw::planted(Flaw::OvertakeParked)
    }

    /// Whether this very record waits here: it was parked, and its source offset not yet committed.
    #[must_use]
    pub fn holds(&self, key: &ParkKey, source_offset: i64) -> bool {
        self.keys
            .get(key)
            .is_some_and(|queue| queue.records.contains_key(&source_offset))
    }

    /// A record was written to the retry topic and acknowledged: its key is locked. For one that failed again, the
    /// place of its older version in the retry partition is returned, to be completed.
    pub fn written(
        &mut self,
        permit: Option<ParkedPermit>,
        key: ParkKey,
        source_offset: i64,
        attempts: Attempts,
        bytes: usize,
        record: T,
    ) -> Option<Ticket> {
        if permit.is_none() && self.holds(&key, source_offset) {
            // Written twice, by an owner before this one and by this one: the first to be known stays.
            self.gone.insert((source_offset, attempts.made));
            return None;
        }
        let older = permit.and_then(|permit| {
            self.returned(&permit);
            self.remove(&permit.key, permit.source_offset)
        });
        self.insert(
            key,
            source_offset,
            Entry {
                attempts,
                not_before: attempts.due,
                ticket: None,
                record: Some(record),
                bytes,
            },
        );
        older
    }

    /// A record was read from the retry topic.
    pub fn arrived(
        &mut self,
        ticket: Ticket,
        key: ParkKey,
        source_offset: i64,
        attempts: Attempts,
        bytes: usize,
        record: T,
    ) -> Arrival {
        if self.gone.remove(&(source_offset, attempts.made)) {
            return Arrival::Complete(vec![ticket]);
        }
        let here = self
            .keys
            .get_mut(&key)
            .and_then(|queue| queue.records.get_mut(&source_offset));
        match here {
            Some(entry) if entry.attempts.made == attempts.made && entry.ticket.is_none() => {
                entry.ticket = Some(ticket);
                self.due.push(
                    attempts.due.max(entry.attempts.due),
                    (key, source_offset, attempts.made),
                );
                Arrival::Kept
            }
            Some(entry) if entry.attempts.made >= attempts.made || entry.record.is_none() => {
                Arrival::Complete(vec![ticket])
            }
            Some(_) => {
                // Read again after a restart: a later version replaces the one that came before it.
                let older = self.remove(&key, source_offset);
                self.insert(
                    key,
                    source_offset,
                    Entry {
                        attempts,
                        not_before: attempts.due,
                        ticket: Some(ticket),
                        record: Some(record),
                        bytes,
                    },
                );
                older.map_or(Arrival::Kept, |older| Arrival::Complete(vec![older]))
            }
            None => {
                self.insert(
                    key,
                    source_offset,
                    Entry {
                        attempts,
                        not_before: attempts.due,
                        ticket: Some(ticket),
                        record: Some(record),
                        bytes,
                    },
                );
                Arrival::Kept
            }
        }
    }

    /// Takes the first record of a key whose moment has come.
    pub fn take(&mut self, now: Duration) -> Option<(ParkedPermit, Attempts, T)> {
        while let Some((key, source_offset, made)) = self.due.pop(now) {
            let Some(queue) = self.keys.get_mut(&key).filter(|queue| !queue.running) else {
                continue;
            };
            let Some(mut head) = queue.records.first_entry() else {
                continue;
            };
            let entry = head.get();
            if entry.not_before > now && !flaw::planted(Flaw::RetryEarly) {
                continue;
            }
            if *head.key() != source_offset || entry.attempts.made != made || entry.ticket.is_none() {
                continue;
            }
            let attempts = head.get().attempts;
            if let Some(record) = head.get_mut().record.take() {
                queue.running = true;
                self.running += 1;
                return Some((ParkedPermit { key, source_offset }, attempts, record));
            }
        }
        None
    }

    /// When the next record may run.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.due.next_due()
    }

    /// The record is done, or its dead letter is safe: the next one of its key is first now. Returns its place in the
    /// retry partition, to be completed; nothing, when it was not read back from there yet.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a permit given back is a permit no more"
    )]
    pub fn finished(&mut self, permit: ParkedPermit) -> Option<Ticket> {
        self.returned(&permit);
        self.remove(&permit.key, permit.source_offset)
    }

    /// The record was not run, or not to an end: it waits again, until the given moment.
    pub fn put_back(&mut self, permit: ParkedPermit, due: Duration, record: T) {
        self.returned(&permit);
        let ParkedPermit { key, source_offset } = permit;
        let Some(queue) = self.keys.get_mut(&key) else {
            return;
        };
        if let Some(entry) = queue.records.get_mut(&source_offset) {
            entry.record = Some(record);
            entry.not_before = due;
            self.due
                .push(due, (key.clone(), source_offset, entry.attempts.made));
        }
        // One that was written in front of it meanwhile runs before it.
        if let Some((first, head)) = queue
            .records
            .first_key_value()
            .filter(|(first, _)| **first != source_offset)
        {
            self.due
                .push(head.attempts.due, (key, *first, head.attempts.made));
        }
    }

    /// Keys that are locked.
    #[must_use]
    pub fn parked_keys(&self) -> usize {
        self.keys.len()
    }

    /// Records here, running ones included.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records
    }

    /// Their size, running ones included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Records taken and not given back.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running
    }

    fn returned(&mut self, permit: &ParkedPermit) {
        self.running -= 1;
        if let Some(queue) = self.keys.get_mut(&permit.key) {
            queue.running = false;
        }
    }

    fn insert(&mut self, key: ParkKey, source_offset: i64, entry: Entry<T>) {
        self.records += 1;
        self.bytes += entry.bytes;
        let (due, made) = (entry.attempts.due, entry.attempts.made);
        let queue = self.keys.entry(key.clone()).or_insert_with(|| Queue {
            records: BTreeMap::new(),
            running: false,
        });
        queue.records.insert(source_offset, entry);
        if queue
            .records
            .first_key_value()
            .is_some_and(|(first, _)| *first == source_offset)
        {
            self.due.push(due, (key, source_offset, made));
        }
    }

    /// Removes a record, and makes the next one of its key the first.
    fn remove(&mut self, key: &ParkKey, source_offset: i64) -> Option<Ticket> {
        let queue = self.keys.get_mut(key)?;
        let entry = queue.records.remove(&source_offset)?;
        self.records -= 1;
        self.bytes -= entry.bytes;
        if let Some((next, waiting)) = queue.records.first_key_value() {
            self.due
                .push(waiting.attempts.due, (key.clone(), *next, waiting.attempts.made));
        } else {
            self.keys.remove(key);
        }
        if entry.ticket.is_none() {
            self.gone.insert((source_offset, entry.attempts.made));
        }
        entry.ticket
    }
}

#[cfg(test)]
mod tests;
