//! The programs of PostgreSQL, which distributions keep off the PATH.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cdc::CdcError;
use crate::program::{first_line, is_executable};

/// Installs it on Debian and Ubuntu.
pub(crate) const INSTALL_POSTGRES: &str = "apt-get install postgresql";
/// The oldest that is still looked after and that Debezium 3.7 is tested with.
const AT_LEAST: u32 = 14;
/// A folder for each version: Debian's and Ubuntu's, those of the packages of postgresql.org, SUSE's.
const ROOMS: [(&str, &str); 3] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/usr/lib", "postgresql"),
];

/// Where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) dir: PathBuf,
    /// As it says itself: `15.14`.
    pub(crate) version: String,
}

impl Binaries {
    /// Those in `given`, or the newest in the usual places.
    pub(crate) fn find(given: Option<&Path>) -> Result<Self, CdcError> {
        let candidates = given.map_or_else(usual_places, |dir| vec![dir.to_owned()]);
        let found = candidates.iter().filter_map(|dir| Self::in_dir(dir));
        // Of several equal ones the first: a distribution's own before links to it on the PATH.
        let newest = found.rev().max_by_key(|one| numbers(&one.version));
        let looked = || {
            let places: Vec<String> = candidates.iter().map(|dir| dir.display().to_string()).collect();
            match places.is_empty() {
                true => "/usr/lib/postgresql/*/bin, /usr/pgsql-*/bin and the PATH".to_owned(),
                false => places.join(", "),
            }
        };
        let newest = newest.ok_or_else(|| CdcError::PostgresMissing { looked: looked() })?;
        if numbers(&newest.version)
            .first()
            .is_none_or(|major| *major < AT_LEAST)
        {
            return Err(CdcError::PostgresTooOld {
                path: newest.dir.join("postgres"),
                found: newest.version,
                needed: AT_LEAST,
            });
        }
        Ok(newest)
    }

    fn in_dir(dir: &Path) -> Option<Self> {
        let postgres = dir.join("postgres");
        if !is_executable(&postgres) || !is_executable(&dir.join("initdb")) {
            return None;
        }
        let says = first_line(&postgres, "--version")?;
        // `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`
        let version = says.split_whitespace().nth(2)?.to_owned();
        Some(Self {
            dir: dir.to_owned(),
            version,
        })
    }
}

fn usual_places() -> Vec<PathBuf> {
    let rooms = ROOMS.iter().flat_map(|(room, prefix)| {
        let entries = fs::read_dir(room).into_iter().flatten().filter_map(Result::ok);
        let versions = entries.filter(|entry| {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(prefix));
            version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
        });
        versions.map(|entry| entry.path().join("bin")).collect::<Vec<_>>()
    });
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).filter(|dir| dir.join("initdb").exists());
    rooms.chain(on_path).filter(|dir| dir.is_dir()).collect()
}

fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split(|c: char| !c.is_ascii_digit());
    parts.map_while(|digits| digits.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn place(dir: &Path, version: &str) -> PathBuf {
        let bin = dir.join(version);
        // Written by another process, so that nobody has them open for writing when they are run.
        let make = r#"mkdir -p "$1" && for name in postgres initdb; do
            printf '#!/bin/sh\necho "postgres (PostgreSQL) %s"\n' "$2" > "$1/$name" && chmod 755 "$1/$name"; done"#;
        let status = Command::new("sh")
            .args(["-c", make, "sh"])
            .arg(&bin)
            .arg(version)
            .status();
        assert!(status.unwrap().success());
        bin
    }

    #[test]
    fn a_folder_without_them_and_an_old_one_say_what_to_install() {
        let dir = tempfile::tempdir().unwrap();
        let error = Binaries::find(Some(dir.path())).unwrap_err();
        assert!(matches!(error, CdcError::PostgresMissing { .. }), "{error}");
        assert!(
            error.to_string().contains(&dir.path().display().to_string()),
            "{error}"
        );
        assert!(error.remedy().unwrap().contains(INSTALL_POSTGRES));
        let error = Binaries::find(Some(&place(dir.path(), "9.6.24"))).unwrap_err();
        assert!(
            matches!(&error, CdcError::PostgresTooOld { found, .. } if found == "9.6.24"),
            "{error}"
        );
        let new = Binaries::find(Some(&place(dir.path(), "17.2"))).unwrap();
        assert_eq!(new.version, "17.2");
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(numbers("15.14") < numbers("15.100"));
        assert!(numbers("9.6") < numbers("15.0"));
        assert_eq!(numbers("18beta1"), [18]);
        assert_eq!(numbers("devel"), [0; 0]);
    }
}
