//! Where things are: the sources of the client library, the program to measure, a place for results.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::error::BenchError;
use super::process;

/// What `cargo metadata` says.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self, BenchError> {
        let output = process::output(cargo().args(["metadata", "--format-version", "1", "--locked"]))?;
        serde_json::from_str(&output).map_err(|source| BenchError::Json {
            what: "cargo metadata".to_owned(),
            source,
        })
    }

    /// Directory and version of the sources of a package.
    pub(crate) fn sources(&self, name: &'static str) -> Result<(&Path, &str), BenchError> {
        let package = self.packages.iter().find(|package| package.name == name);
        package
            .and_then(|package| Some((package.manifest_path.parent()?, package.version.as_str())))
            .ok_or(BenchError::Missing(name))
    }

    pub(crate) fn build_highwater(&self) -> Result<PathBuf, BenchError> {
        eprintln!("building highwater");
        process::output(cargo().args(["build", "--quiet", "--release", "--package", "highwater"]))?;
        Ok(self.target_directory.join("release/highwater"))
    }

    /// Everything that the benchmark leaves behind is in here.
    pub(crate) fn bench_directory(&self) -> PathBuf {
        self.target_directory.join("bench")
    }
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
