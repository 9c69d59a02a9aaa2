//! ProducerPerformance, plain and with transactions, and ConsumerPerformance.

use super::{kafka, topic};
use crate::arm::Arm;

fn what_is_produced_is_consumed(arm: &mut Arm) {
    let name = "java-performance";
    topic(arm, name, 2);
    let usual = [
        "--topic",
        name,
        "--num-records",
        "20000",
        "--record-size",
        "200",
        "--throughput",
        "-1",
    ];
    let said = kafka(arm, "org.apache.kafka.tools.ProducerPerformance", &usual);
    assert!(said.contains("20000 records sent"), "{said}");
    let transactional = [
        "--topic",
        name,
        "--num-records",
        "5000",
        "--record-size",
        "200",
        "--throughput",
        "10000",
        "--transactional-id",
        name,
        "--transaction-duration-ms",
        "50",
    ];
    let said = kafka(arm, "org.apache.kafka.tools.ProducerPerformance", &transactional);
    assert!(said.contains("5000 records sent"), "{said}");
    for isolation in ["read_committed", "read_uncommitted"] {
        let group = format!("{name}-{isolation}");
        let isolation = format!("isolation.level={isolation}");
        let arguments = [
            "--topic",
            name,
            "--num-records",
            "25000",
            "--group",
            &group,
            "--command-property",
            &isolation,
            "--hide-header",
        ];
        let said = kafka(arm, "org.apache.kafka.tools.ConsumerPerformance", &arguments);
        let consumed = said.lines().last().and_then(|line| line.split(", ").nth(4));
        assert_eq!(consumed, Some("25000"), "{said}");
    }
}

on_both!(what_is_produced_is_consumed);
