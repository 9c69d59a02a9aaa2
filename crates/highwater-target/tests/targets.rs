//! Targets that fail to start, and the tie between parent and child; nothing needs to be installed.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use highwater_model::ExitCode;
use highwater_target::{Target, TargetError, TargetOptions, TargetSpec};

const PROBE: &str = env!("CARGO_BIN_EXE_highwater-target-probe");

fn options(dir: &Path) -> TargetOptions {
    TargetOptions {
        dir: dir.join("target"),
        highwater: PathBuf::from(PROBE),
        bugs: Vec::new(),
        kafka_home: None,
        observer: Arc::new(|_| ()),
        interrupted: Arc::new(AtomicBool::new(false)),
    }
}

fn refused(spec: &TargetSpec, options: TargetOptions) -> TargetError {
    match Target::start(spec, options) {
        Ok(_) => panic!("{spec} started"),
        Err(error) => error,
    }
}

#[test]
fn a_cluster_that_is_not_there_is_told_with_address_cause_and_remedy() {
    let dir = tempfile::tempdir().unwrap();
    // Bound and let go: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let error = refused(&TargetSpec::Bootstrap(address.clone()), options(dir.path()));
    assert!(
        error.to_string().contains(&address) && error.to_string().contains("refused"),
        "{error}"
    );
    assert_eq!(error.exit_code(), ExitCode::Infrastructure);
    assert!(error.remedy().is_some());
    assert!(!dir.path().join("target").exists(), "nothing was begun");
}

#[test]
fn an_interrupt_ends_the_wait_for_a_cluster_that_is_silent() {
    let dir = tempfile::tempdir().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = options(dir.path());
    let interrupted = Arc::clone(&options.interrupted);
    let spec = TargetSpec::Bootstrap(silent.local_addr().unwrap().to_string());
    let presser = std::thread::spawn(move || {
        // Accepting means that the question is on its way; it is never answered.
        let connection = silent.accept().unwrap();
        interrupted.store(true, Ordering::Relaxed);
        (Instant::now(), connection)
    });
    let error = refused(&spec, options);
    let ended = Instant::now();
    let (pressed, _connection) = presser.join().unwrap();
    assert_eq!(error.exit_code(), ExitCode::Inconclusive, "{error}");
    assert!(ended.saturating_duration_since(pressed) < Duration::from_secs(1));
}

#[test]
fn bug_switches_are_refused_where_there_are_none() {
    let dir = tempfile::tempdir().unwrap();
    for spec in [TargetSpec::Kafka, TargetSpec::Bootstrap("127.0.0.1:1".to_owned())] {
        let options = TargetOptions {
            bugs: vec!["ack-before-append".to_owned()],
            ..options(dir.path())
        };
        let error = refused(&spec, options);
        assert_eq!(error.exit_code(), ExitCode::Usage, "{error}");
        assert!(error.to_string().contains("ack-before-append"), "{error}");
    }
}

#[test]
fn a_broker_that_ends_at_once_is_told_with_its_last_words() {
    let dir = tempfile::tempdir().unwrap();
    let error = refused(&TargetSpec::Dev, options(dir.path()));
    let text = error.to_string();
    assert!(
        text.contains("exit code 70") && text.contains("there is no broker in this program"),
        "{text}"
    );
    assert_eq!(error.exit_code(), ExitCode::Infrastructure);
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("target"), "a file").unwrap();
    let error = refused(&TargetSpec::Dev, options(dir.path()));
    assert!(error.to_string().contains("target"), "{error}");
    assert!(error.remedy().is_some());
}

#[test]
fn a_home_without_kafka_is_a_mistake_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let options = TargetOptions {
        kafka_home: Some(dir.path().to_owned()),
        ..options(dir.path())
    };
    match refused(&TargetSpec::Kafka, options) {
        // Java is looked for first, and may be what is missing here.
        TargetError::JavaMissing | TargetError::JavaTooOld { .. } => {}
        error => assert_eq!(error.exit_code(), ExitCode::Usage, "{error}"),
    }
}

#[test]
fn a_tied_child_ends_with_the_thread_that_started_it() {
    let starter = std::thread::spawn(|| {
        let parent = std::process::id().to_string();
        let script = "echo up; exec sleep 1000";
        let mut child = Command::new(PROBE)
            .args(["exec-with-parent", "--parent", &parent, "--", "sh", "-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "up\n");
        assert!(
            child.try_wait().unwrap().is_none(),
            "it lives while the thread lives"
        );
        child
    });
    let mut child = starter.join().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn a_child_whose_parent_is_gone_already_does_not_begin() {
    let output = Command::new(PROBE)
        .args(["exec-with-parent", "--parent", "1", "--", "echo", "begun"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(71));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("the parent process 1 is gone"));
}
