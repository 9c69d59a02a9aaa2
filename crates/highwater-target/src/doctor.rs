//! What is on this machine and what is missing, with the command that installs it. Changes nothing.

use std::path::Path;

use crate::cdc::{Binaries, CdcError, DEBEZIUM, DEBEZIUM_VERSION};
use crate::error::TargetError;
use crate::host::available_memory_bytes;
use crate::kafka::{KAFKA_VERSION, PACKAGE, cached};
use crate::maven::Package;
use crate::places::Places;
use crate::port;
use crate::program::{self, INSTALL_MAVEN};
use crate::space::disk_space;
use crate::up::running;
use crate::user::{SystemUser, is_root};

/// Heap, metaspace and page cache of one Kafka node, and room for the generator.
const MEMORY_BYTES: u64 = 1536 << 20;
/// Three nodes with a heap of 384 MiB and 500 MB resident each, and the same room.
const MEMORY_OF_THREE_BYTES: u64 = 4 << 30;
/// A run of a minute at 50 MB/s, written once.
const RUN_BYTES: u64 = 3 << 30;
const INSTALL_COMPILER: &str = "apt-get install build-essential";

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingState {
    /// There and usable.
    Present,
    /// Not there.
    Missing,
    /// There and not usable as it is.
    Unsuitable,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What: `Java`.
    pub name: &'static str,
    /// How it is.
    pub state: FindingState,
    /// What was found, in words: version and place.
    pub found: String,
    /// What it is needed for.
    pub needed_for: &'static str,
    /// What to do, where there is something to do.
    pub remedy: Option<String>,
}

/// Looks at everything that Highwater uses on a machine.
#[must_use]
pub fn examine() -> Vec<Finding> {
    let places = Places::from_environment();
    vec![
        tool("C compiler", "cc", INSTALL_COMPILER, "building Highwater"),
        tool("make", "make", INSTALL_COMPILER, "building Highwater"),
        java(),
        maven(&[&PACKAGE], &places.cache),
        kafka(&places.cache),
        postgres(),
        debezium(&places.cache),
        cache_directory(&places.cache),
        disk(
            "disk for runs",
            Path::new("."),
            RUN_BYTES,
            "data and reports of runs",
        ),
        memory(),
        memory_of_three(),
        ports(),
        clusters(),
    ]
}

fn tool(name: &'static str, program: &str, install: &str, needed_for: &'static str) -> Finding {
    match program::on_path(program) {
        Some(path) => {
            let says = program::first_line(&path, "--version").unwrap_or_else(|| program.to_owned());
            present(name, format!("{says} ({})", path.display()), needed_for)
        }
        None => missing(
            name,
            format!("no `{program}` on the PATH"),
            needed_for,
            format!("`{install}`"),
        ),
    }
}

pub(crate) fn java() -> Finding {
    let (name, needed_for) = ("Java", "`--target kafka`, `highwater up kafka`");
    match program::java() {
        Ok(java) => present(
            name,
            format!("{} ({})", java.version, java.program.display()),
            needed_for,
        ),
        Err(error) => {
            let state = match error {
                TargetError::JavaMissing => FindingState::Missing,
                _ => FindingState::Unsuitable,
            };
            Finding {
                name,
                state,
                found: error.to_string(),
                needed_for,
                remedy: error.remedy(),
            }
        }
    }
}

/// Needed only while one of these is not fetched.
pub(crate) fn maven(packages: &[&Package], cache: &Path) -> Finding {
    let (name, needed_for) = ("Maven", "fetching Apache Kafka and Debezium, once");
    match program::on_path("mvn") {
        Some(path) => {
            let says = program::first_line(&path, "--version").unwrap_or_else(|| "mvn".to_owned());
            // Maven prints its name in bold even where nobody can see it.
            let says: String = says
                .replace("\u{1b}[1m", "")
                .replace("\u{1b}[m", "")
                .replace("\u{1b}[0m", "");
            present(name, format!("{says} ({})", path.display()), needed_for)
        }
        None if packages.iter().all(|package| package.cached(cache).is_some()) => {
            let names: Vec<&str> = packages.iter().map(|package| package.name).collect();
            let found = format!("not installed, and not needed: {} is fetched", names.join(", "));
            present(name, found, needed_for)
        }
        None => missing(
            name,
            "no `mvn` on the PATH".to_owned(),
            needed_for,
            format!("`{INSTALL_MAVEN}`"),
        ),
    }
}

