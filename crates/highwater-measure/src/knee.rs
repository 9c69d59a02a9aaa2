//! The search for the highest rate at which limits hold.
//!
//! ```text
//!  bracket: ×2 while it holds, ÷2 while it breaks ─▶ bisect (geometric) until high ≤ low · (1 + precision)
//!     ─▶ hold: the low end for longer ─▶ retry: the high end once more ─▶ answer: [low, high]
//! ```
//! Both ends are confirmed, because one step can be wrong in either way: a hiccup of the machine breaks a limit at a
//! rate that holds, and luck keeps it at one that does not. So is a rate that could not be offered: it is tried again,
//! and is the limit of the generator only if it can't be offered then either. A low end that breaks in its hold becomes the high end; a
//! high end that holds when it is tried again becomes the low end; and the search goes on.
//!
//! Invariant: `low` was seen to hold and `high` was seen not to, and low < high.
//!
//! Does not: offer load, or look at a clock; whoever drives it stops asking when time is up.

/// What is searched for, and how closely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    /// First rate, per second.
    pub from: f64,
    /// Step of the bracket, more than 1.
    pub factor: f64,
    /// Relative distance of the two ends at which the search ends.
    pub precision: f64,
    /// Rates below this are not tried.
    pub lowest: f64,
    /// Rates above this are not tried.
    pub highest: f64,
}

impl Rule {
    /// From a rate: doubling, to 2 %, between 1/s and 10 million/s.
    #[must_use]
    pub fn from(rate: f64) -> Self {
        Self {
            from: rate,
            factor: 2.0,
            precision: 0.02,
            lowest: 1.0,
            highest: 1e7,
        }
    }
}

/// Why a rate is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To find an end.
    Bracket,
    /// To bring the ends together.
    Bisect,
    /// To confirm the low end, for longer.
    Hold,
    /// To confirm the high end.
    Retry,
}

/// A rate to try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// Records per second.
    pub rate: f64,
    /// Why.
    pub purpose: Purpose,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every limit was kept.
    Holds,
    /// A limit was broken, or the rate not taken.
    Breaks,
    /// The generator could not offer the rate: nothing is known of the cluster.
    NotOffered,
}

/// What is known at the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    /// Between two rates, both confirmed.
    Found {
        /// Highest rate that held.
        low: f64,
        /// Lowest rate that did not.
        high: f64,
    },
    /// Between two rates, which are further apart than asked for or not confirmed.
    Open {
        /// Highest rate that held.
        low: f64,
        /// Lowest rate that did not.
        high: f64,
    },
    /// It held as far as the generator, or the search, could go.
    AtLeast {
        /// Highest rate that held.
        low: f64,
    },
    /// No rate that was tried held.
    Below {
        /// Lowest rate that was tried.
        high: f64,
    },
    /// Nothing was tried, or nothing that was tried could be offered.
    Nothing,
}

/// Below the generator's limit nothing closer than this is of use.
const NEAR_GENERATOR: f64 = 1.10;
/// Ends with one of these are confirmed at most so often; a system that changes meanwhile has no knee.
const MOST_CONFIRMATIONS: u32 = 8;

/// Rates that could not be offered are tried again at most so often; a machine that is too busy is told soon.
const MOST_OFFERED_AGAIN: u32 = 4;

/// A search under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    rule: Rule,
    held: Vec<f64>,
    broke: Vec<f64>,
    not_offered: Option<f64>,
    /// A rate that could not be offered, and is tried again.
    again: Option<Probe>,
    offered_again: u32,
    low_confirmed: bool,
    high_confirmed: bool,
    confirmations: u32,
}

