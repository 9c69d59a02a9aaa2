//! `highwater proxy` and `highwater faults` as a person types them: the real program between a client and the dev
//! broker.

mod support;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use highwater_wire::Connection;
use kafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};
use serde_json::Value;
use support::foreground::Foreground;
use support::{command, program};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

fn start_proxy(broker: &str, arguments: &[&str]) -> Foreground {
    let target = format!("bootstrap:{broker}");
    Foreground::start(program().args(["proxy", "--target", &target]).args(arguments))
}

fn connect(address: &str) -> Connection {
    let address: SocketAddr = address.parse().expect("an address");
    Connection::open(address, PATIENCE).expect("connected")
}

fn rules(directory: &Path, text: &str) -> String {
    let path = directory.join("rules.toml");
    fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn what_passes_is_counted_written_down_and_told() {
    let directory = TempDir::new().expect("a temporary directory");
    let broker = Foreground::broker(&directory.path().join("data"));
    let history = directory.path().join("app.hwh");
    let rules = rules(
        directory.path(),
        "[[rules]]\nfault = \"reject\"\napi = \"Metadata\"\nerror = \"UNKNOWN_SERVER_ERROR\"\nnth = 2\n",
    );
    let proxy = start_proxy(
        broker.address(),
        &[
            "--rules",
            &rules,
            "--seed",
            "7f",
            "--history",
            history.to_str().expect("UTF-8"),
        ],
    );
    let mut client = connect(proxy.address());
    client.call(&ApiVersionsRequest::default(), 0).expect("an answer");
    let first = client.call(&MetadataRequest::default(), 4).expect("an answer");
    let (told, port) = (first.brokers[0].host.to_string(), first.brokers[0].port);
    assert_ne!(
        format!("{told}:{port}"),
        broker.address(),
        "the broker's own address was given away"
    );
    // Rejected by the rule: Metadata 4 has no place for an error but its topics, of which none was asked for.
    let _ = client.call(&MetadataRequest::default(), 4);
    drop(client);
    let (code, summary, _) = proxy.interrupt();
    assert_eq!(code, 0, "{summary}");
    for part in [
        "stopped",
        "Metadata",
        "ApiVersions",
        "reject",
        "highwater history show",
        "seed      7f",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    assert!(fs::metadata(&history).expect("a history").len() > 0);
    // The port is free again, the history is not written over.
    let again = command(&[
        "proxy",
        "--target",
        &format!("bootstrap:{}", broker.address()),
        "--history",
        history.to_str().expect("UTF-8"),
    ]);
    assert_eq!(again.0, 2, "{}", again.2);
    assert!(again.2.contains("never written over"), "{}", again.2);
}

#[test]
fn a_rule_that_never_fired_is_inconclusive_and_programs_can_read_it() {
    let directory = TempDir::new().expect("a temporary directory");
    let broker = Foreground::broker(&directory.path().join("data"));
    let rules = rules(
        directory.path(),
        "[[rules]]\nname = \"late\"\nfault = \"drop-ack\"\napi = \"EndTxn\"\n",
    );
    let mut proxy = start_proxy(
        broker.address(),
        &["--rules", &rules, "--format", "json", "--for", "1500ms"],
    );
    let ready: Value = serde_json::from_str(&proxy.first).expect("a line of JSON");
    let mut client = connect(ready["ready"].as_str().expect("an address"));
    client.call(&ApiVersionsRequest::default(), 0).expect("an answer");
    let (code, rest, live) = proxy.finish();
    assert_eq!(code, 5, "{rest}{live}");
    let summary: Value = serde_json::from_str(&rest).expect("a line of JSON");
    assert_eq!(summary["ending"], "inconclusive");
    assert_eq!(summary["rules"][0]["name"], "late");
    assert_eq!(summary["rules"][0]["fired"], 0);
    assert!(
        summary["problems"][0]
            .as_str()
            .expect("a problem")
            .contains("late")
    );
    assert!(live.contains("requests"), "one line a second: {live}");
}

#[test]
fn what_is_wrong_is_said_before_anything_passes() {
    let directory = TempDir::new().expect("a temporary directory");
    let broker = Foreground::broker(&directory.path().join("data"));
    let target = format!("bootstrap:{}", broker.address());
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken_address = taken.local_addr().expect("bound").to_string();
    let free = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("bootstrap:{}", listener.local_addr().expect("bound"))
    };
    let wrong = rules(directory.path(), "[[rules]]\nfault = \"drop-akc\"\n");
    let cases: [(&str, Vec<&str>, i32, Vec<&str>); 6] = [
        (
            "two on one port",
            vec!["--target", &target, "--listen", &taken_address],
            4,
            vec!["can't listen", "--listen"],
        ),
        (
            "nobody there",
            vec!["--target", &free],
            4,
            vec!["no connection to the cluster", "--target"],
        ),
        (
            "not a cluster",
            vec!["--target", "dev"],
            2,
            vec!["runs already", "highwater broker"],
        ),
        ("no target", vec![], 2, vec!["--target"]),
        (
            "wrong rule",
            vec!["--target", &target, "--rules", &wrong],
            2,
            vec!["drop-akc", "rules.toml:2:9", "drop-ack"],
        ),
        (
            "no rules",
            vec!["--target", &target, "--rules", "nowhere.toml"],
            2,
            vec!["nowhere.toml", "highwater faults"],
        ),
    ];
    for (name, arguments, expected, parts) in cases {
        let (code, stdout, stderr) = command(&[vec!["proxy"], arguments].concat());
        assert_eq!(code, expected, "{name}: {stdout}{stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{name}: {part}: {stderr}");
        }
    }
}

#[test]
fn every_fault_is_listed_with_an_example() {
    let (code, list, _) = command(&["faults"]);
    assert_eq!(code, 0);
    let (_, json, _) = command(&["faults", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let faults = json["faults"].as_array().expect("a list");
    assert!(faults.len() >= 15, "{}", faults.len());
    for fault in faults {
        let name = fault["name"].as_str().expect("a name");
        assert!(list.contains(&format!("\n{name}  (")), "{name}");
        let (code, one, _) = command(&["faults", name]);
        assert_eq!(code, 0, "{name}");
        for key in ["transactional_id", "probability", "first_sequence"] {
            assert!(one.contains(key), "{name}: {key}");
        }
    }
    let (code, _, stderr) = command(&["faults", "drop"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("drop-ack"), "{stderr}");
}
