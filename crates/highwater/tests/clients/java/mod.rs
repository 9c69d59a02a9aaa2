//! The programs of Apache Kafka 4.3.1 itself, from the jars that Highwater keeps, and an application of Kafka Streams.

mod commands;
mod performance;
pub(crate) mod streams;
mod verifiable;

use crate::arm::Arm;
use crate::children::run;
use crate::jvm::java;

/// Runs one of Kafka's commands against a broker; gives what it wrote.
#[track_caller]
fn kafka(arm: &Arm, class: &str, arguments: &[&str]) -> String {
    let mut command = java(&[]);
    command
        .arg(class)
        .args(["--bootstrap-server", arm.bootstrap()])
        .args(arguments);
    run(&command, "").well()
}

/// Makes a topic.
#[track_caller]
pub(crate) fn topic(arm: &Arm, name: &str, partitions: u32) {
    let partitions = partitions.to_string();
    let arguments = ["--create", "--topic", name, "--partitions", &partitions];
    kafka(arm, "org.apache.kafka.tools.TopicCommand", &arguments);
}

/// The words of each line, without empty lines.
fn words(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|words: &Vec<&str>| !words.is_empty())
        .collect()
}
