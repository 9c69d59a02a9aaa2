//! What to do after a failed attempt.

use std::time::Duration;

use super::schedule::Schedule;

/// What a failure says about its record. The user's handler decides which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    /// It may work later: a service is down, a lock is taken.
    Transient,
    /// It never will: the record cannot be decoded or is not valid.
    Poison,
    /// Nothing will: the pipeline stops, the record stays uncommitted.
    Fatal,
}

impl ErrorClass {
    /// Its name in headers and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Poison => "poison",
            Self::Fatal => "fatal",
        }
    }

    /// The class of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Transient, Self::Poison, Self::Fatal]
            .into_iter()
            .find(|class| class.name() == name)
    }
}

/// What was tried with a record. Moments are times since the Unix epoch, as everywhere in this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// Attempts that have failed.
    pub made: u32,
    /// When the record was first run; zero before.
    pub first: Duration,
    /// When the next attempt is due; zero: at once.
    pub due: Duration,
}

/// Why a record is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GiveUp {
    /// Its handler said that it never works.
    Poison,
    /// All attempts failed.
    Exhausted,
}

/// What to do with a record that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Run it again at that moment; its lane waits.
    InLane(Duration),
    /// Write it to the retry topic, due at that moment; its key waits, its lane is free.
    Park(Duration),
    /// Write it to the dead letters.
    DeadLetter(GiveUp),
    /// Stop the pipeline.
    Stop,
}

/// How often a record is tried, and how long it may keep its lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The pauses between attempts.
    pub schedule: Schedule,
    /// How long after its first attempt a record may wait in its lane; what is due later is parked. Zero parks at
    /// the first failure. Default: 10 seconds. A revocation does not wait for it.
    pub in_lane: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            schedule: Schedule::default(),
            in_lane: Duration::from_secs(10),
        }
    }
}

impl RetryPolicy {
    /// Decides after a failed attempt. `attempts` has this attempt in it already; `parked` says that the record was
    /// parked before, and then it does not go back into a lane.
    ///
    /// The next attempt is due one pause after this one was *due*, so that a schedule does not drift by the time that
    /// attempts take; after an attempt that took longer than the pause, one pause after its failure.
    #[must_use]
    pub fn decide(
        &self,
        class: ErrorClass,
        attempts: &Attempts,
        parked: bool,
        failed_at: Duration,
        random: u64,
    ) -> Decision {
        match class {
            ErrorClass::Fatal => return Decision::Stop,
            ErrorClass::Poison => return Decision::DeadLetter(GiveUp::Poison),
            ErrorClass::Transient => {}
        }
        let Some(pause) = self.schedule.pause(attempts.made, random) else {
            return Decision::DeadLetter(GiveUp::Exhausted);
        };
        let on_schedule = attempts.due.max(attempts.first) + pause;
        let due = if failed_at < on_schedule {
            on_schedule
        } else {
            failed_at + pause
        };
        if parked || due.saturating_sub(attempts.first) > self.in_lane {
            Decision::Park(due)
        } else {
            Decision::InLane(due)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn attempts_at_0_1_3_and_7_seconds_whatever_the_attempts_take() {
        let policy = RetryPolicy {
            schedule: Schedule::exponential(secs(1), 2, secs(60), 4),
            in_lane: secs(60),
        };
        let start = secs(1_000);
        let mut attempts = Attempts {
            made: 0,
            first: start,
            due: start,
        };
        let mut started = vec![attempts.due - start];
        let decision = loop {
            attempts.made += 1;
            // Woken 3 ms late, and it takes 400 ms to fail.
            let failed_at = attempts.due + Duration::from_millis(403);
            match policy.decide(ErrorClass::Transient, &attempts, false, failed_at, 0) {
                Decision::InLane(due) => attempts.due = due,
                decision => break decision,
            }
            started.push(attempts.due - start);
        };
        assert_eq!(started, [secs(0), secs(1), secs(3), secs(7)]);
        assert_eq!(decision, Decision::DeadLetter(GiveUp::Exhausted));
    }

    #[test]
    fn what_is_decided() {
        let policy = RetryPolicy {
            schedule: Schedule::listed([secs(1), secs(20)]),
            in_lane: secs(10),
        };
        let first = secs(100);
        let at = |made, due| Attempts {
            made,
            first,
            due: secs(due),
        };
        let cases = [
            (
                "first failure",
                ErrorClass::Transient,
                at(1, 100),
                false,
                100,
                Decision::InLane(secs(101)),
            ),
            (
                "slow failure",
                ErrorClass::Transient,
                at(1, 100),
                false,
                105,
                Decision::InLane(secs(106)),
            ),
            (
                "beyond the lane",
                ErrorClass::Transient,
                at(2, 101),
                false,
                101,
                Decision::Park(secs(121)),
            ),
            (
                "slow beyond the lane",
                ErrorClass::Transient,
                at(1, 100),
                false,
                110,
                Decision::Park(secs(111)),
            ),
            (
                "parked before",
                ErrorClass::Transient,
                at(1, 100),
                true,
                100,
                Decision::Park(secs(101)),
            ),
            (
                "used up",
                ErrorClass::Transient,
                at(3, 121),
                true,
                121,
                Decision::DeadLetter(GiveUp::Exhausted),
            ),
            (
                "poison",
                ErrorClass::Poison,
                at(1, 100),
                false,
                100,
                Decision::DeadLetter(GiveUp::Poison),
            ),
            ("fatal", ErrorClass::Fatal, at(1, 100), false, 100, Decision::Stop),
        ];
        for (name, class, attempts, parked, failed_at, expected) in cases {
            assert_eq!(
                policy.decide(class, &attempts, parked, secs(failed_at), 7),
                expected,
                "{name}"
            );
        }
    }
}
