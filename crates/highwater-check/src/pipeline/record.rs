//! What the check is told: inputs, outputs, and when repetition is legal.

use std::collections::BTreeMap;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Number of the topic in the caller's list of inputs, or of outputs.
    pub topic: u16,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

/// An input, as it stands in its topic.
#[derive(Debug, Clone, Copy)]
pub struct Fed<'a> {
    /// Where. Inputs of a partition come in ascending offsets.
    pub place: Place,
    /// Key, if it has one. Order is promised for records of one key, or of one partition.
    pub key: Option<&'a [u8]>,
    /// Value, if it has one. Only asked for by the rule `same`.
    pub value: Option<&'a [u8]>,
    /// What the outputs name it by; not asked for by the rule `same`.
    pub id: &'a [u8],
    /// False for a record of an aborted transaction: a reader of committed records never sees it, and it may have no
    /// output.
    pub committed: bool,
}

/// An output, as a reader of committed records gets it.
#[derive(Debug, Clone, Copy)]
pub struct Output<'a> {
    /// Where. Outputs of a partition come in ascending offsets.
    pub place: Place,
    /// Key, if it has one.
    pub key: Option<&'a [u8]>,
    /// Value, if it has one.
    pub value: Option<&'a [u8]>,
    /// Headers in their order; only asked for by the rule `header`.
    pub headers: &'a [(String, Vec<u8>)],
}

/// Inputs that may be processed again: read, and not committed, when something happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows(BTreeMap<(u16, i32), Vec<(i64, i64)>>);

impl Windows {
    /// Adds the inputs from one offset up to, and not including, another one.
    pub fn add(&mut self, topic: u16, partition: i32, from: i64, to: i64) {
        if from < to {
            self.0.entry((topic, partition)).or_default().push((from, to));
        }
    }

    /// Sorts and joins what overlaps, so that it can be searched.
    pub(super) fn joined(mut self) -> Self {
        for ranges in self.0.values_mut() {
            ranges.sort_unstable();
            ranges.dedup_by(|next, before| {
                let overlap = next.0 <= before.1;
                if overlap {
                    before.1 = before.1.max(next.1);
                }
                overlap
            });
        }
        self
    }

    /// Whether this input may be processed again. Asks for joined windows.
    pub(super) fn contains(&self, place: Place) -> bool {
        self.0.get(&(place.topic, place.partition)).is_some_and(|ranges| {
            let behind = ranges.partition_point(|range| range.0 <= place.offset);
            behind > 0 && place.offset < ranges[behind - 1].1
        })
    }
}
