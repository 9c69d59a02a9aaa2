use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn result_with(text: &str, value: f64) -> ThresholdReport {
    Threshold::parse(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .evaluate(&|_, _| Some(value))
}

#[test]
fn every_metric_can_pass_fail_and_be_missing() {
    // A limit of each unit, a value that keeps `<=` and one that breaks it.
    let limit = |unit| match unit {
        Unit::Time => ("100 ms", 100e6, 100e6 + 1.0),
        Unit::Bytes => ("512 MiB", 512.0 * 1_048_576.0, 512.0 * 1_048_576.0 + 1.0),
        Unit::Records => ("7", 7.0, 8.0),
        Unit::Rate => ("1000/s", 1_000.0, 1_000.1),
        Unit::Cores => ("85 %", 0.85, 0.86),
        Unit::Ratio => ("1 %", 0.01, 0.02),
        Unit::Drift => ("0.5 %/min", 0.005, 0.0051),
        Unit::Count => ("3", 3.0, 4.0),
    };
    for metric in METRICS {
        let name = metric.name;
        let (limit, kept, broken) = limit(metric.unit);
        let threshold = Threshold::parse(&format!("{name} <= {limit}")).unwrap();
        let with = |value: Option<f64>| threshold.evaluate(&|_, asked| value.filter(|_| asked == name));
        assert_eq!(with(Some(kept)).result, ThresholdResult::Pass, "{name}");
        assert_eq!(with(Some(broken)).result, ThresholdResult::Fail, "{name}");
        assert_eq!(with(None).result, ThresholdResult::NotMeasured, "{name}");
        assert_eq!(
            with(Some(f64::NAN)).result,
            ThresholdResult::NotMeasured,
            "{name}"
        );
        assert_eq!(
            with(Some(kept)).limit_ns.is_some(),
            metric.unit == Unit::Time,
            "{name}"
        );
        let bound = Threshold::parse(&format!("fault.{name} <= {limit}"));
        assert_eq!(bound.is_ok(), metric.per_phase, "{name}");
    }
}

#[test]
fn names_of_metrics_are_unique_and_can_be_written() {
    let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), METRICS.len());
    for name in names {
        assert!(metric(name).is_some_and(|metric| metric.name == name));
    }
}

#[test]
fn every_comparison() {
    // Comparison, then its result for a value below, at and above the limit.
    let cases = [
        ("<", [true, false, false]),
        ("<=", [true, true, false]),
        (">", [false, false, true]),
        (">=", [false, true, true]),
        ("==", [false, true, false]),
        ("!=", [true, false, true]),
    ];
    for (comparison, expected) in cases {
        let passed = [4.0, 5.0, 6.0]
            .map(|value| result_with(&format!("lost {comparison} 5"), value).result == ThresholdResult::Pass);
        assert_eq!(passed, expected, "{comparison}");
    }
}

