//! A cluster that is there: what it lacks is told before anything is made, and what a run made in it is gone afterwards.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rustix::process::{Pid, Signal, kill_process};
use support::{acknowledged, machine, program, start, until};
use tempfile::TempDir;

/// A dev broker that no run started.
struct Broker {
    child: Child,
    address: String,
    _data: TempDir,
}

impl Broker {
    fn start() -> Self {
        let data = TempDir::new().unwrap();
        let mut child = program()
            .args(["broker", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut first).unwrap();
        Self {
            child,
            address: first.trim().strip_prefix("ready ").unwrap().to_owned(),
            _data: data,
        }
    }

    fn target(&self) -> String {
        format!("bootstrap:{}", self.address)
    }

    /// Names of topics and groups of runs.
    fn keeps(&self) -> (Vec<String>, Vec<String>) {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .create()
            .unwrap();
        let limit = Duration::from_secs(10);
        let metadata = client.fetch_metadata(None, limit).unwrap();
        let topics = metadata.topics().iter().map(|topic| topic.name().to_owned());
        let groups = client.fetch_group_list(None, limit).unwrap();
        let groups = groups.groups().iter().map(|group| group.name().to_owned());
        let own = |name: &String| name.starts_with("highwater-");
        (topics.filter(own).collect(), groups.filter(own).collect())
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Code and everything that was said.
fn said(arguments: &[&str]) -> (i32, String) {
    let out = TempDir::new().unwrap();
    let output = program()
        .arg("run")
        .args(arguments)
        .arg("--out")
        .arg(out.path())
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

const THREE_GROUPS: [&str; 7] = [
    "kafka-delivery",
    "--scenario",
    "multiple-consumer-groups",
    "--set",
    "load.rate=200/s",
    "--set",
    "warm_up.limit=1s",
];

#[test]
fn more_copies_than_brokers_are_refused_before_anything_is_made() {
    let broker = Broker::start();
    let (code, text) = said(&[
        "throughput",
        "--target",
        &broker.target(),
        "--set",
        "topic.replication=3",
    ]);
    assert_eq!(code, 2, "{text}");
    for part in [
        "3 copies of each partition need 3 brokers",
        "has 1 broker",
        "--set topic.replication=1",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert_eq!(broker.keeps(), (Vec::new(), Vec::new()));
}

#[test]
fn a_cluster_that_is_too_old_is_told_with_what_it_lacks() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Answers one question: ApiVersions, with Metadata up to version 5 and nothing else.
    let old = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut request = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut request).unwrap();
        let mut answer = 16_u32.to_be_bytes().to_vec();
        answer.extend(&request[4..8]);
        answer.extend([0, 0, 0, 0, 0, 1, 0, 3, 0, 0, 0, 5]);
        stream.write_all(&answer).unwrap();
    });
    let (code, text) = said(&["throughput", "--target", &format!("bootstrap:{address}")]);
    old.join().unwrap();
    assert_eq!(code, 4, "{text}");
    for part in [
        "Metadata only up to version 5",
        "version 9 is needed, which Kafka 2.4 and newer speak",
        "upgrade the brokers",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

#[test]
fn an_interrupted_run_leaves_neither_topic_nor_group() {
    let _alone = machine();
    let broker = Broker::start();
    let out = TempDir::new().unwrap();
    let target = broker.target();
    let child = start(
        &[&["run", "--target", &target], THREE_GROUPS.as_slice()].concat(),
        out.path(),
    );
    until("records are acknowledged", Duration::from_secs(60), || {
        acknowledged(out.path()) > 100
    });
    let (topics, groups) = broker.keeps();
    assert_eq!((topics.len(), groups.len()), (1, 3), "{topics:?} {groups:?}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(5),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(broker.keeps(), (Vec::new(), Vec::new()));
}

#[test]
fn a_run_that_failed_leaves_neither_topic_nor_group() {
    let _alone = machine();
    let broker = Broker::start();
    let (code, text) = said(&[
        "kafka-delivery",
        "--scenario",
        "broker-restart/graceful",
        "--target",
        &broker.target(),
        "--hook",
        "broker.restart=exit 3",
        "--set",
        "load.duration=8s",
        "--set",
        "load.rate=200/s",
        "--set",
        "load.consumers=1",
        "--set",
        "warm_up.limit=1s",
        "--set",
        "fault.after=3s",
        "--set",
        "fault.down=1s",
    ]);
    assert_eq!(code, 4, "{text}");
    assert_eq!(broker.keeps(), (Vec::new(), Vec::new()), "{text}");
}
