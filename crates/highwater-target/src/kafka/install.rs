//! Apache Kafka's jars in the cache: resolved by Maven once, checked, and moved into place in one step.
//!
//! Invariant: a folder under the final name is complete; whatever fails half-way has another name and is
//! removed, at the latest by the next installer. Only one installer works at a time.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use highwater_model::{NoticeLevel, ProcessState};

use super::Site;
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
/// Without these it is not Kafka, whatever Maven said.
const NEEDED: [&str; 6] = [
    "kafka_2.13",
    "kafka-clients",
    "kafka-tools",
    "connect-runtime",
    "connect-file",
    "log4j-slf4j-impl",
];
/// Lists the jars with their sizes; written last.
const MANIFEST: &str = "manifest.txt";
/// A hundred jars with names under a hundred characters.
const MANIFEST_BYTES: u64 = 64 * 1024;
/// A jar ends with a directory of at least this size (PKWARE APPNOTE 4.3.16), marked by [`JAR_END`].
const JAR_END_BYTES: u64 = 22;
const JAR_END: &[u8] = b"PK\x05\x06";
/// The mark may be followed by a comment; jars have none or a short one.
const JAR_END_SEARCH: u64 = 4096;

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
        let names = jar_names(&libs).map_err(|_| wrong("its folder `libs` is not readable"))?;
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
    let complete = !manifest.is_empty()
        && manifest.lines().all(|line| {
            line.split_once(' ').is_some_and(|(size, name)| {
                fs::metadata(libs.join(name)).is_ok_and(|found| found.len().to_string() == size)
            })
        });
    complete.then(|| Installation {
        libs,
        version: KAFKA_VERSION.to_owned(),
    })
}

/// The installation in the cache, fetched if need be.
pub(super) fn obtain(site: &Site<'_>) -> Result<Installation, TargetError> {
    if let Some(found) = cached(site.cache) {
        return usable(found.libs, found.version);
    }
    let maven = program::on_path("mvn").ok_or_else(|| TargetError::MavenMissing {
        what: WHAT.to_owned(),
    })?;
    if site.cache.to_string_lossy().contains(':') {
        return Err(TargetError::UnusablePath {
            path: site.cache.to_owned(),
        });
    }
    fs::create_dir_all(site.cache).map_err(TargetError::file("create", site.cache))?;
    let _lock = lock(site)?;
    match cached(site.cache) {
        Some(fetched_by_another) => Ok(fetched_by_another),
        None => fetch(site, &maven),
    }
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
    remove_remains(site.cache)?;
    let work = tempfile::Builder::new()
        .prefix(&work_prefix())
        .tempdir_in(site.cache)
        .map_err(TargetError::file("create a folder in", site.cache))?;
    resolve(site, maven, work.path())?;
    let manifest = verify(&work.path().join("libs"))?;
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

/// Checks that the jars are all there and whole; gives the manifest.
fn verify(libs: &Path) -> Result<String, TargetError> {
    let incomplete = |reason: String| failed(reason, LogTail::default());
    let mut names = jar_names(libs).map_err(TargetError::file("read", libs))?;
    names.sort();
    for needed in NEEDED {
        if !names.iter().any(|name| {
            name.strip_prefix(needed)
                .is_some_and(|rest| rest.starts_with("-"))
        }) {
            return Err(incomplete(format!("Maven delivered no {needed}")));
        }
    }
    names
        .iter()
        .map(|name| match whole_jar(&libs.join(name)) {
            Ok(Some(size)) => Ok(format!("{size} {name}\n")),
            Ok(None) => Err(incomplete(format!("{name} is damaged"))),
            Err(source) => Err(TargetError::file("read", libs.join(name))(source)),
        })
        .collect()
}

/// The size of a jar, if it has the beginning and the end of one.
fn whole_jar(path: &Path) -> std::io::Result<Option<u64>> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size < JAR_END_BYTES {
        return Ok(None);
    }
    let mut start = [0; 2];
    file.read_exact(&mut start)?;
    file.seek(SeekFrom::Start(size.saturating_sub(JAR_END_SEARCH)))?;
    let mut end = Vec::new();
    file.take(JAR_END_SEARCH).read_to_end(&mut end)?;
    let whole = &start == b"PK" && end.windows(JAR_END.len()).any(|window| window == JAR_END);
    Ok(whole.then_some(size))
}

fn jar_names(libs: &Path) -> std::io::Result<Vec<String>> {
    let entries = fs::read_dir(libs)?.filter_map(Result::ok);
    Ok(entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".jar"))
        .collect())
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
mod tests {
    use super::*;

    const SMALL_JAR: &[u8] = b"PK\x03\x04 some content PK\x05\x06 and the fixed fields";

    fn installed(cache: &Path) -> PathBuf {
        let libs = cache.join(folder()).join("libs");
        fs::create_dir_all(&libs).unwrap();
        for name in NEEDED {
            fs::write(libs.join(format!("{name}-4.3.1.jar")), SMALL_JAR).unwrap();
        }
        libs
    }

    #[test]
    fn the_pom_and_the_name_of_the_folder_agree_on_the_version() {
        assert!(POM.contains(&format!("<kafka.version>{KAFKA_VERSION}</kafka.version>")));
        assert!(WHAT.ends_with(KAFKA_VERSION));
    }

    #[test]
    fn a_cache_is_used_only_while_it_is_complete() {
        let cache = tempfile::tempdir().unwrap();
        let libs = installed(cache.path());
        assert_eq!(cached(cache.path()), None, "no manifest");
        let manifest = verify(&libs).unwrap();
        fs::write(cache.path().join(folder()).join(MANIFEST), &manifest).unwrap();
        assert_eq!(cached(cache.path()).unwrap().libs, libs);
        fs::write(libs.join("kafka-clients-4.3.1.jar"), b"PK").unwrap();
        assert_eq!(cached(cache.path()), None, "a jar was cut");
        remove_remains(cache.path()).unwrap();
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[test]
    fn missing_and_damaged_jars_are_named() {
        let cache = tempfile::tempdir().unwrap();
        let libs = installed(cache.path());
        fs::write(libs.join("kafka-tools-4.3.1.jar"), &SMALL_JAR[..25]).unwrap();
        assert!(
            verify(&libs)
                .unwrap_err()
                .to_string()
                .contains("kafka-tools-4.3.1.jar is damaged")
        );
        fs::remove_file(libs.join("kafka-tools-4.3.1.jar")).unwrap();
        assert!(verify(&libs).unwrap_err().to_string().contains("no kafka-tools"));
    }

    #[test]
    fn a_home_is_told_by_its_jars() {
        let home = tempfile::tempdir().unwrap();
        let error = Installation::at_home(home.path()).unwrap_err();
        assert!(error.to_string().contains("no folder `libs`"), "{error}");
        fs::create_dir(home.path().join("libs")).unwrap();
        let error = Installation::at_home(home.path()).unwrap_err();
        assert!(error.to_string().contains("kafka_2.13-VERSION.jar"), "{error}");
        fs::write(home.path().join("libs/kafka_2.13-3.9.0-javadoc.jar"), "").unwrap();
        fs::write(home.path().join("libs/kafka_2.13-3.9.0.jar"), "").unwrap();
        assert_eq!(Installation::at_home(home.path()).unwrap().version, "3.9.0");
    }
}
