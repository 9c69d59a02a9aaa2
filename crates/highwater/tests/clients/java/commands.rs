//! The commands that people type: topics, settings, offsets, records, groups, transactions.

use std::fs;

use super::{java, kafka, topic, words};
use crate::arm::Arm;
use crate::children::{Running, run};

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const SETTINGS: &str = "kafka.admin.ConfigCommand";
const OFFSETS: &str = "org.apache.kafka.tools.GetOffsetShell";
const RECORDS: &str = "org.apache.kafka.tools.DeleteRecordsCommand";
const GROUPS: &str = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
const TRANSACTIONS: &str = "org.apache.kafka.tools.TransactionsCommand";

#[track_caller]
fn produce(arm: &Arm, name: &str, records: &str, more: &[&str]) {
    let usual = [
        "--topic",
        name,
        "--num-records",
        records,
        "--record-size",
        "10",
        "--throughput",
        "-1",
    ];
    let said = kafka(
        arm,
        "org.apache.kafka.tools.ProducerPerformance",
        &[&usual, more].concat(),
    );
    assert!(said.contains(&format!("{records} records sent")), "{said}");
}

fn topics_settings_and_records(arm: &mut Arm) {
    let name = "java-topic";
    topic(arm, name, 1);
    let said = kafka(arm, TOPICS, &["--alter", "--topic", name, "--partitions", "2"]);
    assert_eq!(said, "");
    let entity = ["--entity-type", "topics", "--entity-name", name];
    let change = [
        "--alter",
        "--add-config",
        "retention.ms=100000000,cleanup.policy=[compact,delete]",
    ];
    let said = kafka(arm, SETTINGS, &[&change, entity.as_slice()].concat());
    assert_eq!(
        said.trim(),
        format!("Completed updating config for topic {name}.")
    );
    let said = kafka(arm, SETTINGS, &[&["--describe"], entity.as_slice()].concat());
    assert!(
        said.contains("retention.ms=100000000 ") && said.contains("cleanup.policy=compact,delete "),
        "{said}"
    );
    let change = ["--alter", "--delete-config", "cleanup.policy"];
    kafka(arm, SETTINGS, &[&change, entity.as_slice()].concat());
    let said = kafka(arm, TOPICS, &["--describe", "--topic", name]);
    let lines = words(&said);
    assert_eq!(lines.len(), 3, "{said}");
    assert!(
        said.contains("PartitionCount: 2") && said.contains("retention.ms=100000000"),
        "{said}"
    );
    assert!(!said.contains("cleanup.policy"), "{said}");

    // No batches over both partitions: the default partitioner fills one after the other.
    produce(arm, name, "100", &[]);
    let offsets = |time: &str| {
        let said = kafka(arm, OFFSETS, &["--topic", name, "--time", time]);
        said.lines()
            .map(|line| {
                line.rsplit(':')
                    .next()
                    .expect("an offset")
                    .parse::<i64>()
                    .expect("a number")
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(offsets("earliest"), [0, 0]);
    let ends = offsets("latest");
    assert_eq!(ends.iter().sum::<i64>(), 100);
    // Partitions without a record so late are left out.
    let found = offsets("0");
    assert!(
        !found.is_empty() && found.iter().all(|offset| *offset == 0),
        "{found:?}"
    );
    let fuller = if ends[0] >= ends[1] { 0 } else { 1 };
    let wish = tempfile::NamedTempFile::new().expect("a temporary file");
    let text =
        format!(r#"{{"version":1,"partitions":[{{"topic":"{name}","partition":{fuller},"offset":7}}]}}"#);
    fs::write(&wish, text).expect("written");
    let path = wish.path().to_str().expect("UTF-8");
    let said = kafka(arm, RECORDS, &["--offset-json-file", path]);
    assert!(
        said.contains(&format!("partition: {name}-{fuller}\tlow_watermark: 7")),
        "{said}"
    );
    assert_eq!(offsets("earliest")[fuller], 7);
    kafka(arm, TOPICS, &["--delete", "--topic", name]);
    let said = kafka(arm, TOPICS, &["--list"]);
    assert!(!said.lines().any(|line| line == name), "{said}");
}

fn groups_are_listed_described_reset_and_deleted(arm: &mut Arm) {
    let name = "java-group";
    topic(arm, name, 1);
    produce(arm, name, "50", &[]);
    let mut member = java(&[]);
    member.args(["org.apache.kafka.tools.VerifiableConsumer", "--bootstrap-server"]);
    member.args([arm.bootstrap(), "--topic", name, "--group-id", name, "--verbose"]);
    let mut member = Running::start(&member, "");
    member.until("everything is committed", |out| {
        out.contains("offsets_committed") && out.contains(r#""offset":50"#)
    });
    let said = kafka(arm, GROUPS, &["--list"]);
    assert!(said.lines().any(|line| line == name), "{said}");
    let said = kafka(arm, GROUPS, &["--describe", "--group", name]);
    let lines = words(&said);
    let [_, line] = lines.as_slice() else {
        panic!("{said}")
    };
    assert_eq!(line[..6], [name, name, "0", "50", "50", "0"], "{said}");
    assert!(
        line[6].starts_with("consumer-") && line[7].contains("127.0.0.1"),
        "{said}"
    );
    let said = kafka(arm, GROUPS, &["--describe", "--group", name, "--members"]);
    let lines = words(&said);
    assert_eq!((lines.len(), lines[1].last()), (2, Some(&"1")), "{said}");
    let said = kafka(arm, GROUPS, &["--describe", "--group", name, "--state"]);
    assert!(said.contains("range") && said.contains("Stable"), "{said}");

    let reset = [
        "--reset-offsets",
        "--group",
        name,
        "--topic",
        name,
        "--to-offset",
        "20",
        "--execute",
    ];
    let mut refused = java(&[]);
    refused
        .args([GROUPS, "--bootstrap-server", arm.bootstrap()])
        .args(reset);
    let said = run(&refused, "");
    assert!(said.story().contains("inactive"), "{}", said.story());
    member.ask_to_end();
    member.end();
    let said = kafka(arm, GROUPS, &reset);
    assert_eq!(words(&said)[1][..4], [name, name, "0", "20"], "{said}");
    let said = kafka(arm, GROUPS, &["--describe", "--group", name]);
    assert_eq!(
        words(&said)[1][..6],
        [name, name, "0", "20", "50", "30"],
        "{said}"
    );
    let said = kafka(arm, GROUPS, &["--delete", "--group", name]);
    assert!(said.contains("was successful"), "{said}");
    let said = kafka(arm, GROUPS, &["--list"]);
    assert!(!said.lines().any(|line| line == name), "{said}");
}

fn transactions_are_listed_described_and_looked_for(arm: &mut Arm) {
    let name = "java-transactions";
    topic(arm, name, 1);
    produce(
        arm,
        name,
        "10",
        &["--transactional-id", name, "--transaction-duration-ms", "60000"],
    );
    let said = kafka(arm, TRANSACTIONS, &["list"]);
    let lines = words(&said);
    let found = lines.iter().find(|line| line[0] == name);
    assert_eq!(
        found.and_then(|line| line.last()),
        Some(&"CompleteCommit"),
        "{said}"
    );
    let said = kafka(arm, TRANSACTIONS, &["describe", "--transactional-id", name]);
    assert!(
        said.contains("CompleteCommit") && said.contains("60000"),
        "{said}"
    );
    let said = kafka(
        arm,
        TRANSACTIONS,
        &["describe-producers", "--topic", name, "--partition", "0"],
    );
    let lines = words(&said);
    assert_eq!((lines.len(), lines[1].last()), (2, Some(&"None")), "{said}");
    let node = lines_of_first_broker(arm);
    let said = kafka(arm, TRANSACTIONS, &["find-hanging", "--broker-id", &node]);
    assert_eq!(words(&said).len(), 1, "only the head: {said}");
}

/// The id of the broker, as the description of a topic says.
fn lines_of_first_broker(arm: &Arm) -> String {
    let said = kafka(arm, TOPICS, &["--describe", "--topic", "java-transactions"]);
    let leader = said
        .split("Leader: ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    leader.unwrap_or_else(|| panic!("{said}")).to_owned()
}

on_both!(
    groups_are_listed_described_reset_and_deleted,
    topics_settings_and_records,
    transactions_are_listed_described_and_looked_for
);
