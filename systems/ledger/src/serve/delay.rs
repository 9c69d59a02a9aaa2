//! How old events are when their rows can be read, as a histogram for Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Upper bounds of the buckets, in milliseconds; the last bucket has none.
const BOUNDS_MS: [u64; 11] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 60_000];

/// Ages of events, from the decision to the commit of the rows, by the clocks of the instances that did the one and the
/// other. Events that wait while nobody projects, at a start for instance, count with all of their age.
#[derive(Debug, Default)]
pub(crate) struct Delay {
    /// Events up to this bound and beyond the one before; the last: beyond all.
    counts: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_ms: AtomicU64,
}

impl Delay {
    /// One event.
    pub(crate) fn add(&self, age_ms: u64) {
        let bucket = BOUNDS_MS.partition_point(|bound| *bound < age_ms);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum_ms.fetch_add(age_ms, Relaxed);
    }

    /// The lines of the family.
    pub(crate) fn write(&self, page: &mut String) {
        const NAME: &str = "ledger_projection_delay_seconds";
        let _ = writeln!(
            page,
            "# HELP {NAME} From the decision of an event to its rows.\n# TYPE {NAME} histogram"
        );
        let mut so_far = 0;
        for (count, bound) in self.counts.iter().zip(BOUNDS_MS.iter().map(Some).chain([None])) {
            so_far += count.load(Relaxed);
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| seconds(*bound));
            let _ = writeln!(page, "{NAME}_bucket{{le=\"{bound}\"}} {so_far}");
        }
        let _ = writeln!(
            page,
            "{NAME}_sum {}\n{NAME}_count {so_far}",
            seconds(self.sum_ms.load(Relaxed))
        );
    }
}

/// Milliseconds as seconds, without a float between.
fn seconds(ms: u64) -> String {
    let text = format!("{}.{:03}", ms / 1_000, ms % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_up_to_each_bound() {
        let delay = Delay::default();
        for age_ms in [0, 5, 6, 250, 251, 100_000] {
            delay.add(age_ms);
        }
        let mut page = String::new();
        delay.write(&mut page);
        for line in [
            "ledger_projection_delay_seconds_bucket{le=\"0.005\"} 2",
            "ledger_projection_delay_seconds_bucket{le=\"0.01\"} 3",
            "ledger_projection_delay_seconds_bucket{le=\"0.25\"} 4",
            "ledger_projection_delay_seconds_bucket{le=\"0.5\"} 5",
            "ledger_projection_delay_seconds_bucket{le=\"60\"} 5",
            "ledger_projection_delay_seconds_bucket{le=\"+Inf\"} 6",
            "ledger_projection_delay_seconds_sum 100.512",
            "ledger_projection_delay_seconds_count 6",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
        }
    }
}
