//! What a person reads of comparisons, searches and calibrations.

use highwater_model::{
    CALIBRATION_SCHEMA_VERSION, COMPARISON_SCHEMA_VERSION, Calibration, CalibrationStep, ChangeInterval,
    ClockCalibration, ComparedMetric, ComparedScenario, ComparedSide, ComparedUnit, Comparison, Design,
    EffectClass, ExitCode, Gate, GateResult, GeneratorCalibration, Host, KNEE_SCHEMA_VERSION, KneeAnswer,
    KneeLimit, KneeOutcome, KneeReport, KneeStep, SchedulerCalibration, ValidityCheck, Worse,
};
use highwater_report::{
    Style, calibration_text, comparison_json, comparison_markdown, comparison_text, knee_html, knee_json,
    knee_markdown, knee_step, knee_text, verdict_line,
};

fn metric(
    name: &str,
    unit: ComparedUnit,
    worse: Worse,
    figures: (f64, f64),
    class: EffectClass,
) -> ComparedMetric {
    let change = figures.1 / figures.0 - 1.0;
    ComparedMetric {
        name: name.into(),
        unit,
        worse,
        decides: true,
        base: vec![figures.0; 10],
        candidate: vec![figures.1; 10],
        base_median: Some(figures.0),
        candidate_median: Some(figures.1),
        change: Some(change),
        interval: Some(ChangeInterval {
            low: change - 0.031,
            high: change + 0.042,
        }),
        p_value: Some(0.0019),
        p_adjusted: Some(0.0078),
        noise_floor: Some(0.021),
        margin: 0.05,
        class,
        why: "worse by more than the margin".into(),
        gate: None,
    }
}

fn comparison() -> Comparison {
    let side = |name: &str| ComparedSide {
        name: name.into(),
        runs: vec!["7f3a91".into(); 10],
        target: "Apache Kafka 4.3.1".into(),
        host: "a processor, 2 cores, 8192 MiB".into(),
    };
    let mut rate = metric(
        "rate",
        ComparedUnit::Rate,
        Worse::Lower,
        (1000.0, 999.6),
        EffectClass::Equivalent,
    );
    rate.why = "the whole interval is within the margin".into();
    let mut p95 = metric(
        "ack.p95",
        ComparedUnit::Time,
        Worse::Higher,
        (1.92e6, 2.27e6),
        EffectClass::Regressed,
    );
    p95.gate = Some(Gate {
        warn: 0.15,
        fail: 0.30,
        result: GateResult::Warn,
    });
    let mut memory = metric(
        "broker.memory.max",
        ComparedUnit::Bytes,
        Worse::Higher,
        (2.1e8, 4.0e8),
        EffectClass::Inconclusive,
    );
    memory.why = "the interval reaches over zero".into();
    memory.noise_floor = None;
    Comparison {
        schema_version: COMPARISON_SCHEMA_VERSION,
        highwater_version: "0.1.0".into(),
        base: side("A: producer.linger=1ms"),
        candidate: side("B: producer.linger=5ms | `x`\u{1b}[31m"),
        design: Design::Paired,
        alpha: 0.05,
        margin: 0.05,
        seed: "0".into(),
        gates_decide: false,
        fingerprint: Vec::new(),
        scenarios: vec![ComparedScenario {
            name: "throughput".into(),
            metrics: vec![rate, p95, memory],
        }],
        left_out: vec!["1 of 20 runs of throughput were INVALID and give no figures".into()],
        answer: EffectClass::Regressed,
        exit_code: ExitCode::Regressed,
        hints: vec!["the runs are in highwater-runs/x".into()],
    }
}

#[test]
fn a_comparison_reads_well() {
    let comparison = comparison();
    insta::assert_snapshot!(
        "comparison_terminal",
        comparison_text(&comparison, &Style::default())
    );
    insta::assert_snapshot!("comparison_markdown", comparison_markdown(&comparison));
    assert!(comparison_json(&comparison).is_ok_and(|json| json.contains("\"answer\": \"regressed\"")));
}

