//! The end of servers that stay.
//!
//! Invariant: a process is signalled only if its pid, its start time and the boot of the machine are those that were
//! written down, through a handle that can't go over to another process.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::record::{Record, alive, known, pids_alive, remove};
use super::{Stopped, UpInfo};
use crate::cluster::WITHOUT_MAJORITY_LIMIT;
use crate::error::TargetError;
use crate::guard::{end_server, is_removable};
use crate::patience::wait_until;

/// Controlled shutdown takes a second or two; a broker with much to flush takes longer.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// What a broker does not wait for: a worker of Connect that can't reach its brokers, a database with much to flush.
const STAGE_LIMIT: Duration = Duration::from_secs(20);
/// After SIGKILL only the kernel has something to do.
const KILL_LIMIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(10);

/// Ends what was written down; none if nothing of it lived.
pub(super) fn down_at(state: &Path, kind: &str) -> Result<Option<Stopped>, TargetError> {
    let Some(record) = alive(state, kind) else {
        // A record of something that is gone is of no use to anybody.
        known(state, kind).map_or(Ok(()), |record| remove_folders(state, &record))?;
        return remove(state, kind).map(|()| None);
    };
    let failed = |errno: rustix::io::Errno| TargetError::Process {
        action: "stop",
        process: record.info.description.clone(),
        source: errno.into(),
    };
    // The command can be interrupted like any other; that leaves everything as it should be.
    let calm = AtomicBool::new(false);
    let waiting_for = format!("{} to end", record.info.description);
    let gone = |limit| {
        wait_until(&waiting_for, LOOK, limit, &calm, || {
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
    for stage in &record.first {
        let asked = handles.iter().filter(|(pid, _)| stage.pids.contains(pid));
        let signal = if stage.interrupt {
            Signal::INT
        } else {
            Signal::TERM
        };
        signal_alive(&record, asked, signal);
        wait_until(&waiting_for, LOOK, STAGE_LIMIT, &calm, || {
            let left = pids_alive(&record);
            Ok((!stage.pids.iter().any(|pid| left.contains(pid))).then_some(()))
        })?;
        let late = handles.iter().filter(|(pid, _)| stage.pids.contains(pid));
        signal_alive(&record, late, Signal::KILL);
    }
    signal_alive(&record, handles.iter(), Signal::TERM);
    let early: Vec<u32> = record.first.iter().flat_map(|stage| stage.pids.clone()).collect();
    let rest: Vec<&u32> = record
        .info
        .pids
        .iter()
        .filter(|pid| !early.contains(pid))
        .collect();
    // One whose cluster has lost its majority waits for it in vain.
    let most = wait_until(&waiting_for, LOOK, STOP_LIMIT, &calm, || {
        let left = pids_alive(&record);
        let left = rest.iter().filter(|pid| left.contains(pid)).count();
        Ok((rest.is_empty() || 2 * left < rest.len()).then_some(()))
    })?;
    let killed = most.is_none() || gone(WITHOUT_MAJORITY_LIMIT)?.is_none();
    if killed {
        signal_alive(&record, handles.iter(), Signal::KILL);
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
    remove_folders(state, &record)?;
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
fn signal_alive<'a>(record: &Record, handles: impl Iterator<Item = &'a (u32, OwnedFd)>, signal: Signal) {
    let alive = pids_alive(record);
    for (_, handle) in handles.filter(|(pid, _)| alive.contains(pid)) {
        let _ = pidfd_send_signal(handle, signal);
    }
}

/// What goes with what has ended: folders of Highwater's own and no others, whatever the record says.
pub(super) fn remove_folders(state: &Path, record: &Record) -> Result<(), TargetError> {
    let own = |dir: &&PathBuf| is_removable(dir) || dir.parent() == Some(state);
    for dir in record.remove.iter().filter(own) {
        end_server(&dir.join("data"));
        end_server(&dir.join("postgres/postgres/data"));
        match fs::remove_dir_all(dir) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(TargetError::file("remove", dir)(source));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_its_own_are_removed() {
        let (state, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = state.path().join("cdc");
        fs::create_dir(&own).unwrap();
        let record = Record {
            info: UpInfo {
                bootstrap: String::new(),
                pids: Vec::new(),
                dir: own.clone(),
                logs: Vec::new(),
                description: String::new(),
                parts: Vec::new(),
                already_running: false,
            },
            started_ticks: Vec::new(),
            boot_id: String::new(),
            first: Vec::new(),
            remove: vec![
                own.clone(),
                other.path().to_owned(),
                state.path().join("not there"),
            ],
        };
        remove_folders(state.path(), &record).unwrap();
        assert!(!own.exists() && other.path().exists() && state.path().exists());
    }

    #[test]
    fn nothing_to_end_is_no_error_and_a_stale_or_broken_record_goes_away() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(down_at(state.path(), "kafka").unwrap(), None);
        fs::write(state.path().join("kafka.json"), "{ half").unwrap();
        assert_eq!(down_at(state.path(), "kafka").unwrap(), None);
        assert!(!state.path().join("kafka.json").exists());
    }
}
