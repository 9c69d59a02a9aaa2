//! Apache Kafka that stays: started by one command, ended by another.
//!
//! Invariant: a process is signalled only if its pid, its start time and the boot of the machine are those
//! that were written down; a pid that was given to another process is left alone. The data stay on the
//! disk and are used by the next [`up_kafka`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use highwater_model::ProcessState;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::child::Process;
use crate::error::TargetError;
use crate::kafka::{KafkaNode, Site};
use crate::keeper::Keeper;
use crate::node::{Plan, Start, await_ready};
use crate::observer::{Observer, tell};
use crate::patience::wait_until;
use crate::places::Places;
use crate::port;

/// Where people look for Kafka first.
const USUAL_PORT: u16 = 9092;
/// Controlled shutdown takes a second or two; a broker with much to flush takes longer.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// After SIGKILL only the kernel has something to do.
const KILL_LIMIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(10);
const STATE_FILE: &str = "kafka.json";

/// What [`up_kafka`] needs to know.
#[derive(Clone)]
pub struct UpOptions {
    /// The `highwater` executable.
    pub highwater: PathBuf,
    /// An installed distribution; none: fetched once.
    pub kafka_home: Option<PathBuf>,
    /// The port for clients; none: 9092 if it is free, another one otherwise.
    pub port: Option<u16>,
    /// Is told of every change of state.
    pub observer: Observer,
    /// Set when it is to be given up.
    pub interrupted: Arc<AtomicBool>,
}

/// A cluster that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpInfo {
    /// `HOST:PORT` for clients.
    pub bootstrap: String,
    /// Pid of the broker.
    pub pid: u32,
    /// Its folder, with settings and data.
    pub dir: PathBuf,
    /// Its log.
    pub log: PathBuf,
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
    /// The pid that it had.
    pub pid: u32,
    /// Its folder; the data are still there.
    pub dir: PathBuf,
    /// True if it had to be killed.
    pub killed: bool,
}

/// What is written down: enough to recognise the very same process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    info: UpInfo,
    /// Start of the process in clock ticks since the boot (`/proc/PID/stat`, field 22).
    started_ticks: u64,
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
    alive(&Places::from_environment().state)
        .map(|record| record.info)
        .into_iter()
        .collect()
}

/// Ends the clusters of [`up_kafka`]; empty if there was nothing to end. Their data stay.
///
/// # Errors
/// [`TargetError::NotProven`] if one does not end even after SIGKILL.
pub fn down() -> Result<Vec<Stopped>, TargetError> {
    down_at(&Places::from_environment().state)
}

fn up_at(options: &UpOptions, places: &Places) -> Result<UpInfo, TargetError> {
    let dir = places.state.join("kafka");
    fs::create_dir_all(&dir).map_err(TargetError::file("create", &dir))?;
    let lock_path = places.state.join("kafka.lock");
    let lock = fs::File::create(&lock_path).map_err(TargetError::file("create", &lock_path))?;
    // Two at the same time: the second waits and then finds it running.
    lock.lock().map_err(TargetError::file("lock", &lock_path))?;
    if let Some(record) = alive(&places.state) {
        return Ok(UpInfo {
            already_running: true,
            ..record.info
        });
    }
    let client_port = match options.port {
        Some(port) if port::is_taken(port) => return Err(TargetError::PortTaken { port }),
        Some(port) => Some(port),
        None => Some(USUAL_PORT).filter(|port| !port::is_taken(*port)),
    };
    start(options, places, &dir, client_port)
}

fn start(
    options: &UpOptions,
    places: &Places,
    dir: &Path,
    client_port: Option<u16>,
) -> Result<UpInfo, TargetError> {
    let keeper = Keeper::start().map_err(TargetError::file("start a thread for", dir))?;
    let site = Site {
        keeper: &keeper,
        highwater: &options.highwater,
        kafka_home: options.kafka_home.as_deref(),
        cache: &places.cache,
        observer: &options.observer,
        interrupted: &options.interrupted,
    };
    let mut node = KafkaNode::prepare_at(&site, dir, client_port)?;
    // There may be data of an earlier one, and how that ended is not known.
    let command = node.free_command(Start::Again)?;
    let mut process = Process::start(&keeper, node.name(), command, node.log())?;
    let (pid, address) = (process.pid(), node.address());
    tell(
        &options.observer,
        node.name(),
        Some(pid),
        ProcessState::Starting,
        &format!("listens on {address} when ready"),
    );
    await_ready(&node, &mut process, &options.interrupted)?;
    let info = UpInfo {
        bootstrap: address.to_string(),
        pid,
        dir: dir.to_owned(),
        log: node.log().to_owned(),
        description: node.description(),
        already_running: false,
    };
    write_down(&places.state, &info)?;
    process.leave();
    tell(
        &options.observer,
        node.name(),
        Some(pid),
        ProcessState::Ready,
        &address.to_string(),
    );
    Ok(info)
}

