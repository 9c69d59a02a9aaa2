//! From the figures of both sides to what is said of them.

use highwater_model::{EffectClass, Worse};

use super::adjust::benjamini_hochberg;
use super::bootstrap::median_interval;
use super::effect::{Effect, median};
use super::noise::{paired_floor, unpaired_floor};
use super::rank_sum::rank_sum;
use super::shift::shift;
use super::signed_rank::signed_rank;

/// Rounds below which the exact test can't reach 5 %: 2 of 2⁶ is 3 %, 2 of 2⁵ is 6 %.
pub const MIN_ROUNDS: usize = 6;
/// Runs on each side below which there is no interval of 95 %.
pub const MIN_RUNS: usize = 4;
/// Figures of a metric, over both sides; the exact distributions grow with the cube of it.
pub const MOST_FIGURES: usize = 200;

/// The figures of one metric, in base units.
#[derive(Debug, Clone, PartialEq)]
pub enum Figures {
    /// Base and candidate of each round.
    Paired {
        /// Rounds with both sides.
        rounds: Vec<(f64, f64)>,
        /// Pairs of runs with the same settings, for the noise floor.
        same: Vec<(f64, f64)>,
    },
    /// Two sets of runs.
    Unpaired {
        /// Runs of the base.
        base: Vec<f64>,
        /// Runs of the candidate.
        candidate: Vec<f64>,
    },
}

/// What is asked of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What was measured.
    pub figures: Figures,
    /// Which way is worse.
    pub worse: Worse,
}

/// What holds for all metrics of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Level of the tests and of the intervals (1 − alpha).
    pub alpha: f64,
    /// Smallest relative difference that matters.
    pub margin: f64,
    /// Seed of the intervals.
    pub seed: u64,
}

impl Default for Settings {
    /// 5 %, 5 %, seed 0.
    fn default() -> Self {
        Self {
            alpha: 0.05,
            margin: 0.05,
            seed: 0,
        }
    }
}

/// What is said of one metric. Differences are relative: 0.1 is 10 % more.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Change from base to candidate in the middle; none if nothing could be compared.
    pub change: Option<f64>,
    /// Interval of the change, low and high.
    pub interval: Option<(f64, f64)>,
    /// Exact two-sided p value.
    pub p_value: Option<f64>,
    /// Adjusted over the family.
    pub p_adjusted: Option<f64>,
    /// What equal sides would show in one of twenty comparisons of this size.
    pub noise_floor: Option<f64>,
    /// The larger of the smallest difference that matters and the noise floor.
    pub margin: f64,
    /// The answer.
    pub class: EffectClass,
    /// Why, in a few words.
    pub why: String,
}

/// Judges every metric of a family. The answers are in the order of the questions.
///
/// *Regressed* and *improved* need three things: an adjusted p value of at most alpha, an interval on one side of
/// zero, and a change in the middle larger than the margin. *Equivalent* needs the whole interval within the
/// margin. Everything else is *inconclusive*. Figures that are not above zero have no ratio and are left out.
#[must_use]
pub fn judge(family: &[Question], settings: Settings) -> Vec<Judged> {
    let measured: Vec<Measured> = family
        .iter()
        .zip(0_u64..)
        .map(|(question, index)| Measured::of(&question.figures, settings, settings.seed ^ index << 32))
        .collect();
    let asked: Vec<f64> = measured.iter().filter_map(|measured| measured.p_value).collect();
    let mut adjusted = benjamini_hochberg(&asked).into_iter();
    measured
        .into_iter()
        .zip(family)
        .map(|(measured, question)| {
            let p_adjusted = measured.p_value.and_then(|_| adjusted.next());
            measured.judged(question.worse, p_adjusted, settings)
        })
        .collect()
}

/// Differences are logarithms here.
struct Measured {
    middle: Option<f64>,
    effect: Option<Effect>,
    p_value: Option<f64>,
    noise_floor: Option<f64>,
    /// What there is too little of, if so.
    short_of: Option<String>,
}

impl Measured {
    fn of(figures: &Figures, settings: Settings, seed: u64) -> Self {
        match figures {
            Figures::Paired { rounds, same } => Self::paired(&ratios(rounds), &ratios(same), settings, seed),
            Figures::Unpaired { base, candidate } => {
                Self::unpaired(&logarithms(base), &logarithms(candidate), settings)
            }
        }
    }