fn kafka(cache: &Path) -> Finding {
    let (name, needed_for) = ("Apache Kafka", "`--target kafka`, `highwater up kafka`");
    match cached(cache) {
        Some(found) => present(
            name,
            format!("{} ({})", found.version, found.libs.display()),
            needed_for,
        ),
        None => {
            let size = PACKAGE.bytes >> 20;
            let remedy = format!("`highwater up kafka` fetches {KAFKA_VERSION}, {size} MB, once");
            missing(name, format!("not in {}", cache.display()), needed_for, remedy)
        }
    }
}

pub(crate) fn postgres() -> Finding {
    let (name, needed_for) = (
        "PostgreSQL",
        "capturing changes: `highwater up cdc`, connector-offset-recovery",
    );
    let user = match is_root() && SystemUser::named("postgres").is_none() {
        true => Err(CdcError::NoPostgresUser),
        false => Ok(()),
    };
    match user.and_then(|()| Binaries::find(None)) {
        Ok(found) => present(
            name,
            format!("{} ({})", found.version, found.dir.display()),
            needed_for,
        ),
        Err(error) => {
            let state = match error {
                CdcError::PostgresMissing { .. } => FindingState::Missing,
                _ => FindingState::Unsuitable,
            };
            Finding {
                name,
                state,
                found: error.to_string(),
                needed_for,
                remedy: error.remedy(),
            }
        }
    }
}

/// Whether it is fetched already makes no difference: the first that needs it fetches it.
fn debezium(cache: &Path) -> Finding {
    let (name, needed_for) = (
        "Debezium",
        "capturing changes: `highwater up cdc`, connector-offset-recovery",
    );
    let found = match DEBEZIUM.cached(cache) {
        Some(libs) => format!("{DEBEZIUM_VERSION} ({})", libs.display()),
        None => {
            let size = DEBEZIUM.bytes >> 20;
            format!("not fetched yet; `highwater up cdc` fetches {DEBEZIUM_VERSION}, {size} MB, once")
        }
    };
    present(name, found, needed_for)
}

fn cache_directory(cache: &Path) -> Finding {
    let (name, needed_for) = ("cache directory", "keeping Apache Kafka");
    let existing = cache
        .ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(cache);
    if rustix::fs::access(existing, rustix::fs::Access::WRITE_OK).is_err() {
        let found = format!("{} is not writable", existing.display());
        let remedy = Some("set XDG_CACHE_HOME to a directory that is".to_owned());
        return Finding {
            name,
            state: FindingState::Unsuitable,
            found,
            needed_for,
            remedy,
        };
    }
    let needed = if cached(cache).is_some() { 0 } else { PACKAGE.bytes };
    disk(name, cache, needed, needed_for)
}

pub(crate) fn disk(name: &'static str, path: &Path, needed: u64, needed_for: &'static str) -> Finding {
    match disk_space(path) {
        Ok(space) => {
            let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let found = format!("{} free ({})", gigabytes(space.available_bytes), shown.display());
            let remedy = "free some space, or choose another directory";
            enough(name, found, space.available_bytes >= needed, needed_for, remedy)
        }
        Err(error) => {
            let remedy = error.remedy();
            Finding {
                name,
                state: FindingState::Unsuitable,
                found: error.to_string(),
                needed_for,
                remedy,
            }
        }
    }
}

fn memory() -> Finding {
    let (name, needed_for) = ("memory", "Apache Kafka beside the generator");
    match available_memory_bytes() {
        Some(bytes) => {
            let found = format!("{} available", gigabytes(bytes));
            enough(
                name,
                found,
                bytes >= MEMORY_BYTES,
                needed_for,
                "end other programs, or use `--target dev`",
            )
        }
        None => present(name, "not readable on this system".to_owned(), needed_for),
    }
}