fn down_at(state: &Path) -> Result<Vec<Stopped>, TargetError> {
    let Some(record) = alive(state) else {
        // A record of something that is gone is of no use to anybody.
        return remove(state).map(|()| Vec::new());
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
            Ok((!is_alive(&record)).then_some(()))
        })
    };
    let pid = i32::try_from(record.info.pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| failed(rustix::io::Errno::SRCH))?;
    let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(failed)?;
    // The handle can't go over to another process; that it names the right one is looked at after taking it.
    let mut killed = false;
    if is_alive(&record) {
        pidfd_send_signal(&handle, Signal::TERM).map_err(failed)?;
        if gone(STOP_LIMIT)?.is_none() {
            killed = true;
            // It may end by itself in this moment.
            let _ = pidfd_send_signal(&handle, Signal::KILL);
            gone(KILL_LIMIT)?.ok_or_else(|| TargetError::NotProven {
                process: record.info.description.clone(),
                expected: "ended",
                limit: KILL_LIMIT,
                seen: format!("process {pid:?} is still there after SIGKILL"),
            })?;
        }
    }
    remove(state)?;
    Ok(vec![stopped(record.info, killed)])
}

fn stopped(info: UpInfo, killed: bool) -> Stopped {
    let UpInfo {
        description,
        bootstrap,
        pid,
        dir,
        ..
    } = info;
    Stopped {
        description,
        bootstrap,
        pid,
        dir,
        killed,
    }
}

fn alive(state: &Path) -> Option<Record> {
    let text = fs::read_to_string(state.join(STATE_FILE)).ok()?;
    serde_json::from_str(&text).ok().filter(is_alive)
}

fn is_alive(record: &Record) -> bool {
    start_time(record.info.pid) == Some(record.started_ticks) && boot_id() == record.boot_id
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

fn write_down(state: &Path, info: &UpInfo) -> Result<(), TargetError> {
    let path = state.join(STATE_FILE);
    let failed = |source| TargetError::file("write", &path)(source);
    let started_ticks =
        start_time(info.pid).ok_or_else(|| failed(io::Error::other("the broker is gone already")))?;
    let record = Record {
        info: info.clone(),
        started_ticks,
        boot_id: boot_id(),
    };
    let text = serde_json::to_string_pretty(&record).map_err(|error| failed(error.into()))?;
    // Moved into place, so that nobody ever reads half of it.
    let part = path.with_extension("part");
    fs::write(&part, text)
        .and_then(|()| fs::rename(&part, &path))
        .map_err(failed)
}

fn remove(state: &Path) -> Result<(), TargetError> {
    let path = state.join(STATE_FILE);
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

    fn info(pid: u32) -> UpInfo {
        UpInfo {
            bootstrap: "127.0.0.1:9092".to_owned(),
            pid,
            dir: PathBuf::from("/d"),
            log: PathBuf::from("/d/kafka.log"),
            description: "Apache Kafka 4.3.1".to_owned(),
            already_running: false,
        }
    }

    #[test]
    fn a_record_names_one_process_and_no_later_one_with_its_pid() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(alive(state.path()), None, "nothing written down");
        write_down(state.path(), &info(std::process::id())).unwrap();
        let record = alive(state.path()).unwrap();
        assert_eq!(record.info, info(std::process::id()));
        for (name, changed) in [
            (
                "start time",
                Record {
                    started_ticks: record.started_ticks + 1,
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
                    info: info(i32::MAX as u32),
                    ..record
                },
            ),
        ] {
            fs::write(
                state.path().join(STATE_FILE),
                serde_json::to_string(&changed).unwrap(),
            )
            .unwrap();
            assert_eq!(alive(state.path()), None, "{name}");
        }
    }

    #[test]
    fn nothing_to_end_is_no_error_and_a_stale_or_broken_record_goes_away() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(down_at(state.path()).unwrap(), []);
        fs::write(state.path().join(STATE_FILE), "{ half").unwrap();
        assert_eq!(down_at(state.path()).unwrap(), []);
        assert!(!state.path().join(STATE_FILE).exists());
    }
}
