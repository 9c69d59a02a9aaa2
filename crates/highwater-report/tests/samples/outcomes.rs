//! A sample for each thing that can come out.

use std::collections::BTreeMap;

use highwater_model::{
    AnomalyExample, AnomalyReport, BrokerReport, CanarySample, ClusterReport, Collector, FaultReport,
    GcPause, LatencyReport, NetworkSample, PartitionsSample, Phase, PhaseReport, ProcessResources,
    ProcessRole, Quantiles, Recommendation, RecordCounts, RecordId, Repetition, Report, ResourceSample,
    Resources, ScenarioReport, StallOracle, StallRow, ThresholdReport, ThresholdResult, ThrottleSample,
    TimingCurve, TrendReport, ValidityCheck, Verdict,
};

use super::simulation::{Simulation, curve, phase, timing};
use super::{MS, S, configuration, run};

const KILLED_NS: u64 = 15_002 * MS;
const READY_NS: u64 = 16_312 * MS;
const AGAIN: &str = "highwater run broker-restart --seed 7f3a91";

/// Everything, by name.
pub(crate) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("holds", holds()),
        ("violated", violated()),
        ("inconclusive", inconclusive()),
        ("invalid", invalid()),
        ("two-scenarios", two_scenarios()),
        ("repeated", repeated()),
        ("two-seconds", two_seconds()),
        ("no-samples", no_samples()),
        ("hostile", hostile()),
    ]
}

pub(crate) fn holds() -> Report {
    run("demo", AGAIN, vec![restart()])
}

pub(crate) fn violated() -> Report {
    let mut scenario = restart();
    lose(&mut scenario);
    run("demo", AGAIN, vec![scenario])
}

/// The fault was disarmed.
pub(crate) fn inconclusive() -> Report {
    let mut scenario = scenario_without_outage();
    scenario.verdict = Verdict::Inconclusive;
    scenario.reasons = vec![
        "the fault never took effect, so nothing was survived".to_owned(),
        "missing: broker-kill must fire at least once; it is disarmed by fault.enabled = false".to_owned(),
    ];
    scenario.faults[0] = FaultReport {
        kind: "broker-kill".to_owned(),
        armed: false,
        fired: 0,
        fired_at_ns: None,
        lifted_at_ns: None,
        in_flight: 0,
        client_reaction: None,
        recovery_ns: None,
        back_to_baseline_ns: None,
    };
    scenario.thresholds.push(ThresholdReport {
        expression: "recovery.max < 5s".to_owned(),
        phase: None,
        metric: "recovery.max".to_owned(),
        measured: None,
        limit: Some("5 s".to_owned()),
        limit_ns: Some(5 * S),
        result: ThresholdResult::NotMeasured,
        note: Some("no fault fired".to_owned()),
    });
    scenario.hints = vec!["remove `--set fault.enabled=false` from the command".to_owned()];
    run(
        "demo",
        "highwater run broker-restart --seed 7f3a91 --set fault.enabled=false",
        vec![scenario],
    )
}

/// The generator could not offer what was asked.
pub(crate) fn invalid() -> Report {
    let mut scenario = scenario_without_outage();
    scenario.name = "throughput".to_owned();
    scenario.verdict = Verdict::Invalid;
    scenario.faults.clear();
    scenario.reasons = vec!["the generator offered 61.2 % of the rate that was asked for".to_owned()];
    scenario.validity[0] = ValidityCheck {
        name: "achieved-rate".to_owned(),
        ok: false,
        measured: "61.2 % of offered".to_owned(),
        required: "at least 99 %".to_owned(),
        remedy: Some("lower load.rate below 612,000/s, or run on a machine with more cores".to_owned()),
    };
    scenario.offered_per_s = Some(1e6);
    scenario.achieved_per_s = Some(612_340.0);
    run(
        "throughput",
        "highwater run throughput --seed 7f3a91 --set load.rate=1000000/s",
        vec![scenario],
    )
}

