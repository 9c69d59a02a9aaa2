//! `highwater prove` with a foreign pipeline.

use std::fs;

use tempfile::TempDir;

use crate::pipelines::Pipeline;
use crate::support::{machine, program};

/// Enough for a few faults, each with the session timeout of who was killed.
const BUDGET: &str = "3min";

/// What is to be proven, and how.
pub(crate) struct Proof<'a> {
    contract: &'a str,
    target: &'a str,
    faults: &'a [&'a str],
    /// More arguments.
    pub(crate) more: Vec<&'a str>,
}

impl<'a> Proof<'a> {
    /// These faults, in this order.
    pub(crate) fn of(contract: &'a str, target: &'a str, faults: &'a [&'a str]) -> Self {
        Self {
            contract,
            target,
            faults,
            more: Vec::new(),
        }
    }

    /// Runs it, alone on the machine, and compares the exit code; what was said.
    #[track_caller]
    pub(crate) fn ends(&self, pipeline: &Pipeline, expected: i32) -> String {
        let _machine = machine();
        let dir = TempDir::new().expect("a temporary folder");
        let schedule: String = self
            .faults
            .iter()
            .map(|fault| format!("[[round]]\nfault = \"{fault}\"\nafter_ms = 1000\n\n"))
            .collect();
        let file = dir.path().join("faults.toml");
        fs::write(&file, schedule).expect("a file");
        let folder = dir.path().join("pipeline");
        let mut command = program();
        command
            .args([
                "prove",
                "--quiet",
                "--contract",
                self.contract,
                "--target",
                self.target,
            ])
            .args([
                "--input",
                "foreign-in",
                "--output",
                "foreign-out",
                "--budget",
                BUDGET,
            ])
            .args(["--rate", "200", "--seed", "7"])
            .arg("--faults")
            .arg(&file)
            .arg("--out")
            .arg(dir.path().join("out"))
            .args(&self.more)
            .arg("--");
        for word in &pipeline.words {
            let word = word
                .replace("{input}", "foreign-in")
                .replace("{output}", "foreign-out");
            command.arg(word.replace("{folder}", &folder.display().to_string()));
        }
        if let Some(class_path) = &pipeline.class_path {
            command.env("CLASSPATH", class_path);
        }
        let output = command.output().expect("it runs");
        let said = format!(
            "{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(output.status.code(), Some(expected), "{said}");
        said
    }
}
