//! The clock of a proxy: monotonic, counted from a moment that a run can share.

use std::time::Duration;

use tokio::time::Instant;

/// Time since the run began. The runtime's clock, which simulations can stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(pub(crate) Instant);

impl Clock {
    pub(crate) fn now(self) -> Duration {
        self.0.elapsed()
    }

    pub(crate) fn now_ns(self) -> u64 {
        u64::try_from(self.now().as_nanos()).unwrap_or(u64::MAX)
    }
}
