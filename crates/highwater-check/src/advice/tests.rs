//! Each rule speaks when the figures do, and is silent just below.

use std::collections::BTreeMap;

use highwater_model::{
    ClusterReport, FaultReport, Host, LatencyReport, Phase, PhaseReport, ProcessResources, ProcessRole,
    Quantiles, RecordCounts, Repetition, Resources, ScenarioReport, Setting, Timing, TimingCurve, Verdict,
};

use super::advise;

const MS: u64 = 1_000_000;

fn scenario(name: &str) -> ScenarioReport {
    ScenarioReport {
        name: name.to_owned(),
        repetition: None,
        groups: Vec::new(),
        cluster: ClusterReport::default(),
        trends: Vec::new(),
        summary: String::new(),
        target: "Apache Kafka 4.3.1".to_owned(),
        started_ns: 0,
        duration_ns: 0,
        verdict: Verdict::Holds,
        reasons: Vec::new(),
        contract: Vec::new(),
        records: RecordCounts {
            read_back: true,
            ..RecordCounts::default()
        },
        latency: LatencyReport::default(),
        offered_per_s: Some(1000.0),
        achieved_per_s: Some(1000.0),
        schedule_slip: Quantiles::default(),
        phases: Vec::new(),
        thresholds: Vec::new(),
        left_out: Vec::new(),
        faults: Vec::new(),
        rules: Vec::new(),
        anomalies: Vec::new(),
        validity: Vec::new(),
        resources: Resources::default(),
        measurements: BTreeMap::new(),
        timeline: Vec::new(),
        curve: TimingCurve::default(),
        stall: None,
        configuration: settings(&[
            ("load.values.size", "\"5KiB\""),
            ("topic.replication", "1"),
            ("producer.queue_records", "20000"),
            ("producer.idempotence", "true"),
            ("load.producers", "1"),
        ]),
        hints: Vec::new(),
    }
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, Setting> {
    let setting = |(key, value): &(&str, &str)| {
        let setting = Setting {
            value: (*value).to_owned(),
            origin: "built-in".to_owned(),
        };
        ((*key).to_owned(), setting)
    };
    pairs.iter().map(setting).collect()
}

fn host() -> Host {
    Host {
        cores: 2,
        ..Host::default()
    }
}

fn rules(scenarios: &[ScenarioReport]) -> Vec<String> {
    let given = advise(&host(), scenarios);
    for one in &given {
        assert!(!one.evidence.is_empty(), "{}", one.rule);
    }
    given.into_iter().map(|one| one.rule).collect()
}

fn unpaced(rate: f64) -> ScenarioReport {
    ScenarioReport {
        offered_per_s: None,
        achieved_per_s: Some(rate),
        ..scenario("startup")
    }
}

fn saturating(rate: f64) -> ScenarioReport {
    let mut one = unpaced(rate);
    one.name = "snapshot".to_owned();
    one.configuration.extend(settings(&[("load.rate", "\"max\"")]));
    one
}

fn fault(kind: &str, recovery_ms: u64) -> FaultReport {
    FaultReport {
        kind: kind.to_owned(),
        armed: true,
        fired: 1,
        fired_at_ns: Some(0),
        lifted_at_ns: Some(recovery_ms * MS),
        in_flight: 1,
        client_reaction: None,
        recovery_ns: Some(recovery_ms * MS),
        back_to_baseline_ns: None,
    }
}

fn broken(kind: &str, recovery_ms: u64) -> ScenarioReport {
    ScenarioReport {
        faults: vec![fault(kind, recovery_ms)],
        ..scenario("broker-restart")
    }
}

fn broker(cores: f64) -> ScenarioReport {
    let mut one = scenario("throughput");
    one.resources.processes.push(ProcessResources {
        process: "kafka".to_owned(),
        role: ProcessRole::Broker,
        cpu_cores_mean: Some(cores),
        cpu_cores_peak: None,
        cpu_seconds: 0.0,
        resident_bytes_mean: None,
        resident_bytes_peak: None,
        disk_written_bytes: None,
        disk_read_bytes: None,
        descriptors_peak: None,
        collector: None,
    });
    one
}

fn acknowledged(quantiles: Quantiles) -> LatencyReport {
    LatencyReport {
        ack: Timing {
            response: quantiles,
            ..Timing::default()
        },
        ..LatencyReport::default()
    }
}

fn cold(cold_ms: u64, warm_ms: u64) -> ScenarioReport {
    let mut one = scenario("throughput");
    for (phase, p99_ms) in [(Phase::WarmUp, cold_ms), (Phase::Steady, warm_ms)] {
        one.phases.push(PhaseReport {
            phase,
            start_ns: 0,
            end_ns: 1,
            due: 1,
            offered_per_s: None,
            achieved_per_s: None,
            latency: acknowledged(Quantiles {
                p99_ns: Some(p99_ms * MS),
                ..Quantiles::default()
            }),
            generator_cpu_seconds: None,
        });
    }
    one
}

fn repeated(p95_ms: &[u64]) -> Vec<ScenarioReport> {
    let of = p95_ms.len() as u32;
    let run = |(index, p95_ms): (u32, &u64)| ScenarioReport {
        repetition: Some(Repetition { index, of }),
        latency: acknowledged(Quantiles {
            p95_ns: Some(p95_ms * MS),
            ..Quantiles::default()
        }),
        ..scenario("throughput")
    };
    (1..).zip(p95_ms).map(run).collect()
}

#[test]
fn nothing_measured_gives_no_advice() {
    assert_eq!(rules(&[]), [""; 0]);
    assert_eq!(rules(&[scenario("throughput")]), [""; 0]);
}

#[test]
fn a_rule_speaks_when_its_figures_do() {
    let duplicated = |idempotence: &str, duplicated| {
        let mut one = scenario("lost-acks");
        one.configuration
            .extend(settings(&[("producer.idempotence", idempotence)]));
        one.records.duplicated = duplicated;
        vec![one]
    };
    let replicated = || {
        let mut one = broken("broker-kill", 9_000);
        one.configuration.extend(settings(&[("topic.replication", "3")]));
        one
    };
    let cases: [(&str, Vec<ScenarioReport>, &[&str]); 19] = [
        (
            "room",
            vec![scenario("throughput"), saturating(80_000.0)],
            &["headroom"],
        ),
        (
            "no room",
            vec![scenario("throughput"), saturating(1_500.0)],
            &["headroom"],
        ),
        ("nothing paced", vec![saturating(80_000.0)], &[]),
        (
            "starts are no load",
            vec![scenario("throughput"), unpaced(0.2)],
            &[],
        ),
        ("busy", vec![broker(1.5)], &["broker-cpu"]),
        ("idle", vec![broker(1.3)], &[]),
        ("a long outage", vec![broken("broker-kill", 9_000)], &["outage"]),
        ("a short one", vec![broken("broker-kill", 1_900)], &[]),
        (
            "a pause is no outage of a node",
            vec![broken("broker-pause", 9_000)],
            &[],
        ),
        ("three copies", vec![replicated()], &[]),
        (
            "more due than the buffer",
            vec![broken("broker-pause", 21_000)],
            &["client-buffer"],
        ),
        ("as much", vec![broken("broker-pause", 20_000)], &[]),
        (
            "twice without idempotence",
            duplicated("false", 3),
            &["idempotence"],
        ),
        ("twice with it", duplicated("true", 3), &[]),
        ("never twice", duplicated("false", 0), &[]),
        ("cold", vec![cold(400, 5)], &["cold-start"]),
        ("as warm", vec![cold(400, 100)], &[]),
        ("apart", repeated(&[10, 11, 16]), &["spread"]),
        ("alike", repeated(&[10, 11, 14]), &[]),
    ];
    for (name, scenarios, expected) in cases {
        assert_eq!(rules(&scenarios), expected, "{name}");
    }
}

#[test]
fn figures_that_are_not_believed_give_no_advice() {
    let mut busy = broker(1.9);
    busy.verdict = Verdict::Invalid;
    assert_eq!(rules(&[busy]), [""; 0]);
}

#[test]
fn advice_names_its_figures() {
    let given = advise(&host(), &[scenario("throughput"), saturating(80_000.0)]);
    assert_eq!(
        given[0].evidence,
        ["snapshot: 80,000/s at most", "throughput: 1,000/s offered"]
    );
    assert!(given[0].advice.contains("80.0 times"), "{}", given[0].advice);
}