#[test]
fn the_first_line_says_what_was_found() {
    let mut comparison = comparison();
    assert_eq!(verdict_line(&comparison), "REGRESSED  ack.p95 +18.2 %");
    comparison.answer = EffectClass::Equivalent;
    assert_eq!(
        verdict_line(&comparison),
        "EQUIVALENT  what decides differs by less than its margin"
    );
    comparison.gates_decide = true;
    assert!(verdict_line(&comparison).starts_with("WITHIN THE GATES  "));
    comparison.answer = EffectClass::Inconclusive;
    assert_eq!(
        verdict_line(&comparison),
        "INCONCLUSIVE  1 metric that decides is open"
    );
    comparison.scenarios.clear();
    assert_eq!(verdict_line(&comparison), "INCONCLUSIVE  nothing was compared");
}

#[test]
fn single_runs_say_once_that_they_are_too_few() {
    let mut comparison = comparison();
    comparison.answer = EffectClass::Inconclusive;
    for metric in &mut comparison.scenarios[0].metrics {
        metric.interval = None;
        metric.p_adjusted = None;
        metric.noise_floor = None;
        metric.class = EffectClass::Inconclusive;
        metric.why = "1 against 1 runs; 4 of each are the least".into();
    }
    let text = comparison_text(&comparison, &Style::default());
    assert_eq!(text.matches("4 of each").count(), 1, "{text}");
}

fn step(purpose: &str, rate: f64, p99_ms: u64, outcome: KneeOutcome) -> KneeStep {
    KneeStep {
        purpose: purpose.into(),
        rate_per_s: rate,
        achieved_per_s: Some(rate.min(4_100.0)),
        p50_ns: Some(p99_ms * 400_000),
        p95_ns: Some(p99_ms * 800_000),
        p99_ns: Some(p99_ms * 1_000_000),
        outcome,
        why: (outcome == KneeOutcome::Breaks).then(|| format!("ack.p99 < 50ms: {p99_ms} ms")),
        limits: vec![KneeLimit {
            expression: "ack.p99 < 50ms".into(),
            measured: Some(format!("{p99_ms} ms")),
            measured_ns: Some(p99_ms * 1_000_000),
            limit_ns: Some(50_000_000),
            kept: p99_ms < 50,
        }],
    }
}

fn knee() -> KneeReport {
    KneeReport {
        schema_version: KNEE_SCHEMA_VERSION,
        highwater_version: "0.1.0".into(),
        scenario: "throughput".into(),
        target: "dev broker".into(),
        host: Host::default(),
        slo: vec!["ack.p99 < 50ms".into(), "lost == 0".into()],
        seed: "7f".into(),
        answer: KneeAnswer::Found,
        low_per_s: Some(4_000.0),
        high_per_s: Some(4_080.0),
        generator_limit_per_s: Some(8_000.0),
        precision: 0.02,
        duration_ns: 95_000_000_000,
        command: "highwater knee".into(),
        steps: vec![
            step("bracket", 2_000.0, 2, KneeOutcome::Holds),
            step("bracket", 4_000.0, 9, KneeOutcome::Holds),
            KneeStep {
                why: Some("the generator used 91 % of all processors".into()),
                ..step("bracket", 8_000.0, 4_000, KneeOutcome::Invalid)
            },
            step("bisect", 4_080.0, 210, KneeOutcome::Breaks),
            step("hold", 4_000.0, 11, KneeOutcome::Holds),
        ],
        exit_code: ExitCode::Holds,
        hints: vec!["again: highwater knee".into()],
    }
}

#[test]
fn a_search_reads_well() {
    let report = knee();
    insta::assert_snapshot!("knee_terminal", knee_text(&report, &Style::default()));
    insta::assert_snapshot!("knee_markdown", knee_markdown(&report));
    insta::assert_snapshot!("knee_step", knee_step(4, &report.steps[3], 180_000_000_000));
    assert!(knee_json(&report).is_ok_and(|json| json.contains("\"answer\": \"found\"")));
}

/// What a person reads of a page: no style, no drawing.
fn words(page: &str) -> String {
    let mut text = String::new();
    let mut rest = page;
    while let Some(open) = rest.find('<') {
        let words = rest[..open].trim();
        if !words.is_empty() {
            text = format!("{text}{words}\n");
        }
        rest = &rest[open..];
        let skipped = ["style", "svg"].iter().find(|name| rest[1..].starts_with(**name));
        let close = skipped.map_or_else(|| ">".to_owned(), |name| format!("</{name}>"));
        let end = rest.find(&close).map_or(rest.len(), |end| end + close.len());
        rest = &rest[end..];
    }
    text
}

