//! One `highwater prove` of the copy application.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{example, half_of_the_machine, machine, program};

pub(crate) const HOLDS: i32 = 0;
pub(crate) const VIOLATED: i32 = 1;
pub(crate) const USAGE: i32 = 2;
pub(crate) const INCONCLUSIVE: i32 = 5;

/// What is run.
#[derive(Clone)]
pub(crate) struct Trial<'a> {
    contract: &'a str,
    faults: Option<Vec<&'a str>>,
    target: &'a str,
    seed: &'a str,
    budget: &'a str,
    more: Vec<&'a str>,
    copy: Vec<&'a str>,
    shares: bool,
}

/// What came of it.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) said: String,
    pub(crate) report: Value,
    pub(crate) directory: TempDir,
}

impl<'a> Trial<'a> {
    /// The copy application with these arguments under a contract.
    pub(crate) fn of(contract: &'a str, copy: &[&'a str]) -> Self {
        Self {
            contract,
            faults: None,
            target: "dev",
            seed: "7",
            budget: "2min",
            more: Vec::new(),
            copy: copy.to_vec(),
            shares: false,
        }
    }

    /// Another one may run at the same time: it waits most of its time, and nothing is measured.
    pub(crate) fn shares_the_machine(mut self) -> Self {
        self.shares = true;
        self
    }

    /// These faults and no others.
    pub(crate) fn faults(mut self, faults: &[&'a str]) -> Self {
        self.faults = Some(faults.to_vec());
        self
    }

    pub(crate) fn target(mut self, target: &'a str) -> Self {
        self.target = target;
        self
    }

    pub(crate) fn budget(mut self, budget: &'a str) -> Self {
        self.budget = budget;
        self
    }

    pub(crate) fn more(mut self, more: &[&'a str]) -> Self {
        self.more.extend(more);
        self
    }

    /// Runs it, alone on the machine unless it shares it.
    pub(crate) fn run(&self) -> Ended {
        let _half = self.shares.then(half_of_the_machine);
        let _alone = (!self.shares).then(machine);
        let directory = TempDir::new().expect("a temporary folder");
        let schedule = directory.path().join("faults.toml");
        let out = directory.path().join("out");
        let mut command = program();
        command.args([
            "prove",
            "--quiet",
            "--contract",
            self.contract,
            "--target",
            self.target,
        ]);
        command.args(["--input", "orders", "--output", "invoices"]);
        command
            .args(["--seed", self.seed, "--budget", self.budget])
            .arg("--out")
            .arg(&out);
        if let Some(faults) = &self.faults {
            let rounds = faults
                .iter()
                .map(|fault| format!("[[round]]\nfault = \"{fault}\"\n"));
            fs::write(&schedule, rounds.collect::<String>()).expect("a file");
            command.arg("--faults").arg(&schedule);
        }
        command.args(&self.more).arg("--").arg(example("copy"));
        command.args([
            "--bootstrap",
            "{bootstrap}",
            "--input",
            "orders",
            "--output",
            "invoices",
        ]);
        command
            .args(["--group", "copy", "--instance", "{instance}"])
            .args(&self.copy);
        let output = command.output().expect("it runs");
        let said = format!(
            "{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let report = fs::read_to_string(out.join("report.json")).ok();
        Ended {
            code: output.status.code().unwrap_or(-1),
            said,
            report: report.map_or(Value::Null, |text| serde_json::from_str(&text).expect("JSON")),
            directory,
        }
    }

    /// Runs it and compares the exit code.
    #[track_caller]
    pub(crate) fn ends(&self, expected: i32) -> Ended {
        let ended = self.run();
        assert_eq!(ended.code, expected, "{}", ended.said);
        ended
    }
}

impl Ended {
    /// Names of the anomalies that the contract forbids.
    pub(crate) fn violations(&self) -> Vec<&str> {
        let anomalies = self.report["anomalies"].as_array().map_or(&[][..], Vec::as_slice);
        let forbidden = anomalies.iter().filter(|anomaly| anomaly["violation"] == true);
        forbidden.filter_map(|anomaly| anomaly["name"].as_str()).collect()
    }

    pub(crate) fn count(&self, what: &str) -> u64 {
        self.report["counts"][what]
            .as_u64()
            .unwrap_or_else(|| panic!("no {what}: {}", self.said))
    }

    /// How each round ended.
    pub(crate) fn rounds(&self) -> Vec<(&str, &str)> {
        let rounds = self.report["rounds"].as_array().map_or(&[][..], Vec::as_slice);
        let told = rounds
            .iter()
            .filter_map(|round| Some((round["fault"].as_str()?, round["ending"].as_str()?)));
        told.collect()
    }
}
