use highwater_model::{AnomalyExample, AnomalyReport, RecordCounts, RecordId};

use super::*;
use crate::{Anomaly, Contract, PartitionEnd};

/// Everything that evidence borrows, so that a case can change any of it.
#[derive(Clone)]
struct Case {
    findings: Option<Findings>,
    faults: Vec<FaultReport>,
    fault_expected: bool,
    thresholds: Vec<ThresholdReport>,
    validity: Vec<ValidityCheck>,
    rules: Vec<RuleReport>,
    wire: Vec<String>,
    quiet: Option<Quiet>,
    interrupted: Option<String>,
    failure: Option<String>,
}

fn fault() -> FaultReport {
    FaultReport {
        kind: "broker-kill".to_owned(),
        armed: true,
        fired: 1,
        fired_at_ns: Some(15_002_000_000),
        lifted_at_ns: Some(16_300_000_000),
        in_flight: 1_412,
        client_reaction: Some("producer reconnected after 1.36 s".to_owned()),
        recovery_ns: Some(1_360_000_000),
        back_to_baseline_ns: None,
    }
}

fn rule(matched: u64, fired: u64) -> RuleReport {
    RuleReport {
        name: "lost-acks".to_owned(),
        fault: "drop-ack".to_owned(),
        matched,
        fired,
    }
}

fn threshold(result: ThresholdResult) -> ThresholdReport {
    ThresholdReport {
        expression: "ack.p95 < 100 ms".to_owned(),
        phase: None,
        metric: "ack.p95".to_owned(),
        measured: Some("131 ms".to_owned()),
        limit: Some("100 ms".to_owned()),
        limit_ns: Some(100_000_000),
        result,
        note: None,
    }
}

fn validity(ok: bool) -> ValidityCheck {
    ValidityCheck {
        name: "achieved-rate".to_owned(),
        ok,
        measured: "812/s".to_owned(),
        required: "at least 990/s".to_owned(),
        remedy: Some("lower the rate".to_owned()),
    }
}

fn anomaly(kind: Anomaly, contract: Contract) -> AnomalyReport {
    AnomalyReport {
        name: kind.name().to_owned(),
        violation: kind.violates(contract),
        count: 37,
        explanation: kind.explanation(contract),
        examples: vec![AnomalyExample {
            topic: "demo-7f3a91".to_owned(),
            partition: 1,
            offset: Some(5_012),
            record: RecordId {
                producer: 0,
                sequence: 15_036,
            },
            detail: "acknowledged at 15.001 s as offset 5,012; the log ends at 5,012".to_owned(),
        }],
    }
}

/// Everything that is needed for HOLDS.
fn holding() -> Case {
    Case {
        findings: Some(Findings {
            contract: Contract::parse("at-least-once").unwrap(),
            counts: RecordCounts {
                attempted: 30_000,
                acknowledged: 30_000,
                delivered: 30_000,
                read_back: true,
                ..RecordCounts::default()
            },
            anomalies: Vec::new(),
            unknown_delivered: 0,
            unread: 0,
            incomplete: Vec::new(),
            read_backwards: 0,
        }),
        faults: vec![fault()],
        rules: vec![rule(1_024, 12)],
        wire: Vec::new(),
        fault_expected: true,
        thresholds: vec![threshold(ThresholdResult::Pass)],
        validity: vec![validity(true)],
        quiet: Some(Quiet {
            two_equal_reads: true,
            lso_is_hw: true,
            detail: "3 partitions, 2 readings".to_owned(),
        }),
        interrupted: None,
        failure: None,
    }
}

impl Case {
    fn findings(&mut self) -> &mut Findings {
        self.findings.as_mut().unwrap()
    }

    fn judged(&self) -> Judgement {
        judge(&Evidence {
            findings: self.findings.as_ref(),
            faults: &self.faults,
            rules: &self.rules,
            wire: &self.wire,
            fault_expected: self.fault_expected,
            thresholds: &self.thresholds,
            validity: &self.validity,
            quiet: self.quiet.clone(),
            interrupted: self.interrupted.clone(),
            failure: self.failure.clone(),
            subject: "the dev broker".to_owned(),
        })
    }
}

fn changed(change: impl FnOnce(&mut Case)) -> Judgement {
    let mut case = holding();
    change(&mut case);
    case.judged()
}