impl Search {
    /// A search that knows nothing yet.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        Self {
            rule: Rule {
                factor: rule.factor.max(1.01),
                precision: rule.precision.max(1e-4),
                lowest: rule.lowest.max(1e-3),
                ..rule
            },
            held: Vec::new(),
            broke: Vec::new(),
            not_offered: None,
            again: None,
            offered_again: 0,
            low_confirmed: false,
            high_confirmed: false,
            confirmations: 0,
        }
    }

    /// The rate to try next; none if nothing more can be learned.
    #[must_use]
    pub fn next(&self) -> Option<Probe> {
        if self.again.is_some() {
            return self.again;
        }
        let probe = |rate, purpose| Some(Probe { rate, purpose });
        match (self.low(), self.high()) {
            (None, None) => {
                let below = self.not_offered.map(|limit| self.below(limit));
                probe(below.unwrap_or(Some(self.rule.from))?, Purpose::Bracket)
            }
            (None, Some(high)) => probe(self.below(high)?, Purpose::Bracket),
            (Some(low), None) => match self.not_offered {
                Some(limit) if limit <= low * NEAR_GENERATOR => None,
                Some(limit) => probe((low * limit).sqrt(), Purpose::Bracket),
                None => {
                    (low < self.rule.highest).then_some(())?;
                    let rate = low * self.rule.factor;
                    probe(rate.min(self.rule.highest), Purpose::Bracket)
                }
            },
            (Some(low), Some(high)) if !self.is_close(low, high) => {
                probe((low * high).sqrt(), Purpose::Bisect)
            }
            _ if self.confirmations >= MOST_CONFIRMATIONS => None,
            (Some(low), _) if !self.low_confirmed => probe(low, Purpose::Hold),
            (_, Some(high)) if !self.high_confirmed => probe(high, Purpose::Retry),
            _ => None,
        }
    }

    /// Takes in what came of a probe.
    pub fn observe(&mut self, probe: Probe, outcome: Outcome) {
        let Probe { rate, purpose } = probe;
        let was_tried_again = self.again.take().is_some();
        if outcome == Outcome::NotOffered && !was_tried_again && self.offered_again < MOST_OFFERED_AGAIN {
            self.offered_again += 1;
            self.again = Some(probe);
            return;
        }
        let confirming = matches!(purpose, Purpose::Hold | Purpose::Retry);
        self.confirmations += u32::from(confirming);
        match outcome {
            Outcome::Holds => {
                // What broke at this rate or below was a hiccup.
                self.broke.retain(|broken| *broken > rate);
                self.high_confirmed &= purpose != Purpose::Retry;
                self.low_confirmed = purpose == Purpose::Hold;
                self.held.push(rate);
            }
            Outcome::Breaks => {
                // What held at this rate or above was luck.
                self.held.retain(|held| *held < rate);
                self.low_confirmed &= purpose != Purpose::Hold;
                self.high_confirmed = purpose == Purpose::Retry;
                self.broke.push(rate);
            }
            Outcome::NotOffered => {
                let limit = self.not_offered.unwrap_or(f64::INFINITY).min(rate);
                self.not_offered = Some(limit);
                // A rate that can't be offered twice is none that is known to hold or to break.
                self.held.retain(|held| *held < rate);
                self.broke.retain(|broken| *broken < rate);
                self.low_confirmed = false;
                self.high_confirmed = false;
            }
        }
    }

    /// What is known so far.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match (self.low(), self.high()) {
            (Some(low), Some(high)) => {
                match self.is_close(low, high) && self.low_confirmed && self.high_confirmed {
                    true => Answer::Found { low, high },
                    false => Answer::Open { low, high },
                }
            }
            (Some(low), None) => Answer::AtLeast { low },
            (None, Some(high)) => Answer::Below { high },
            (None, None) => Answer::Nothing,
        }
    }

    /// Lowest rate that the generator could not offer, if there was one.
    #[must_use]
    pub fn generator_limit(&self) -> Option<f64> {
        self.not_offered
    }

    fn low(&self) -> Option<f64> {
        self.held.iter().copied().reduce(f64::max)
    }

    fn high(&self) -> Option<f64> {
        self.broke.iter().copied().reduce(f64::min)
    }

    /// The next lower rate of the bracket; none at the lowest.
    fn below(&self, rate: f64) -> Option<f64> {
        (rate > self.rule.lowest).then(|| (rate / self.rule.factor).max(self.rule.lowest))
    }

    fn is_close(&self, low: f64, high: f64) -> bool {
        high <= low * (1.0 + self.rule.precision)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// Runs a search against a system, for so many steps at most; gives the answer and the number of steps.
    fn search(rule: Rule, steps: usize, mut system: impl FnMut(Probe) -> Outcome) -> (Answer, usize) {
        let mut search = Search::new(rule);
        for done in 0..steps {
            let Some(probe) = search.next() else {
                return (search.answer(), done);
            };
            let outcome = system(probe);
            search.observe(probe, outcome);
        }
        (search.answer(), steps)
    }

    fn sharp(capacity: f64) -> impl FnMut(Probe) -> Outcome {
        move |probe| match probe.rate <= capacity {
            true => Outcome::Holds,
            false => Outcome::Breaks,
        }
    }

    #[test]
    fn a_sharp_limit_is_found_from_either_side() {
        for capacity in [1.5, 37.0, 999.0, 1_000.0, 1_001.0, 48_211.0, 3e6] {
            let (answer, steps) = search(Rule::from(1_000.0), 60, sharp(capacity));
            let Answer::Found { low, high } = answer else {
                panic!("{capacity}: {answer:?} after {steps}");
            };
            assert!(
                low <= capacity && capacity < high && high <= low * 1.02,
                "{capacity}: {answer:?}"
            );
            assert!(steps <= 22, "{capacity}: {steps} steps");
        }
    }

    #[test]
    fn what_can_not_be_found_is_said() {
        let cases = [
            ("holds everywhere", f64::INFINITY, Answer::AtLeast { low: 1e7 }),
            ("holds nowhere", 0.0, Answer::Below { high: 1.0 }),
        ];
        for (name, capacity, expected) in cases {
            assert_eq!(
                search(Rule::from(1_000.0), 60, sharp(capacity)).0,
                expected,
                "{name}"
            );
        }
        let (open, _) = search(Rule::from(1_000.0), 4, sharp(5_000.0));
        assert_eq!(
            open,
            Answer::Open {
                low: 4_000.0,
                high: 8_000.0
            }
        );
        assert_eq!(Search::new(Rule::from(9.0)).answer(), Answer::Nothing);
    }

    #[test]
    fn the_limit_of_the_generator_is_not_that_of_the_cluster() {
        let generator = 30_000.0;
        let system = |probe: Probe| match probe.rate <= generator {
            true => Outcome::Holds,
            false => Outcome::NotOffered,
        };
        let (answer, steps) = search(Rule::from(1_000.0), 60, system);
        let Answer::AtLeast { low } = answer else {
            panic!("{answer:?}");
        };
        assert!(
            low <= generator && low * 1.11 >= generator,
            "{answer:?} after {steps}"
        );

        let nothing = search(Rule::from(1_000.0), 60, |_| Outcome::NotOffered);
        assert_eq!(nothing.0, Answer::Nothing);
        assert!(nothing.1 < 16);
    }

    #[test]
    fn a_rate_that_could_not_be_offered_once_is_tried_again() {
        // The third step and the ninth are lost to something else on the machine.
        let mut lost = BTreeSet::from([3, 9]);
        let mut step = 0;
        let (answer, _) = search(Rule::from(1_000.0), 80, |probe| {
            step += 1;
            match (lost.remove(&step), probe.rate <= 10_000.0) {
                (true, _) => Outcome::NotOffered,
                (false, true) => Outcome::Holds,
                (false, false) => Outcome::Breaks,
            }
        });
        assert!(
            matches!(answer, Answer::Found { low, high } if low <= 10_000.0 && 10_000.0 < high),
            "{answer:?}"
        );
    }

    #[test]
    fn a_limit_below_that_of_the_generator_is_found() {
        let system = |probe: Probe| match probe.rate {
            rate if rate <= 20_000.0 => Outcome::Holds,
            rate if rate <= 30_000.0 => Outcome::Breaks,
            _ => Outcome::NotOffered,
        };
        let (answer, _) = search(Rule::from(1_000.0), 60, system);
        assert!(
            matches!(answer, Answer::Found { low, high } if low <= 20_000.0 && 20_000.0 < high),
            "{answer:?}"
        );
    }

    #[test]
    fn a_hiccup_and_a_lucky_step_are_mended() {
        // The first step above 10,000 holds by luck, and one below breaks by a hiccup.
        let mut step = 0;
        let (answer, _) = search(Rule::from(1_000.0), 80, |probe| {
            step += 1;
            match (step, probe.rate <= 10_000.0) {
                (3, _) => Outcome::Breaks,
                (4, _) => Outcome::Holds,
                (_, true) => Outcome::Holds,
                (_, false) => Outcome::Breaks,
            }
        });
        assert!(
            matches!(answer, Answer::Found { low, high } if low <= 10_000.0 && 10_000.0 < high),
            "{answer:?}"
        );
    }

    #[test]
    fn a_noisy_limit_is_found_within_three_per_cent() {
        // The nearer to the capacity, the more it is a matter of luck; and one step in fifty has a hiccup.
        let jobs = 200;
        let mut near = 0;
        for seed in 0..jobs {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut uniform = move || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            let capacity = 1_000.0 * (1.0 + 99.0 * uniform());
            let (answer, _) = search(Rule::from(1_000.0), 80, |probe| {
                let distance = (probe.rate / capacity).ln() / 0.003;
                let breaks = 1.0 / (1.0 + (-distance).exp());
                match uniform() < breaks.max(0.02) {
                    true => Outcome::Breaks,
                    false => Outcome::Holds,
                }
            });
            let found = matches!(answer, Answer::Found { low, high }
                if (low / capacity - 1.0).abs() <= 0.03 && (high / capacity - 1.0).abs() <= 0.03);
            near += usize::from(found);
        }
        assert!(near * 20 >= jobs as usize * 19, "{near} of {jobs}");
    }
}
