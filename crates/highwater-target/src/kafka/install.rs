//! Where Apache Kafka's jars are: in the cache, or where somebody installed a distribution.
//!
//! It fetches nothing itself; that is the room of [`crate::maven`].

use std::path::{Path, PathBuf};

use crate::error::TargetError;
use crate::maven::{self, Fetcher, Package};

/// The version that is fetched.
pub const KAFKA_VERSION: &str = "4.3.1";
/// What is fetched, with Kafka Connect and the command-line tools.
pub(crate) const PACKAGE: Package = Package {
    name: "Apache Kafka",
    what: "Apache Kafka 4.3.1",
    folder: "kafka-4.3.1",
    pom: include_str!("pom.xml"),
    needed: &[
        "kafka_2.13",
        "kafka-clients",
        "kafka-tools",
        "connect-runtime",
        "connect-file",
        "log4j-slf4j-impl",
    ],
    bytes: 56 << 20,
};

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
        let names = maven::names(&libs).map_err(|_| wrong("its folder `libs` is not readable"))?;
        let version = names.iter().find_map(|name| server_version(name));
        let version = version.ok_or_else(|| wrong("its folder `libs` has no kafka_2.13-VERSION.jar"))?;
        usable(libs, version)
    }
}

/// The installation in the cache, if there is a complete one.
pub(crate) fn cached(cache: &Path) -> Option<Installation> {
    PACKAGE.cached(cache).map(|libs| Installation {
        libs,
        version: KAFKA_VERSION.to_owned(),
    })
}

/// The installation in the cache, fetched if need be.
pub(super) fn obtain(fetcher: Fetcher<'_>) -> Result<Installation, TargetError> {
    let libs = PACKAGE.obtain(fetcher)?;
    usable(libs, KAFKA_VERSION.to_owned())
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_pom_and_the_names_agree_on_the_version() {
        assert!(
            PACKAGE
                .pom
                .contains(&format!("<kafka.version>{KAFKA_VERSION}</kafka.version>"))
        );
        assert!(PACKAGE.what.ends_with(KAFKA_VERSION) && PACKAGE.folder.ends_with(KAFKA_VERSION));
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
