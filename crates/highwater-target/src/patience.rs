//! Waiting that has a limit and ends at once when the run is interrupted.
//!
//! Invariant: nobody in this crate waits longer than [`GLANCE`] without a look at the interrupt flag.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::TargetError;

/// Longest time between two looks at the interrupt flag; a person who presses Ctrl-C sees it answered.
pub(crate) const GLANCE: Duration = Duration::from_millis(50);

/// Asks `done` every `every` (at most [`GLANCE`]) until it gives something; `None` after `limit`.
pub(crate) fn wait_until<T>(
    waiting_for: &str,
    every: Duration,
    limit: Duration,
    interrupted: &AtomicBool,
    mut done: impl FnMut() -> Result<Option<T>, TargetError>,
) -> Result<Option<T>, TargetError> {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = done()? {
            return Ok(Some(found));
        }
        if interrupted.load(Ordering::Relaxed) {
            return Err(TargetError::Interrupted {
                waiting_for: waiting_for.to_owned(),
            });
        }
        if Instant::now() >= end {
            return Ok(None);
        }
        std::thread::sleep(every.min(GLANCE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_and_the_interrupt_end_the_wait() {
        let calm = AtomicBool::new(false);
        let never = || Ok(None::<()>);
        let gave_up = wait_until(
            "x",
            Duration::from_millis(1),
            Duration::from_millis(5),
            &calm,
            never,
        );
        assert!(matches!(gave_up, Ok(None)));
        let interrupted = AtomicBool::new(true);
        let began = Instant::now();
        let error = wait_until(
            "the moon",
            GLANCE * 9,
            Duration::from_secs(60),
            &interrupted,
            never,
        )
        .unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(5));
        assert_eq!(error.to_string(), "interrupted while waiting for the moon");
        assert!(matches!(
            wait_until("x", GLANCE, Duration::ZERO, &interrupted, || Ok(Some(7))),
            Ok(Some(7))
        ));
    }
}
