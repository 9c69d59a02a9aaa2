//! What the clocks and the scheduler of this machine are worth.
//!
//! Invariant: nothing is judged here; the same thread does all readings, so that what it sees is what a producer's
//! thread would see.

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use highwater_model::{ClockCalibration, SchedulerCalibration};

use crate::clock::Clock;

/// The length of a sleep between two records at 1,000/s.
const SLEEP: Duration = Duration::from_millis(1);
/// A wall clock that moves by more than this was set, and not only slewed.
const WALL_STEP_NS: i64 = 1_000_000;
/// Readings between two looks at the wall clock.
const WALL_EVERY: u64 = 1_024;

/// Reads the monotonic clock as fast as it can for so long, and the wall clock beside it.
#[must_use]
pub fn calibrate_clock(length: Duration) -> ClockCalibration {
    let clock = Clock::start();
    let wall = Wall::start();
    let mut found = ClockCalibration {
        resolution_ns: u64::MAX,
        ..ClockCalibration::default()
    };
    let length_ns = length.as_nanos() as u64;
    let (mut before, mut offset) = (clock.now_ns(), 0);
    while before < length_ns {
        let now = clock.now_ns();
        found.readings += 1;
        match now.checked_sub(before) {
            None => found.backward += 1,
            Some(0) => {}
            Some(gap) => {
                found.resolution_ns = found.resolution_ns.min(gap);
                found.largest_gap_ns = found.largest_gap_ns.max(gap);
            }
        }
        before = now.max(before);
        if found.readings.is_multiple_of(WALL_EVERY) {
            found.wall_steps += u64::from(wall.stepped(&mut offset));
        }
    }
    if found.resolution_ns == u64::MAX {
        found.resolution_ns = 0;
    }
    found.reading_ns = before as f64 / found.readings.max(1) as f64;
    found.wall_offset_ns = offset;
    found
}

/// Sleeps a millisecond at a time for so long, and sees how much longer each was. Steal is not known here.
#[must_use]
pub fn calibrate_scheduler(length: Duration) -> SchedulerCalibration {
    let began = Instant::now();
    let mut late = Vec::new();
    while began.elapsed() < length {
        let before = Instant::now();
        thread::sleep(SLEEP);
        let over = before.elapsed().saturating_sub(SLEEP);
        late.push(u64::try_from(over.as_nanos()).unwrap_or(u64::MAX));
    }
    late.sort_unstable();
    let at = |share: f64| {
        let place = (share * late.len() as f64).ceil() as usize;
        late.get(place.max(1) - 1).copied().unwrap_or(0)
    };
    SchedulerCalibration {
        sleeps: late.len() as u64,
        asked_ns: SLEEP.as_nanos() as u64,
        late_p50_ns: at(0.5),
        late_p99_ns: at(0.99),
        late_max_ns: late.last().copied().unwrap_or(0),
        steal: None,
    }
}

/// Both clocks at the same moment, as nearly as can be.
struct Wall {
    monotonic: Instant,
    wall: SystemTime,
}

impl Wall {
    fn start() -> Self {
        Self {
            monotonic: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// Whether the wall clock has moved against the monotonic one since the last look; keeps by how much in all.
    fn stepped(&self, offset: &mut i64) -> bool {
        let wall = match self.wall.elapsed() {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
        };
        let monotonic = i64::try_from(self.monotonic.elapsed().as_nanos()).unwrap_or(i64::MAX);
        let now = wall.saturating_sub(monotonic);
        let moved = now.saturating_sub(*offset).abs() > WALL_STEP_NS;
        // A thread that stops between the two readings looks like a step; the second look tells.
        let again = i64::try_from(self.monotonic.elapsed().as_nanos()).unwrap_or(i64::MAX);
        let paused = again.saturating_sub(monotonic) > WALL_STEP_NS / 2;
        if !paused {
            *offset = now;
        }
        moved && !paused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_sleeps_are_read() {
        let clock = calibrate_clock(Duration::from_millis(20));
        assert!(clock.readings > 100 && clock.resolution_ns > 0, "{clock:?}");
        assert_eq!(clock.backward, 0);
        let scheduler = calibrate_scheduler(Duration::from_millis(30));
        assert!(scheduler.sleeps > 0 && scheduler.late_p50_ns <= scheduler.late_p99_ns);
        assert!(scheduler.late_p99_ns <= scheduler.late_max_ns);
    }
}
