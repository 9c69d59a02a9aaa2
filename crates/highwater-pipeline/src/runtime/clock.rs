//! The time, as the core wants it: since the Unix epoch, and never backwards.
//!
//! The machine's wall clock is read once; from then on the monotonic clock counts. A clock that is set while the
//! pipeline runs makes no attempt early.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    began: Instant,
    epoch: Duration,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            began: Instant::now(),
            epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.epoch + self.began.elapsed()
    }
}

/// Numbers for jitter: nobody gains from guessing them (splitmix64, Steele and others 2014).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(clock: &Clock) -> Self {
        let nanos = clock.now().as_nanos() as u64;
        Self(nanos ^ u64::from(std::process::id()) << 32)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}