    fn paired(rounds: &[f64], same: &[f64], settings: Settings, seed: u64) -> Self {
        let enough = rounds.len() >= MIN_ROUNDS;
        Self {
            middle: median(rounds),
            effect: median_interval(rounds, 1.0 - settings.alpha, seed).filter(|_| enough),
            p_value: signed_rank(rounds).filter(|_| enough),
            noise_floor: paired_floor(same, rounds.len()),
            short_of: (!enough).then(|| match rounds.len() {
                1 => format!("1 round; {MIN_ROUNDS} are the least"),
                few => format!("{few} rounds; {MIN_ROUNDS} are the least"),
            }),
        }
    }

    fn unpaired(base: &[f64], candidate: &[f64], settings: Settings) -> Self {
        let enough = base.len().min(candidate.len()) >= MIN_RUNS;
        let effect = shift(base, candidate, 1.0 - settings.alpha).filter(|_| enough);
        let plain = median(candidate)
            .zip(median(base))
            .map(|(candidate, base)| candidate - base);
        Self {
            middle: effect.map(|effect| effect.middle).or(plain),
            effect,
            p_value: rank_sum(base, candidate).filter(|_| enough),
            noise_floor: unpaired_floor(base, candidate),
            short_of: (!enough).then(|| {
                let (base, candidate) = (base.len(), candidate.len());
                format!("{base} against {candidate} runs; {MIN_RUNS} of each are the least")
            }),
        }
    }

    fn judged(self, worse: Worse, p_adjusted: Option<f64>, settings: Settings) -> Judged {
        let margin = settings.margin.ln_1p().max(self.noise_floor.unwrap_or(0.0));
        let (class, why) = self.classified(worse, p_adjusted, settings.alpha, margin);
        Judged {
            change: self.middle.map(f64::exp_m1),
            interval: self
                .effect
                .map(|effect| (effect.low.exp_m1(), effect.high.exp_m1())),
            p_value: self.p_value,
            p_adjusted,
            noise_floor: self.noise_floor.map(f64::exp_m1),
            margin: margin.exp_m1(),
            class,
            why,
        }
    }

    fn classified(&self, worse: Worse, p: Option<f64>, alpha: f64, margin: f64) -> (EffectClass, String) {
        if self.middle.is_none() {
            return (EffectClass::Inconclusive, "nothing was measured".into());
        }
        if let Some(short_of) = &self.short_of {
            return (EffectClass::Inconclusive, short_of.clone());
        }
        let (Some(effect), Some(p)) = (self.effect, p) else {
            return (
                EffectClass::Inconclusive,
                "too many figures for an exact test".into(),
            );
        };
        let worsening = match worse {
            Worse::Higher => effect,
            Worse::Lower => effect.reversed(),
        };
        let found = p <= alpha;
        if found && worsening.low > 0.0 && worsening.middle > margin {
            return (EffectClass::Regressed, "worse by more than the margin".into());
        }
        if found && worsening.high < 0.0 && worsening.middle < -margin {
            return (EffectClass::Improved, "better by more than the margin".into());
        }
        if effect.is_within(margin) {
            return (
                EffectClass::Equivalent,
                "the whole interval is within the margin".into(),
            );
        }
        let why = if effect.middle.abs() <= margin {
            "the interval reaches beyond the margin"
        } else if found {
            "the interval reaches over zero"
        } else {
            "the difference could be chance"
        };
        (EffectClass::Inconclusive, why.into())
    }
}

fn logarithms(values: &[f64]) -> Vec<f64> {
    values.iter().filter_map(|value| logarithm(*value)).collect()
}

fn ratios(pairs: &[(f64, f64)]) -> Vec<f64> {
    pairs
        .iter()
        .filter_map(|(base, candidate)| Some(logarithm(*candidate)? - logarithm(*base)?))
        .collect()
}

