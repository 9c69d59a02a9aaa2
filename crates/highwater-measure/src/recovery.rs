//! When latency was back to what it had been before a fault.
//!
//! Rule: the baseline is the median over the steady bins of the median response time of each. A bin is back if
//! its median is at most the top of the [`Band`] around the baseline, the same band that ends warm-up.
//! Latency is back at the start of the first of [`BINS_IN_A_ROW`] bins in a row that are back, after the first
//! bin that is not. Bins hold records by the moment at which they were *due*, so this is the moment from which
//! on a record did not suffer any more; bins in which nothing was due say nothing and are passed over; a bin
//! whose records have no latency at all is not back.

use highwater_model::TimelineBin;

use crate::steady::{Band, median};

/// Bins in a row that must be back in the band, so that one lucky bin between two bad ones does not count.
pub const BINS_IN_A_ROW: usize = 3;

/// What became of latency after a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// No bin left the band: the fault was not felt.
    NeverLeft,
    /// Back in the band this long after the fault fired.
    Back {
        /// Time since the fault fired.
        after_ns: u64,
    },
    /// Not back before the bins end, or there is no baseline to compare with.
    NotSeen,
}

impl Recovery {
    /// The time it took; zero if the band was never left.
    #[must_use]
    pub fn after_ns(self) -> Option<u64> {
        match self {
            Self::NeverLeft => Some(0),
            Self::Back { after_ns } => Some(after_ns),
            Self::NotSeen => None,
        }
    }
}

/// Judges the bins that end after `fired_at_ns` against the steady ones. Pass the bins up to the next fault, or
/// up to the end of the load.
#[must_use]
pub fn recovery(steady: &[TimelineBin], after: &[TimelineBin], fired_at_ns: u64, band: Band) -> Recovery {
    let medians: Vec<u64> = steady.iter().filter_map(|bin| bin.response_p50_ns).collect();
    if medians.is_empty() {
        return Recovery::NotSeen;
    }
    let limit_ns = band.upper_ns(median(medians));
    let is_back = |bin: &&TimelineBin| bin.response_p50_ns.is_some_and(|p50| p50 <= limit_ns);

    let felt: Vec<&TimelineBin> = after
        .iter()
        .filter(|bin| bin.due > 0 && bin.start_ns.saturating_add(bin.width_ns) > fired_at_ns)
        .skip_while(is_back)
        .collect();
    if felt.is_empty() {
        return Recovery::NeverLeft;
    }
    felt.windows(BINS_IN_A_ROW)
        .find(|bins| bins.iter().all(is_back))
        .and_then(|bins| bins.first())
        .map_or(Recovery::NotSeen, |bin| Recovery::Back {
            after_ns: bin.start_ns.saturating_sub(fired_at_ns),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH_NS: u64 = 100_000_000;

    /// Bins of 100 ms from a moment on with their medians in milliseconds; `None` is a bin without any
    /// acknowledged record.
    fn bins(from: u64, medians_ms: &[Option<u64>]) -> Vec<TimelineBin> {
        medians_ms
            .iter()
            .enumerate()
            .map(|(place, ms)| TimelineBin {
                start_ns: from + place as u64 * WIDTH_NS,
                width_ns: WIDTH_NS,
                due: 100,
                acknowledged: 100,
                response_p50_ns: ms.map(|ms| ms * 1_000_000),
                response_p99_ns: None,
                response_max_ns: None,
                service_p50_ns: None,
                service_max_ns: None,
            })
            .collect()
    }

    #[test]
    fn back_at_the_first_run_in_the_band() {
        let steady = bins(0, &[Some(4), Some(5), Some(40), Some(4), Some(3)]);
        // Fired in the middle of the first of these bins.
        let fired_at_ns = 500_000_000 + WIDTH_NS / 2;
        let back_in_bin = |bin: u64| Recovery::Back {
            after_ns: bin * WIDTH_NS - WIDTH_NS / 2,
        };
        let cases: [(&str, &[Option<u64>], Recovery); 6] = [
            (
                "an outage",
                &[Some(4), Some(900), Some(300), Some(4), Some(5), Some(4)],
                back_in_bin(3),
            ),
            ("not felt", &[Some(4), Some(5), Some(4)], Recovery::NeverLeft),
            ("at once", &[Some(900), Some(4), Some(4), Some(4)], back_in_bin(1)),
            (
                "a lucky bin",
                &[Some(9), Some(4), Some(4), Some(9), Some(4), Some(4), Some(4)],
                back_in_bin(4),
            ),
            (
                "not within the load",
                &[Some(900), Some(4), Some(4)],
                Recovery::NotSeen,
            ),
            (
                "never acknowledged",
                &[Some(4), None, None, None],
                Recovery::NotSeen,
            ),
        ];
        for (name, medians, expected) in cases {
            let after = bins(500_000_000, medians);
            assert_eq!(
                recovery(&steady, &after, fired_at_ns, Band::default()),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn bins_before_the_fault_and_empty_ones_say_nothing() {
        let steady = bins(0, &[Some(4)]);
        let mut all = bins(
            0,
            &[
                Some(900),
                Some(4),
                Some(900),
                Some(4),
                Some(900),
                Some(4),
                Some(4),
            ],
        );
        all[4].due = 0;
        let back = recovery(&steady, &all, 2 * WIDTH_NS, Band::default());
        assert_eq!(back.after_ns(), Some(WIDTH_NS));
        assert_eq!(recovery(&[], &all, 0, Band::default()), Recovery::NotSeen);
        assert_eq!(recovery(&steady, &[], 0, Band::default()).after_ns(), Some(0));
    }
}
