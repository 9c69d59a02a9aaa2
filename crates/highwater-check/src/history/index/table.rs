use super::Seen;
use crate::history::{Partition, Value};

/// No operation, no record.
pub(super) const NONE: u32 = u32::MAX;

/// What is kept of a record: 32 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) value: Value,
    /// Where it was seen first; -1 if nowhere. Other places are kept aside.
    pub(super) offset: i64,
    pub(super) partition: Partition,
    /// First operation that sent it; others are kept aside.
    pub(super) writer: u32,
    /// First operation that read it as committed.
    pub(super) reader: u32,
    pub(super) seen: Seen,
    /// Whether it was read by anybody, also without an offset.
    pub(super) read: bool,
    /// Whether it was seen at other offsets, too.
    pub(super) elsewhere: bool,
}

/// Records by partition and value, numbered as they come: open addressing over the numbers alone.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<u32>,
    pub(super) records: Vec<Kept>,
}

/// Slots to begin with.
const FIRST_SLOTS: usize = 64;

fn hash(partition: Partition, value: Value) -> u64 {
    // Finaliser of splitmix64: values are often consecutive numbers.
    let mut x = value.0 ^ u64::from(partition.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Table {
    /// The number of the record; it gets one if it has none.
    pub(super) fn number(&mut self, partition: Partition, value: Value) -> u32 {
        // At most three quarters full.
        if self.records.len() * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let slot = self.slot(partition, value);
        if self.slots[slot] != NONE {
            return self.slots[slot];
        }
        let number = u32::try_from(self.records.len()).unwrap_or(NONE);
        self.slots[slot] = number;
        self.records.push(Kept {
            value,
            offset: -1,
            partition,
            writer: NONE,
            reader: NONE,
            seen: Seen::default(),
            read: false,
            elsewhere: false,
        });
        number
    }

    /// The number of the record, if it has one.
    pub(super) fn find(&self, partition: Partition, value: Value) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        Some(self.slots[self.slot(partition, value)]).filter(|number| *number != NONE)
    }

    fn slot(&self, partition: Partition, value: Value) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash(partition, value) as usize & mask;
        loop {
            match self.slots[slot] {
                NONE => return slot,
                number => {
                    let kept = &self.records[number as usize];
                    if kept.value == value && kept.partition == partition {
                        return slot;
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(FIRST_SLOTS);
        // The old slots go before the new ones come: both are not needed at once.
        self.slots = Vec::new();
        self.slots = vec![NONE; size];
        let mask = size - 1;
        for (number, kept) in (0u32..).zip(&self.records) {
            let mut slot = hash(kept.partition, kept.value) as usize & mask;
            while self.slots[slot] != NONE {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_their_numbers_while_the_table_grows() {
        let mut table = Table::default();
        assert_eq!(table.find(Partition(0), Value(0)), None);
        for value in 0..1000 {
            for partition in 0..3 {
                let number = table.number(Partition(partition), Value(value));
                assert_eq!(u64::from(number), value * 3 + u64::from(partition));
            }
        }
        for value in 0..1000 {
            assert_eq!(
                table.find(Partition(2), Value(value)).map(u64::from),
                Some(value * 3 + 2)
            );
        }
        assert_eq!(table.find(Partition(3), Value(5)), None);
        assert_eq!(table.number(Partition(1), Value(7)), 22);
    }
}
