//! Apache Kafka's jars in the cache: resolved by Maven once, checked, and moved into place in one step.
//!
//! Invariant: a folder under the final name is complete; whatever fails half-way has another name and is
//! removed, at the latest by the next installer. Only one installer works at a time.

use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use highwater_model::{NoticeLevel, ProcessState};

use super::{Site, jars};
use crate::child::{how_it_ended, run_to_end};
use crate::error::TargetError;
use crate::log_tail::LogTail;
use crate::node::tied_to_parent;
use crate::observer::{notice, tell};
use crate::patience::{GLANCE, wait_until};
use crate::program;

/// The version that is fetched.
pub const KAFKA_VERSION: &str = "4.3.1";
/// What the jars take on the disk, about.
pub(crate) const INSTALL_BYTES: u64 = 56 << 20;
const WHAT: &str = "Apache Kafka 4.3.1";
const POM: &str = include_str!("pom.xml");
/// Ten seconds on a good line; half an hour is 30 kB/s, and slower is no line at all.
const FETCH_LIMIT: Duration = Duration::from_secs(30 * 60);
/// Lists the jars with their sizes; written last.
const MANIFEST: &str = "manifest.txt";
/// A hundred jars with names under a hundred characters.
const MANIFEST_BYTES: u64 = 64 * 1024;
/// Jars that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installation {
    pub(crate) libs: PathBuf,
    pub(crate) version: String,
}

impl Installation {
    /// A distribution that somebody installed.
    pub(crate) fn at_home(home: &Path) -> Result<Self, TargetError> {
        let wrong = |reason: &str| TargetError::KafkaHome {
            dir: home.to_owned(),
            reason: reason.to_owned(),
        };
        let libs = home
            .join("libs")
            .canonicalize()
            .map_err(|_| wrong("it has no folder `libs`"))?;
        let names = jars::names(&libs).map_err(|_| wrong("its folder `libs` is not readable"))?;
        let version = names.iter().find_map(|name| server_version(name));
        let version = version.ok_or_else(|| wrong("its folder `libs` has no kafka_2.13-VERSION.jar"))?;
        usable(libs, version)
    }
}

/// The installation in the cache, if there is a complete one.
pub(crate) fn cached(cache: &Path) -> Option<Installation> {
    let dir = cache.join(folder());
    let libs = dir.join("libs");
    let mut manifest = String::new();
    File::open(dir.join(MANIFEST))
        .ok()?
        .take(MANIFEST_BYTES)
        .read_to_string(&mut manifest)
        .ok()?;
    jars::agree(&libs, &manifest).then(|| Installation {
        libs,
        version: KAFKA_VERSION.to_owned(),
    })
}

/// The installation in the cache, fetched if need be.
pub(super) fn obtain(site: &Site<'_>) -> Result<Installation, TargetError> {
    if let Some(found) = cached(&site.cache) {
        return usable(found.libs, found.version);
    }
    let maven = maven()?;
    if site.cache.to_string_lossy().contains(':') {
        return Err(TargetError::UnusablePath {
            path: site.cache.clone(),
        });
    }
    fs::create_dir_all(&site.cache).map_err(TargetError::file("create", &site.cache))?;
    let _lock = lock(site)?;
    match cached(&site.cache) {
        Some(fetched_by_another) => Ok(fetched_by_another),
        None => fetch(site, &maven),
    }
}

/// Maven, which fetches Kafka.
pub(super) fn maven() -> Result<PathBuf, TargetError> {
    program::on_path("mvn").ok_or_else(|| TargetError::MavenMissing {
        what: WHAT.to_owned(),
    })
}

