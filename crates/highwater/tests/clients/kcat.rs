//! Debian's kcat, with the librdkafka of its distribution, older than the one of this workspace.

use std::process::Command;

use serde_json::Value;

use crate::arm::Arm;
use crate::children::{Running, on_path, run};

/// kcat with these arguments.
pub(crate) fn command(arm: &Arm, arguments: &[&str]) -> Command {
    let mut command = Command::new(on_path("kcat", "kcat"));
    command.args(["-b", arm.bootstrap()]).args(arguments);
    command
}

/// `key value` for each record that is committed, of all partitions.
pub(crate) fn read(arm: &Arm, topic: &str) -> String {
    let committed = "isolation.level=read_committed";
    let arguments = [
        "-C",
        "-t",
        topic,
        "-X",
        committed,
        "-o",
        "beginning",
        "-e",
        "-q",
        "-f",
        "%k %s\\n",
    ];
    run(&command(arm, &arguments), "").well()
}

fn lines(count: u32) -> String {
    (0..count)
        .map(|number| format!("k{number}:v{number}\n"))
        .collect()
}

fn produce(arm: &Arm, topic: &str, more: &[&str], input: &str) {
    let arguments = ["-P", "-t", topic, "-p", "0", "-K:"];
    run(&command(arm, &[&arguments, more].concat()), input).well();
}

fn it_produces_consumes_and_lists(arm: &mut Arm) {
    let topic = "kcat-plain";
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        produce(arm, topic, &["-z", codec, "-H", "codec=it"], &lines(20));
    }
    let format = "%o %k %s %h\\n";
    let read = command(
        arm,
        &[
            "-C",
            "-t",
            topic,
            "-p",
            "0",
            "-o",
            "beginning",
            "-e",
            "-q",
            "-f",
            format,
        ],
    );
    let expected: String = (0..100)
        .map(|offset| format!("{offset} k{0} v{0} codec=it\n", offset % 20))
        .collect();
    assert_eq!(run(&read, "").well(), expected);

    let tail = command(
        arm,
        &["-C", "-t", topic, "-p", "0", "-o", "-3", "-e", "-q", "-f", "%o "],
    );
    assert_eq!(run(&tail, "").well(), "97 98 99 ");

    let listed = run(&command(arm, &["-L", "-J", "-t", topic]), "").well();
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed["brokers"][0]["name"], arm.bootstrap());
    let found = &listed["topics"][0];
    assert_eq!(
        (&found["topic"], found["partitions"].as_array().map(Vec::len)),
        (&Value::from(topic), Some(1))
    );
}

fn it_finds_offsets_by_timestamp(arm: &mut Arm) {
    let topic = "kcat-times";
    let last = |field: &str| {
        let arguments = ["-C", "-t", topic, "-p", "0", "-o", "-1", "-e", "-q", "-f", field];
        run(&command(arm, &arguments), "").well()
    };
    // Two processes in a row never produce in the same millisecond.
    let times: Vec<String> = (0..3)
        .map(|_| {
            produce(arm, topic, &[], &lines(2));
            last("%T")
        })
        .collect();
    let ask = |time: &str| {
        let said = run(&command(arm, &["-Q", "-t", &format!("{topic}:0:{time}")]), "").well();
        said.trim()
            .rsplit(' ')
            .next()
            .expect("an offset")
            .parse::<i64>()
            .unwrap_or_else(|_| panic!("{said}"))
    };
    let later: i64 = times[2].parse().expect("a time");
    assert_eq!(ask("-2"), 0, "the beginning");
    assert_eq!(ask("-1"), 6, "the end");
    assert_eq!(ask("1"), 0);
    let second = ask(&times[1]);
    assert!((2..=3).contains(&second), "{second}: the first with that time");
    let after_first = times[0].parse::<i64>().expect("a time") + 1;
    assert_eq!(ask(&after_first.to_string()), 2);
    assert_eq!(ask(&(later + 1).to_string()), -1, "nothing is as late");
}

fn it_reads_in_a_group(arm: &mut Arm) {
    let topic = "kcat-group";
    produce(arm, topic, &[], &lines(50));
    let arguments = [
        "-G",
        "kcat-group",
        "-q",
        "-u",
        "-f",
        "%o\\n",
        "-X",
        "auto.offset.reset=earliest",
        topic,
    ];
    let mut first = Running::start(&command(arm, &arguments), "");
    first.until("fifty records", |out| out.lines().count() == 50);
    first.ask_to_end();
    first.end();
    produce(arm, topic, &[], &lines(10));
    let mut second = Running::start(&command(arm, &arguments), "");
    second.until("ten records", |out| out.lines().count() >= 10);
    let offsets: Vec<String> = (50..60).map(|offset: u32| offset.to_string()).collect();
    assert_eq!(second.so_far().lines().collect::<Vec<_>>(), offsets);
}

on_both!(
    it_produces_consumes_and_lists,
    it_finds_offsets_by_timestamp,
    it_reads_in_a_group,
);