#[test]
fn right_sides_have_their_value() {
    let lookup = |phase: Option<Phase>, metric: &str| {
        Some(match (phase, metric) {
            (None, "offered") => 1_000.0,
            (Some(Phase::Steady), "offered") => 2_000.0,
            (Some(Phase::WarmUp), "offered") => 500.0,
            (None, "attempted") => 30_000.0,
            (_, "ack.p50") => 2e6,
            (_, "startup.p50") => 3e9,
            _ => 0.0,
        })
    };
    let cases = [
        ("ack.p95 < 1.5 s", 1.5e9),
        ("ack.p95<100ms", 100e6),
        ("ack.p95 < 20 us", 20e3),
        ("ack.p95 < 20 µs", 20e3),
        ("ack.p95 < 20 μs", 20e3),
        ("ack.p95 < 2min", 120e9),
        ("ack.p95 < 7 ns", 7.0),
        ("broker.memory.max < 1.5 GiB", 1_610_612_736.0),
        ("broker.memory.max < 512 MB", 512e6),
        ("broker.memory.max < 2 KB + 2 KiB + 2 B", 4_050.0),
        ("broker.memory.max < 3 GB - 1 MiB", 3e9 - 1_048_576.0),
        ("lost <= 1_000 records", 1_000.0),
        ("lost <= 1 % * attempted", 300.0),
        ("lost <= attempted / 100 + 5", 305.0),
        ("rate >= 0.99 * offered", 990.0),
        ("rate >= 99% * offered", 990.0),
        ("rate >= 1000/s - 10", 990.0),
        ("rate >= 1000 /s", 1_000.0),
        ("rate >= attempted / 30 s", 1_000.0),
        ("rate >= 500 / 1 s", 500.0),
        ("steady.rate >= 0.5 * offered", 1_000.0),
        ("steady.rate >= warm-up.offered", 500.0),
        ("warm-up.rate >= offered-1", 499.0),
        ("steady.rate >= attempted / 30 s", 1_000.0),
        ("attempted >= offered * 10 s", 10_000.0),
        ("ack.p99 < 5 * ack.p50 + 1 ms", 11e6),
        ("ack.p99 < attempted / offered", 30e9),
        ("ack.p99 < 10 ms / startup.p50 * startup.p50", 10e6),
        ("ack.p99 < -(-2 ms + 1 ms) * (2 + 3)", 5e6),
        ("ack.p99 < 10 ms - 4 ms - 3 ms", 3e6),
        ("generator.cpu.max < 85 %", 0.85),
        ("generator.cpu.max < 2 cores", 2.0),
        ("generator.cpu.max < 0.08", 0.08),
    ];
    for (text, expected) in cases {
        let threshold = Threshold::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let value = threshold.limit.value(&lookup).unwrap();
        assert!((value - expected).abs() <= expected * 1e-12, "{text}: {value}");
    }
}

#[test]
fn errors_show_the_place_and_what_to_write() {
    // Expression, the part that is meant, the message, the help.
    let cases = [
        ("", "", "begins with the metric", "ack.p95"),
        ("100 ms > ack.p95", "100 ms", "begins with the metric", "ack.p95"),
        ("ack.p59 < 1 ms", "ack.p59", "unknown metric", "`ack.p"),
        ("ack.p99.9 < 1 ms", "ack.p99.9", "unknown metric", "`ack.p999`"),
        ("steady.lots == 0", "lots", "unknown metric `lots`", "`lost`"),
        (
            "throughput > 1",
            "throughput",
            "unknown metric",
            "metrics are ack.*",
        ),
        (
            "stedy.ack.p95 < 1 ms",
            "stedy",
            "unknown phase",
            "`steady.ack.p95`",
        ),
        (
            "chaos.ack.p95 < 1 ms",
            "chaos",
            "unknown phase",
            "phases are warm-up",
        ),
        (
            "fault.lost == 0",
            "fault.lost",
            "whole scenario only",
            "write `lost`",
        ),
        (
            "ack.p95 < 5 MiB",
            "5 MiB",
            "is a time, and its limit is a size",
            "`100 ms`",
        ),
        ("ack.p95 < 100", "100", "a number without a unit", "`100 ms`"),
        (
            "ack.p95 < lost",
            "lost",
            "is a time, and its limit is a number of records",
            "`100 ms`",
        ),
        ("lost < 1 %", "1 %", "its limit is a share", "`1 % * attempted`"),
        ("rate >= 99 %", "99 %", "its limit is a share", "`99 % * offered`"),
        (
            "ack.p95 < 1 ms + 1 MiB",
            "1 ms + 1 MiB",
            "`+` has no meaning between a time and a size",
            "",
        ),
        ("ack.p95 < 1 ms * 1 ms", "1 ms * 1 ms", "`*` has no meaning", ""),
        ("ack.p95 < 5 mins", "mins", "unknown unit", "`min`"),
        ("ack.p95 < 5 MS", "MS", "unknown unit", "`ms`"),
        ("ack.p95 < 5 parsecs", "parsecs", "unknown unit", "units are ns"),
        ("ack.p95 < 1.2.3 s", "1.2.3", "is not a number", "0.99"),
        ("ack.p95 = 1 s", "=", "no meaning here", "`==`"),
        ("ack.p95 < € s", "€", "no meaning here", ""),
        ("ack.p95", "", "a comparison is missing", "<="),
        ("ack.p95 1 s", "1 s", "a comparison is missing", "<="),
        (
            "lost / attempted < 1 %",
            "/",
            "without arithmetic",
            "on the right",
        ),
        ("ack.p95 <", "", "a value is missing at the end", "number"),
        ("ack.p95 < * 3", "*", "a value is missing before", "number"),
        ("ack.p95 < (1 s", "(", "never closed", "`)`"),
        ("ack.p95 < 1 s)", ")", "never opened", ""),
        ("ack.p95 < 1 s < 2 s", "<", "one comparison", ""),
        ("ack.p95 < 1 s 2 s", "2 s", "an operator is missing", ""),
    ];
    for (text, place, message, help) in cases {
        let error = Threshold::parse(text).expect_err(text);
        assert_eq!(text.get(error.span.clone()), Some(place), "{text}: {error:?}");
        assert!(error.message.contains(message), "{text}: {error:?}");
        assert!(
            error.help.unwrap_or_default().contains(help),
            "{text}: {}",
            error.message
        );
    }
    let deep = format!("ack.p95 < {}1 s", "(".repeat(100));
    assert!(Threshold::parse(&deep).unwrap_err().message.contains("nested"));
    let long = format!("ack.p95 < 1 s{}", " ".repeat(MAX_LENGTH));
    assert!(Threshold::parse(&long).unwrap_err().message.contains("too long"));
}