/// Held until dropped; the system releases it when the process ends in whatever way.
fn lock(site: &Site<'_>) -> Result<File, TargetError> {
    let path = site.cache.join(format!("{}.lock", folder()));
    let file = File::create(&path).map_err(TargetError::file("create", &path))?;
    let mut told = false;
    let waiting_for = format!("another Highwater that fetches {WHAT}");
    let locked = wait_until(
        &waiting_for,
        GLANCE,
        FETCH_LIMIT,
        site.interrupted,
        || match file.try_lock() {
            Ok(()) => Ok(Some(())),
            Err(TryLockError::WouldBlock) => {
                if !std::mem::replace(&mut told, true) {
                    notice(
                        site.observer,
                        NoticeLevel::Info,
                        &format!("waiting for {waiting_for}"),
                    );
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
        .ok_or_else(|| failed(reason(), LogTail::default()))
        .map(|()| file)
}

fn fetch(site: &Site<'_>, maven: &Path) -> Result<Installation, TargetError> {
    let began = Instant::now();
    let size = INSTALL_BYTES >> 20;
    let text = format!(
        "fetching {WHAT} with Maven, about {size} MB, once, into {}",
        site.cache.display()
    );
    tell(
        site.observer,
        "Apache Kafka",
        None,
        ProcessState::Installing,
        &text,
    );
    remove_remains(&site.cache)?;
    let work = tempfile::Builder::new()
        .prefix(&work_prefix())
        .tempdir_in(&site.cache)
        .map_err(TargetError::file("create a folder in", &site.cache))?;
    resolve(site, maven, work.path())?;
    let manifest = verified(&work.path().join("libs"))?;
    let save = |name: &str, text: &str| {
        let path = work.path().join(name);
        fs::write(&path, text).map_err(TargetError::file("write", path))
    };
    save(MANIFEST, &manifest)?;
    let last = site.cache.join(folder());
    fs::rename(work.path(), &last).map_err(TargetError::file("create", &last))?;
    // It has its final name now; the guard would look for the old one.
    let _ = work.keep();
    let text = format!("fetched {WHAT} in {:.1} s", began.elapsed().as_secs_f64());
    notice(site.observer, NoticeLevel::Info, &text);
    usable(last.join("libs"), KAFKA_VERSION.to_owned())
}

/// What earlier installers left when they were killed, and an installation that lost files since.
fn remove_remains(cache: &Path) -> Result<(), TargetError> {
    let entries = fs::read_dir(cache).map_err(TargetError::file("read", cache))?;
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&work_prefix()) || name == folder() {
            fs::remove_dir_all(entry.path()).map_err(TargetError::file("remove", entry.path()))?;
        }
    }
    Ok(())
}

fn resolve(site: &Site<'_>, maven: &Path, work: &Path) -> Result<(), TargetError> {
    let pom = work.join("pom.xml");
    fs::write(&pom, POM).map_err(TargetError::file("write", pom))?;
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
    let command = tied_to_parent(site.highwater, &command);
    let status = run_to_end(site.keeper, "Maven", command, &log, FETCH_LIMIT, site.interrupted)?;
    if status.success() {
        return Ok(());
    }
    // The log goes with the folder: its lines are what is left to look at.
    Err(failed(
        format!("Maven {}", how_it_ended(status)),
        LogTail::marked(&log, "[ERROR]").without_path(),
    ))
}

/// Checks what Maven delivered; gives the manifest.
fn verified(libs: &Path) -> Result<String, TargetError> {
    let checked = jars::check(libs).map_err(TargetError::file("read", libs))?;
    checked.map_err(|reason| {
        failed(
            format!("what Maven delivered is not complete: {reason}"),
            LogTail::default(),
        )
    })
}

fn server_version(jar: &str) -> Option<String> {
    let version = jar.strip_prefix("kafka_2.13-")?.strip_suffix(".jar")?;
    version
        .chars()
        .all(|c| c.is_ascii_digit() || c == '.')
        .then(|| version.to_owned())
}

fn usable(libs: PathBuf, version: String) -> Result<Installation, TargetError> {
    if libs.to_string_lossy().contains(':') {
        return Err(TargetError::UnusablePath { path: libs });
    }
    Ok(Installation { libs, version })
}

fn failed(reason: String, log: LogTail) -> TargetError {
    TargetError::Install {
        what: WHAT.to_owned(),
        reason,
        log,
    }
}

fn folder() -> String {
    format!("kafka-{KAFKA_VERSION}")
}

fn work_prefix() -> String {
    format!(".{}-", folder())
}

#[cfg(test)]
mod tests;
