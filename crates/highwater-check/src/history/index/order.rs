use super::RecordNumber;
use crate::history::Isolation;

/// The records of a partition by offset.
///
/// Two kinds of readers see two orders: those of everything, and those of what is committed. Where an offset holds
/// two records, the order has the one that came first; [`Index::conflicts`](super::Index::conflicts) has all.
#[derive(Debug, Default)]
pub struct Order {
    slots: Vec<Slot>,
    committed: u32,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    offset: i64,
    record: u32,
    /// Committed records before this one.
    committed_before: u32,
}

impl Order {
    /// The next record; offsets ascend.
    pub(super) fn push(&mut self, offset: i64, record: u32, committed: bool) {
        self.slots.push(Slot {
            offset,
            record,
            committed_before: self.committed,
        });
        self.committed += u32::from(committed);
    }

    /// How many records that a reader sees stand before an offset.
    pub fn before(&self, isolation: Isolation, offset: i64) -> i64 {
        self.before_slot(isolation, self.slot(offset))
    }

    /// How many records that a reader sees stand between two offsets.
    pub fn between(&self, isolation: Isolation, after: i64, before: i64) -> i64 {
        if before <= after.saturating_add(1) {
            return 0;
        }
        self.before(isolation, before) - self.before(isolation, after.saturating_add(1))
    }

    /// The records that a reader sees between two offsets.
    pub fn records_between(
        &self,
        isolation: Isolation,
        after: i64,
        before: i64,
    ) -> impl Iterator<Item = (i64, RecordNumber)> {
        let from = self.slot(after.saturating_add(1));
        let to = self.slot(before).max(from);
        (from..to)
            .filter(move |slot| isolation == Isolation::Uncommitted || self.is_committed(*slot))
            .map(|slot| (self.slots[slot].offset, RecordNumber(self.slots[slot].record)))
    }

    /// The records that a reader sees, in order.
    pub fn records(&self, isolation: Isolation) -> impl Iterator<Item = (i64, RecordNumber)> {
        self.records_between(isolation, i64::MIN, i64::MAX)
    }

    /// The record at an offset.
    pub fn at(&self, offset: i64) -> Option<RecordNumber> {
        let slot = self.slots.get(self.slot(offset))?;
        (slot.offset == offset).then_some(RecordNumber(slot.record))
    }

    /// Whether a reader sees a record at an offset.
    pub fn shows(&self, isolation: Isolation, offset: i64) -> bool {
        let slot = self.slot(offset);
        self.slots.get(slot).is_some_and(|found| found.offset == offset)
            && (isolation == Isolation::Uncommitted || self.is_committed(slot))
    }

    fn slot(&self, offset: i64) -> usize {
        self.slots.partition_point(|slot| slot.offset < offset)
    }

    fn before_slot(&self, isolation: Isolation, slot: usize) -> i64 {
        match isolation {
            Isolation::Uncommitted => slot as i64,
            Isolation::Committed => self
                .slots
                .get(slot)
                .map_or(self.committed, |slot| slot.committed_before)
                .into(),
        }
    }

    fn is_committed(&self, slot: usize) -> bool {
        self.before_slot(Isolation::Committed, slot + 1) > self.before_slot(Isolation::Committed, slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readers_count_differently() {
        let mut order = Order::default();
        for (offset, committed) in [(2, true), (3, false), (7, true), (9, false)] {
            order.push(offset, offset as u32, committed);
        }
        let (all, committed) = (Isolation::Uncommitted, Isolation::Committed);
        assert_eq!((order.before(all, 7), order.before(committed, 7)), (2, 1));
        assert_eq!((order.between(all, 2, 7), order.between(committed, 2, 7)), (1, 0));
        assert_eq!(order.between(all, 7, 2), 0);
        assert_eq!(order.between(all, -1, i64::MAX), 4);
        assert_eq!(
            order.records(committed).map(|(at, _)| at).collect::<Vec<_>>(),
            [2, 7]
        );
        assert!(order.shows(all, 9) && !order.shows(committed, 9) && !order.shows(all, 8));
        assert_eq!(order.at(8), None);
    }
}
