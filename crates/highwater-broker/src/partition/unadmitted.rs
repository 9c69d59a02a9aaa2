//! The first batches of transactions that the coordinator did not admit.
//!
//! A client sends several batches at once. When the first is refused and the partition is added then,
//! those behind it may not get in before it comes again: what is known of the producer would not show
//! the gap. Invariant: of each producer the lowest refused sequence of its newest epoch is known until a
//! batch of it is appended.

use std::collections::BTreeMap;

use highwater_wire::batch::BatchHeader;

/// Producers remembered; beyond that the one with the lowest id, which is the oldest, is forgotten.
const MAX_PRODUCERS: usize = 1_000;

/// Epoch and lowest refused sequence by producer id.
#[derive(Debug, Default)]
pub(super) struct Unadmitted(BTreeMap<i64, (i16, i32)>);

impl Unadmitted {
    /// A batch that begins a transaction here was refused.
    pub(super) fn note(&mut self, header: &BatchHeader) {
        let (epoch, sequence) = (header.producer_epoch(), header.base_sequence());
        let lowest = self.0.entry(header.producer_id()).or_insert((epoch, sequence));
        if epoch > lowest.0 {
            *lowest = (epoch, sequence);
        } else if epoch == lowest.0 {
            lowest.1 = lowest.1.min(sequence);
        }
        if self.0.len() > MAX_PRODUCERS {
            self.0.pop_first();
        }
    }

    /// The sequence that has to come before this batch, if one has.
    pub(super) fn is_behind(&self, header: &BatchHeader) -> Option<i32> {
        let &(epoch, lowest) = self.0.get(&header.producer_id())?;
        (epoch == header.producer_epoch() && lowest < header.base_sequence()).then_some(lowest)
    }

    /// A batch was appended.
    pub(super) fn forget(&mut self, header: &BatchHeader) {
        if header.is_transactional() && !self.0.is_empty() {
            self.0.remove(&header.producer_id());
        }
    }
}

#[cfg(test)]
mod tests {
    use highwater_wire::BatchBuilder;

    use super::*;

    fn header(epoch: i16, sequence: i32) -> BatchHeader {
        let builder = BatchBuilder::new().producer(7, epoch, sequence).transactional();
        BatchHeader::parse(&builder.record(None, None).build()).expect("a batch")
    }

    #[test]
    fn the_lowest_refused_batch_comes_first() {
        let mut unadmitted = Unadmitted::default();
        assert_eq!(unadmitted.is_behind(&header(0, 5)), None);
        unadmitted.note(&header(0, 4));
        unadmitted.note(&header(0, 3));
        unadmitted.note(&header(0, 5));
        for (epoch, sequence, expected) in [(0, 5, Some(3)), (0, 4, Some(3)), (0, 3, None), (1, 9, None)] {
            assert_eq!(
                unadmitted.is_behind(&header(epoch, sequence)),
                expected,
                "{epoch} {sequence}"
            );
        }
        unadmitted.note(&header(1, 8));
        assert_eq!(
            unadmitted.is_behind(&header(0, 5)),
            None,
            "a newer epoch has begun"
        );
        unadmitted.forget(&header(1, 8));
        assert_eq!(unadmitted.is_behind(&header(1, 9)), None);
    }
}
