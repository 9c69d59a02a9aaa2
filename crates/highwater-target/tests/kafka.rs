//! Apache Kafka really started, broken and started again. Without Java, or without Maven and a filled cache,
//! these tests are skipped and say so; with `HIGHWATER_REQUIRE_KAFKA=1` they fail instead.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use highwater_model::ProcessState;
use highwater_target::{
    FindingState, KAFKA_VERSION, Sampler, Target, TargetError, TargetEvent, TargetOptions, TargetSpec,
    examine,
};

const PROBE: &str = env!("CARGO_BIN_EXE_highwater-target-probe");
/// For things that the kernel does at once, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn can_run_kafka(test: &str) -> bool {
    let findings = examine();
    let present = |name: &str| {
        findings
            .iter()
            .any(|one| one.name == name && one.state == FindingState::Present)
    };
    let can = present("Java") && (present("Apache Kafka") || present("Maven"));
    if !can {
        assert!(
            std::env::var_os("HIGHWATER_REQUIRE_KAFKA").is_none(),
            "{test}: Java or Maven is missing"
        );
        eprintln!("skipped: {test}: Java or Maven is missing");
    }
    can
}

fn exists(pid: u32) -> bool {
    let stat = procfs::process::Process::new(pid as i32).and_then(|process| process.stat());
    stat.is_ok_and(|stat| stat.state != 'Z')
}

fn await_gone(pid: u32) {
    let end = Instant::now() + PATIENCE;
    while exists(pid) {
        assert!(Instant::now() < end, "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn options(dir: &Path, states: &Arc<Mutex<Vec<ProcessState>>>) -> TargetOptions {
    let states = Arc::clone(states);
    TargetOptions {
        dir: dir.join("target"),
        highwater: PathBuf::from(PROBE),
        bugs: Vec::new(),
        kafka_home: None,
        observer: Arc::new(move |event| {
            eprintln!("{event:?}");
            if let TargetEvent::Process { state, .. } = event {
                states.lock().unwrap_or_else(PoisonError::into_inner).push(state);
            }
        }),
        interrupted: Arc::new(AtomicBool::new(false)),
    }
}

#[test]
fn kafka_lives_through_a_pause_a_stop_and_a_kill_on_the_same_address() {
    if !can_run_kafka("kafka_lives_through_a_pause_a_stop_and_a_kill_on_the_same_address") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let states = Arc::default();
    let mut target = Target::start(&TargetSpec::Kafka, options(dir.path(), &states)).unwrap();
    let bootstrap = target.bootstrap().to_owned();
    assert_eq!(target.description(), format!("Apache Kafka {KAFKA_VERSION}"));
    assert!(target.can_fault() && target.died().is_none());
    let first = target.processes();
    assert_eq!(first.len(), 1);
    let sample = Sampler::new().sample(&first, 0);
    assert!(sample[0].resident_bytes > 64 << 20, "{sample:?}");

    assert!(target.pause().unwrap().proof.contains("state T"));
    assert!(matches!(target.pause(), Err(TargetError::WrongState { .. })));
    target.resume().unwrap();
    assert!(matches!(
        target.start_again(),
        Err(TargetError::WrongState { .. })
    ));

    let stopped = target.stop(Duration::from_secs(60)).unwrap();
    assert_eq!(stopped.code, Some(143), "{}", stopped.proof);
    assert!(target.processes().is_empty() && !exists(first[0].pid));
    assert!(matches!(target.kill(), Err(TargetError::WrongState { .. })));
    let again = target.start_again().unwrap();
    assert!(again.ready_at > again.spawned_at);

    assert_eq!(target.kill().unwrap().signal, Some(9));
    target.start_again().unwrap();
    let attached = TargetSpec::Bootstrap(bootstrap.clone());
    let other = Target::start(&attached, options(&dir.path().join("other"), &Arc::default())).unwrap();
    assert_eq!(other.description(), format!("cluster at {bootstrap} (1 broker)"));
    assert!(!other.can_fault());
    drop(other);

    let pid = target.processes()[0].pid;
    let killer = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .unwrap();
    assert!(killer.success());
    let end = Instant::now() + PATIENCE;
    let story = loop {
        if let Some(story) = target.died() {
            break story;
        }
        assert!(Instant::now() < end, "its death was not noticed");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(
        story.contains("signal 9") && story.contains("kafka.log"),
        "{story}"
    );
    assert!(matches!(target.kill(), Err(TargetError::Died { .. })));
    assert_eq!(target.bootstrap(), bootstrap);
    target.shutdown();

    use ProcessState::{Died, Killed, Paused, Ready, Resumed, Starting, Stopped, Stopping};
    let mut seen = states.lock().unwrap().clone();
    seen.retain(|state| *state != ProcessState::Installing);
    let expected = [
        Starting, Ready, Paused, Resumed, Stopping, Stopped, Starting, Ready, Killed, Starting, Ready, Died,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn kafka_ends_when_highwater_is_killed_with_sigkill() {
    if !can_run_kafka("kafka_ends_when_highwater_is_killed_with_sigkill") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut holder = Command::new(PROBE)
        .arg("hold-kafka")
        .arg(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let broker: u32 = line.trim().parse().unwrap();
    assert!(exists(broker));
    holder.kill().unwrap();
    holder.wait().unwrap();
    await_gone(broker);
}

#[test]
fn a_cluster_that_stays_is_found_again_and_ended() {
    if !can_run_kafka("a_cluster_that_stays_is_found_again_and_ended") {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let command = |what: &str| {
        let output = Command::new(PROBE)
            .arg(what)
            .env("XDG_STATE_HOME", state.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{what}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(command("down"), "nothing\n");
    let up = command("up");
    let (first, told) = up.split_once(' ').unwrap();
    assert_eq!(told, "started\n");
    assert!(
        exists(first.parse().unwrap()),
        "it outlives the command that started it"
    );
    assert_eq!(command("up"), format!("{first} runs already\n"));
    assert_eq!(command("running"), format!("{first}\n"));
    assert_eq!(command("down"), format!("{first} ended\n"));
    await_gone(first.parse().unwrap());
    assert_eq!(command("running"), "");
    assert_eq!(command("down"), "nothing\n");
}
