//! `move-coordinator` with the client of Apache Kafka, which keeps a connection of its own for each address of a
//! group's coordinator, and one for each number of a transaction's.

use std::path::Path;

use rdkafka::Offset;
use rdkafka::producer::Producer as _;

use crate::arm::{Arm, PATIENCE};
use crate::behind::Behind;
use crate::children::Running;
use crate::clients::{producer_at, send};
use crate::coordinators::{assert_moved, committed, moving};
use crate::jvm::java;

const RECORDS: i64 = 12;

fn copies_are_exact(arm: &Arm) {
    let (from, to) = ("java-moved-in", "java-moved-out");
    arm.topic(from, 1);
    arm.topic(to, 1);
    let direct = producer_at(&arm.address().to_string(), "direct", &[]);
    let expected: Vec<String> = (0..RECORDS).map(|number| number.to_string()).collect();
    for value in &expected {
        send(&direct, from, 0, value);
    }
    direct.flush(PATIENCE).expect("stored");
    let rules = vec![moving(&["TxnOffsetCommit"], 3), moving(&["EndTxn"], 4)];
    let behind = Behind::new(arm, rules);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proxy/java/MovedCoordinator.java");
    let mut command = java(&[]);
    command.arg(source);
    command.args([&behind.bootstrap(), from, to, &RECORDS.to_string()]);
    let said = Running::start(&command, "").end().well();
    assert!(said.contains("copied 12"), "{said}");
    assert_eq!(arm.committed(to), expected);
    assert_eq!(committed(arm, from, from), Offset::Offset(RECORDS));
    let history = behind.stop();
    for api in ["TxnOffsetCommit", "EndTxn"] {
        assert_moved(&history, api);
    }
}

#[test]
fn on_three_dev_brokers() {
    copies_are_exact(&Arm::dev_of_three());
}

on_both!(copies_are_exact);
