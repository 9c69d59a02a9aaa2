//! When a rule fires: a pure counter.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::rule::spec::{RuleError, Trigger};

/// Counts matches and firings of one rule.
#[derive(Debug)]
pub(super) struct Counter {
    nth: Option<u64>,
    every: Option<u64>,
    probability: Option<f64>,
    times: u64,
    random: ChaCha8Rng,
    pub(super) matched: u64,
    pub(super) fired: u64,
    /// Both, when the rule was armed by hand for the last time.
    armed_at: (u64, u64),
}

impl Counter {
    pub(super) fn new(trigger: &Trigger, seed: u64) -> Self {
        Self {
            nth: trigger.nth,
            every: trigger.every,
            probability: trigger.probability,
            times: trigger.times.unwrap_or(u64::MAX),
            random: ChaCha8Rng::seed_from_u64(seed),
            matched: 0,
            fired: 0,
            armed_at: (0, 0),
        }
    }

    /// Counts `nth`, `every` and `times` from here on.
    pub(super) fn arm_again(&mut self) {
        self.armed_at = (self.matched, self.fired);
    }

    /// Matches and firings since it was armed.
    fn since_armed(&self) -> (u64, u64) {
        (self.matched - self.armed_at.0, self.fired - self.armed_at.1)
    }

    /// One more match: does it fire? `free` is false if another rule has taken the request already.
    pub(super) fn matches(&mut self, free: bool) -> bool {
        self.matched += 1;
        // Drawn for every match, so that what other rules do does not shift the sequence.
        let drawn = self
            .probability
            .is_none_or(|probability| self.random.random::<f64>() < probability);
        let (matched, fired) = self.since_armed();
        let due = self.nth.is_none_or(|nth| nth == matched)
            && self.every.is_none_or(|every| matched.is_multiple_of(every));
        let fires = free && drawn && due && fired < self.times;
        self.fired += u64::from(fires);
        fires
    }

    /// Whether it will never fire again.
    pub(super) fn is_spent(&self) -> bool {
        let (matched, fired) = self.since_armed();
        fired >= self.times || self.nth.is_some_and(|nth| matched >= nth)
    }
}

/// Refuses triggers that can never fire.
pub(super) fn check(trigger: &Trigger) -> Result<(), RuleError> {
    let never = |key: &str, message: String, help: &str| Err(RuleError::new(key, message, help));
    match trigger {
        Trigger { nth: Some(0), .. } => never(
            "nth",
            "`nth` counts from 1".to_owned(),
            "the first match is nth = 1",
        ),
        Trigger { every: Some(0), .. } => never(
            "every",
            "`every = 0` never fires".to_owned(),
            "every = 1 is each match",
        ),
        Trigger { times: Some(0), .. } => never(
            "times",
            "`times = 0` never fires".to_owned(),
            "leave the rule out, or give times = 1 or more",
        ),
        Trigger {
            nth: Some(nth),
            every: Some(every),
            ..
        } if nth % every != 0 => never(
            "nth",
            format!("`nth = {nth}` and `every = {every}` never agree"),
            "give one of the two",
        ),
        Trigger {
            probability: Some(probability),
            ..
        } if !(*probability > 0.0 && *probability <= 1.0) => never(
            "probability",
            format!("`probability = {probability}` never fires, or makes no sense"),
            "give a number above 0 and at most 1",
        ),
        Trigger {
            from,
            until: Some(until),
            ..
        } if from.unwrap_or_default() >= *until => never(
            "until",
            "the window ends before it begins".to_owned(),
            "`from` and `until` count from the start; until must be later",
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(trigger: &Trigger, matches: usize) -> Vec<usize> {
        let mut counter = Counter::new(trigger, 7);
        (1..=matches).filter(|_| counter.matches(true)).collect()
    }

    #[test]
    fn counts() {
        let cases = [
            ("each", Trigger::default(), vec![1, 2, 3, 4, 5, 6]),
            (
                "third",
                Trigger {
                    nth: Some(3),
                    ..Trigger::default()
                },
                vec![3],
            ),
            (
                "every second",
                Trigger {
                    every: Some(2),
                    ..Trigger::default()
                },
                vec![2, 4, 6],
            ),
            (
                "twice",
                Trigger {
                    times: Some(2),
                    ..Trigger::default()
                },
                vec![1, 2],
            ),
            (
                "every second, once",
                Trigger {
                    every: Some(2),
                    times: Some(1),
                    ..Trigger::default()
                },
                vec![2],
            ),
        ];
        for (name, trigger, expected) in cases {
            assert_eq!(fired(&trigger, 6), expected, "{name}");
        }
    }

    #[test]
    fn a_rule_that_is_armed_again_counts_from_there() {
        let trigger = Trigger {
            nth: Some(2),
            times: Some(1),
            ..Trigger::default()
        };
        let mut counter = Counter::new(&trigger, 7);
        let fired = |counter: &mut Counter| (1..=4).filter(|_| counter.matches(true)).collect::<Vec<_>>();
        assert_eq!(fired(&mut counter), [2]);
        assert!(counter.is_spent());
        counter.arm_again();
        assert!(!counter.is_spent());
        assert_eq!(fired(&mut counter), [2]);
        assert_eq!((counter.matched, counter.fired), (8, 2));
    }

    #[test]
    fn probability_is_seeded_and_about_right() {
        let trigger = Trigger {
            probability: Some(0.25),
            ..Trigger::default()
        };
        let first = fired(&trigger, 4_000);
        assert_eq!(first, fired(&trigger, 4_000));
        assert!((900..1_100).contains(&first.len()), "{}", first.len());
    }

    #[test]
    fn what_can_never_fire_is_refused() {
        let second = std::time::Duration::from_secs(1);
        let cases = [
            (
                "nth",
                Trigger {
                    nth: Some(0),
                    ..Trigger::default()
                },
            ),
            (
                "every",
                Trigger {
                    every: Some(0),
                    ..Trigger::default()
                },
            ),
            (
                "times",
                Trigger {
                    times: Some(0),
                    ..Trigger::default()
                },
            ),
            (
                "nth",
                Trigger {
                    nth: Some(3),
                    every: Some(2),
                    ..Trigger::default()
                },
            ),
            (
                "probability",
                Trigger {
                    probability: Some(0.0),
                    ..Trigger::default()
                },
            ),
            (
                "probability",
                Trigger {
                    probability: Some(f64::NAN),
                    ..Trigger::default()
                },
            ),
            (
                "until",
                Trigger {
                    from: Some(second),
                    until: Some(second),
                    ..Trigger::default()
                },
            ),
        ];
        for (key, trigger) in cases {
            assert_eq!(check(&trigger).map_err(|error| error.key), Err(key.to_owned()));
        }
        assert_eq!(check(&Trigger::default()), Ok(()));
    }
}