pub(crate) fn two_scenarios() -> Report {
    let mut killed = restart();
    killed.name = "broker-restart/kill".to_owned();
    lose(&mut killed);
    let mut stall = restart();
    stall.name = "stall".to_owned();
    stall.summary =
        "Pauses the broker and compares what was measured with what must have happened.".to_owned();
    stall.faults[0].kind = "broker-pause".to_owned();
    stall.stall = Some(StallOracle {
        outage_ns: 1_352 * MS,
        arrival_per_s: 1_000.0,
        drain_per_s: 33_333.0,
        affected: 1_352,
        rows: [
            ("mean", 0.676e9, 0.671e9),
            ("p90", 1.217e9, 1.214e9),
            ("p99", 1.338e9, 1.337e9),
            ("max", 1.352e9, 1.350e9),
        ]
        .into_iter()
        .map(|(statistic, analytic_ns, response_ns)| StallRow {
            statistic: statistic.to_owned(),
            analytic_ns,
            response_ns,
            service_ns: response_ns * 0.31,
        })
        .collect(),
        largest_error: 0.0074,
    });
    run(
        "reliability",
        "highwater run reliability --seed 7f3a91",
        vec![killed, stall],
    )
}

/// Short runs must be as readable as long ones.
/// Two scenarios, each three times; the second repetition of the first is INVALID and slower.
pub(crate) fn repeated() -> Report {
    let of = 3;
    let mut scenarios = Vec::new();
    for index in 1..=of {
        for mut scenario in two_scenarios().scenarios {
            scenario.repetition = Some(Repetition { index, of });
            scenario.left_out = vec!["ack.p999 < 250ms".to_owned()];
            scenario.achieved_per_s = scenario.achieved_per_s.map(|rate| rate + f64::from(index));
            if index == 2 && scenarios.len() == 2 {
                scenario.verdict = Verdict::Invalid;
                scenario.achieved_per_s = Some(17.0);
                scenario.reasons = vec!["the generator could not keep up".to_owned()];
            }
            scenarios.push(scenario);
        }
    }
    let mut report = run(
        "kafka-delivery",
        "highwater run kafka-delivery --repeat 3 --quick --seed 7f3a91",
        scenarios,
    );
    report.quick = true;
    report.recommendations = vec![Recommendation {
        rule: "outage".to_owned(),
        advice: "Three brokers keep taking writes with one of them gone.".to_owned(),
        evidence: vec!["broker-restart: first acknowledgement 1.36 s after the broker ended".to_owned()],
    }];
    report
}

pub(crate) fn two_seconds() -> Report {
    let simulation = Simulation {
        start_ns: 310 * MS,
        length_ns: 2 * S,
        rate_per_s: 100,
        outage_ns: Some((900 * MS, 1_060 * MS)),
        bin_ns: 100 * MS,
    };
    let mut scenario = scenario(&simulation);
    scenario.phases = phases(&simulation, 300 * MS, (1_210 * MS, 1_370 * MS));
    scenario.faults = vec![kill(1_210 * MS, 1_370 * MS)];
    scenario.summary = "Kills the broker for a moment in a run of two seconds.".to_owned();
    run("quick", "highwater run quick --seed 7f3a91", vec![scenario])
}

/// Nothing was ever acknowledged.
pub(crate) fn no_samples() -> Report {
    let mut scenario = scenario_without_outage();
    scenario.verdict = Verdict::Inconclusive;
    scenario.reasons = vec!["no record was acknowledged".to_owned()];
    scenario.latency = LatencyReport::default();
    scenario.curve = TimingCurve::default();
    scenario.achieved_per_s = None;
    scenario.records = RecordCounts {
        attempted: 1_200,
        unknown: 1_200,
        ..RecordCounts::default()
    };
    for bin in &mut scenario.timeline {
        bin.acknowledged = 0;
        bin.response_p50_ns = None;
        bin.response_p99_ns = None;
        bin.response_max_ns = None;
        bin.service_p50_ns = None;
        bin.service_max_ns = None;
    }
    for phase in &mut scenario.phases {
        phase.latency = LatencyReport::default();
        phase.achieved_per_s = None;
    }
    scenario.thresholds.clear();
    scenario.resources = Resources::default();
    scenario.faults.clear();
    run(
        "throughput",
        "highwater run throughput --seed 7f3a91",
        vec![scenario],
    )
}