#[test]
fn holds_says_what_was_seen() {
    let judgement = holding().judged();
    assert_eq!(judgement.verdict, Verdict::Holds);
    assert_eq!(
        judgement.reasons,
        [
            "30,000 acknowledged, 30,000 readable, 0 lost, 0 duplicated",
            "broker-kill fired at 15.002 s, 1,412 records in flight, producer reconnected after 1.36 s",
            "rule lost-acks fired 12 times of 1,024 that matched",
            "the threshold passes",
        ]
    );
}

#[test]
fn each_missing_condition_alone_makes_it_inconclusive() {
    type Change = fn(&mut Case);
    let cases: &[(&str, Change, &str)] = &[
        ("no fault", |case| case.faults.clear(), "has none: add one"),
        (
            "disabled",
            |case| case.faults[0].armed = false,
            "broker-kill was disabled",
        ),
        (
            "not fired",
            |case| (case.faults[0].fired, case.faults[0].fired_at_ns) = (0, None),
            "never fired",
        ),
        (
            "fired, and nothing happened",
            |case| case.faults[0].fired = 0,
            "was not seen to take effect (producer reconnected after 1.36 s)",
        ),
        (
            "a rule that matched nothing",
            |case| case.rules.push(rule(0, 0)),
            "rule lost-acks (drop-ack) never fired, nothing matched it",
        ),
        (
            "a rule that only matched",
            |case| case.rules[0].fired = 0,
            "never fired, though it matched 1,024 times",
        ),
        (
            "a client past the proxy",
            |case| case.wire.push("a client talks past the proxy".to_owned()),
            "past the proxy",
        ),
        (
            "a second fault not fired",
            |case| {
                case.faults.push(FaultReport { fired: 0, ..fault() });
            },
            "was not seen to take effect",
        ),
        (
            "nothing in flight",
            |case| case.faults[0].in_flight = 0,
            "no record was in flight",
        ),
        (
            "no reaction",
            |case| case.faults[0].client_reaction = None,
            "no client was seen to react",
        ),
        ("not proven quiet", |case| case.quiet = None, "not proven quiet"),
        (
            "still changing",
            |case| case.quiet.as_mut().unwrap().two_equal_reads = false,
            "still changing",
        ),
        (
            "open transaction",
            |case| case.quiet.as_mut().unwrap().lso_is_hw = false,
            "still open",
        ),
        (
            "not read back",
            |case| case.findings = None,
            "the log was not read back",
        ),
        (
            "not read at all",
            |case| case.findings().counts.read_back = false,
            "none of 30,000 records was looked for",
        ),
        (
            "read in part",
            |case| {
                case.findings().counts.read_back = false;
                case.findings().incomplete.push(PartitionEnd {
                    partition: 2,
                    log_start: 0,
                    high_watermark: 900,
                    last_stable_offset: 900,
                    read_to: 450,
                });
            },
            "partition 2 was read to 450 of 900",
        ),
        (
            "a partition left out",
            |case| {
                case.findings().counts.read_back = false;
                case.findings().unread = 1;
            },
            "1 acknowledged record may stand in partitions that were not read",
        ),
        (
            "read backwards",
            |case| case.findings().read_backwards = 2,
            "backwards 2 times",
        ),
        (
            "not measured",
            |case| case.thresholds[0].result = ThresholdResult::NotMeasured,
            "was not measured",
        ),
        (
            "interrupted",
            |case| case.interrupted = Some("by SIGINT at 12 s".to_owned()),
            "interrupted, by SIGINT",
        ),
        (
            "failed",
            |case| case.failure = Some("the disk is full".to_owned()),
            "failed before its end: the disk is full",
        ),
        (
            "nothing attempted",
            |case| case.findings().counts.attempted = 0,
            "no record was attempted",
        ),
        (
            "nothing acknowledged",
            |case| case.findings().counts.acknowledged = 0,
            "the dev broker acknowledged none of 30,000",
        ),
    ];
    for (name, change, message) in cases {
        let judgement = changed(change);
        assert_eq!(judgement.verdict, Verdict::Inconclusive, "{name}: {judgement:?}");
        assert_eq!(judgement.reasons.len(), 1, "{name}: {judgement:?}");
        assert!(judgement.reasons[0].contains(message), "{name}: {judgement:?}");
    }
}

