//! Schedules that can't be offered, and what to change.

use std::time::Duration;

use thiserror::Error;

use super::{MAX_DURATION, MAX_RATE_PER_S, MAX_STEPS, MIN_RATE_PER_S};

/// Why a schedule is impossible; the message says what to do.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ScheduleError {
    /// Not a number, infinite or negative.
    #[error("{name} is {per_s} records/s; give a finite number that is not negative")]
    RateNotANumber {
        /// Which rate.
        name: String,
        /// The rate given.
        per_s: f64,
    },
    /// Zero where records are needed.
    #[error("{name} is 0 records/s, so no record would ever be due; give a rate above 0")]
    RateZero {
        /// Which rate.
        name: String,
    },
    /// Outside what the clock can resolve.
    #[error(
        "{name} is {per_s} records/s; give a rate from {MIN_RATE_PER_S} to {MAX_RATE_PER_S} records/s, \
         or let the load saturate"
    )]
    RateOutOfRange {
        /// Which rate.
        name: String,
        /// The rate given.
        per_s: f64,
    },
    /// No length.
    #[error("{name} lasts 0 s; give a duration above 0")]
    DurationZero {
        /// What has the duration.
        name: String,
    },
    /// Longer than [`MAX_DURATION`].
    #[error("{name} lasts {duration:?}; the longest is {MAX_DURATION:?}, check the unit")]
    DurationTooLong {
        /// What has the duration.
        name: String,
        /// The duration given.
        duration: Duration,
    },
    /// No step, or too many.
    #[error("the schedule has {steps} steps; give 1 to {MAX_STEPS}")]
    StepCount {
        /// Number of steps given.
        steps: usize,
    },
    /// The last steps would never be reached.
    #[error("the steps last {steps:?} in all and the load {load:?}; lengthen the load or shorten the steps")]
    StepsTooLong {
        /// All steps together.
        steps: Duration,
        /// The load.
        load: Duration,
    },
    /// A burst without an end.
    #[error(
        "a burst lasts {burst:?} and comes every {every:?}, so it never ends; make the burst shorter than \
         the period, or use a constant rate"
    )]
    BurstFillsPeriod {
        /// Length of a burst.
        burst: Duration,
        /// Length of a period.
        every: Duration,
    },
    /// A burst that is none.
    #[error(
        "the burst rate of {burst_per_s} records/s is not above the base rate of {base_per_s} records/s; \
         raise it or exchange them"
    )]
    BurstNotAboveBase {
        /// Rate between bursts.
        base_per_s: f64,
        /// Rate in a burst.
        burst_per_s: f64,
    },
    /// All rates that are reached are zero.
    #[error("no record is due before the load ends; lengthen the load or give a rate above 0")]
    NeverARecord,
}

pub(super) fn rate(name: &str, per_s: f64) -> Result<(), ScheduleError> {
    let name = || name.to_owned();
    if !per_s.is_finite() || per_s < 0.0 {
        return Err(ScheduleError::RateNotANumber { name: name(), per_s });
    }
    if per_s != 0.0 && !(MIN_RATE_PER_S..=MAX_RATE_PER_S).contains(&per_s) {
        return Err(ScheduleError::RateOutOfRange { name: name(), per_s });
    }
    Ok(())
}

pub(super) fn positive_rate(name: &str, per_s: f64) -> Result<(), ScheduleError> {
    rate(name, per_s)?;
    if per_s == 0.0 {
        return Err(ScheduleError::RateZero {
            name: name.to_owned(),
        });
    }
    Ok(())
}

pub(super) fn checked_duration(name: &str, duration: Duration) -> Result<u64, ScheduleError> {
    let name = name.to_owned();
    if duration.is_zero() {
        return Err(ScheduleError::DurationZero { name });
    }
    match u64::try_from(duration.as_nanos()) {
        Ok(ns) if duration <= MAX_DURATION => Ok(ns),
        _ => Err(ScheduleError::DurationTooLong { name, duration }),
    }
}
