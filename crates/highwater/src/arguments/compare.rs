//! Arguments of `highwater compare`, and what `ab` has in common with it.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

pub(crate) const COMPARE_EXAMPLES: &str = "\
Examples:
  highwater compare highwater-runs/before highwater-runs/after           two runs: figures and gates, no statistics
  highwater compare --gates highwater-runs/before highwater-runs/after   the gates decide: -10/-20 % throughput, …
  highwater compare runs-of-main/ runs-of-branch/                        two directories of runs, four or more in each
  highwater compare base/ new/ --metric rate --metric steady.ack.p99     these metrics, and no others
  highwater compare base/ new/ --format md >> $GITHUB_STEP_SUMMARY       for a pull request

Exit codes:
  0  compared, and nothing is worse      4  a stored run can't be read
  2  nothing in common, or not run alike 5  inconclusive: too few runs or too much noise
  6  regressed";

/// What to compare, and how strictly.
#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    /// What to compare with: the directory of a run, or a directory of such directories.
    #[arg(value_name = "BASE", value_hint = ValueHint::DirPath)]
    pub(crate) base: PathBuf,
    /// What to compare: the same for the other side.
    #[arg(value_name = "CANDIDATE", value_hint = ValueHint::DirPath)]
    pub(crate) candidate: PathBuf,
    #[command(flatten)]
    pub(crate) how: ComparingArguments,
    /// Compares also runs on different machines, brokers or settings, and says in what they differ.
    #[arg(long)]
    pub(crate) force: bool,
    /// terminal, json or md.
    #[arg(long, value_enum, default_value_t = ComparisonFormat::Terminal, value_name = "FORMAT")]
    pub(crate) format: ComparisonFormat,
}

/// What a comparison asks.
#[derive(Debug, Args)]
pub(crate) struct ComparingArguments {
    /// Compares this metric, e.g. `ack.p99` or `steady.rate`, and only those that are named; all of them must come out
    /// for an answer. `highwater show metrics` lists them [default: throughput and latency, and the rest beside them].
    #[arg(long, value_name = "METRIC")]
    pub(crate) metric: Vec<String>,
    /// Smallest change that matters, e.g. `5%`.
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = percent)]
    pub(crate) margin: f64,
    /// Fixed limits decide: throughput -10 % warns and -20 % fails, p95 +15/+30 %, memory +20/+40 %. For single runs,
    /// where there are no statistics.
    #[arg(long)]
    pub(crate) gates: bool,
}

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ComparisonFormat {
    Terminal,
    Json,
    Md,
}

/// A share as it is written: `5%`, `0.5 %`.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').unwrap_or(text).trim();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=1000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("a change is a number of per cent from 0 to 1000, e.g. 5%".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn changes_are_per_cent() {
        assert_eq!(percent("5%"), Ok(0.05));
        assert_eq!(percent("7.5 %"), Ok(0.075));
        assert_eq!(percent("10"), Ok(0.1));
        for wrong in ["", "%", "-1%", "NaN", "five"] {
            assert!(percent(wrong).is_err(), "{wrong}");
        }
    }
}
