use std::time::Duration;

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn all(schedule: &Schedule) -> Vec<u64> {
    schedule.due_times(0, 1, 7).collect()
}

fn constant(per_s: f64, duration: Duration) -> Schedule {
    Schedule::new(Shape::Constant { per_s }, duration).unwrap()
}

#[test]
fn due_times_of_each_shape() {
    let step = |per_s, ms| Step {
        per_s,
        duration: Duration::from_millis(ms),
    };
    let cases: Vec<(&str, Shape, u64, Vec<u64>)> = vec![
        (
            "constant begins at zero",
            Shape::Constant { per_s: 4.0 },
            1_000,
            vec![0, 250_000_000, 500_000_000, 750_000_000],
        ),
        (
            "a rate that divides nothing is rounded down, each from zero",
            Shape::Constant { per_s: 3.0 },
            1_000,
            vec![0, 333_333_333, 666_666_666],
        ),
        (
            "ramp from nothing: the square root",
            Shape::Ramp {
                from_per_s: 0.0,
                to_per_s: 8.0,
            },
            1_000,
            vec![0, 500_000_000, 707_106_781, 866_025_403],
        ),
        (
            "ramp to nothing",
            Shape::Ramp {
                from_per_s: 8.0,
                to_per_s: 0.0,
            },
            1_000,
            vec![0, 133_974_596, 292_893_218, 500_000_000],
        ),
        (
            "steps with a pause; the last one continues",
            Shape::Steps(vec![step(2.0, 1_000), step(0.0, 500), step(4.0, 250)]),
            2_000,
            vec![0, 500_000_000, 1_500_000_000, 1_750_000_000],
        ),
        (
            "a leading pause",
            Shape::Steps(vec![step(0.0, 300), step(2.0, 100)]),
            1_000,
            vec![300_000_000, 800_000_000],
        ),
        (
            "bursts at the end of each period, silence between",
            Shape::Bursts {
                base_per_s: 0.0,
                burst_per_s: 20.0,
                burst: Duration::from_millis(100),
                every: Duration::from_millis(400),
            },
            900,
            vec![300_000_000, 350_000_000, 700_000_000, 750_000_000],
        ),
        (
            "bursts above a base",
            Shape::Bursts {
                base_per_s: 5.0,
                burst_per_s: 10.0,
                burst: Duration::from_millis(200),
                every: Duration::from_millis(600),
            },
            600,
            vec![0, 200_000_000, 400_000_000, 500_000_000],
        ),
    ];
    for (name, shape, ms, expected) in cases {
        let schedule = Schedule::new(shape, Duration::from_millis(ms)).unwrap();
        assert_eq!(all(&schedule), expected, "{name}");
        assert_eq!(schedule.records(), Some(expected.len() as u64), "{name}");
    }
}

#[test]
fn no_drift_after_a_hundred_days() {
    let schedule = constant(3.0, MAX_DURATION);
    let records = schedule.records().unwrap();
    assert_eq!(records, 3 * 100 * 24 * 3600);
    let Kind::Exact(profile) = &schedule.kind else {
        panic!("a constant rate is exact")
    };
    assert_eq!(profile.due_ns(records - 3), (100 * 24 * 3600 - 1) * 1_000_000_000);
    let fastest = constant(MAX_RATE_PER_S, MAX_DURATION);
    assert_eq!(fastest.records(), Some(100 * 24 * 3600 * 1_000_000_000));
}

#[test]
fn impossible_schedules_are_refused_with_a_remedy() {
    let bursts = |base_per_s, burst_per_s, burst_ms, every_ms| Shape::Bursts {
        base_per_s,
        burst_per_s,
        burst: Duration::from_millis(burst_ms),
        every: Duration::from_millis(every_ms),
    };
    let steps = |per_s: f64, duration| Shape::Steps(vec![Step { per_s, duration }]);
    let cases = [
        (
            "no rate",
            Shape::Constant { per_s: 0.0 },
            SECOND,
            "give a rate above 0",
        ),
        ("negative", Shape::Poisson { per_s: -1.0 }, SECOND, "not negative"),
        ("NaN", Shape::Constant { per_s: f64::NAN }, SECOND, "finite"),
        (
            "infinite",
            Shape::Constant { per_s: f64::INFINITY },
            SECOND,
            "finite",
        ),
        ("too fast", Shape::Constant { per_s: 2e9 }, SECOND, "saturate"),
        (
            "too slow",
            Shape::Constant { per_s: 1e-9 },
            SECOND,
            "give a rate from",
        ),
        ("no length", Shape::Saturate, Duration::ZERO, "duration above 0"),
        ("a year", Shape::Saturate, 4 * MAX_DURATION, "check the unit"),
        (
            "flat ramp at 0",
            Shape::Ramp {
                from_per_s: 0.0,
                to_per_s: 0.0,
            },
            SECOND,
            "give a rate above 0",
        ),
        ("no steps", Shape::Steps(vec![]), SECOND, "give 1 to"),
        ("empty step", steps(1.0, Duration::ZERO), SECOND, "step 1"),
        (
            "steps too long",
            steps(1.0, 2 * SECOND),
            SECOND,
            "shorten the steps",
        ),
        ("only pauses", steps(0.0, SECOND), SECOND, "no record is due"),
        ("endless burst", bursts(1.0, 2.0, 100, 100), SECOND, "never ends"),
        (
            "no burst",
            bursts(1.0, 2.0, 0, 100),
            SECOND,
            "the burst lasts 0 s",
        ),
        ("burst below base", bursts(2.0, 1.0, 10, 100), SECOND, "exchange"),
        (
            "burst after the end",
            bursts(0.0, 1.0, 10, 5_000),
            SECOND,
            "no record is due",
        ),
    ];
    for (name, shape, duration, remedy) in cases {
        let error = Schedule::new(shape, duration).expect_err(name).to_string();
        assert!(error.contains(remedy), "{name}: {error}");
    }
}

