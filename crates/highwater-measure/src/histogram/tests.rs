use proptest::prelude::*;

use super::*;

fn of(samples: impl IntoIterator<Item = u64>) -> Latency {
    let mut latency = Latency::new();
    for sample in samples {
        latency.record(sample);
    }
    latency
}

#[test]
fn empty_is_not_zero() {
    let empty = Latency::new();
    assert_eq!(empty.quantiles(), Quantiles::default());
    assert!(empty.curve().is_empty());
    assert_eq!(empty.value_at(0.5), None);
    assert_eq!(Interval::new().take(), IntervalSummary::default());
}

#[test]
fn percentiles_appear_with_the_samples_they_need() {
    let known = |count: u64| {
        let quantiles = of(0..count).quantiles();
        [
            quantiles.p50_ns,
            quantiles.p90_ns,
            quantiles.p95_ns,
            quantiles.p99_ns,
            quantiles.p999_ns,
        ]
        .map(|value| value.is_some())
    };
    let cases = [
        (1, [true, false, false, false, false]),
        (9, [true, false, false, false, false]),
        (10, [true, true, false, false, false]),
        (19, [true, true, false, false, false]),
        (20, [true, true, true, false, false]),
        (99, [true, true, true, false, false]),
        (100, [true, true, true, true, false]),
        (9_999, [true, true, true, true, false]),
        (10_000, [true, true, true, true, true]),
    ];
    for (count, expected) in cases {
        assert_eq!(known(count), expected, "{count} samples");
    }
}

#[test]
fn count_mean_max_and_sufferers_are_exact_beyond_the_buckets() {
    let mut latency = of([1, 100_000_000, 100_000_001]);
    latency.record_n(3 * LONGEST_NS, 2);
    latency.record_censored(5);
    let quantiles = latency.quantiles();
    assert_eq!(quantiles.count, 6);
    assert_eq!(quantiles.censored, 1);
    assert_eq!(quantiles.over_100ms, 3);
    assert_eq!(quantiles.max_ns, Some(3 * LONGEST_NS));
    let sum = 1.0 + 100_000_000.0 + 100_000_001.0 + 6.0 * LONGEST_NS as f64 + 5.0;
    assert_eq!(quantiles.mean_ns, Some(sum / 6.0));
}

#[test]
fn a_censored_sample_moves_the_tail() {
    let mut latency = of(std::iter::repeat_n(1_000, 95));
    for _ in 0..5 {
        latency.record_censored(30_000_000_000);
    }
    let p99 = latency.quantiles().p99_ns.unwrap();
    assert!(p99.abs_diff(30_000_000_000) <= 30_000_000, "{p99}");
}

#[test]
fn curve_is_bounded_ascending_and_ends_at_the_largest() {
    for count in [1_u64, 2, 10, 1_000, 200_000] {
        let mut latency = of((1..=count).map(|sample| sample * 1_000));
        if count == 200_000 {
            latency.record_n(7, u64::from(u32::MAX) * 1_000);
        }
        let curve = latency.curve();
        assert!(curve.len() <= MOST_CURVE_POINTS, "{count}: {}", curve.len());
        assert!(curve.is_sorted_by(|a, b| a.quantile < b.quantile), "{count}");
        assert!(curve.is_sorted_by(|a, b| a.value_ns <= b.value_ns), "{count}");
        let last = curve.last().unwrap();
        assert_eq!((last.quantile, last.value_ns), (1.0, count * 1_000));
    }
}

#[test]
fn an_interval_starts_again() {
    let mut interval = Interval::new();
    for sample in 1..=100 {
        interval.record(sample * 1_000_000);
    }
    interval.record(u64::MAX);
    let summary = interval.take();
    assert_eq!((summary.count, summary.max_ns), (101, Some(u64::MAX)));
    assert!(
        summary.p50_ns.unwrap().abs_diff(51_000_000) <= 510_000,
        "{summary:?}"
    );
    assert_eq!(interval.take(), IntervalSummary::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn quantiles_are_those_of_the_sorted_samples(
        mut samples in prop::collection::vec(0_u64..LONGEST_NS, 1..400),
        quantile in 0.0..1.0_f64,
    ) {
        let value = of(samples.iter().copied()).value_at(quantile).unwrap();
        samples.sort_unstable();
        let rank = ((quantile * samples.len() as f64).ceil() as usize).clamp(1, samples.len());
        let exact = samples[rank - 1];
        prop_assert!(value >= exact && value - exact <= exact / 1_000 + 1, "{value} for {exact}");
    }

    #[test]
    fn merged_is_as_if_recorded_together(
        a in prop::collection::vec(0_u64..10_000_000_000, 0..100),
        b in prop::collection::vec(0_u64..10_000_000_000, 0..100),
    ) {
        let mut merged = of(a.iter().copied());
        merged.merge(&of(b.iter().copied()));
        let together = of(a.into_iter().chain(b));
        prop_assert_eq!(merged.quantiles(), together.quantiles());
        prop_assert_eq!(merged.curve(), together.curve());
    }
}