#[test]
fn reports_say_figures_in_words() {
    let report = result_with("  steady.ack.p95 < 100ms ", 1_870_000.0);
    assert_eq!(report.expression, "steady.ack.p95 < 100ms");
    assert_eq!(
        (report.phase, report.metric.as_str()),
        (Some(Phase::Steady), "ack.p95")
    );
    assert_eq!(report.measured.as_deref(), Some("1.87 ms"));
    assert_eq!(
        (report.limit.as_deref(), report.limit_ns),
        (Some("100 ms"), Some(100_000_000))
    );
    assert_eq!(report.note, None);

    let missed_by_little = result_with("ack.p95 < 100 ms", 100_040_000.0);
    assert_eq!(missed_by_little.measured.as_deref(), Some("100.04 ms"));

    let lost = result_with("lost == 0", 0.0);
    assert_eq!(lost.measured.as_deref(), Some("0 records"));
}

#[test]
fn what_was_not_measured_says_why() {
    let none = |text: &str| Threshold::parse(text).unwrap().evaluate(&|_, _| None);
    let p999 = none("steady.ack.p999 < 1 s");
    let note = "`steady.ack.p999` was not measured; it needs at least 10,000 samples";
    assert_eq!(p999.note.as_deref(), Some(note));
    assert_eq!((p999.measured, p999.limit.as_deref()), (None, Some("1 s")));
    assert_eq!(
        none("startup.max < 1 s").note.as_deref(),
        Some("`startup.max` was not measured")
    );

    let half = Threshold::parse("rate >= 0.99 * offered").unwrap();
    let report = half.evaluate(&|_, metric| (metric == "rate").then_some(5.0));
    assert_eq!(report.result, ThresholdResult::NotMeasured);
    assert_eq!(report.note.as_deref(), Some("`offered` was not measured"));

    let by_zero = result_with("lost < attempted * (failed / unknown)", 0.0);
    assert_eq!(by_zero.result, ThresholdResult::NotMeasured);
    assert!(by_zero.note.unwrap().contains("divided by zero"));
}

proptest! {
    /// Whatever is written: no panic, and a span that can be shown.
    #[test]
    fn errors_always_have_a_place(text in r"(ack\.p95|lost|steady\.|warm-up|[0-9. ]+|ms|µ|%|/s|[()*/+<>=!-]| ){0,12}") {
        if let Err(error) = Threshold::parse(&text) {
            prop_assert!(text.get(error.span.clone()).is_some(), "{text:?}: {error:?}");
        }
    }
}
