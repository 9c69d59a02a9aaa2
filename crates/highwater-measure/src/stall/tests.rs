use super::*;

const SECOND: f64 = 1e9;

/// A queue with one server, record by record: due every `1/λ`, served in order in `1/R` each, nothing served
/// during the pause, and a fixed time on the way. Returns response times by record.
fn simulate(case: &Case) -> Vec<u64> {
    let (pause, resume) = (case.pause_s * SECOND, (case.pause_s + case.outage_s) * SECOND);
    let service = SECOND / case.drain_per_s;
    let records = (case.arrival_per_s * case.window_s) as u64;
    let mut free = 0.0_f64;
    (0..records)
        .map(|k| {
            let due = k as f64 * SECOND / case.arrival_per_s;
            let mut start = due.max(free);
            if start + service > pause && start < resume {
                start = resume;
            }
            free = start + service;
            (free - due + case.way_ns as f64).round() as u64
        })
        .collect()
}

#[derive(Debug)]
struct Case {
    arrival_per_s: f64,
    drain_per_s: f64,
    outage_s: f64,
    pause_s: f64,
    window_s: f64,
    way_ns: u64,
}

fn exact(mut samples: Vec<u64>) -> Quantiles {
    samples.sort_unstable();
    let at = |quantile: f64| Some(samples[(quantile * samples.len() as f64).ceil() as usize - 1]);
    Quantiles {
        count: samples.len() as u64,
        mean_ns: Some(samples.iter().sum::<u64>() as f64 / samples.len() as f64),
        p90_ns: at(0.9),
        p99_ns: at(0.99),
        max_ns: samples.last().copied(),
        ..Quantiles::default()
    }
}

#[test]
fn agrees_with_a_queue_simulated_record_by_record() {
    let mut worst = 0.0_f64;
    for arrival_per_s in [2_000.0, 10_000.0] {
        for times in [1.2, 2.0, 20.0] {
            for outage_s in [1.0, 10.0] {
                // A window that ends long after the backlog is gone, and one that cuts it off.
                for window_s in [30.0, outage_s + 5.5] {
                    for way_ns in [0, 5_000_000] {
                        let case = Case {
                            arrival_per_s,
                            drain_per_s: arrival_per_s * times,
                            outage_s,
                            pause_s: 5.0,
                            window_s,
                            way_ns,
                        };
                        worst = worst.max(largest_error(&case));
                    }
                }
            }
        }
    }
    assert!(worst < 0.001, "{worst}");
}

fn largest_error(case: &Case) -> f64 {
    let response = simulate(case);
    let mut undisturbed = Latency::new();
    for sample in &response[..(case.arrival_per_s * case.pause_s / 2.0) as usize] {
        undisturbed.record(*sample);
    }
    let stall = Stall {
        arrival_per_s: case.arrival_per_s,
        window_ns: (case.window_s * SECOND) as u64,
        outage_start_ns: (case.pause_s * SECOND) as u64 + case.way_ns,
        outage_ns: (case.outage_s * SECOND) as u64,
        drain_per_s: case.drain_per_s,
        base: Base::Measured(&undisturbed),
    };
    let measured = exact(response);
    let oracle = stall.compare(&measured, &measured).unwrap();
    assert!(oracle.largest_error < 0.001, "{case:?}: {oracle:?}");
    oracle.largest_error
}

fn ten_seconds_of_thirty(drain_per_s: f64) -> Stall<'static> {
    Stall {
        arrival_per_s: 10_000.0,
        window_ns: 30_000_000_000,
        outage_start_ns: 10_000_000_000,
        outage_ns: 10_000_000_000,
        drain_per_s,
        base: Base::Summary {
            mean_ns: 1e6,
            p50_ns: 1_000_000,
        },
    }
}

#[test]
fn ten_seconds_worked_by_hand() {
    // 10 s × 50,000 / 40,000 = 12.5 s of the 30 s wait, 5 s in the mean. The tenth of all records above p90 are
    // 24 % of those that waited, so p90 is 76 % of the way up.
    let stall = ten_seconds_of_thirty(50_000.0);
    let solution = stall.solve().unwrap();
    assert_eq!(solution.affected(), 125_000);
    let near = |value: f64, expected_ms: f64| (value / 1e6 - expected_ms).abs() < 0.01;
    assert!(
        near(solution.mean_ns(), 12.5 / 30.0 * 5_000.0 + 1.0),
        "{}",
        solution.mean_ns()
    );
    assert!(
        near(solution.value_at(0.9), 7_601.0),
        "{}",
        solution.value_at(0.9)
    );
    assert!(
        near(solution.value_at(0.99), 9_761.0),
        "{}",
        solution.value_at(0.99)
    );
    assert!(near(solution.max_ns(), 10_001.0), "{}", solution.max_ns());
    assert!(near(solution.value_at(0.5), 1.0), "{}", solution.value_at(0.5));
}

#[test]
fn the_comparison_carries_both_paths_and_the_largest_error() {
    let stall = ten_seconds_of_thirty(50_000.0);
    let solution = stall.solve().unwrap();
    let of = |times: f64| Quantiles {
        mean_ns: Some(solution.mean_ns() * times),
        p90_ns: Some(solution.value_at(0.9) as u64),
        p99_ns: Some(solution.value_at(0.99) as u64),
        max_ns: Some(solution.max_ns() as u64),
        ..Quantiles::default()
    };
    let oracle = stall.compare(&of(1.03), &of(0.5)).unwrap();
    assert!((oracle.largest_error - 0.03).abs() < 1e-6, "{oracle:?}");
    let statistics: Vec<&str> = oracle.rows.iter().map(|row| row.statistic.as_str()).collect();
    assert_eq!(statistics, ["mean", "p90", "p99", "max"]);
    assert!(oracle.rows[0].service_ns < oracle.rows[0].response_ns);
}

#[test]
fn stalls_without_an_analytic_form() {
    let stall = ten_seconds_of_thirty(50_000.0);
    let some = Quantiles {
        mean_ns: Some(1.0),
        p90_ns: Some(1),
        p99_ns: None,
        max_ns: Some(1),
        ..Quantiles::default()
    };
    let empty = Latency::new();
    let cases = [
        (
            "never drains",
            Stall {
                drain_per_s: 10_000.0,
                ..stall
            },
            "never goes away",
        ),
        (
            "no rate",
            Stall {
                arrival_per_s: 0.0,
                ..stall
            },
            "arrival rate",
        ),
        (
            "not a number",
            Stall {
                drain_per_s: f64::NAN,
                ..stall
            },
            "drain rate",
        ),
        (
            "no pause",
            Stall {
                outage_ns: 0,
                ..stall
            },
            "outage of the stall",
        ),
        (
            "late",
            Stall {
                outage_start_ns: 31_000_000_000,
                ..stall
            },
            "into a window",
        ),
        (
            "no base",
            Stall {
                base: Base::Measured(&empty),
                ..stall
            },
            "no undisturbed latency",
        ),
        (
            "few samples",
            stall,
            "the p99 of the response time was not measured",
        ),
    ];
    for (name, stall, message) in cases {
        let error = stall.compare(&some, &some).expect_err(name).to_string();
        assert!(error.contains(message), "{name}: {error}");
    }
}
