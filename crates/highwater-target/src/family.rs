//! Processes that belong to a server and leave its process group, as those of PostgreSQL do.
//!
//! Invariant: one is signalled only if it works in the folder of the server, looked at while its pid can't go over to
//! another process.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// They notice the end of their server by themselves; killed, they are gone at once unless the disk hangs.
const END_LIMIT: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(2);

/// All processes that work in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Family {
    dir: PathBuf,
}

impl Family {
    /// Those that work in `dir`, an absolute path without links.
    pub(crate) fn of(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// All but this one.
    pub(crate) fn others(&self, than: Pid) -> Vec<Pid> {
        let all = self.members().into_iter().map(|(pid, _)| pid);
        all.filter(|pid| *pid != than).collect()
    }

    /// Signals every one that there is.
    pub(crate) fn signal(&self, signal: Signal) {
        for (_, handle) in self.members() {
            // One that ends in this moment needs no signal.
            let _ = pidfd_send_signal(handle, signal);
        }
    }

    /// Kills whoever is left and waits until they are gone; false if one is still there after ten seconds.
    pub(crate) fn end(&self) -> bool {
        let end = Instant::now() + END_LIMIT;
        loop {
            let left = self.members();
            if left.is_empty() {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            for (_, handle) in left {
                let _ = pidfd_send_signal(handle, Signal::KILL);
            }
            std::thread::sleep(LOOK);
        }
    }

    fn members(&self) -> Vec<(Pid, OwnedFd)> {
        let Ok(processes) = procfs::process::all_processes() else {
            return Vec::new();
        };
        let works_here = |process: &procfs::process::Process| {
            let ended = || process.stat().is_ok_and(|stat| matches!(stat.state, 'Z' | 'X'));
            process.cwd().is_ok_and(|dir| dir == self.dir) && !ended()
        };
        processes
            .filter_map(Result::ok)
            .filter(works_here)
            .filter_map(|process| {
                let pid = Pid::from_raw(process.pid)?;
                let handle = pidfd_open(pid, PidfdFlags::empty()).ok()?;
                // Looked at again: now the pid can't have gone over to another.
                let same = procfs::process::Process::new(process.pid).ok()?;
                works_here(&same).then_some((pid, handle))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn only_processes_that_work_in_the_folder_are_ended() {
        let (ours, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let sleeper = |dir: &tempfile::TempDir| {
            let mut command = Command::new("sleep");
            command.arg("1000").current_dir(dir.path()).process_group(0);
            command.spawn().unwrap()
        };
        let (mut member, mut stranger) = (sleeper(&ours), sleeper(&others));
        let family = Family::of(ours.path().canonicalize().unwrap());
        assert_eq!(
            family.others(Pid::from_child(&stranger)),
            [Pid::from_child(&member)]
        );
        assert!(family.others(Pid::from_child(&member)).is_empty());
        assert!(family.end());
        assert!(!member.wait().unwrap().success());
        assert!(stranger.try_wait().unwrap().is_none(), "the stranger lives");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
