//! Comparing two stored sides and two settings in turns, searching for the highest rate, and what people get wrong
//! with it.

mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::{command, machine, program, terminated};
use tempfile::TempDir;

/// A short load through the fault proxy, in which every answer is late: so much that nothing else matters, and only once
/// the clients are connected.
const LATE: &str = r#"
name = "late"
summary = "every answer of the broker is late"
rules = [{ fault = "latency", delay = "400ms", direction = "to-client", from = "100ms" }]
thresholds = []
[load]
rate = "200/s"
duration = "1200ms"
consumers = 0
[producer]
linger = "1ms"
[warm_up]
limit = "0s"
[validity]
achieved = 0.0
slip_p99 = "60s"
generator_cpu = 1.0
"#;

/// Six rounds of the late load; B's answers are as late as its settings say.
fn ab(directory: &Path, settings_of_b: &str) -> Output {
    let file = directory.join("late.toml");
    fs::write(&file, LATE).expect("written");
    let mut ab = program();
    ab.args(["ab", "--rounds", "6", "--seed", "7f", "--format", "json"])
        .args(["--metric", "ack.service.p50", "--metric", "ack.p50"])
        .args(["--b", settings_of_b, "--scenario"])
        .arg(&file)
        .arg("--out")
        .arg(directory.join("out"));
    ab.output().expect("the program starts")
}

fn comparison(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    })
}

fn metric<'a>(comparison: &'a Value, name: &str) -> &'a Value {
    let metrics = comparison["scenarios"][0]["metrics"].as_array().expect("metrics");
    metrics
        .iter()
        .find(|metric| metric["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {comparison}"))
}

