//! What is written down about servers that stay: enough to recognise the very same processes later.
//!
//! Invariant: a record names processes by pid, start time and boot; a pid that was given to another process is not it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::UpInfo;
use crate::error::TargetError;

/// What is written down: enough to recognise the very same processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    #[serde(flatten)]
    pub(super) info: UpInfo,
    /// Start of each process in clock ticks since the boot (`/proc/PID/stat`, field 22).
    pub(super) started_ticks: Vec<u64>,
    /// The boot that those count from.
    pub(super) boot_id: String,
    /// Those that are to end first, in stages; the others are asked at the same time, by SIGTERM.
    #[serde(default)]
    pub(super) first: Vec<Stage>,
    /// Folders that go when it ends.
    #[serde(default)]
    pub(super) remove: Vec<PathBuf>,
}

/// Processes that are asked to end together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stage {
    pub(super) pids: Vec<u32>,
    /// By SIGINT instead of SIGTERM.
    pub(super) interrupt: bool,
}

/// What was written down, if any process of it lives.
pub(super) fn alive(state: &Path, kind: &str) -> Option<Record> {
    known(state, kind).filter(|record| !pids_alive(record).is_empty())
}

/// What was written down, whether anything of it lives or not.
pub(super) fn known(state: &Path, kind: &str) -> Option<Record> {
    let text = fs::read_to_string(state_file(state, kind)).ok()?;
    serde_json::from_str(&text).ok()
}

pub(super) fn state_file(state: &Path, kind: &str) -> PathBuf {
    state.join(format!("{kind}.json"))
}

pub(super) fn pids_alive(record: &Record) -> Vec<u32> {
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
pub(super) fn start_time(pid: u32) -> Option<u64> {
    let process = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?;
    process
        .stat()
        .ok()
        .filter(|stat| !matches!(stat.state, 'Z' | 'X'))
        .map(|stat| stat.starttime)
}

pub(super) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

pub(super) fn write_down(
    state: &Path,
    kind: &str,
    info: &UpInfo,
    first: Vec<Stage>,
    folders: Vec<PathBuf>,
) -> Result<(), TargetError> {
    let path = state_file(state, kind);
    let failed = |source| TargetError::file("write", &path)(source);
    let started: Option<Vec<u64>> = info.pids.iter().map(|pid| start_time(*pid)).collect();
    let record = Record {
        info: info.clone(),
        started_ticks: started.ok_or_else(|| failed(io::Error::other("a process is gone already")))?,
        boot_id: boot_id(),
        first,
        remove: folders,
    };
    let text = serde_json::to_string_pretty(&record).map_err(|error| failed(error.into()))?;
    // Moved into place, so that nobody ever reads half of it; a password may be in it.
    let part = path.with_extension("part");
    let mut options = fs::OpenOptions::new();
    let opened = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&part, &path))
        .map_err(failed)
}

pub(super) fn remove(state: &Path, kind: &str) -> Result<(), TargetError> {
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
            parts: Vec::new(),
            already_running: false,
        }
    }

    #[test]
    fn a_record_names_one_process_and_no_later_one_with_its_pid() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(alive(state.path(), "kafka"), None, "nothing written down");
        write_down(
            state.path(),
            "kafka",
            &up(std::process::id()),
            Vec::new(),
            Vec::new(),
        )
        .unwrap();
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
}
