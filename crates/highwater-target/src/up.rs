//! Apache Kafka that stays: started by one command, ended by another.
//!
//! Invariant: a process is signalled only if its pid, its start time and the boot of the machine are those
//! that were written down; a pid that was given to another process is left alone. The data stay on the
//! disk and are used by the next [`up_kafka`].

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use highwater_model::ProcessState;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::child::Process;
use crate::cluster::{THREE, WITHOUT_MAJORITY_LIMIT};
use crate::error::TargetError;
use crate::kafka::{KafkaNode, KafkaOptions, Site};
use crate::keeper::Keeper;
use crate::node::{Plan, Start};
use crate::observer::{Observer, tell};
use crate::patience::wait_until;
use crate::places::Places;
use crate::port;
use crate::rising::{Riser, Rising, await_all};

/// Where people look for Kafka first.
const USUAL_PORT: u16 = 9092;
/// Controlled shutdown takes a second or two; a broker with much to flush takes longer.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// After SIGKILL only the kernel has something to do.
const KILL_LIMIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(10);
/// What can be up, each at most once: the name of its folder and state file, and how many nodes it has.
const KINDS: [(&str, usize); 2] = [("kafka", 1), ("kafka-3", THREE)];

/// What [`up_kafka`] needs to know.
#[derive(Clone)]
pub struct UpOptions {
    /// The `highwater` executable.
    pub highwater: PathBuf,
    /// An installed distribution; none: fetched once.
    pub kafka_home: Option<PathBuf>,
    /// The port for clients, of the first node; none: 9092 if it is free, another one otherwise. Further nodes
    /// take the ports after it, where those are free.
    pub port: Option<u16>,
    /// Three nodes instead of one.
    pub three: bool,
    /// Is told of every change of state.
    pub observer: Observer,
    /// Set when it is to be given up.
    pub interrupted: Arc<AtomicBool>,
}

/// A cluster that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpInfo {
    /// `HOST:PORT` for clients; of every node, separated by commas.
    pub bootstrap: String,
    /// Pids of the nodes.
    pub pids: Vec<u32>,
    /// Its folder, with settings and data.
    pub dir: PathBuf,
    /// The logs of the nodes.
    pub logs: Vec<PathBuf>,
    /// What it is, e.g. `Apache Kafka 4.3.1`.
    pub description: String,
    /// True if it was running before it was asked for.
    #[serde(skip)]
    pub already_running: bool,
}

/// A cluster that was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// What it was, e.g. `Apache Kafka 4.3.1`.
    pub description: String,
    /// Where it listened.
    pub bootstrap: String,
    /// The pids of the nodes that still ran.
    pub pids: Vec<u32>,
    /// Its folder; the data are still there.
    pub dir: PathBuf,
    /// True if any of them had to be killed.
    pub killed: bool,
}

/// What is written down: enough to recognise the very same processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    info: UpInfo,
    /// Start of each process in clock ticks since the boot (`/proc/PID/stat`, field 22).
    started_ticks: Vec<u64>,
    /// The boot that those count from.
    boot_id: String,
}

/// Starts Apache Kafka so that it stays; if it runs already, says so.
///
/// # Errors
/// [`TargetError`]; then nothing is left running.
pub fn up_kafka(options: &UpOptions) -> Result<UpInfo, TargetError> {
    up_at(options, &Places::from_environment())
}

/// The clusters of [`up_kafka`] that run.
#[must_use]
pub fn running() -> Vec<UpInfo> {
    let state = Places::from_environment().state;
    let records = KINDS.iter().filter_map(|(kind, _)| alive(&state, kind));
    records.map(|record| record.info).collect()
}

/// Ends the clusters of [`up_kafka`]; empty if there was nothing to end. Their data stay.
///
/// # Errors
/// [`TargetError::NotProven`] if one does not end even after SIGKILL.
pub fn down() -> Result<Vec<Stopped>, TargetError> {
    let state = Places::from_environment().state;
    let ended = KINDS
        .iter()
        .filter_map(|(kind, _)| down_at(&state, kind).transpose());
    ended.collect()
}

fn up_at(options: &UpOptions, places: &Places) -> Result<UpInfo, TargetError> {
    let (kind, nodes) = KINDS[usize::from(options.three)];
    let dir = places.state.join(kind);
    fs::create_dir_all(&dir).map_err(TargetError::file("create", &dir))?;
    let lock_path = places.state.join("kafka.lock");
    let lock = fs::File::create(&lock_path).map_err(TargetError::file("create", &lock_path))?;
    // Two at the same time: the second waits and then finds it running.
    lock.lock().map_err(TargetError::file("lock", &lock_path))?;
    if let Some(record) = alive(&places.state, kind) {
        return Ok(UpInfo {
            already_running: true,
            ..record.info
        });
    }
    if let Some(port) = options.port.filter(|port| port::is_taken(*port)) {
        return Err(TargetError::PortTaken { port });
    }
    let first = options.port.unwrap_or(USUAL_PORT);
    let ports = (0..nodes).map(|at| {
        let port = u16::try_from(at).ok().and_then(|at| first.checked_add(at))?;
        Some(port).filter(|port| !port::is_taken(*port))
    });
    start(options, places, kind, &ports.collect::<Vec<_>>())
}