#[test]
fn answers_that_are_ten_per_cent_later_are_a_regression() {
    let _alone = machine();
    let directory = TempDir::new().expect("a temporary directory");
    let settings =
        r#"rules=[{ fault = "latency", delay = "440ms", direction = "to-client", from = "100ms" }]"#;
    let output = ab(directory.path(), settings);
    assert_eq!(
        output.status.code(),
        Some(6),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let comparison = comparison(&output);
    let service = metric(&comparison, "ack.service.p50");
    assert_eq!(service["class"], "regressed", "{comparison}");
    let change = service["change"].as_f64().expect("a change");
    assert!((0.06..0.14).contains(&change), "{comparison}");
    assert!(service["noise_floor"].as_f64().is_some(), "{comparison}");
    let out = directory.path().join("out");
    let kept = |side: &str| fs::read_dir(out.join(side)).map_or(0, Iterator::count);
    assert_eq!((kept("a"), kept("b"), kept("control")), (6, 6, 3));
    assert!(out.join("comparison.md").exists());

    // The same runs as two sets: their rules differ, which is no accident only if one says so.
    let (a, b) = (out.join("a"), out.join("b"));
    let sides = [a.to_str().expect("UTF-8"), b.to_str().expect("UTF-8")];
    let (code, _, refused) = command(&["compare", sides[0], sides[1]]);
    assert_eq!(code, 2, "{refused}");
    assert!(
        refused.contains("rules") && refused.contains("--force"),
        "{refused}"
    );
    let (code, told, _) = command(&[
        "compare",
        sides[0],
        sides[1],
        "--force",
        "--metric",
        "ack.service.p50",
    ]);
    assert_eq!(code, 6, "{told}");
    assert!(told.starts_with("REGRESSED  ack.service.p50 +"), "{told}");
    assert!(told.contains("not alike"), "{told}");

    // One run of each side: no statistics, and gates only if they are asked for.
    let first = |side: &Path| {
        let mut runs: Vec<_> = fs::read_dir(side).expect("runs").flatten().collect();
        runs.sort_by_key(fs::DirEntry::path);
        runs[0].path().to_str().expect("UTF-8").to_owned()
    };
    let (a, b) = (first(&a), first(&b));
    let (code, told, _) = command(&["compare", &a, &b, "--force"]);
    assert_eq!(code, 5, "{told}");
    assert!(told.contains("4 of each are the least"), "{told}");
    let (code, told, _) = command(&["compare", &a, &a, "--gates"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.starts_with("WITHIN THE GATES"), "{told}");
}

#[test]
fn equal_sides_are_equivalent() {
    let _alone = machine();
    let directory = TempDir::new().expect("a temporary directory");
    let output = ab(directory.path(), "");
    let comparison = comparison(&output);
    assert_eq!(output.status.code(), Some(0), "{comparison}");
    assert_eq!(comparison["answer"], "equivalent", "{comparison}");
    assert_eq!(comparison["design"], "paired");
}

#[test]
fn an_interrupted_job_cleans_up_and_is_no_answer() {
    let _alone = machine();
    let directory = TempDir::new().expect("a temporary directory");
    let out = directory.path().join("out");
    let mut child = program()
        .args([
            "ab",
            "--scenario",
            "throughput",
            "--set",
            "load.duration=60s",
            "--out",
        ])
        .arg(&out)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let first = out.join("control").join("01");
    support::until(
        "the first run offers load",
        std::time::Duration::from_secs(30),
        || support::acknowledged(&first) > 0,
    );
    let pids = support::target_pids(&first);
    let status = terminated(&mut child, std::time::Duration::from_secs(30));
    assert_eq!(status.code(), Some(5));
    assert!(!pids.is_empty());
    support::until("its broker is gone", std::time::Duration::from_secs(10), || {
        pids.iter().all(|pid| !support::alive(*pid))
    });
}

#[test]
fn wrong_arguments_are_usage_errors_with_a_way_on() {
    let empty = TempDir::new().expect("a temporary directory");
    let empty = empty.path().to_str().expect("UTF-8");
    let cases: [(&[&str], i32, &str); 12] = [
        (
            &["compare", "/nowhere", "/nowhere"],
            2,
            "can't read the directory",
        ),
        (&["compare", empty, empty], 2, "there is no run in"),
        (
            &["compare", empty, empty, "--metric", "ack.p96"],
            2,
            "no metric `ack.p96`",
        ),
        (
            &["compare", empty, empty, "--metric", "offered"],
            2,
            "set and not measured",
        ),
        (&["compare", empty, empty, "--margin", "five"], 2, "per cent"),
        (&["ab", "--scenario", "no-such"], 2, "no-such"),
        (
            &["ab", "--scenario", "throughput", "--b", "load.recs=5"],
            2,
            "load.recs",
        ),
        (
            &["ab", "--scenario", "throughput", "--out", empty, "--b", "x"],
            2,
            "KEY=VALUE",
        ),
        (&["knee", "--slo", "ack.p96 < 5ms"], 2, "ack.p96"),
        (
            &["knee", "--slo", "lost == 0", "--from", "max"],
            2,
            "records per second",
        ),
        (
            &["knee", "--slo", "lost == 0", "--scenario", "startup"],
            2,
            "no rate",
        ),
        (
            &["knee", "--slo", "lost == 0", "--step", "10ms"],
            2,
            "less than a second",
        ),
    ];
    for (arguments, code, expected) in cases {
        let (seen, stdout, stderr) = command(arguments);
        assert_eq!(seen, code, "{arguments:?}: {stdout}{stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
    }
}

/// Two megabytes a second through the proxy, and records of 10,000 bytes: about 197 records a second.
const NARROW: &str = r#"
name = "narrow"
summary = "a narrow way to the broker"
rules = [{ fault = "bandwidth", rate = "2MB/s", direction = "to-broker" }]
[load]
consumers = 0
[load.values]
kind = "fixed"
size = "10000B"
[producer]
linger = "1ms"
[validity]
slip_p99 = "60s"
generator_cpu = 1.0
"#;

#[test]
fn the_knee_is_where_the_way_to_the_broker_is_full() {
    let _alone = machine();
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("narrow.toml");
    fs::write(&file, NARROW).expect("written");
    let out = directory.path().join("out");
    let output = program()
        .args([
            "knee",
            "--slo",
            "ack.p90 < 300ms",
            "--slo",
            "lost == 0",
            "--from",
            "120/s",
        ])
        .args([
            "--step",
            "3s",
            "--precision",
            "5%",
            "--seed",
            "7f",
            "--format",
            "json",
            "--scenario",
        ])
        .arg(&file)
        .arg("--out")
        .arg(&out)
        .output()
        .expect("the program starts");
    let story = String::from_utf8_lossy(&output.stderr).into_owned();
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {story}"));
    assert_eq!(output.status.code(), Some(0), "{report}{story}");
    assert_eq!(report["answer"], "found", "{report}");
    let rate = |name: &str| {
        report[name]
            .as_f64()
            .unwrap_or_else(|| panic!("no {name}: {report}"))
    };
    let (low, high) = (rate("low_per_s"), rate("high_per_s"));
    assert!(low < high && high <= low * 1.05, "{report}");
    // The limit needs a backlog, which at three per cent above the full rate takes longer than a step.
    assert!((175.0..215.0).contains(&low), "{report}");
    for file in ["knee.md", "knee.html", "steps/01/report.html"] {
        assert!(out.join(file).exists(), "{file}");
    }
    assert!(!out.join("target").join("data").exists());
}