fn logarithm(value: f64) -> Option<f64> {
    (value > 0.0 && value.is_finite()).then(|| value.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(figures: Figures, worse: Worse) -> Judged {
        judge(&[Question { figures, worse }], Settings::default()).remove(0)
    }

    /// Ten rounds around a factor, with a spread of some per cent.
    fn rounds(factor: f64, spread: f64) -> Figures {
        let wobble = [0.1, -0.8, 0.5, 1.0, -0.4, 0.0, -1.0, 0.7, -0.2, 0.3];
        let pair = |w: f64| (100.0, 100.0 * factor * (w * spread).exp());
        Figures::Paired {
            rounds: wobble.map(pair).to_vec(),
            same: Vec::new(),
        }
    }

    #[test]
    fn the_four_answers() {
        use EffectClass::{Equivalent, Improved, Inconclusive, Regressed};
        let cases = [
            ("10 % more latency", rounds(1.10, 0.03), Worse::Higher, Regressed),
            ("10 % more throughput", rounds(1.10, 0.03), Worse::Lower, Improved),
            (
                "10 % less throughput",
                rounds(0.90, 0.03),
                Worse::Lower,
                Regressed,
            ),
            (
                "the same within a little",
                rounds(1.01, 0.02),
                Worse::Higher,
                Equivalent,
            ),
            (
                "the same, with much noise",
                rounds(1.01, 0.30),
                Worse::Higher,
                Inconclusive,
            ),
            (
                "surely 3 % more, which does not matter",
                rounds(1.03, 0.01),
                Worse::Higher,
                Equivalent,
            ),
            (
                "10 % more, drowned",
                rounds(1.10, 0.60),
                Worse::Higher,
                Inconclusive,
            ),
        ];
        for (name, figures, worse, expected) in cases {
            let judged = one(figures, worse);
            assert_eq!(judged.class, expected, "{name}: {judged:?}");
        }
    }

    #[test]
    fn the_noise_floor_widens_the_margin() {
        let Figures::Paired { rounds, .. } = rounds(1.10, 0.03) else {
            unreachable!("it is paired");
        };
        let same = vec![(100.0, 130.0), (130.0, 100.0), (100.0, 128.0), (100.0, 125.0)];
        let judged = one(Figures::Paired { rounds, same }, Worse::Higher);
        assert!(
            judged.margin > 0.10 && judged.noise_floor == Some(judged.margin),
            "{judged:?}"
        );
        assert_ne!(judged.class, EffectClass::Regressed);
    }

    #[test]
    fn too_few_figures_are_never_an_answer() {
        let few = |n: usize| Figures::Paired {
            rounds: vec![(100.0, 200.0); n],
            same: Vec::new(),
        };
        assert_eq!(one(few(5), Worse::Higher).why, "5 rounds; 6 are the least");
        let change = one(few(5), Worse::Higher).change.unwrap();
        assert!((change - 1.0).abs() < 1e-9);
        assert_eq!(one(few(6), Worse::Higher).class, EffectClass::Regressed);
        let unpaired = |n: usize| Figures::Unpaired {
            base: (0..n).map(|i| 100.0 + i as f64).collect(),
            candidate: (0..n).map(|i| 200.0 + i as f64).collect(),
        };
        assert_eq!(one(unpaired(3), Worse::Higher).class, EffectClass::Inconclusive);
        assert_eq!(one(unpaired(4), Worse::Higher).class, EffectClass::Regressed);
        let single = one(unpaired(1), Worse::Higher);
        assert_eq!(single.why, "1 against 1 runs; 4 of each are the least");
        assert!((single.change.unwrap() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_has_no_ratio_is_left_out() {
        let figures = Figures::Unpaired {
            base: vec![0.0, f64::NAN],
            candidate: vec![1.0; 4],
        };
        let judged = one(figures, Worse::Higher);
        assert_eq!((judged.change, judged.class), (None, EffectClass::Inconclusive));
    }

    #[test]
    fn one_metric_among_many_needs_more_rounds() {
        let barely = Figures::Paired {
            rounds: vec![
                (100.0, 120.0),
                (100.0, 121.0),
                (100.0, 122.0),
                (100.0, 119.0),
                (100.0, 118.0),
                (100.0, 117.0),
            ],
            same: Vec::new(),
        };
        let question = |figures| Question {
            figures,
            worse: Worse::Higher,
        };
        assert_eq!(one(barely.clone(), Worse::Higher).class, EffectClass::Regressed);
        let family = [
            question(barely),
            question(rounds(1.0, 0.3)),
            question(rounds(1.0, 0.3)),
        ];
        let judged = judge(&family, Settings::default());
        assert_eq!(judged[0].class, EffectClass::Inconclusive, "{:?}", judged[0]);
    }
}
