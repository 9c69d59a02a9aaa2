//! The clock of a run.
//!
//! Invariant: one run has one clock, and it is monotonic. Wall-clock time is no business of this crate.

use std::time::{Duration, Instant};

/// Nanoseconds since the start of the run, on the monotonic clock of this process.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that reads zero now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// The moment at which it read zero.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.start
    }

    /// Time since the start of the run, in nanoseconds.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        nanoseconds(self.start.elapsed())
    }

    /// Where `moment` lies on this clock, in nanoseconds; 0 for moments before the start.
    #[must_use]
    pub fn at(&self, moment: Instant) -> u64 {
        nanoseconds(moment.saturating_duration_since(self.start))
    }

    /// How long it is from now until `at_ns`; zero if that is past.
    pub(crate) fn until(&self, at_ns: u64) -> Duration {
        Duration::from_nanos(at_ns.saturating_sub(self.now_ns()))
    }
}

/// Whole nanoseconds, saturating after 584 years.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_before_the_start_read_zero_and_later_ones_count_from_it() {
        let before = Instant::now();
        let clock = Clock::start();
        assert_eq!(clock.at(before), 0);
        assert_eq!(clock.at(clock.start + Duration::from_micros(7)), 7_000);
        assert_eq!(clock.until(0), Duration::ZERO);
    }
}
