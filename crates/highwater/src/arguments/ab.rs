//! Arguments of `highwater ab`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use highwater_target::TargetSpec;

use super::compare::{ComparingArguments, ComparisonFormat};
use super::{AccessArguments, KafkaArguments, seed, target};

pub(crate) const AB_EXAMPLES: &str = "\
Examples:
  highwater ab --a producer.linger=1ms --b producer.linger=5ms --scenario throughput
  highwater ab --b 'producer.compression=lz4 load.values.compression_ratio=4' --scenario throughput --target kafka
  highwater ab --scenario throughput --rounds 6 --set load.duration=10s      A/A: what does this machine differ by?
  highwater ab --b producer.acks=leader --scenario mine.toml --metric ack.p99 --margin 10%

Exit codes:
  0  compared, and B is not worse        4  infrastructure: a run could not be done
  2  usage: nothing was started          5  inconclusive: too few rounds, too much noise, interrupted
  6  B regressed";

/// What to compare, and where.
#[derive(Debug, Args)]
pub(crate) struct AbArguments {
    /// Settings of A, the base: `key=value` as for --set, several separated by spaces or commas [default: those of the
    /// scenario].
    #[arg(long, value_name = "SETTINGS", default_value = "", hide_default_value = true)]
    pub(crate) a: String,
    /// Settings of B, the candidate.
    #[arg(long, value_name = "SETTINGS", default_value = "", hide_default_value = true)]
    pub(crate) b: String,
    /// What to run: a scenario, a scenario with its variant, or a TOML file.
    #[arg(long, value_name = "SCENARIO")]
    pub(crate) scenario: String,
    /// Rounds with a run of each side; fewer than 6 have no answer, and 12 survive one disturbed run.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub(crate) rounds: u32,
    /// What to run against, started anew for every run: `dev`, `kafka` or `kafka:3`; or `bootstrap:HOST:PORT`.
    #[arg(long, value_name = "TARGET", default_value = "dev", env = "HIGHWATER_TARGET", value_parser = target)]
    pub(crate) target: TargetSpec,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
    /// Directory for the runs and the comparison [default: ./highwater-runs/TIME-ab-NAME/].
    #[arg(short, long, value_name = "DIR", env = "HIGHWATER_OUT", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Sets a key for both sides, e.g. `--set load.duration=20s`; can be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Everything random comes from this hexadecimal number.
    #[arg(long, value_name = "SEED", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) how: ComparingArguments,
    /// terminal, json or md. The comparison is also in the directory.
    #[arg(long, value_enum, default_value_t = ComparisonFormat::Terminal, value_name = "FORMAT")]
    pub(crate) format: ComparisonFormat,
    /// Shows nothing while it runs.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) kafka: KafkaArguments,
}
