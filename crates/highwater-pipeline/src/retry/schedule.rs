//! When attempts are made: the pauses between them.

use std::time::Duration;

/// More attempts than this are a loop and no schedule.
const ATTEMPTS_LIMIT: u32 = 1_000;

/// The pauses between the attempts for a record.
///
/// ```
/// use std::time::Duration;
/// use highwater_pipeline::retry::Schedule;
///
/// // Attempts at 0, +1, +3 and +7 seconds.
/// let schedule = Schedule::exponential(Duration::from_secs(1), 2, Duration::from_secs(60), 4);
/// let pauses: Vec<u64> = (1..=4).map_while(|made| schedule.pause(made, 0)).map(|p| p.as_secs()).collect();
/// assert_eq!(pauses, [1, 2, 4]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pauses: Vec<Duration>,
    jitter_per_mille: u16,
}

impl Schedule {
    /// Pauses that grow by a factor up to a limit; `attempts` counts the first one. No jitter.
    #[must_use]
    pub fn exponential(first: Duration, factor: u32, limit: Duration, attempts: u32) -> Self {
        let pauses = (1..attempts.min(ATTEMPTS_LIMIT))
            .scan(first, |pause, _| {
                let this = (*pause).min(limit);
                *pause = this.saturating_mul(factor);
                Some(this)
            })
            .collect();
        Self {
            pauses,
            jitter_per_mille: 0,
        }
    }

    /// Pauses as given, one fewer than there are attempts. No jitter.
    #[must_use]
    pub fn listed(pauses: impl IntoIterator<Item = Duration>) -> Self {
        Self {
            pauses: pauses.into_iter().take(ATTEMPTS_LIMIT as usize - 1).collect(),
            jitter_per_mille: 0,
        }
    }

    /// Shortens each pause by a random part of up to this many thousandths, so that records which failed together do
    /// not come back together. More than 1,000 is 1,000.
    #[must_use]
    pub fn with_jitter(mut self, per_mille: u16) -> Self {
        self.jitter_per_mille = per_mille.min(1_000);
        self
    }

    /// How many attempts a record gets.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.pauses.len() + 1
    }

    /// The pause after so many attempts, or nothing when there is no further one. `random` is any number.
    #[must_use]
    pub fn pause(&self, made: u32, random: u64) -> Option<Duration> {
        let pause = *self.pauses.get(usize::try_from(made.checked_sub(1)?).ok()?)?;
        if self.jitter_per_mille == 0 {
            return Some(pause);
        }
        let part = random % (u64::from(self.jitter_per_mille) + 1);
        let shorter = pause.as_nanos() * u128::from(1_000 - part) / 1_000;
        Some(u64::try_from(shorter).map_or(pause, Duration::from_nanos))
    }
}

impl Default for Schedule {
    /// Eight attempts over about two minutes: 1, 2, 4, 8, 16, 30 and 30 seconds apart, up to half of it random.
    fn default() -> Self {
        Self::exponential(Duration::from_secs(1), 2, Duration::from_secs(30), 8).with_jitter(500)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_grow_to_their_limit() {
        let schedule = Schedule::exponential(Duration::from_millis(100), 3, Duration::from_secs(1), 5);
        let pauses: Vec<u128> = (0..9)
            .filter_map(|made| schedule.pause(made, 9))
            .map(|p| p.as_millis())
            .collect();
        assert_eq!(pauses, [100, 300, 900, 1_000]);
        assert_eq!(schedule.attempts(), 5);
        assert_eq!(
            Schedule::exponential(Duration::MAX, u32::MAX, Duration::MAX, u32::MAX).attempts(),
            1_000
        );
        assert_eq!(Schedule::listed([]).pause(1, 0), None);
    }

    proptest! {
        #[test]
        fn jitter_only_shortens(pause_ms in 0..1_000_000_u64, jitter in 0..2_000_u16, random: u64) {
            let pause = Duration::from_millis(pause_ms);
            let jittered = Schedule::listed([pause]).with_jitter(jitter).pause(1, random).unwrap();
            let least = pause.as_nanos() * u128::from(1_000 - jitter.min(1_000)) / 1_000;
            prop_assert!(jittered <= pause && jittered.as_nanos() >= least);
        }
    }
}
