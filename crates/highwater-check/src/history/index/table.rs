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

/// Records by partition and value, numbered as they come: open addressing over the numbers, each with a part of its
/// hash, so that hardly a record is looked at in vain.
#[derive(Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
    pub(super) records: Vec<Kept>,
}

/// Slots to begin with.
const FIRST_SLOTS: usize = 64;

/// A number, or none.
#[derive(Debug, Clone, Copy)]
struct Slot {
    number: u32,
    mark: u32,
}

const EMPTY: Slot = Slot {
    number: NONE,
    mark: 0,
};

/// Where a record may be in a table, before it is cut to its size.
#[derive(Debug, Clone, Copy)]
struct Way {
    first: usize,
    /// To the next slot, if another record is there. Odd: it leads to every slot of a table whose size is a power of
    /// two.
    distance: usize,
    mark: u32,
}

/// Slots beside each other that consecutive values share: a few lines of a processor's cache, on one page.
const BLOCK: u64 = 64;

/// Values are often consecutive numbers, and looked up in about that order: a block is for as many of
/// them. Numbers that are far from each other are spread over all slots.
fn way(partition: Partition, value: Value) -> Way {
    // Finaliser of splitmix64.
    let mut x = (value.0 / BLOCK) ^ u64::from(partition.0).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    let within = (value.0 ^ (x >> 58)) % BLOCK;
    Way {
        first: (x / BLOCK * BLOCK + within) as usize,
        distance: ((x >> 32) / BLOCK * BLOCK + 1) as usize,
        mark: (x >> 32) as u32,
    }
}

impl Table {
    /// The number of the record; it gets one if it has none.
    pub(super) fn number(&mut self, partition: Partition, value: Value) -> u32 {
        // At most three quarters full.
        if self.records.len() * 4 >= self.slots.len() * 3 {
            self.grow();
        }
        let way = way(partition, value);
        let slot = self.slot(way, partition, value);
        if self.slots[slot].number != NONE {
            return self.slots[slot].number;
        }
        let number = u32::try_from(self.records.len()).unwrap_or(NONE);
        self.slots[slot] = Slot {
            number,
            mark: way.mark,
        };
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
        let slot = self.slot(way(partition, value), partition, value);
        Some(self.slots[slot].number).filter(|number| *number != NONE)
    }

    /// The slot that has the record, or could take it.
    fn slot(&self, way: Way, partition: Partition, value: Value) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = way.first & mask;
        loop {
            let slot = self.slots[at];
            if slot.number == NONE {
                return at;
            }
            if slot.mark == way.mark {
                let kept = &self.records[slot.number as usize];
                if kept.value == value && kept.partition == partition {
                    return at;
                }
            }
            at = at.wrapping_add(way.distance) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(FIRST_SLOTS);
        // The old slots go before the new ones come: both are not needed at once.
        self.slots = Vec::new();
        self.slots = vec![EMPTY; size];
        let mask = size - 1;
        for (number, kept) in (0u32..).zip(&self.records) {
            let way = way(kept.partition, kept.value);
            let mut at = way.first & mask;
            while self.slots[at].number != NONE {
                at = at.wrapping_add(way.distance) & mask;
            }
            self.slots[at] = Slot {
                number,
                mark: way.mark,
            };
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

    #[test]
    fn numbers_far_from_each_other_are_spread() {
        for distance in [1, 16, 1 << 10, 1 << 40, 0x9e37_79b9_7f4a_7c15] {
            let mut taken = vec![0u32; 1 << 12];
            for number in 0..1u64 << 12 {
                let way = way(Partition(3), Value(number.wrapping_mul(distance)));
                taken[way.first % (1 << 12)] += 1;
            }
            let most = taken.iter().max();
            assert!(most < Some(&16), "a distance of {distance}: {most:?} at one slot");
        }
    }
}
