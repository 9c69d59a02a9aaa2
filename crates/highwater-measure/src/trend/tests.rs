//! The test is put to the test: on runs without a drift, and on runs with one, of the kinds that brokers give.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

const RUNS: u64 = 20;
const SECONDS: usize = 300;

/// A source of numbers with a seed.
struct Chance(ChaCha8Rng);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Above 0, below 1.
    fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// How latencies of a run vary.
#[derive(Debug, Clone, Copy)]
struct Noise {
    name: &'static str,
    /// Standard deviation of the logarithm of a record's latency. A fifth of the 500 records of a second are drawn, and
    /// this is less by √5: their median varies as much.
    spread: f64,
    /// Share of records with a heavy tail (Pareto, shape 1.5).
    tail: f64,
    /// How much a second has of the one before, and by how much seconds differ.
    likeness: f64,
    varying: f64,
    /// Pauses of some hundred milliseconds, each second's chance of one.
    pauses: f64,
}

const KINDS: [Noise; 4] = [
    Noise {
        name: "independent",
        spread: 0.2,
        tail: 0.0,
        likeness: 0.0,
        varying: 0.0,
        pauses: 0.0,
    },
    Noise {
        name: "heavy tail",
        spread: 0.25,
        tail: 0.05,
        likeness: 0.0,
        varying: 0.01,
        pauses: 0.0,
    },
    Noise {
        name: "pauses",
        spread: 0.2,
        tail: 0.02,
        likeness: 0.3,
        varying: 0.02,
        pauses: 0.12,
    },
    Noise {
        name: "alike",
        spread: 0.2,
        tail: 0.02,
        likeness: 0.7,
        varying: 0.015,
        pauses: 0.05,
    },
];

/// Medians of each second of a run of five minutes, as a run has them.
fn run(noise: Noise, drift_per_min: f64, seed: u64) -> Vec<(f64, f64)> {
    const RECORDS: usize = 100;
    let mut chance = Chance::new(seed);
    let mut level = 0.0;
    (0..SECONDS)
        .map(|second| {
            let own = (1.0 - noise.likeness * noise.likeness).sqrt();
            level = noise.likeness * level + own * noise.varying * chance.normal();
            let base = 1.5e6 * (1.0 + drift_per_min * second as f64 / 60.0) * (1.0 + level);
            let pause = if chance.uniform() < noise.pauses {
                0.25 * chance.uniform()
            } else {
                0.0
            };
            let mut latencies: Vec<f64> = (0..RECORDS)
                .map(|record| {
                    let mut latency = base * (noise.spread * chance.normal()).exp();
                    if chance.uniform() < noise.tail {
                        latency += base * (chance.uniform().powf(-1.0 / 1.5) - 1.0);
                    }
                    // Records that are due in a pause wait for its end.
                    let left = pause - record as f64 / RECORDS as f64;
                    latency + left.max(0.0) * 1e9
                })
                .collect();
            latencies.sort_unstable_by(f64::total_cmp);
            (second as f64, latencies[RECORDS / 2])
        })
        .collect()
}

/// Runs of each kind in which a drift was shown.
fn shown(drift_per_min: f64, from_seed: u64, runs: u64) -> BTreeMap<&'static str, (u64, u64)> {
    KINDS
        .iter()
        .map(|noise| {
            let trends = (0..runs).map(|seed| trend(&run(*noise, drift_per_min, from_seed + seed)));
            let (mut found, mut silent) = (0, 0);
            for one in trends {
                match one {
                    Ok(trend) if trend.shown_per_min() >= LIMIT => found += 1,
                    Ok(_) => {}
                    Err(_) => silent += 1,
                }
            }
            (noise.name, (found, silent))
        })
        .collect()
}

/// The limit of the built-in scenario.
const LIMIT: f64 = 0.005;

#[test]
fn no_alarm_on_twenty_steady_runs_of_each_kind() {
    for (name, (alarms, silent)) in shown(0.0, 1, RUNS) {
        assert_eq!((alarms, silent), (0, 0), "{name}");
    }
}

#[test]
fn a_drift_of_one_percent_a_minute_is_found_in_nineteen_of_twenty() {
    for (name, (found, silent)) in shown(0.01, 1_000, RUNS) {
        assert!(
            found >= 19 && silent == 0,
            "{name}: {found} found, {silent} without an answer"
        );
    }
}

#[test]
fn what_falls_is_no_rise() {
    let falling = trend(&run(KINDS[0], -0.02, 7)).unwrap();
    assert!(falling.shown && falling.shown_per_min() < -0.01, "{falling:?}");
}

#[test]
fn the_interval_holds_the_truth() {
    let mut held = 0;
    for seed in 0..40 {
        let found = trend(&run(KINDS[2], 0.02, 5_000 + seed)).unwrap();
        // In shares of the median, which lies in the middle of five minutes.
        let truth = 0.02 / 1.05;
        held += u32::from((found.low_per_min..=found.high_per_min).contains(&truth));
        assert!(found.low_per_min <= found.per_min && found.per_min <= found.high_per_min);
    }
    assert!(held >= 37, "{held} of 40");
}

#[test]
fn what_could_not_be_seen_is_not_called_steady() {
    let wild = Noise {
        name: "wild",
        spread: 0.4,
        tail: 0.1,
        likeness: 0.9,
        varying: 0.25,
        pauses: 0.0,
    };
    let answers: Vec<_> = (0..RUNS).map(|seed| trend(&run(wild, 0.0, 300 + seed))).collect();
    let noisy = answers
        .iter()
        .filter(|answer| matches!(answer, Err(NoTrend::TooNoisy { .. })));
    assert!(noisy.count() >= 15, "{answers:?}");
    let steady = run(KINDS[0], 0.0, 3);
    type Case = (&'static str, Vec<(f64, f64)>, &'static str);
    let cases: [Case; 5] = [
        ("nothing", Vec::new(), "0 s are too short"),
        ("short", steady[..50].to_vec(), "49 s are too short"),
        (
            "a hole",
            steady
                .iter()
                .filter(|(at, _)| *at < 80.0 || *at > 250.0)
                .copied()
                .collect(),
            "windows have readings",
        ),
        (
            "no value",
            steady.iter().map(|(at, _)| (*at, 0.0)).collect(),
            "zero",
        ),
        ("no numbers", vec![(f64::NAN, 1.0), (1.0, f64::NAN)], "too short"),
    ];
    for (name, readings, words) in cases {
        let error = trend(&readings).unwrap_err().to_string();
        assert!(error.contains(words), "{name}: {error}");
    }
}

/// Memory grows in steps, and often not at all.
#[test]
fn steps_of_memory() {
    let steps = |every: usize, by: f64| -> Vec<(f64, f64)> {
        (0..SECONDS)
            .map(|second| (second as f64, 500e6 + (second / every) as f64 * by))
            .collect()
    };
    let level = trend(&steps(1_000, 1.0)).unwrap();
    assert_eq!(
        (level.shown_per_min(), level.low_per_min, level.high_per_min),
        (0.0, 0.0, 0.0)
    );
    // 4 MB every 20 s are 2.3 % of the median each minute.
    let leak = trend(&steps(20, 4e6)).unwrap().shown_per_min();
    assert!((0.02..0.025).contains(&leak), "{leak}");
    // One step is a rise, but no rise of half a percent a minute.
    let once = trend(&steps(150, 2e6)).unwrap().shown_per_min();
    assert!(once < LIMIT, "{once}");
}