fn start(
    options: &UpOptions,
    places: &Places,
    kind: &str,
    client_ports: &[Option<u16>],
) -> Result<UpInfo, TargetError> {
    let dir = places.state.join(kind);
    let keeper = Keeper::start().map_err(TargetError::file("start a thread for", &dir))?;
    let site = Site {
        keeper: &keeper,
        highwater: &options.highwater,
        kafka_home: options.kafka_home.as_deref(),
        cache: places.cache.clone(),
        observer: &options.observer,
        interrupted: &options.interrupted,
    };
    let wishes = KafkaOptions::default();
    let mut nodes = match client_ports {
        [one] => vec![KafkaNode::alone(&site, &dir, *one, &wishes)?],
        several => KafkaNode::several(&site, &dir, several, &wishes)?,
    };
    let mut processes = Vec::new();
    for node in &mut nodes {
        // There may be data of an earlier one, and how that ended is not known.
        let command = node.free_command(Start::Again)?;
        let process = Process::start(&keeper, node.name(), command, node.log())?;
        let detail = format!("listens on {} when ready", node.address());
        let state = ProcessState::Starting;
        tell(
            &options.observer,
            node.name(),
            Some(process.pid()),
            state,
            &detail,
        );
        processes.push(process);
    }
    let mut risers = Vec::new();
    for (plan, process) in nodes.iter().zip(&mut processes) {
        let rising = Rising::begin(plan, nodes.len())?;
        risers.push(Riser {
            plan,
            process,
            rising,
        });
    }
    await_all(&mut risers, &options.interrupted)?;
    drop(risers);
    let info = info(&dir, &nodes, &processes);
    write_down(&places.state, kind, &info)?;
    for (node, process) in nodes.iter().zip(processes) {
        let (pid, address) = (process.pid(), node.address().to_string());
        process.leave();
        let state = ProcessState::Ready;
        tell(&options.observer, node.name(), Some(pid), state, &address);
    }
    Ok(info)
}

fn info(dir: &Path, nodes: &[KafkaNode], processes: &[Process]) -> UpInfo {
    let addresses = nodes.iter().map(|node| node.address().to_string());
    let what = nodes.first().map(Plan::description).unwrap_or_default();
    UpInfo {
        bootstrap: addresses.collect::<Vec<_>>().join(","),
        pids: processes.iter().map(Process::pid).collect(),
        dir: dir.to_owned(),
        logs: nodes.iter().map(|node| node.log().to_owned()).collect(),
        description: match nodes.len() {
            1 => what,
            more => format!("{what}, {more} nodes"),
        },
        already_running: false,
    }
}