#[test]
fn a_scenario_without_a_fault_needs_none() {
    let without = changed(|case| {
        case.faults.clear();
        case.fault_expected = false;
    });
    assert_eq!(without.verdict, Verdict::Holds);
    let disabled = changed(|case| {
        case.faults[0].armed = false;
        case.faults[0].fired = 0;
        case.fault_expected = false;
    });
    assert_eq!(disabled.verdict, Verdict::Holds);
    let armed_and_silent = changed(|case| {
        case.faults[0].fired = 0;
        case.fault_expected = false;
    });
    assert_eq!(armed_and_silent.verdict, Verdict::Inconclusive);
}

#[test]
fn every_violation_breaks_and_what_is_legal_is_told() {
    let contract = Contract::parse("exactly-once, ordered-per-partition").unwrap();
    for kind in Anomaly::ALL {
        let judgement = changed(|case| {
            case.findings().contract = contract;
            case.findings().anomalies.push(anomaly(kind, contract));
        });
        let broken = kind.violates(contract);
        assert_eq!(judgement.verdict == Verdict::Violated, broken, "{}", kind.name());
        assert_eq!(judgement.verdict == Verdict::Holds, !broken, "{}", kind.name());
        let told = judgement
            .reasons
            .iter()
            .any(|reason| reason.contains(kind.name()));
        assert!(told, "{judgement:?}");
    }
}

#[test]
fn a_violation_leads_with_its_headline_and_names_the_first_record() {
    let judgement = changed(|case| {
        let contract = case.findings().contract;
        case.findings()
            .anomalies
            .push(anomaly(Anomaly::LostWrite, contract));
        case.validity[0].ok = false;
        case.thresholds[0].result = ThresholdResult::Fail;
        case.interrupted = Some("by SIGINT".to_owned());
    });
    assert_eq!(judgement.verdict, Verdict::Violated);
    assert_eq!(
        judgement.reasons,
        [
            "37 acknowledged records cannot be read",
            "first lost-write: demo-7f3a91/1 offset 5,012, producer 0, sequence 15,036, acknowledged at \
             15.001 s as offset 5,012; the log ends at 5,012",
            "the measurement can't be trusted, achieved-rate is 812/s, required is at least 990/s: lower the \
             rate",
            "threshold `ack.p95 < 100 ms` is broken: measured 131 ms, limit 100 ms",
        ]
    );
}

#[test]
fn what_was_cut_short_is_neither_invalid_nor_broken() {
    for cut in ["interrupted", "failed"] {
        let judgement = changed(|case| {
            case.validity[0].ok = false;
            case.thresholds[0].result = ThresholdResult::Fail;
            match cut {
                "interrupted" => case.interrupted = Some("by SIGINT".to_owned()),
                _ => case.failure = Some("the disk is full".to_owned()),
            }
        });
        assert_eq!(judgement.verdict, Verdict::Inconclusive, "{cut}");
        assert_eq!(judgement.reasons.len(), 1, "{cut}: {:?}", judgement.reasons);
    }
}

#[test]
fn order_of_judgement() {
    let invalid_and_broken = changed(|case| {
        case.validity[0].ok = false;
        case.thresholds[0].result = ThresholdResult::Fail;
        case.faults[0].fired = 0;
    });
    assert_eq!(invalid_and_broken.verdict, Verdict::Invalid);
    assert_eq!(invalid_and_broken.reasons.len(), 1, "{invalid_and_broken:?}");
    let broken_and_missing = changed(|case| {
        case.thresholds[0].result = ThresholdResult::Fail;
        case.faults[0].fired = 0;
    });
    assert_eq!(broken_and_missing.verdict, Verdict::Violated);
    let missing_twice = changed(|case| {
        case.faults[0].in_flight = 0;
        case.quiet = None;
    });
    assert_eq!(missing_twice.verdict, Verdict::Inconclusive);
    assert_eq!(missing_twice.reasons.len(), 2, "{missing_twice:?}");
}

#[test]
fn unknown_and_failed_records_are_told_with_the_account() {
    let judgement = changed(|case| {
        case.findings().contract.ordered_per_partition = true;
        case.findings().unknown_delivered = 12;
        case.findings().counts = RecordCounts {
            attempted: 30_000,
            acknowledged: 29_975,
            failed: 5,
            unknown: 20,
            delivered: 29_987,
            read_back: true,
            ..RecordCounts::default()
        };
    });
    assert_eq!(
        judgement.reasons[0],
        "29,975 acknowledged, 29,987 readable, 0 lost, 0 duplicated, 0 reordered; 20 unknown, 12 of them \
         readable; 5 failed"
    );
}
