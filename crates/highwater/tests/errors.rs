//! What a person gets wrong: each a sentence with what, where and what to do, and nothing is started.

mod support;

use std::fs;
use std::net::TcpListener;

use support::{command, program};
use tempfile::TempDir;

/// Runs with a scenario file of this text.
fn with_file(text: &str) -> (i32, String) {
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("mine.toml");
    fs::write(&file, text).expect("written");
    let out = directory.path().join("out");
    let (code, stdout, stderr) = command(&[
        "run",
        file.to_str().expect("UTF-8"),
        "--out",
        out.to_str().expect("UTF-8"),
    ]);
    assert!(
        !out.join("events.jsonl").exists(),
        "something was started: {stdout}{stderr}"
    );
    (code, stderr)
}

#[test]
fn a_wrong_file_is_shown_at_its_place() {
    let head = "name = \"mine\"\nsummary = \"mine\"\n";
    let cases = [
        (
            "unknown key",
            "[load]\nrecs = 5\n",
            vec!["unknown key `recs`", "mine.toml:4:1", "records"],
        ),
        (
            "wrong type",
            "[topic]\npartitions = \"three\"\n",
            vec!["mine.toml:4:14", "invalid type"],
        ),
        (
            "no unit",
            "[load]\nrate = 1000\n",
            vec!["mine.toml:4:8", "no unit", "1000/s"],
        ),
        (
            "unknown unit",
            "[load]\nduration = \"5 parsecs\"\n",
            vec!["mine.toml:4:12", "5 parsecs", "30s"],
        ),
        (
            "unknown value",
            "[load]\narrival = \"poison\"\n",
            vec![
                "unknown value `poison`",
                "did you mean `poisson`?",
                "mine.toml:4:11",
            ],
        ),
        ("no rate", "[load]\nrate = \"0/s\"\n", vec!["mine.toml:4:8"]),
        (
            "burst longer than its period",
            "[load]\narrival = \"bursts\"\nburst = { rate = \"9/s\", duration = \"9s\", every = \"1s\" }\n",
            vec!["mine.toml:5:9"],
        ),
        (
            "fault after the load",
            "[fault]\nkind = \"broker-kill\"\nafter = \"99s\"\ndown = \"1s\"\n",
            vec!["mine.toml:5:9", "shorter than load.duration"],
        ),
        (
            "unknown metric",
            "thresholds = [\"ack.p96 < 5ms\"]\n",
            vec!["mine.toml:3:16", "ack.p9"],
        ),
        (
            "wrong unit in a limit",
            "thresholds = [\"ack.p95 < 5 MiB\"]\n",
            vec!["mine.toml:3:"],
        ),
        ("not TOML", "[load\n", vec!["mine.toml:3:"]),
        (
            "value too small",
            "[load.values]\nkind = \"fixed\"\nsize = \"5B\"\n",
            vec!["mine.toml:5:8", "36"],
        ),
        (
            "unknown contract",
            "contract = \"exactly-twice\"\n",
            vec!["mine.toml:3:12", "exactly-"],
        ),
        (
            "unknown defect",
            "[broker]\nbugs = [\"ack-before-apend\"]\n",
            vec!["ack-before-append"],
        ),
    ];
    for (name, text, expected) in cases {
        // A top-level key must stand before the first table.
        let (code, shown) = with_file(&format!("{head}{text}"));
        assert_eq!(code, 2, "{name}: {shown}");
        for part in expected {
            assert!(shown.contains(part), "{name}: no `{part}` in\n{shown}");
        }
        assert!(!shown.contains("panicked"), "{name}: {shown}");
    }
}

#[test]
fn wrong_arguments_are_usage_errors_with_a_way_on() {
    let cases: [(&[&str], &str); 12] = [
        (
            &["run", "throughput", "--set", "producer.settings.acks=0"],
            "use producer.acks",
        ),
        (
            &[
                "run",
                "throughput",
                "--set",
                "producer.settings.bootstrap.servers=127.0.0.1:1",
            ],
            "use --target",
        ),
        (
            &["run", "broker-restart", "--set", "fault.down=100000s"],
            "go on longer than the load",
        ),
        (&["run", "broker-restrat"], "did you mean `broker-restart`?"),
        (
            &["run", "kafka-delivery", "--scenario", "stal"],
            "did you mean `stall`?",
        ),
        (&["run", "throughput", "--target", "kafak"], "kafka"),
        (
            &["run", "throughput", "--set", "load.rat=5/s"],
            "did you mean `rate`?",
        ),
        (&["run", "throughput", "--set", "load.rate"], "KEY=VALUE"),
        (&["run", "throughput", "--set", "load.rate=fast"], "1000/s"),
        (&["run", "throughput", "--seed", "xyz"], "hexadecimal"),
        (
            &[
                "run",
                "throughput",
                "--target",
                "kafka",
                "--set",
                "broker.bugs=ack-before-append",
            ],
            "--target dev",
        ),
        (&["show", "nothing"], "highwater list"),
    ];
    for (arguments, expected) in cases {
        let (code, stdout, stderr) = command(arguments);
        assert_eq!(code, 2, "{arguments:?}: {stdout}{stderr}");
        assert!(
            stderr.contains(expected),
            "{arguments:?}: no `{expected}` in\n{stderr}"
        );
    }
}

