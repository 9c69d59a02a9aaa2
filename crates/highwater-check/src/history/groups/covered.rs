use std::collections::BTreeMap;

/// Offsets that were delivered: ranges that don't touch.
#[derive(Debug, Default)]
pub(super) struct Covered {
    /// First offset and the one after the last.
    ranges: BTreeMap<i64, i64>,
}

impl Covered {
    /// Adds the offsets from `first` up to and without `end`.
    pub(super) fn add(&mut self, first: i64, end: i64) {
        if end <= first {
            return;
        }
        let (mut first, mut end) = (first, end);
        // Most deliveries go on where the last one ended.
        if let Some((start, behind)) = self.ranges.range_mut(..=first).next_back()
            && *behind >= first
        {
            if end <= *behind {
                return;
            }
            first = *start;
        }
        while let Some((start, behind)) = self
            .ranges
            .range(first..=end)
            .next_back()
            .map(|(start, behind)| (*start, *behind))
        {
            end = end.max(behind);
            self.ranges.remove(&start);
        }
        self.ranges.insert(first, end);
    }

    /// Whether an offset is in it.
    pub(super) fn has(&self, offset: i64) -> bool {
        self.ranges
            .range(..=offset)
            .next_back()
            .is_some_and(|(_, end)| *end > offset)
    }

    /// Offset after the last one in front of `offset`; none if nothing is in front of it.
    pub(super) fn end_before(&self, offset: i64) -> Option<i64> {
        self.ranges
            .range(..offset)
            .next_back()
            .map(|(_, end)| (*end).min(offset))
    }

    /// Holes between the ranges, each as first offset and the one after the last.
    pub(super) fn holes(&self) -> impl Iterator<Item = (i64, i64)> {
        let starts = self.ranges.keys().skip(1).copied();
        self.ranges.values().copied().zip(starts)
    }

    /// First offset of all.
    pub(super) fn first(&self) -> Option<i64> {
        self.ranges.keys().next().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set_of_offsets(ranges in proptest::collection::vec((0..40_i64, 0..8_i64), 0..20)) {
            let (mut covered, mut naive) = (Covered::default(), BTreeSet::new());
            for (first, length) in ranges {
                covered.add(first, first + length);
                naive.extend(first..first + length);
            }
            for offset in 0..50 {
                prop_assert_eq!(covered.has(offset), naive.contains(&offset));
                let end = naive.range(..offset).next_back().map(|last| last + 1);
                prop_assert_eq!(covered.end_before(offset), end);
            }
            prop_assert_eq!(covered.first(), naive.first().copied());
            let holes: BTreeSet<i64> = covered.holes().flat_map(|(first, end)| first..end).collect();
            let expected: BTreeSet<i64> = match (naive.first(), naive.last()) {
                (Some(first), Some(last)) => (*first..*last).filter(|offset| !naive.contains(offset)).collect(),
                _ => BTreeSet::new(),
            };
            prop_assert_eq!(holes, expected);
        }
    }
}
