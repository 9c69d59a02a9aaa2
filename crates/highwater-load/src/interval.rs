//! Response times of one producer, counted for the live view without a lock.
//!
//! Invariant: one thread counts, any thread looks; counters only ever grow, so a look never takes a sample
//! away from another. Quantiles are within 3 %, which is what a live figure needs; the ledger is exact.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use highwater_measure::histogram::IntervalSummary;

/// Steps within each doubling, as a power of two.
const STEP_BITS: u32 = 5;
const STEPS: usize = 1 << STEP_BITS;
/// Enough for every value of 64 bits.
const BUCKETS: usize = (64 - STEP_BITS as usize + 1) * STEPS;

/// Counts response times.
#[derive(Debug)]
pub(crate) struct ResponseCounters {
    buckets: Box<[AtomicU32]>,
}

/// The state of the counters of several producers at the last look.
#[derive(Debug)]
pub(crate) struct LastLook {
    counts: Vec<Box<[u32]>>,
}

impl ResponseCounters {
    pub(crate) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    /// Counts one; to be called by one thread only.
    pub(crate) fn count(&self, ns: u64) {
        let bucket = &self.buckets[bucket_of(ns)];
        bucket.store(bucket.load(Relaxed).wrapping_add(1), Relaxed);
    }
}

impl LastLook {
    /// A look at counters that have counted nothing.
    pub(crate) fn new(producers: usize) -> Self {
        Self {
            counts: (0..producers).map(|_| vec![0; BUCKETS].into()).collect(),
        }
    }

    /// What has been counted since the last look.
    pub(crate) fn take<'a>(
        &mut self,
        counters: impl Iterator<Item = &'a ResponseCounters>,
    ) -> IntervalSummary {
        let mut sum = vec![0_u64; BUCKETS];
        for (counters, last) in counters.zip(&mut self.counts) {
            for ((bucket, last), sum) in counters.buckets.iter().zip(last).zip(&mut sum) {
                let now = bucket.load(Relaxed);
                *sum += u64::from(now.wrapping_sub(*last));
                *last = now;
            }
        }
        summary(&sum)
    }
}

fn summary(counts: &[u64]) -> IntervalSummary {
    let count = counts.iter().sum();
    let at = |rank: u64| {
        let mut seen = 0;
        counts
            .iter()
            .position(|bucket| {
                seen += bucket;
                seen >= rank
            })
            .map(highest_of)
    };
    if count == 0 {
        return IntervalSummary::default();
    }
    IntervalSummary {
        count,
        p50_ns: at(count.div_ceil(2)),
        p95_ns: at((count * 95).div_ceil(100)),
        max_ns: at(count),
    }
}

fn bucket_of(ns: u64) -> usize {
    // Values below one doubling's steps have a bucket each.
    let doubling = (u64::BITS - ns.leading_zeros()).saturating_sub(STEP_BITS + 1);
    doubling as usize * STEPS + (ns >> doubling) as usize
}

/// The largest value that falls into a bucket.
fn highest_of(bucket: usize) -> u64 {
    let doubling = (bucket / STEPS).saturating_sub(1) as u32;
    let step = (bucket - doubling as usize * STEPS) as u128;
    u64::try_from(((step + 1) << doubling) - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_holds_values_within_three_percent(ns: u64) {
            let bucket = bucket_of(ns);
            prop_assert!(bucket < BUCKETS);
            let highest = highest_of(bucket);
            prop_assert_eq!(bucket_of(highest), bucket);
            prop_assert!(highest >= ns);
            prop_assert!((highest - ns) as f64 <= ns as f64 * 0.032);
        }
    }

    #[test]
    fn a_look_sees_each_sample_once_over_all_producers() {
        let counters = [ResponseCounters::new(), ResponseCounters::new()];
        let mut look = LastLook::new(2);
        for ns in 1..=10 {
            counters[0].count(ns);
            counters[1].count(10 + ns);
        }
        let expected = IntervalSummary {
            count: 20,
            p50_ns: Some(10),
            p95_ns: Some(19),
            max_ns: Some(20),
        };
        assert_eq!(look.take(counters.iter()), expected);
        assert_eq!(look.take(counters.iter()), IntervalSummary::default());
    }
}