/// Names and messages that try to be something else.
pub(crate) fn hostile() -> Report {
    let evil = "</script><script>alert(1)</script>\u{1b}[2J|`*@team*`&\"'";
    let mut scenario = restart();
    scenario.name = format!("a{evil}");
    scenario.target = evil.to_owned();
    scenario.summary = evil.to_owned();
    lose(&mut scenario);
    scenario.reasons = vec![evil.to_owned(), evil.to_owned()];
    scenario.anomalies[0].examples[0].topic = evil.to_owned();
    scenario.anomalies[0].examples[0].detail = evil.to_owned();
    scenario.hints = vec![evil.to_owned()];
    run(evil, &format!("highwater run '{evil}'"), vec![scenario])
}

/// The demo: killed under load and started again.
pub(crate) fn restart() -> ScenarioReport {
    let simulation = Simulation {
        start_ns: 420 * MS,
        length_ns: 30 * S,
        rate_per_s: 1_000,
        outage_ns: Some((KILLED_NS - 420 * MS, 16_322 * MS - 420 * MS)),
        bin_ns: 100 * MS,
    };
    let mut scenario = scenario(&simulation);
    scenario.phases = phases(&simulation, 3_420 * MS, (KILLED_NS, READY_NS));
    scenario.faults = vec![kill(KILLED_NS, READY_NS)];
    scenario
}

fn scenario_without_outage() -> ScenarioReport {
    let simulation = Simulation {
        start_ns: 420 * MS,
        length_ns: 30 * S,
        rate_per_s: 1_000,
        outage_ns: None,
        bin_ns: 100 * MS,
    };
    let mut scenario = scenario(&simulation);
    scenario.phases = phases(&simulation, 3_420 * MS, (KILLED_NS, READY_NS));
    scenario.phases.retain(|phase| phase.phase != Phase::Fault);
    scenario.resources = resources(None);
    scenario.faults = vec![kill(KILLED_NS, READY_NS)];
    scenario
}

fn scenario(simulation: &Simulation) -> ScenarioReport {
    let records = simulation.records();
    let attempted = records.len() as u64;
    ScenarioReport {
        name: "broker-restart".to_owned(),
        repetition: None,
        summary:
            "Kills the broker under load, starts it again, and checks that nothing acknowledged was lost."
                .to_owned(),
        target: "dev broker".to_owned(),
        started_ns: 100 * MS,
        duration_ns: simulation.length_ns + 3 * S,
        verdict: Verdict::Holds,
        reasons: vec![
            format!(
                "{attempted} acknowledged, {attempted} readable, 0 lost, 0 duplicated",
                attempted = thousands(attempted)
            ),
            "the broker was killed with SIGKILL while records were in flight, and the producer reconnected"
                .to_owned(),
        ],
        contract: vec!["exactly-once".to_owned(), "ordered-per-partition".to_owned()],
        records: RecordCounts {
            attempted,
            acknowledged: attempted,
            delivered: attempted,
            read_back: true,
            ..RecordCounts::default()
        },
        latency: LatencyReport {
            ack: timing(&records),
            ..LatencyReport::default()
        },
        offered_per_s: Some(1_000.0),
        achieved_per_s: Some(998.4),
        schedule_slip: Quantiles::default(),
        phases: Vec::new(),
        thresholds: thresholds(),
        left_out: Vec::new(),
        faults: Vec::new(),
        rules: Vec::new(),
        anomalies: Vec::new(),
        validity: validity(),
        resources: resources(Some(KILLED_NS)),
        cluster: cluster(),
        trends: trends(),
        measurements: BTreeMap::new(),
        timeline: simulation.timeline(&records),
        curve: curve(&records),
        stall: None,
        configuration: configuration(),
        groups: Vec::new(),
        hints: Vec::new(),
    }
}

fn thousands(value: u64) -> String {
    match value {
        0..1000 => value.to_string(),
        _ => format!("{},{:03}", value / 1000, value % 1000),
    }
}

fn phases(simulation: &Simulation, warm_ns: u64, fault: (u64, u64)) -> Vec<PhaseReport> {
    let records = simulation.records();
    let end_ns = simulation.start_ns + simulation.length_ns;
    let warm_ns = warm_ns.max(simulation.start_ns + 1);
    vec![
        phase(Phase::WarmUp, simulation.start_ns, warm_ns, &records),
        phase(Phase::Steady, warm_ns, fault.0, &records),
        phase(Phase::Fault, fault.0, fault.1, &records),
        phase(Phase::Recovery, fault.1, end_ns, &records),
        phase(Phase::Drain, end_ns, end_ns + 200 * MS, &records),
        phase(Phase::ReadBack, end_ns + 200 * MS, end_ns + 900 * MS, &records),
    ]
}

