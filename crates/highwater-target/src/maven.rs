//! Jars in the cache: resolved by Maven once, checked, and moved into place in one step.
//!
//! Invariant: a folder under the final name is complete; whatever fails half-way has another name and is
//! removed, at the latest by the next installer. Only one installer works at a time.

mod jars;

use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use highwater_model::{NoticeLevel, ProcessState};

pub(crate) use self::jars::names;
use crate::child::{how_it_ended, run_to_end};
use crate::error::TargetError;
use crate::keeper::Keeper;
use crate::log_tail::LogTail;
use crate::node::tied_to_parent;
use crate::observer::{Observer, notice, tell};
use crate::patience::{GLANCE, wait_until};
use crate::program;

/// Ten seconds on a good line; half an hour is 30 kB/s, and slower is no line at all.
const FETCH_LIMIT: Duration = Duration::from_secs(30 * 60);
/// Lists the jars with their sizes; written last.
const MANIFEST: &str = "manifest.txt";
/// A hundred jars with names under a hundred characters.
const MANIFEST_BYTES: u64 = 64 * 1024;

/// What a fetch needs from outside.
#[derive(Clone, Copy)]
pub(crate) struct Fetcher<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) highwater: &'a Path,
    pub(crate) cache: &'a Path,
    pub(crate) observer: &'a Observer,
    pub(crate) interrupted: &'a AtomicBool,
}

/// Something that Maven can resolve.
#[derive(Debug)]
pub(crate) struct Package {
    /// Its name: `Apache Kafka`.
    pub(crate) name: &'static str,
    /// Its name with its version.
    pub(crate) what: &'static str,
    /// The name of its folder in the cache, with the version.
    pub(crate) folder: &'static str,
    /// What Maven is told.
    pub(crate) pom: &'static str,
    /// Without these jars it is not that, whatever Maven said.
    pub(crate) needed: &'static [&'static str],
    /// What the jars take on the disk, about.
    pub(crate) bytes: u64,
}

impl Package {
    /// The folder of the jars in the cache, if it is complete.
    pub(crate) fn cached(&self, cache: &Path) -> Option<PathBuf> {
        let dir = cache.join(self.folder);
        let libs = dir.join("libs");
        let mut manifest = String::new();
        File::open(dir.join(MANIFEST))
            .ok()?
            .take(MANIFEST_BYTES)
            .read_to_string(&mut manifest)
            .ok()?;
        jars::agree(&libs, &manifest).then_some(libs)
    }

    /// The folder of the jars in the cache, fetched if need be.
    pub(crate) fn obtain(&self, fetcher: Fetcher<'_>) -> Result<PathBuf, TargetError> {
        if let Some(found) = self.cached(fetcher.cache) {
            return Ok(found);
        }
        let maven = self.maven()?;
        let cache = fetcher.cache;
        if cache.to_string_lossy().contains(':') {
            return Err(TargetError::UnusablePath {
                path: cache.to_owned(),
            });
        }
        fs::create_dir_all(cache).map_err(TargetError::file("create", cache))?;
        let _lock = self.lock(fetcher)?;
        match self.cached(cache) {
            Some(fetched_by_another) => Ok(fetched_by_another),
            None => self.fetch(fetcher, &maven),
        }
    }

    /// Maven, which fetches it.
    pub(crate) fn maven(&self) -> Result<PathBuf, TargetError> {
        program::on_path("mvn").ok_or_else(|| TargetError::MavenMissing {
            what: self.what.to_owned(),
        })
    }