fn memory_of_three() -> Finding {
    let (name, needed_for) = ("memory for three", "`--target kafka:3`, `highwater up kafka:3`");
    let needed = gigabytes(MEMORY_OF_THREE_BYTES);
    match available_memory_bytes() {
        Some(bytes) => {
            let found = format!("{} available, {needed} needed", gigabytes(bytes));
            let remedy = "end other programs, or use `--target kafka`";
            enough(name, found, bytes >= MEMORY_OF_THREE_BYTES, needed_for, remedy)
        }
        None => present(name, "not readable on this system".to_owned(), needed_for),
    }
}

/// A warning for somebody who starts three nodes where there is hardly room for them.
pub(crate) fn too_little_memory() -> Option<String> {
    let finding = memory_of_three();
    let remedy = finding.remedy?;
    Some(format!(
        "{} for three nodes of Apache Kafka: {remedy}",
        finding.found
    ))
}

pub(crate) fn ports() -> Finding {
    let (name, needed_for) = ("free ports", "brokers on 127.0.0.1");
    match port::free_ports::<4>() {
        Ok(_) => present(name, "four found on 127.0.0.1".to_owned(), needed_for),
        Err(error) => {
            let remedy = error.remedy().unwrap_or_default();
            missing(name, error.to_string(), needed_for, remedy)
        }
    }
}

fn clusters() -> Finding {
    let (name, needed_for) = ("running clusters", "`highwater up kafka`");
    let running: Vec<String> = running()
        .into_iter()
        .map(|cluster| {
            format!(
                "{} at {} (pid {})",
                cluster.description,
                cluster.bootstrap,
                words(&cluster.pids)
            )
        })
        .collect();
    let found = if running.is_empty() {
        "none".to_owned()
    } else {
        running.join(", ")
    };
    present(name, found, needed_for)
}

fn words(pids: &[u32]) -> String {
    let words: Vec<String> = pids.iter().map(u32::to_string).collect();
    words.join(", ")
}

pub(crate) fn present(name: &'static str, found: String, needed_for: &'static str) -> Finding {
    Finding {
        name,
        state: FindingState::Present,
        found,
        needed_for,
        remedy: None,
    }
}

fn missing(name: &'static str, found: String, needed_for: &'static str, remedy: String) -> Finding {
    Finding {
        name,
        state: FindingState::Missing,
        found,
        needed_for,
        remedy: Some(remedy),
    }
}

pub(crate) fn enough(
    name: &'static str,
    found: String,
    enough: bool,
    needed_for: &'static str,
    remedy: &str,
) -> Finding {
    let state = if enough {
        FindingState::Present
    } else {
        FindingState::Unsuitable
    };
    Finding {
        name,
        state,
        found,
        needed_for,
        remedy: (!enough).then(|| remedy.to_owned()),
    }
}

pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_that_is_not_well_says_what_to_do() {
        let findings = examine();
        assert_eq!(findings.len(), 13);
        for finding in &findings {
            assert_eq!(
                finding.state == FindingState::Present,
                finding.remedy.is_none(),
                "{finding:?}"
            );
            assert!(
                !finding.found.is_empty() && !finding.found.contains('\u{1b}'),
                "{finding:?}"
            );
        }
    }

    #[test]
    fn what_is_missing_is_told_with_the_command_that_installs_it() {
        let finding = tool(
            "C compiler",
            "no-such-compiler-of-highwater",
            INSTALL_COMPILER,
            "building",
        );
        assert_eq!(finding.state, FindingState::Missing);
        assert_eq!(
            finding.remedy.as_deref(),
            Some("`apt-get install build-essential`")
        );
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(kafka(empty.path()).state, FindingState::Missing);
        assert_eq!(
            disk("disk", empty.path(), u64::MAX, "runs").state,
            FindingState::Unsuitable
        );
    }
}
