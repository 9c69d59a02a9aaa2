//! How often the answer is wrong: whole jobs on simulated machines.

use highwater_model::{EffectClass, Worse};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Figures, Judged, Question, Settings, judge};

/// A machine that gets slower and faster over minutes, with noise that metrics of one run share, and now and then a
/// run that something else disturbed.
struct Machine {
    random: ChaCha8Rng,
    drift: f64,
    /// How far it drifts from run to run.
    restless: f64,
    /// Share of the runs that something else disturbed.
    disturbed: f64,
}

/// What an idle laptop does from minute to minute.
const RESTLESS: f64 = 0.02;

/// Noise of one run that no other metric shares, for throughput, p50, p95 and p99.
const OWN_NOISE: [f64; 4] = [0.01, 0.02, 0.04, 0.08];

impl Machine {
    fn new(seed: u64, restless: f64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            drift: 0.0,
            restless,
            disturbed: 0.01,
        }
    }

    fn uniform(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// One run of a side that is slower by a factor: rate and three latencies.
    fn run(&mut self, slower: f64) -> [f64; 4] {
        self.drift = 0.9 * self.drift + self.restless * self.normal();
        let mut slow = slower.ln() + self.drift + 0.01 * self.normal();
        if self.uniform() < self.disturbed {
            slow += 0.5 * self.uniform();
        }
        let mut figures = [0.0; 4];
        for (index, own) in OWN_NOISE.into_iter().enumerate() {
            let sign = if index == 0 { -1.0 } else { 1.0 };
            figures[index] = (5.0 + sign * slow + own * self.normal()).exp();
        }
        figures
    }
}

/// A paired job as `highwater ab` does it: ABBA, with a second run of A in every other round.
fn paired_job(seed: u64, slower: f64) -> Vec<Judged> {
    paired_job_on(Machine::new(seed, RESTLESS), seed, slower, 10)
}

fn paired_job_on(mut machine: Machine, seed: u64, slower: f64, rounds_wanted: usize) -> Vec<Judged> {
    let (mut rounds, mut same) = (Vec::new(), Vec::new());
    let mut before: Option<[f64; 4]> = None;
    for round in 0..rounds_wanted {
        if round % 2 == 0 {
            let control = machine.run(1.0);
            same.extend(before.map(|before| (before, control)));
            let base = machine.run(1.0);
            same.push((control, base));
            rounds.push((base, machine.run(slower)));
        } else {
            let candidate = machine.run(slower);
            let base = machine.run(1.0);
            rounds.push((base, candidate));
            before = Some(base);
        }
    }
    let of = |pairs: &[([f64; 4], [f64; 4])], index: usize| {
        pairs
            .iter()
            .map(|(base, candidate)| (base[index], candidate[index]))
            .collect()
    };
    let family: Vec<Question> = (0..4)
        .map(|index| Question {
            figures: Figures::Paired {
                rounds: of(&rounds, index),
                same: of(&same, index),
            },
            worse: if index == 0 { Worse::Lower } else { Worse::Higher },
        })
        .collect();
    let settings = Settings {
        seed,
        ..Settings::default()
    };
    judge(&family, settings)
}

/// Two sets of ten runs, one after the other.
fn unpaired_job(seed: u64, slower: f64, restless: f64) -> Vec<Judged> {
    let mut machine = Machine::new(seed, restless);
    let base: Vec<[f64; 4]> = (0..10).map(|_| machine.run(1.0)).collect();
    let candidate: Vec<[f64; 4]> = (0..10).map(|_| machine.run(slower)).collect();
    let family: Vec<Question> = (0..4)
        .map(|index| Question {
            figures: Figures::Unpaired {
                base: base.iter().map(|figures| figures[index]).collect(),
                candidate: candidate.iter().map(|figures| figures[index]).collect(),
            },
            worse: if index == 0 { Worse::Lower } else { Worse::Higher },
        })
        .collect();
    judge(
        &family,
        Settings {
            seed,
            ..Settings::default()
        },
    )
}

fn any(judged: &[Judged], class: EffectClass) -> bool {
    judged.iter().any(|judged| judged.class == class)
}

fn alarms(jobs: impl Iterator<Item = Vec<Judged>>) -> usize {
    jobs.filter(|job| any(job, EffectClass::Regressed) || any(job, EffectClass::Improved))
        .count()
}

#[test]
fn equal_sides_are_hardly_ever_told_apart() {
    let jobs = 200;
    let paired = alarms((0..jobs).map(|seed| paired_job(seed, 1.0)));
    assert!(paired * 20 <= jobs as usize, "{paired} of {jobs} paired jobs");
    let unpaired = alarms((0..jobs).map(|seed| unpaired_job(seed, 1.0, 0.0)));
    assert!(
        unpaired * 20 <= jobs as usize,
        "{unpaired} of {jobs} unpaired jobs"
    );
}

#[test]
fn ten_per_cent_are_found() {
    let jobs = 100;
    let found = (0..jobs)
        .filter(|seed| any(&paired_job(*seed, 1.10), EffectClass::Regressed))
        .count();
    assert!(found * 20 >= jobs as usize * 19, "{found} of {jobs}");
}

#[test]
fn a_machine_that_is_disturbed_more_often_needs_more_rounds() {
    // One disturbed run of the base has the highest rank, and 10 rounds can't make up for it: p is 0.08 at best.
    let jobs = 60;
    let found = |rounds| {
        let job = |seed| {
            let mut machine = Machine::new(seed, RESTLESS);
            machine.disturbed = 0.05;
            paired_job_on(machine, seed, 1.10, rounds)
        };
        (0..jobs)
            .filter(|seed| any(&job(*seed), EffectClass::Regressed))
            .count()
    };
    let (ten, twenty) = (found(10), found(20));
    assert!(twenty * 20 >= jobs as usize * 19, "{twenty} of {jobs}");
    assert!(ten < twenty, "{ten} and {twenty} of {jobs}");
}

#[test]
fn equal_sides_are_called_equivalent_where_the_noise_allows_it() {
    let jobs = 100;
    let said = (0..jobs)
        .filter(|seed| any(&paired_job(*seed, 1.0), EffectClass::Equivalent))
        .count();
    assert!(said * 10 >= jobs as usize * 8, "{said} of {jobs}");
}

#[test]
fn drift_between_two_sets_of_runs_is_why_rounds_are_interleaved() {
    // What the machine did meanwhile lies between the two sets, and no test can tell it from a difference.
    let jobs = 100;
    let alarms = alarms((0..jobs).map(|seed| unpaired_job(seed, 1.0, RESTLESS)));
    assert!(
        alarms * 10 >= jobs as usize,
        "{alarms} of {jobs}: then unpaired would do"
    );
}
