//! What a record is known by.
//!
//! - **With a producer id** a record is partition, producer id, epoch, sequence and content: a retry is the same
//!   record, the same bytes sent twice are two records, and another content under the same sequence is another record.
//!   Nothing has to be remembered. (A client that gives a record a new sequence, as Java's does when it raises its
//!   epoch after an error, makes a new record of it.)
//! - **Without one** it is partition and content, and how often the content was sent on purpose: a send that follows
//!   one of the same client and content that failed or was not answered is a retry of it; any other is on purpose.
//!   Copies in the log are given to the sends by the offsets they were acknowledged at, then in the order in which they
//!   are met; only when there are more copies than sends on purpose are two copies the same record. Sends of equal
//!   content are interchangeable, so this neither makes a duplicate nor hides a loss.
//! - Content that was never seen to be sent, and has no producer id, is a record of its own at every offset.
//!
//! Costs 16 bytes for each record that was sent without a producer id, nothing for others.

use std::collections::{BTreeMap, HashMap};

use highwater_model::history::{BatchFacts, RecordFacts};

use crate::history::{Partition, Value};

/// What is known of a record before anybody says at which offset it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum RecordKey {
    /// With a producer id: it is this record.
    Known(Value),
    /// Without: a record of this content.
    Content(u64),
}

/// Sent once on purpose, and not met at an offset yet.
const UNMET: i64 = -1;

#[derive(Debug, Default)]
pub(super) struct Identity {
    /// Content sent without a producer id: the offset at which the first send of it is.
    sent: HashMap<u64, i64>,
    /// Content that was sent more than once on purpose.
    again: BTreeMap<u64, Again>,
}

#[derive(Debug, Default)]
struct Again {
    sends: Vec<Place>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    offset: i64,
    claimed: bool,
}

/// Folds two numbers into one; for identities, not against an adversary.
fn mix(a: u64, b: u64) -> u64 {
    let product = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b ^ 0xc2b2_ae3d_27d4_eb4f);
    let bytes = product.to_le_bytes();
    let half = |from: usize| {
        bytes
            .get(from..from + 8)
            .and_then(|half| half.first_chunk::<8>())
            .map_or(0, |half| u64::from_le_bytes(*half))
    };
    half(0) ^ half(8)
}

/// Never one that [`crate::history::Names`] gives away.
fn value(hash: u64) -> Value {
    Value(hash & !(1 << 63))
}

fn content(seed: u64, record: &RecordFacts) -> u64 {
    let hash = |content: Option<highwater_model::history::ContentHash>| match content {
        Some(hash) => mix(hash.0, 1),
        None => 0,
    };
    mix(mix(seed, hash(record.key)), hash(record.value))
}

/// The key of each record of a batch, in order.
pub(super) fn keys(partition: Partition, batch: &BatchFacts) -> impl Iterator<Item = RecordKey> {
    let place = mix(u64::from(partition.0), 7);
    let producer = mix(
        mix(place, batch.producer_id.cast_unsigned()),
        u64::from(batch.producer_epoch.cast_unsigned()),
    );
    let idempotent = batch.producer_id >= 0 && batch.base_sequence >= 0;
    let base = batch.base_sequence;
    batch.records.iter().map(move |record| {
        if idempotent {
            // Sequences go from the largest number to 0.
            let sequence = base.wrapping_add(record.offset_delta) & i32::MAX;
            let seed = mix(producer, u64::from(sequence.cast_unsigned()));
            RecordKey::Known(value(content(seed, record)))
        } else {
            RecordKey::Content(content(place, record))
        }
    })
}

impl Identity {
    /// A send on purpose.
    pub(super) fn sent(&mut self, key: RecordKey) {
        let RecordKey::Content(content) = key else {
            return;
        };
        match self.sent.get(&content) {
            None => {
                self.sent.insert(content, UNMET);
            }
            Some(&offset) => {
                let first = Place {
                    offset,
                    claimed: offset != UNMET,
                };
                let again = self
                    .again
                    .entry(content)
                    .or_insert_with(|| Again { sends: vec![first] });
                again.sends.push(Place {
                    offset: UNMET,
                    claimed: false,
                });
            }
        }
    }

    /// The record that stands at an offset. Where a client was told so, `claim`.
    pub(super) fn at(&mut self, key: RecordKey, offset: i64, claim: bool) -> Value {
        let content = match key {
            RecordKey::Known(value) => return value,
            RecordKey::Content(content) => content,
        };
        let Some(first) = self.sent.get_mut(&content) else {
            return value(mix(content, offset.cast_unsigned()));
        };
        let Some(again) = self.again.get_mut(&content) else {
            if *first == UNMET {
                *first = offset;
            }
            return value(content);
        };
        let sends = &mut again.sends;
        let number = sends
            .iter()
            .position(|send| send.offset == offset)
            .or_else(|| {
                sends
                    .iter()
                    .position(|send| send.offset == UNMET && !send.claimed)
            })
            .or_else(|| sends.iter().position(|send| send.offset == UNMET));
        match number {
            Some(number) => {
                sends[number].offset = offset;
                sends[number].claimed |= claim;
                nth(content, number)
            }
            // More copies than sends: one of them is there twice.
            None => nth(content, 0),
        }
    }

    /// The record of a send that no offset is known of.
    pub(super) fn somewhere(&mut self, key: RecordKey) -> Value {
        let content = match key {
            RecordKey::Known(value) => return value,
            RecordKey::Content(content) => content,
        };
        let Some(again) = self.again.get_mut(&content) else {
            return value(content);
        };
        let sends = &mut again.sends;
        let number = sends
            .iter()
            .position(|send| !send.claimed && send.offset != UNMET)
            .or_else(|| sends.iter().position(|send| !send.claimed))
            .unwrap_or(0);
        sends[number].claimed = true;
        nth(content, number)
    }
}

/// The first keeps the value that it had before anybody knew of a second one.
fn nth(content: u64, number: usize) -> Value {
    match number {
        0 => value(content),
        number => value(mix(content, mix(number as u64, 3))),
    }
}