fn down_at(state: &Path, kind: &str) -> Result<Option<Stopped>, TargetError> {
    let Some(record) = alive(state, kind) else {
        // A record of something that is gone is of no use to anybody.
        return remove(state, kind).map(|()| None);
    };
    let failed = |errno: rustix::io::Errno| TargetError::Process {
        action: "stop",
        process: record.info.description.clone(),
        source: errno.into(),
    };
    // The command can be interrupted like any other; that leaves everything as it should be.
    let calm = AtomicBool::new(false);
    let gone = |limit| {
        wait_until("Apache Kafka to end", LOOK, limit, &calm, || {
            Ok(pids_alive(&record).is_empty().then_some(()))
        })
    };
    let pids = pids_alive(&record);
    let mut handles = Vec::new();
    for raw in &pids {
        let pid = i32::try_from(*raw).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| failed(rustix::io::Errno::SRCH))?;
        match pidfd_open(pid, PidfdFlags::empty()) {
            // The handle can't go over to another process; that it names the right one is looked at after
            // taking it.
            Ok(handle) => handles.push((*raw, handle)),
            Err(rustix::io::Errno::SRCH) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    signal_alive(&record, &handles, Signal::TERM);
    // One whose cluster has lost its majority waits for it in vain.
    let most = wait_until("most of Apache Kafka to end", LOOK, STOP_LIMIT, &calm, || {
        let left = pids_alive(&record).len();
        Ok((2 * left < record.info.pids.len()).then_some(()))
    })?;
    let killed = most.is_none() || gone(WITHOUT_MAJORITY_LIMIT)?.is_none();
    if killed {
        signal_alive(&record, &handles, Signal::KILL);
        gone(KILL_LIMIT)?.ok_or_else(|| TargetError::NotProven {
            process: record.info.description.clone(),
            expected: "ended",
            limit: KILL_LIMIT,
            seen: format!(
                "processes {:?} are still there after SIGKILL",
                pids_alive(&record)
            ),
        })?;
    }
    remove(state, kind)?;
    let UpInfo {
        description,
        bootstrap,
        dir,
        ..
    } = record.info;
    Ok(Some(Stopped {
        description,
        bootstrap,
        pids,
        dir,
        killed,
    }))
}

/// A process may end by itself in this moment; that it ends is what is wanted.
fn signal_alive(record: &Record, handles: &[(u32, OwnedFd)], signal: Signal) {
    let alive = pids_alive(record);
    for (_, handle) in handles.iter().filter(|(pid, _)| alive.contains(pid)) {
        let _ = pidfd_send_signal(handle, signal);
    }
}

/// What was written down, if any process of it lives.
fn alive(state: &Path, kind: &str) -> Option<Record> {
    let text = fs::read_to_string(state_file(state, kind)).ok()?;
    let record = serde_json::from_str(&text).ok();
    record.filter(|record| !pids_alive(record).is_empty())
}

fn state_file(state: &Path, kind: &str) -> PathBuf {
    state.join(format!("{kind}.json"))
}

fn pids_alive(record: &Record) -> Vec<u32> {
    if boot_id() != record.boot_id {
        return Vec::new();
    }
    let known = record.info.pids.iter().zip(&record.started_ticks);
    known
        .filter(|(pid, ticks)| start_time(**pid) == Some(**ticks))
        .map(|(pid, _)| *pid)
        .collect()
}

/// When a process started, in ticks since the boot; none if it is gone or only waits to be reaped.
fn start_time(pid: u32) -> Option<u64> {
    let process = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?;
    process
        .stat()
        .ok()
        .filter(|stat| !matches!(stat.state, 'Z' | 'X'))
        .map(|stat| stat.starttime)
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn write_down(state: &Path, kind: &str, info: &UpInfo) -> Result<(), TargetError> {
    let path = state_file(state, kind);
    let failed = |source| TargetError::file("write", &path)(source);
    let started: Option<Vec<u64>> = info.pids.iter().map(|pid| start_time(*pid)).collect();
    let record = Record {
        info: info.clone(),
        started_ticks: started.ok_or_else(|| failed(io::Error::other("a broker is gone already")))?,
        boot_id: boot_id(),
    };
    let text = serde_json::to_string_pretty(&record).map_err(|error| failed(error.into()))?;
    // Moved into place, so that nobody ever reads half of it.
    let part = path.with_extension("part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, &path))
        .map_err(failed)
}

fn remove(state: &Path, kind: &str) -> Result<(), TargetError> {
    let path = state_file(state, kind);
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(TargetError::file("remove", path)(source))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(pid: u32) -> UpInfo {
        UpInfo {
            bootstrap: "127.0.0.1:9092".to_owned(),
            pids: vec![pid],
            dir: PathBuf::from("/d"),
            logs: vec![PathBuf::from("/d/kafka.log")],
            description: "Apache Kafka 4.3.1".to_owned(),
            already_running: false,
        }
    }

    #[test]
    fn a_record_names_one_process_and_no_later_one_with_its_pid() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(alive(state.path(), "kafka"), None, "nothing written down");
        write_down(state.path(), "kafka", &up(std::process::id())).unwrap();
        let record = alive(state.path(), "kafka").unwrap();
        assert_eq!(record.info, up(std::process::id()));
        for (name, changed) in [
            (
                "start time",
                Record {
                    started_ticks: vec![record.started_ticks[0] + 1],
                    ..record.clone()
                },
            ),
            (
                "boot",
                Record {
                    boot_id: "another".to_owned(),
                    ..record.clone()
                },
            ),
            (
                "pid",
                Record {
                    info: up(i32::MAX as u32),
                    ..record
                },
            ),
        ] {
            fs::write(
                state_file(state.path(), "kafka"),
                serde_json::to_string(&changed).unwrap(),
            )
            .unwrap();
            assert_eq!(alive(state.path(), "kafka"), None, "{name}");
        }
    }

    #[test]
    fn nothing_to_end_is_no_error_and_a_stale_or_broken_record_goes_away() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(down_at(state.path(), "kafka").unwrap(), None);
        fs::write(state_file(state.path(), "kafka"), "{ half").unwrap();
        assert_eq!(down_at(state.path(), "kafka").unwrap(), None);
        assert!(!state_file(state.path(), "kafka").exists());
    }
}