#[test]
fn the_page_of_a_search_has_the_curve_and_every_step() {
    let page = knee_html(&knee());
    insta::assert_snapshot!("knee_page", words(&page));
    // Held twice, broken once; what the generator could not offer is no point.
    assert_eq!(page.matches("<circle").count(), 4, "{page}");
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    let hostile = KneeReport {
        scenario: "<script>alert(1)</script>".into(),
        steps: Vec::new(),
        low_per_s: None,
        high_per_s: None,
        answer: KneeAnswer::Nothing,
        generator_limit_per_s: None,
        ..knee()
    };
    let page = knee_html(&hostile);
    assert!(!page.contains("<script") && page.contains("NOTHING"), "{page}");
}

#[test]
fn every_end_of_a_search_has_its_word() {
    let first = |answer: KneeAnswer, low: Option<f64>, high: Option<f64>| {
        let report = KneeReport {
            answer,
            low_per_s: low,
            high_per_s: high,
            ..knee()
        };
        knee_text(&report, &Style::default())
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let cases = [
        (
            KneeAnswer::Open,
            Some(10.0),
            Some(20.0),
            "OPEN  between 10.0/s and 20.0/s",
        ),
        (
            KneeAnswer::AtLeast,
            Some(10.0),
            None,
            "AT LEAST  10.0/s holds; the generator could not offer 8,000/s",
        ),
        (
            KneeAnswer::Below,
            None,
            Some(5.0),
            "BELOW  the limits do not hold at 5.00/s",
        ),
        (
            KneeAnswer::Nothing,
            None,
            None,
            "INVALID  the generator could not offer 8,000/s",
        ),
    ];
    for (answer, low, high, expected) in cases {
        let line = first(answer, low, high);
        assert!(line.starts_with(expected), "{line}");
    }
}

#[test]
fn a_calibration_reads_well() {
    let calibration = Calibration {
        schema_version: CALIBRATION_SCHEMA_VERSION,
        highwater_version: "0.1.0".into(),
        host: Host {
            processor: "a processor".into(),
            cores: 2,
            memory_bytes: 8 << 30,
            ..Host::default()
        },
        clock: ClockCalibration {
            readings: 12_345_678,
            reading_ns: 40.5,
            resolution_ns: 10,
            backward: 0,
            largest_gap_ns: 3_200_000,
            wall_steps: 0,
            wall_offset_ns: 120,
        },
        scheduler: SchedulerCalibration {
            sleeps: 1_850,
            asked_ns: 1_000_000,
            late_p50_ns: 60_000,
            late_p99_ns: 7_100_000,
            late_max_ns: 9_000_000,
            steal: Some(0.002),
        },
        generator: vec![GeneratorCalibration {
            size_bytes: 1_024,
            rate_per_s: Some(182_400.0),
            generator_cores: Some(0.93),
            broker_cores: Some(0.71),
            trusted_per_s: Some(110_000.0),
            invalid_per_s: Some(146_000.0),
            steps: vec![
                CalibrationStep {
                    rate_per_s: 110_000.0,
                    slip_p50_ns: Some(9_000),
                    slip_p99_ns: Some(830_000),
                    slip_max_ns: Some(4_100_000),
                    generator_cores: Some(0.61),
                    why: None,
                },
                CalibrationStep {
                    rate_per_s: 146_000.0,
                    slip_p50_ns: Some(2_000_000),
                    slip_p99_ns: Some(61_000_000),
                    slip_max_ns: Some(90_000_000),
                    generator_cores: Some(0.97),
                    why: Some("schedule-slip: p99 61 ms".into()),
                },
            ],
        }],
        checks: vec![
            ValidityCheck {
                name: "clock-monotonic".into(),
                ok: true,
                measured: "0 of 12,345,678 readings went back".into(),
                required: "none".into(),
                remedy: None,
            },
            ValidityCheck {
                name: "wake-up".into(),
                ok: false,
                measured: "p50 60 µs, p99 7.1 ms, max 9 ms late".into(),
                required: "p99 at most 5 ms".into(),
                remedy: Some(
                    "the machine is busy: stop what else runs on it, or give it more processors".into(),
                ),
            },
        ],
        good_enough: false,
        exit_code: ExitCode::Invalid,
        duration_ns: 19_000_000_000,
    };
    insta::assert_snapshot!(
        "calibration_terminal",
        calibration_text(&calibration, &Style::default())
    );
}