#[test]
fn rates_at_moments() {
    let ramp = Schedule::new(
        Shape::Ramp {
            from_per_s: 10.0,
            to_per_s: 20.0,
        },
        10 * SECOND,
    )
    .unwrap();
    assert_eq!(ramp.rate_at(Duration::ZERO), Some(10.0));
    assert_eq!(ramp.rate_at(5 * SECOND), Some(15.0));
    assert_eq!(ramp.rate_at(10 * SECOND), None);
    assert_eq!(ramp.expected_between(Duration::ZERO, 20 * SECOND), Some(150.0));
    let bursts = Schedule::new(
        Shape::Bursts {
            base_per_s: 1.0,
            burst_per_s: 9.0,
            burst: SECOND,
            every: 3 * SECOND,
        },
        60 * SECOND,
    )
    .unwrap();
    assert_eq!(bursts.rate_at(31 * SECOND), Some(1.0));
    assert_eq!(bursts.rate_at(32 * SECOND), Some(9.0));
    let saturating = Schedule::new(Shape::Saturate, SECOND).unwrap();
    assert!(saturating.is_saturating());
    assert_eq!(saturating.records(), None);
    assert_eq!(saturating.rate_at(Duration::ZERO), None);
    assert_eq!(all(&saturating), Vec::<u64>::new());
}

#[test]
fn poisson_gaps_have_the_mean_and_the_spread_of_an_exponential() {
    for seed in 0..5 {
        let schedule = Schedule::new(Shape::Poisson { per_s: 1_000.0 }, 100 * SECOND).unwrap();
        let mut due: Vec<u64> = (0..4)
            .flat_map(|producer| schedule.due_times(producer, 4, seed))
            .collect();
        due.sort_unstable();
        // 100,000 expected: standard deviation 316; five of them.
        assert!((98_400..=101_600).contains(&due.len()), "{seed}: {}", due.len());
        let gaps: Vec<f64> = due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean / 1e6 - 1.0).abs() < 0.016, "{seed}: mean {mean}");
        assert!(
            (variance / 1e12 - 1.0).abs() < 0.05,
            "{seed}: variance {variance}"
        );
    }
}

#[test]
fn poisson_is_repeated_by_its_seed_and_differs_between_producers() {
    let schedule = Schedule::new(Shape::Poisson { per_s: 100.0 }, SECOND).unwrap();
    let draw = |index, seed| schedule.due_times(index, 2, seed).collect::<Vec<_>>();
    assert_eq!(draw(0, 1), draw(0, 1));
    assert_ne!(draw(0, 1), draw(1, 1));
    assert_ne!(draw(0, 1), draw(0, 2));
}

fn shapes() -> impl Strategy<Value = Shape> {
    let rate = prop_oneof![0.5..20_000.0_f64, (1_u32..20_000).prop_map(f64::from)];
    let step = (prop_oneof![Just(0.0), 1.0..5_000.0_f64], 1_u64..200).prop_map(|(per_s, ms)| Step {
        per_s,
        duration: Duration::from_millis(ms),
    });
    prop_oneof![
        rate.clone().prop_map(|per_s| Shape::Constant { per_s }),
        (0.0..5_000.0_f64, 1.0..5_000.0_f64).prop_map(|(from_per_s, to_per_s)| Shape::Ramp {
            from_per_s: if from_per_s < 1.0 { 0.0 } else { from_per_s },
            to_per_s,
        }),
        prop::collection::vec(step, 1..8).prop_map(Shape::Steps),
        (0_u32..500, 1_u32..5_000, 1_u64..100, 1_u64..300).prop_map(|(base, extra, burst, calm)| {
            Shape::Bursts {
                base_per_s: f64::from(base),
                burst_per_s: f64::from(base + extra),
                burst: Duration::from_millis(burst),
                every: Duration::from_millis(burst + calm),
            }
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn due_times_ascend_are_counted_exactly_and_end_with_the_load(
        shape in shapes(),
        duration_us in 1_600_000_u64..3_000_000,
    ) {
        let duration = Duration::from_micros(duration_us);
        // Only steps without any rate are refused here.
        if let Ok(schedule) = Schedule::new(shape, duration) {
            let due = all(&schedule);
            prop_assert_eq!(Some(due.len() as u64), schedule.records());
            prop_assert!(due.is_sorted());
            prop_assert!(due.iter().all(|at| u128::from(*at) < duration.as_nanos()));
        }
    }

    #[test]
    fn shares_of_the_producers_are_the_whole(shape in shapes(), of in 1_u32..9) {
        if let Ok(schedule) = Schedule::new(shape, 2 * SECOND) {
            let mut shares: Vec<u64> = Vec::new();
            for index in 0..of {
                let share = schedule.due_times(index, of, 0);
                let (promised, _) = share.size_hint();
                let before = shares.len();
                shares.extend(share);
                prop_assert_eq!(shares.len() - before, promised);
            }
            shares.sort_unstable();
            prop_assert_eq!(shares, all(&schedule));
        }
    }

    /// The definition itself: record k is due when the rate has called for k records, rounded down.
    #[test]
    fn constant_rates_are_exact(milli in 1_u64..10_000_000_000, k in 0_u64..1_000_000) {
        let per_s = milli as f64 / 1e3;
        if let Kind::Exact(profile) = &constant(per_s, MAX_DURATION).kind {
            prop_assert_eq!(
                u128::from(profile.due_ns(k)),
                u128::from(k) * 1_000_000_000_000 / u128::from(milli)
            );
        }
    }
}
