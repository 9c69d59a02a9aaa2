//! What is left to do when Highwater is gone, whatever way it went: a small process that waits for exactly that.
//!
//! ```text
//! Highwater ──pipe──▶ guard: reads until the pipe ends ─▶ ends PostgreSQL, frees its shared memory, removes its folder
//! ```
//! PostgreSQL needs it: its processes leave its process group, a halted one would stay when its server is killed, and
//! the kernel keeps a segment of shared memory of a server that was killed. Invariant: it removes one folder, which
//! Highwater made and named after itself, and nothing else.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::TargetError;
use crate::family::Family;
use crate::program::on_path;

/// The beginning of the names of folders that it may remove.
pub(crate) const REMOVABLE: &str = "highwater-postgres-";
/// Said to it when everything is to stay.
const LEAVE: &[u8] = b"leave";
/// Killing and removing takes a fraction of a second; a full disk a while longer.
const END_LIMIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(2);
/// The first lines of `postmaster.pid`.
const LOCK_FILE_BYTES: u64 = 4096;

/// A guard over one data directory. Dropping it has it do its work, and waits for it.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
}

impl Guard {
    /// Starts one. `remove`: a folder that goes when all is over.
    pub(crate) fn over(data: &Path, remove: Option<&Path>, highwater: &Path) -> Result<Self, TargetError> {
        let mut command = Command::new(highwater);
        command.arg("clean-up-after").arg("--data").arg(data);
        if let Some(dir) = remove {
            command.arg("--remove").arg(dir);
        }
        command
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let spawned = command.spawn();
        let child = spawned.map_err(|source| TargetError::Spawn {
            what: "the guard of PostgreSQL".to_owned(),
            program: highwater.to_owned(),
            source,
        })?;
        Ok(Self { child })
    }

    /// Everything stays, and it goes.
    pub(crate) fn leave(mut self) {
        if let Some(pipe) = &mut self.child.stdin {
            // Should it be gone there is nobody to tell.
            let _ = pipe.write_all(LEAVE);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.child.stdin = None;
        let end = Instant::now() + END_LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < end {
            std::thread::sleep(LOOK);
        }
    }
}

/// The work of the guard: waits until standard input ends, then clears away what is left of the server in `data`.
///
/// # Errors
/// [`TargetError::File`] if the folder can't be removed.
pub fn clean_up_after(data: &Path, remove: Option<&Path>) -> Result<(), TargetError> {
    let mut said = Vec::new();
    // An error ends the wait just as well.
    let _ = io::stdin().take(LEAVE.len() as u64).read_to_end(&mut said);
    if said == LEAVE {
        return Ok(());
    }
    end_server(data);
    let Some(dir) = remove.filter(|dir| is_removable(dir)) else {
        return Ok(());
    };
    match fs::remove_dir_all(dir) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(TargetError::file("remove", dir)(source))
        }
        _ => Ok(()),
    }
}

/// Ends whatever works in this data directory, and gives back what the kernel keeps of a server that was killed.
pub(crate) fn end_server(data: &Path) {
    Family::of(data.to_owned()).end();
    free_shared_memory(data);
}

/// True for the folders that Highwater made outside that of a run.
pub(crate) fn is_removable(dir: &Path) -> bool {
    let name = dir.file_name().and_then(|name| name.to_str());
    dir.is_absolute() && name.is_some_and(|name| name.starts_with(REMOVABLE))
}

/// The segment that a killed server leaves to the next one on the same data; if there is none it stays for ever.
fn free_shared_memory(data: &Path) {
    let mut lock = String::new();
    let path = data.join("postmaster.pid");
    let read = fs::File::open(path).and_then(|file| file.take(LOCK_FILE_BYTES).read_to_string(&mut lock));
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let segment = read
        .ok()
        .and_then(|_| segment_of(&lock))
        .filter(|id| nobody_uses(&segments, *id));
    if let Some((id, program)) = segment.zip(on_path("ipcrm")) {
        // It is 56 bytes: nothing depends on whether they go.
        let _ = Command::new(program)
            .arg("-m")
            .arg(id.to_string())
            .stderr(Stdio::null())
            .status();
    }
}

/// Line 7 of `postmaster.pid`: the key and the id of the segment.
fn segment_of(lock: &str) -> Option<u64> {
    lock.lines().nth(6)?.split_whitespace().nth(1)?.parse().ok()
}

/// In `/proc/sysvipc/shm`, the seventh column is how many have it attached.
fn nobody_uses(segments: &str, id: u64) -> bool {
    let mut rows = segments
        .lines()
        .skip(1)
        .map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.any(|row| {
        row.get(1).and_then(|other| other.parse().ok()) == Some(id) && row.get(6).copied() == Some("0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segment_is_that_of_the_lock_file_and_only_if_nobody_uses_it() {
        let lock = "4711\n/d/data\n1763760000\n5433\n\n127.0.0.1\n  8126473    32770\nready   \n";
        assert_eq!(segment_of(lock), Some(32_770));
        assert_eq!(segment_of("4711\n/d\n"), None);
        let table = |attached: u32| {
            format!(
                "       key      shmid perms                  size  cpid  lpid nattch   uid\n   8126473      32770   600                    56  4711  4711      {attached}   101\n"
            )
        };
        assert!(nobody_uses(&table(0), 32_770));
        assert!(!nobody_uses(&table(6), 32_770));
        assert!(!nobody_uses(&table(0), 1));
        assert!(!nobody_uses("", 1));
    }

    #[test]
    fn only_folders_of_highwater_are_removed() {
        for (dir, removable) in [
            ("/tmp/highwater-postgres-abc", true),
            ("/tmp/highwater-postgres-abc/..", false),
            ("/home/somebody", false),
            ("highwater-postgres-abc", false),
            ("/", false),
        ] {
            assert_eq!(is_removable(Path::new(dir)), removable, "{dir}");
        }
    }
}