fn kill(fired_at_ns: u64, lifted_at_ns: u64) -> FaultReport {
    FaultReport {
        kind: "broker-kill".to_owned(),
        armed: true,
        fired: 1,
        fired_at_ns: Some(fired_at_ns),
        lifted_at_ns: Some(lifted_at_ns),
        in_flight: 14,
        client_reaction: Some("1 connection lost, 3 reconnects".to_owned()),
        recovery_ns: Some(lifted_at_ns - fired_at_ns + 50 * MS),
        back_to_baseline_ns: Some(lifted_at_ns - fired_at_ns + 180 * MS),
    }
}

fn lose(scenario: &mut ScenarioReport) {
    scenario.verdict = Verdict::Violated;
    scenario.reasons = vec!["37 acknowledged records cannot be read".to_owned()];
    scenario.records.delivered -= 37;
    scenario.records.lost = 37;
    scenario.anomalies = vec![AnomalyReport {
        name: "lost-write".to_owned(),
        violation: true,
        count: 37,
        explanation: "an acknowledged record must be readable for ever under exactly-once".to_owned(),
        examples: (0..5_u32)
            .map(|index| AnomalyExample {
                topic: "demo-7f3a91".to_owned(),
                partition: 1,
                offset: Some(5_012 + i64::from(index)),
                record: RecordId {
                    producer: 0,
                    sequence: 15_036 + 3 * u64::from(index),
                },
                detail: "acknowledged at 15.001 s; log ends at 5,012".to_owned(),
            })
            .collect(),
    }];
    let lost = scenario
        .thresholds
        .iter_mut()
        .find(|threshold| threshold.metric == "lost");
    if let Some(lost) = lost {
        lost.result = ThresholdResult::Fail;
        lost.measured = Some("37 records".to_owned());
    }
    scenario.hints = vec!["highwater report DIR --format json holds every figure".to_owned()];
}

fn thresholds() -> Vec<ThresholdReport> {
    let threshold =
        |expression: &str, phase, metric: &str, measured: &str, limit: &str, limit_ns| ThresholdReport {
            expression: expression.to_owned(),
            phase,
            metric: metric.to_owned(),
            measured: Some(measured.to_owned()),
            limit: Some(limit.to_owned()),
            limit_ns,
            result: ThresholdResult::Pass,
            note: None,
        };
    vec![
        threshold(
            "ack.p95 < 100ms",
            Some(Phase::Steady),
            "ack.p95",
            "1.9 ms",
            "100 ms",
            Some(100 * MS),
        ),
        threshold("ack.max < 5s", None, "ack.max", "1.36 s", "5 s", Some(5 * S)),
        threshold("lost == 0", None, "lost", "0 records", "0 records", None),
        threshold(
            "duplicated == 0",
            None,
            "duplicated",
            "0 records",
            "0 records",
            None,
        ),
    ]
}

fn validity() -> Vec<ValidityCheck> {
    [
        ("achieved-rate", "99.8 % of offered", "at least 99 %"),
        ("schedule-slip", "p99 0.12 ms", "p99 under 2 ms"),
        ("generator-cpu", "6.1 % of a core", "under 85 %"),
    ]
    .into_iter()
    .map(|(name, measured, required)| ValidityCheck {
        name: name.to_owned(),
        ok: true,
        measured: measured.to_owned(),
        required: required.to_owned(),
        remedy: None,
    })
    .collect()
}