    /// Held until dropped; the system releases it when the process ends in whatever way.
    fn lock(&self, fetcher: Fetcher<'_>) -> Result<File, TargetError> {
        let path = fetcher.cache.join(format!("{}.lock", self.folder));
        let file = File::create(&path).map_err(TargetError::file("create", &path))?;
        let mut told = false;
        let waiting_for = format!("another Highwater that fetches {}", self.what);
        let locked = wait_until(
            &waiting_for,
            GLANCE,
            FETCH_LIMIT,
            fetcher.interrupted,
            || match file.try_lock() {
                Ok(()) => Ok(Some(())),
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut told, true) {
                        let text = format!("waiting for {waiting_for}");
                        notice(fetcher.observer, NoticeLevel::Info, &text);
                    }
                    Ok(None)
                }
                Err(TryLockError::Error(source)) => Err(TargetError::file("lock", &path)(source)),
            },
        )?;
        let reason = || {
            format!(
                "another Highwater has held {} for {} s",
                path.display(),
                FETCH_LIMIT.as_secs()
            )
        };
        locked
            .ok_or_else(|| self.failed(reason(), LogTail::default()))
            .map(|()| file)
    }

    fn fetch(&self, fetcher: Fetcher<'_>, maven: &Path) -> Result<PathBuf, TargetError> {
        let began = Instant::now();
        let (what, size, cache) = (self.what, self.bytes >> 20, fetcher.cache);
        let text = format!(
            "fetching {what} with Maven, about {size} MB, once, into {}",
            cache.display()
        );
        tell(fetcher.observer, self.name, None, ProcessState::Installing, &text);
        self.remove_remains(cache)?;
        let work = tempfile::Builder::new()
            .prefix(&self.work_prefix())
            .tempdir_in(cache)
            .map_err(TargetError::file("create a folder in", cache))?;
        self.resolve(fetcher, maven, work.path())?;
        let manifest = self.verified(&work.path().join("libs"))?;
        let path = work.path().join(MANIFEST);
        fs::write(&path, manifest).map_err(TargetError::file("write", path))?;
        let last = cache.join(self.folder);
        fs::rename(work.path(), &last).map_err(TargetError::file("create", &last))?;
        // It has its final name now; the guard would look for the old one.
        let _ = work.keep();
        let text = format!("fetched {what} in {:.1} s", began.elapsed().as_secs_f64());
        notice(fetcher.observer, NoticeLevel::Info, &text);
        Ok(last.join("libs"))
    }

    /// What earlier installers left when they were killed, and an installation that lost files since.
    fn remove_remains(&self, cache: &Path) -> Result<(), TargetError> {
        let entries = fs::read_dir(cache).map_err(TargetError::file("read", cache))?;
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&self.work_prefix()) || name == self.folder {
                fs::remove_dir_all(entry.path()).map_err(TargetError::file("remove", entry.path()))?;
            }
        }
        Ok(())
    }

    fn resolve(&self, fetcher: Fetcher<'_>, maven: &Path, work: &Path) -> Result<(), TargetError> {
        let pom = work.join("pom.xml");
        fs::write(&pom, self.pom).map_err(TargetError::file("write", pom))?;
        let log = work.join("maven.log");
        let mut command = Command::new(maven);
        // Strict checksums: a jar that was damaged on the way is an error and not a warning.
        command.args([
            "--quiet",
            "--batch-mode",
            "--strict-checksums",
            "-Dstyle.color=never",
        ]);
        command.args([
            "dependency:copy-dependencies",
            "-DoutputDirectory=libs",
            "-DincludeScope=runtime",
        ]);
        command.current_dir(work);
        let command = tied_to_parent(fetcher.highwater, &command);
        let (keeper, interrupted) = (fetcher.keeper, fetcher.interrupted);
        let status = run_to_end(keeper, "Maven", command, &log, FETCH_LIMIT, interrupted)?;
        if status.success() {
            return Ok(());
        }
        // The log goes with the folder: its lines are what is left to look at.
        Err(self.failed(
            format!("Maven {}", how_it_ended(status)),
            LogTail::marked(&log, "[ERROR]").without_path(),
        ))
    }

    /// Checks what Maven delivered; gives the manifest.
    fn verified(&self, libs: &Path) -> Result<String, TargetError> {
        let checked = jars::check(libs, self.needed).map_err(TargetError::file("read", libs))?;
        checked.map_err(|reason| {
            self.failed(
                format!("what Maven delivered is not complete: {reason}"),
                LogTail::default(),
            )
        })
    }

    fn failed(&self, reason: String, log: LogTail) -> TargetError {
        TargetError::Install {
            what: self.what.to_owned(),
            reason,
            log,
        }
    }

    fn work_prefix(&self) -> String {
        format!(".{}-", self.folder)
    }
}

#[cfg(test)]
mod tests;
