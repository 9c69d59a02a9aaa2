//! Programs of the system that are needed, and whether they are there.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::TargetError;

/// Oldest Java that Apache Kafka 4 brokers run on (KIP-1013).
pub(crate) const JAVA_AT_LEAST: u32 = 17;
/// Installs Java on Debian and Ubuntu.
pub(crate) const INSTALL_JAVA: &str = "apt-get install openjdk-17-jre-headless";
/// Installs Maven and Java on Debian and Ubuntu.
pub(crate) const INSTALL_MAVEN: &str = "apt-get install openjdk-17-jre-headless maven";

/// The first program of this name on the PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|dir| dir.join(name))
        .find(|path| is_executable(path))
}

/// A Java that can run Apache Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Java {
    pub(crate) program: PathBuf,
    /// As it says itself, e.g. `17.0.15`.
    pub(crate) version: String,
}

/// Finds Java in JAVA_HOME or on the PATH and checks its version.
pub(crate) fn java() -> Result<Java, TargetError> {
    let home = env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    let program = home
        .filter(|path| is_executable(path))
        .or_else(|| on_path("java"));
    let program = program.ok_or(TargetError::JavaMissing)?;
    let version = first_line(&program, "-version").and_then(|line| quoted(&line));
    match version {
        Some(version) if java_major(&version).is_some_and(|major| major >= JAVA_AT_LEAST) => {
            Ok(Java { program, version })
        }
        other => {
            let found = other.unwrap_or_else(|| "of an unknown version".to_owned());
            Err(TargetError::JavaTooOld { path: program, found })
        }
    }
}

/// The first line that a program prints about itself, on either output.
pub(crate) fn first_line(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let said = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let text = String::from_utf8_lossy(&said).into_owned();
    text.lines()
        .map(|line| line.trim().to_owned())
        .find(|line| !line.is_empty() && !line.starts_with("Picked up"))
}

fn quoted(line: &str) -> Option<String> {
    line.split('"').nth(1).map(str::to_owned)
}

fn java_major(version: &str) -> Option<u32> {
    let mut numbers = version
        .split(|c: char| !c.is_ascii_digit())
        .map(|digits| digits.parse::<u32>().ok());
    match numbers.next()?? {
        1 => numbers.next()?,
        major => Some(major),
    }
}

pub(crate) fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_in_every_spelling() {
        for (line, expected) in [
            (r#"openjdk version "17.0.15" 2025-04-15"#, Some(17)),
            (r#"openjdk version "21-ea" 2023-09-19"#, Some(21)),
            (r#"java version "1.8.0_392""#, Some(8)),
            (r#"openjdk version "25" 2025-09-16"#, Some(25)),
            (r#"openjdk version "unknown""#, None),
            ("something else", None),
        ] {
            assert_eq!(
                quoted(line).and_then(|version| java_major(&version)),
                expected,
                "{line}"
            );
        }
    }

    #[test]
    fn programs_are_found_on_the_path_only_if_they_can_be_run() {
        assert!(on_path("sh").is_some());
        assert_eq!(on_path("no-such-program-of-highwater"), None);
        assert!(!is_executable(Path::new("/etc/passwd")));
        assert!(!is_executable(Path::new("/tmp")));
    }
}