#[test]
fn an_unreachable_cluster_is_told_before_anything_is_done() {
    // A port that was free a moment ago: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let (code, _, stderr) = command(&[
        "run",
        "throughput",
        "--target",
        &format!("bootstrap:127.0.0.1:{port}"),
    ]);
    assert_eq!(code, 4, "{stderr}");
    assert!(
        stderr.contains(&port.to_string()) && stderr.contains("--target dev"),
        "{stderr}"
    );
}

#[test]
fn a_wrong_file_of_client_properties_is_told_without_its_secrets() {
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("client.properties");
    let secret = "hunter2-5c1e";
    let login = format!("sasl.jaas.config=PlainLoginModule required username=\"u\" password=\"{secret}\";");
    for (name, text, target, expected) in [
        (
            "an unknown key",
            format!("security.protocol=SASL_SSL\nsasl.mechanizm=PLAIN\n{login}"),
            "bootstrap:127.0.0.1:1",
            "line 2: unknown setting `sasl.mechanizm`; did you mean `sasl.mechanism`?",
        ),
        (
            "Kerberos",
            format!("security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI\n{login}"),
            "bootstrap:127.0.0.1:1",
            "sasl.mechanism can be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 here",
        ),
        (
            "a broker of the run",
            "security.protocol=SSL".to_owned(),
            "dev",
            "name a cluster with --target bootstrap:HOST:PORT",
        ),
    ] {
        fs::write(&file, text).expect("written");
        let out = directory.path().join("out");
        let (code, stdout, stderr) = command(&[
            "run",
            "throughput",
            "--target",
            target,
            "--kafka-config",
            file.to_str().expect("UTF-8"),
            "--out",
            out.to_str().expect("UTF-8"),
        ]);
        assert_eq!(code, 2, "{name}: {stdout}{stderr}");
        assert!(stderr.contains(expected), "{name}: {stderr}");
        assert!(
            !stderr.contains(secret) && !stdout.contains(secret),
            "{name}: {stderr}"
        );
        assert!(!out.exists(), "{name}");
    }
}

#[test]
fn an_output_directory_that_cannot_be_used_is_told() {
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("written");
    let (code, _, stderr) = command(&[
        "run",
        "throughput",
        "--out",
        file.join("below").to_str().expect("UTF-8"),
    ]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("--out DIR"), "{stderr}");
    fs::write(directory.path().join("events.jsonl"), "").expect("written");
    let (code, _, stderr) = command(&[
        "run",
        "throughput",
        "--out",
        directory.path().to_str().expect("UTF-8"),
    ]);
    assert!(code == 2 && stderr.contains("already holds a run"), "{stderr}");
    let other = TempDir::new().expect("a temporary directory");
    fs::create_dir_all(other.path().join("target-0/data")).expect("made");
    fs::write(other.path().join("target-0/data/mine.txt"), "precious").expect("written");
    let (code, _, stderr) = command(&[
        "run",
        "throughput",
        "--out",
        other.path().to_str().expect("UTF-8"),
    ]);
    assert!(code == 2 && stderr.contains("not empty"), "{stderr}");
    assert!(other.path().join("target-0/data/mine.txt").exists());
}

#[test]
fn a_taken_port_and_a_locked_directory_stop_the_broker_with_a_sentence() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let directory = TempDir::new().expect("a temporary directory");
    let (code, _, stderr) = command(&[
        "broker",
        "--listen",
        &address,
        "--data-dir",
        directory.path().to_str().expect("UTF-8"),
    ]);
    assert_eq!(code, 4, "{stderr}");
    assert!(stderr.contains(&address), "{stderr}");
}

#[test]
fn missing_java_and_maven_are_told_with_the_command_that_installs_them() {
    let empty = TempDir::new().expect("a temporary directory");
    let out = empty.path().join("out");
    let output = program()
        .env("PATH", empty.path())
        .env_remove("JAVA_HOME")
        .env("XDG_CACHE_HOME", empty.path())
        .args(["run", "throughput", "--target", "kafka", "--out"])
        .arg(&out)
        .output()
        .expect("the program starts");
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{shown}");
    assert!(shown.contains("java") && shown.contains("install"), "{shown}");
}

#[test]
fn what_is_not_a_run_is_told() {
    let directory = TempDir::new().expect("a temporary directory");
    let (code, _, stderr) = command(&["report", directory.path().to_str().expect("UTF-8")]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("not the directory of a run"), "{stderr}");
}

#[test]
fn help_names_and_completions_are_there() {
    let (code, help, _) = command(&["--help"]);
    assert_eq!(code, 0);
    for word in [
        "demo",
        "run",
        "report",
        "list",
        "show",
        "up",
        "down",
        "doctor",
        "broker",
        "Exit codes",
    ] {
        assert!(help.contains(word), "{word}");
    }
    let (_, list, _) = command(&["list"]);
    for name in [
        "demo",
        "throughput",
        "startup",
        "broker-restart",
        "/graceful",
        "stall",
    ] {
        assert!(list.contains(name), "{name}");
    }
    for name in [
        "demo",
        "throughput",
        "startup",
        "broker-restart",
        "stall",
        "metrics",
        "schema",
    ] {
        assert_eq!(command(&["show", name]).0, 0, "{name}");
    }
    assert!(command(&["completions", "bash"]).1.contains("_highwater"));
    assert!(
        command(&["broker", "--bug", "help"])
            .1
            .contains("append-retry-twice")
    );
}