fn resources(killed_ns: Option<u64>) -> Resources {
    let mut samples = Vec::new();
    for second in 1..33_u64 {
        for (process, role, pid, cores, memory) in [
            ("highwater", ProcessRole::Generator, 4_100, 0.06, 38_u64 << 20),
            ("dev broker", ProcessRole::Broker, 4_107, 0.04, 24 << 20),
        ] {
            let again = role == ProcessRole::Broker && killed_ns.is_some_and(|ns| second * S > ns + S);
            let wave = 1.0 + 0.15 * ((second * 7 % 11) as f64 / 11.0 - 0.5);
            samples.push(ResourceSample {
                at_ns: second * S,
                process: process.to_owned(),
                role,
                pid: if again { pid + 60 } else { pid },
                cpu_cores: (second > 1).then_some(cores * wave),
                cpu_seconds_total: cores * second as f64,
                resident_bytes: memory + (second << 17),
                disk_written_bytes: Some(second * 5_200_000),
                disk_read_bytes: Some(0),
                descriptors: Some(31),
            });
        }
    }
    let process = |process: &str, role, cores: f64, memory: u64| ProcessResources {
        process: process.to_owned(),
        role,
        cpu_cores_mean: Some(cores),
        cpu_cores_peak: Some(cores * 1.08),
        cpu_seconds: cores * 30.0,
        resident_bytes_mean: Some(memory),
        resident_bytes_peak: Some(memory + (4 << 20)),
        disk_written_bytes: Some(156_000_000),
        disk_read_bytes: Some(0),
        descriptors_peak: Some(31),
        collector: (role == ProcessRole::Broker).then_some(Collector {
            pauses: 3,
            paused_ns: 21 * MS,
            longest_ns: 9 * MS,
            share: 0.0007,
            heap_after_peak_bytes: 31 << 20,
            heap_bytes: 512 << 20,
        }),
    };
    Resources {
        processes: vec![
            process("highwater", ProcessRole::Generator, 0.061, 40 << 20),
            process("dev broker", ProcessRole::Broker, 0.041, 26 << 20),
        ],
        samples,
        host_network_received_bytes: Some(171_000_000),
        host_network_sent_bytes: Some(171_000_000),
        network: (1..33_u64)
            .map(|second| NetworkSample {
                at_ns: second * S,
                loopback_bytes_per_s: 5_300_000 + second * 1_000,
                received_bytes_per_s: 200,
                sent_bytes_per_s: 100,
            })
            .collect(),
        pauses: [7, 19, 28_u64]
            .into_iter()
            .map(|second| GcPause {
                at_ns: second * S,
                process: "dev broker".to_owned(),
                kind: "Young (Normal) (G1 Evacuation Pause)".to_owned(),
                pause_ns: second * MS / 3,
                heap_before_bytes: 300 << 20,
                heap_after_bytes: 31 << 20,
                heap_bytes: 512 << 20,
            })
            .collect(),
        sampler_cpu_cores: Some(0.0031),
    }
}

fn cluster() -> ClusterReport {
    let partitions = |second: u64, in_sync, changes: &[&str]| PartitionsSample {
        at_ns: second * S,
        in_sync,
        in_sync_fewest: in_sync / 3,
        replicas: 9,
        leaderless: 0,
        changes: changes.iter().map(|&change| change.to_owned()).collect(),
    };
    ClusterReport {
        brokers: vec![BrokerReport {
            node: 1,
            address: "127.0.0.1:41731".to_owned(),
            asked: 31,
            unanswered: 1,
            canary_p50_ns: Some(410_000),
            canary_p99_ns: None,
            canary_max_ns: Some(1_320 * MS),
            throttled_ns: 1_250 * MS,
            throttled_answers: 14,
        }],
        partitions: vec![
            partitions(1, 9, &[]),
            partitions(17, 6, &["partition 0: leader 1 → 2, epoch 0 → 1"]),
        ],
        canaries: (1..33_u64)
            .map(|second| CanarySample {
                at_ns: second * S,
                node: 1,
                answered_ns: (second != 16).then_some(400_000 + second * 1_000),
            })
            .collect(),
        throttles: vec![ThrottleSample {
            at_ns: 21 * S,
            node: 1,
            total_ns: 1_250 * MS,
            longest_ns: 120 * MS,
            answers: 14,
        }],
        isr_shrunk: 3,
        leader_changed: 1,
        unasked: None,
    }
}

fn trends() -> Vec<TrendReport> {
    vec![
        TrendReport {
            metric: "ack.p50.trend".to_owned(),
            process: None,
            per_min: Some(0.0011),
            low_per_min: Some(-0.0024),
            high_per_min: Some(0.0047),
            shown: false,
            windows: 40,
            note: None,
        },
        TrendReport {
            metric: "broker.memory.trend".to_owned(),
            process: Some("dev broker".to_owned()),
            note: Some("29 s are too short for a trend, which takes 60 s".to_owned()),
            ..TrendReport::default()
        },
    ]
}
