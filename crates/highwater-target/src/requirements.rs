//! What a suite needs of the machine, looked at before anything is made or started.
//!
//! Invariant: whatever is missing is told at once and all together, each with what mends it. Nothing is changed.

use std::path::Path;

use crate::cdc::DEBEZIUM;
use crate::doctor::{Finding, FindingState, disk, enough, gigabytes, java, maven, ports, postgres, present};
use crate::error::TargetError;
use crate::host::available_memory_bytes;
use crate::kafka::{Installation, PACKAGE};
use crate::places::Places;
use crate::spec::TargetSpec;

/// Brokers with heaps of up to 1.2 GB in all, page cache for what they write, and the generator.
const MEMORY_BYTES: u64 = 4 << 30;
/// One broker of 350 to 900 MB, Connect with as much, and the generator.
const MEMORY_QUICK_BYTES: u64 = 2 << 30;
/// 895,000 messages of 5 KiB are 4.6 GB in each copy, of which a cluster of three keeps three; and the other scenarios.
const DISK_BYTES: u64 = 20 << 30;
const DISK_QUICK_BYTES: u64 = 4 << 30;
/// Reports and histories, where the brokers have disks of their own.
const DISK_ELSEWHERE_BYTES: u64 = 2 << 30;

/// What is going to be run.
#[derive(Debug, Clone, Copy)]
pub struct Requirements<'a> {
    /// Against what.
    pub target: &'a TargetSpec,
    /// Whether changes are captured, for which PostgreSQL and Kafka Connect are started.
    pub captures_changes: bool,
    /// The short form, which needs less.
    pub quick: bool,
    /// An installed distribution of Apache Kafka.
    pub kafka_home: Option<&'a Path>,
    /// Where the run is written.
    pub out: &'a Path,
}

/// Looks at everything that is needed; what is well is in it too.
#[must_use]
pub fn requirements(of: &Requirements<'_>) -> Vec<Finding> {
    let cache = Places::from_environment().cache;
    let starts_kafka = matches!(of.target, TargetSpec::Kafka | TargetSpec::KafkaThree);
    let mut packages = Vec::new();
    let home_is_usable = of
        .kafka_home
        .is_some_and(|home| Installation::at_home(home).is_ok());
    if (starts_kafka || of.captures_changes) && !home_is_usable {
        packages.push(&PACKAGE);
    }
    let mut found = vec![memory(of), room(of)];
    if of.captures_changes {
        packages.push(&DEBEZIUM);
        found.push(postgres());
    }
    if starts_kafka || of.captures_changes {
        found.push(java());
    }
    if !packages.is_empty() {
        found.push(maven(&packages, &cache));
    }
    found.push(ports());
    found
}

/// The same; an error with all that is missing.
///
/// # Errors
/// [`TargetError::HostLacks`].
pub fn require(of: &Requirements<'_>) -> Result<(), TargetError> {
    let mut found = requirements(of);
    found.retain(|finding| finding.state != FindingState::Present);
    match found.is_empty() {
        true => Ok(()),
        false => Err(TargetError::HostLacks { lacking: found }),
    }
}

fn memory(of: &Requirements<'_>) -> Finding {
    let (name, needed_for) = ("memory", "brokers, and the generator beside them");
    let needed = if of.quick {
        MEMORY_QUICK_BYTES
    } else {
        MEMORY_BYTES
    };
    let Some(available) = available_memory_bytes() else {
        return present(name, "not readable on this system".to_owned(), needed_for);
    };
    let remedy = match of.quick {
        true => "end other programs (`ps aux --sort=-rss | head` shows the largest)",
        false => {
            "end other programs (`ps aux --sort=-rss | head` shows the largest), or use `--quick`, which needs 2 GiB"
        }
    };
    let found = format!("{} available, {} needed", gigabytes(available), gigabytes(needed));
    enough(name, found, available >= needed, needed_for, remedy)
}

fn room(of: &Requirements<'_>) -> Finding {
    let needed = match of.target {
        TargetSpec::Bootstrap(_) | TargetSpec::Secured(_) => DISK_ELSEWHERE_BYTES,
        _ if of.quick => DISK_QUICK_BYTES,
        _ => DISK_BYTES,
    };
    let mut finding = disk("disk", of.out, needed, "what brokers keep, and reports");
    if finding.state != FindingState::Present {
        finding.found += &format!(", {} needed", gigabytes(needed));
        let or = if of.quick { "" } else { ", or use `--quick`" };
        finding.remedy = Some(format!(
            "free some space, or give a folder on another disk with `--out DIR`{or}"
        ));
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(target: &TargetSpec, captures_changes: bool, home: Option<&Path>) -> Vec<&'static str> {
        let found = requirements(&Requirements {
            target,
            captures_changes,
            quick: true,
            kafka_home: home,
            out: Path::new("."),
        });
        found.iter().map(|finding| finding.name).collect()
    }

    #[test]
    fn only_what_is_going_to_be_started_is_asked_for() {
        let elsewhere = TargetSpec::Bootstrap("h:1".to_owned());
        for (target, captures, expected) in [
            (&TargetSpec::Dev, false, &["memory", "disk", "free ports"][..]),
            (&elsewhere, false, &["memory", "disk", "free ports"]),
            (
                &TargetSpec::Kafka,
                false,
                &["memory", "disk", "Java", "Maven", "free ports"],
            ),
            (
                &elsewhere,
                true,
                &["memory", "disk", "PostgreSQL", "Java", "Maven", "free ports"],
            ),
        ] {
            assert_eq!(names(target, captures, None), expected, "{target} {captures}");
        }
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("libs")).unwrap();
        std::fs::write(home.path().join("libs/kafka_2.13-4.3.1.jar"), "").unwrap();
        assert!(!names(&TargetSpec::Kafka, false, Some(home.path())).contains(&"Maven"));
    }

    #[test]
    fn all_that_is_missing_is_told_at_once_with_what_mends_it() {
        let lacking = |name, remedy: &str| Finding {
            name,
            state: FindingState::Missing,
            found: format!("no {name}"),
            needed_for: "everything",
            remedy: Some(remedy.to_owned()),
        };
        let error = TargetError::HostLacks {
            lacking: vec![
                lacking("Java", "`apt-get install java`"),
                lacking("disk", "free some space"),
            ],
        };
        assert_eq!(
            error.to_string(),
            "this machine lacks what the run needs, so nothing was started:\n    \
             Java: no Java; `apt-get install java`\n    disk: no disk; free some space"
        );
        assert_eq!(error.exit_code(), highwater_model::ExitCode::Infrastructure);
    }
}
