//! Runs the real program and reads what it left behind.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "every test binary uses another part"
)]

pub mod foreground;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Runs that measure have the machine to themselves.
static MACHINE: RwLock<()> = RwLock::new(());
/// Runs that mostly wait share it, two at a time.
static HALVES: [Mutex<()>; 2] = [const { Mutex::new(()) }; 2];

/// A run of the program that has ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub report: Value,
    pub directory: TempDir,
}

impl Ran {
    /// The one scenario of the run.
    pub fn scenario(&self) -> &Value {
        &self.report["scenarios"][0]
    }

    /// What to show when an expectation fails.
    pub fn story(&self) -> String {
        format!("exit {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }

    pub fn records(&self, what: &str) -> u64 {
        self.scenario()["records"][what]
            .as_u64()
            .unwrap_or_else(|| panic!("no records.{what}: {}", self.story()))
    }

    /// Partition and offset of every record with an anomaly of this name, from `anomalies.jsonl`.
    pub fn anomalies(&self, name: &str) -> BTreeSet<(i64, i64)> {
        let text = fs::read_to_string(self.directory.path().join("anomalies.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("a line of anomalies.jsonl"))
            .filter(|line| line["anomaly"] == name)
            .map(|line| {
                (
                    line["partition"].as_i64().expect("partition"),
                    line["offset"].as_i64().expect("offset"),
                )
            })
            .collect()
    }
}

/// The program with a clean environment.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("HIGHWATER_")) {
        command.env_remove(key);
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// The machine, for as long as the guard lives.
pub fn machine() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// Half of the machine, for as long as the guards live: for runs that measure nothing and wait most of their time.
pub fn half_of_the_machine() -> (MutexGuard<'static, ()>, RwLockReadGuard<'static, ()>) {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let half = HALVES[turn % HALVES.len()].lock();
    let machine = MACHINE.read();
    (
        half.unwrap_or_else(PoisonError::into_inner),
        machine.unwrap_or_else(PoisonError::into_inner),
    )
}

/// Runs `highwater run` with these arguments, alone on the machine, and reads its report.
pub fn run(arguments: &[&str]) -> Ran {
    let _alone = machine();
    let directory = TempDir::new().expect("a temporary directory");
    let output = program()
        .arg("run")
        .args(arguments)
        .arg("--out")
        .arg(directory.path())
        .output()
        .expect("the program starts");
    finished(&output, directory)
}

pub fn finished(output: &Output, directory: TempDir) -> Ran {
    let report = fs::read_to_string(directory.path().join("report.json")).ok();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        report: report.map_or(Value::Null, |text| {
            serde_json::from_str(&text).expect("report.json is JSON")
        }),
        directory,
    }
}

/// Runs a command that is no run: its code, standard output and standard error.
pub fn command(arguments: &[&str]) -> (i32, String, String) {
    let output = program().args(arguments).output().expect("the program starts");
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Starts a run and leaves it running.
pub fn start(arguments: &[&str], directory: &Path) -> Child {
    program()
        .args(arguments)
        .arg("--out")
        .arg(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

/// Waits until something is so; panics with a word about it if it takes longer than the limit.
pub fn until(what: &str, limit: Duration, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !so() {
        assert!(Instant::now() < end, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Events of a run so far; a line that is being written is left out.
fn events(directory: &Path) -> Vec<Value> {
    let text = fs::read_to_string(directory.join("events.jsonl")).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Records acknowledged so far, as the last tick says.
pub fn acknowledged(directory: &Path) -> u64 {
    let events = events(directory);
    let tick = events.iter().rfind(|event| event["event"] == "tick");
    tick.and_then(|tick| tick["acknowledged"].as_u64()).unwrap_or(0)
}

/// Process ids that the target of a run told of.
pub fn target_pids(directory: &Path) -> Vec<u32> {
    let pids: BTreeSet<u32> = events(directory)
        .iter()
        .filter(|event| event["event"] == "process")
        .filter_map(|event| u32::try_from(event["pid"].as_u64()?).ok())
        .collect();
    pids.into_iter().collect()
}

/// Whether a process is there and is no zombie.
pub fn alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

/// Finds a file below a directory.
pub fn find(directory: &Path, name: &str) -> Option<PathBuf> {
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.file_name().is_some_and(|file| file == name) {
                return Some(path);
            }
        }
    }
    None
}

/// An example program of this project.
pub fn example(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_highwater"));
    let found = program.with_file_name("examples").join(name);
    assert!(
        found.exists(),
        "{} is missing: `cargo build -p highwater --example {name}` builds it, and so does a test of all",
        found.display()
    );
    found
}

/// Asks a child to end with SIGTERM, and waits for that.
#[track_caller]
pub fn terminated(child: &mut Child, patience: Duration) -> ExitStatus {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(sent.expect("kill runs").success());
    let end = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        if Instant::now() > end {
            child.kill().expect("it is killed");
            panic!("it did not end within {patience:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
