//! Arguments of `highwater knee`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use highwater_target::TargetSpec;

use super::compare::{ComparisonFormat, percent};
use super::{AccessArguments, KafkaArguments, seed, span, target};

pub(crate) const KNEE_EXAMPLES: &str = "\
Examples:
  highwater knee --slo 'ack.p99 < 50ms' --slo 'lost == 0'                       the dev broker, 5 minutes at most
  highwater knee --slo 'ack.p99 < 50ms' --target kafka --from 5000/s --step 15s
  highwater knee --slo 'end_to_end.p99 < 200ms' --set load.values.size=1KiB --set producer.acks=all
  highwater knee --slo 'ack.p99 < 1s' --target bootstrap:broker:9092 --step 30s --budget 15min   a client quota

Exit codes:
  0  found, both ends confirmed          4  infrastructure: a step failed
  1  no rate holds the limits            5  not as close as asked for: out of time, interrupted
  2  usage: nothing was started          3  the generator of this machine is the limit";

/// What is searched.
#[derive(Debug, Args)]
pub(crate) struct KneeArguments {
    /// A limit that must hold, as in the thresholds of a scenario; can be given several times. That the rate is reached
    /// is always a limit.
    #[arg(long, value_name = "LIMIT", required = true)]
    pub(crate) slo: Vec<String>,
    /// Whose load is offered; its rate and its own limits are not used.
    #[arg(long, value_name = "SCENARIO", default_value = "throughput")]
    pub(crate) scenario: String,
    /// The first rate.
    #[arg(long, value_name = "RATE", default_value = "1000/s", value_parser = rate)]
    pub(crate) from: f64,
    /// Longest time for all steps; no step is begun that would end later.
    #[arg(long, value_name = "SPAN", default_value = "5min", value_parser = span)]
    pub(crate) budget: Duration,
    /// Load of each step, of which up to a third is warm-up; the confirming hold is twice as long. Longer than whatever
    /// the cluster averages over: a client quota of Kafka counts 11 s.
    #[arg(long, value_name = "SPAN", default_value = "8s", value_parser = span)]
    pub(crate) step: Duration,
    /// How close the rate that holds and the one that does not shall be.
    #[arg(long, value_name = "PERCENT", default_value = "2%", value_parser = percent)]
    pub(crate) precision: f64,
    /// What to run against; it stays up for all steps: `dev`, `kafka`, `kafka:3` or `bootstrap:HOST:PORT`.
    #[arg(long, value_name = "TARGET", default_value = "dev", env = "HIGHWATER_TARGET", value_parser = target)]
    pub(crate) target: TargetSpec,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
    /// Directory for the result and the steps [default: ./highwater-runs/TIME-knee-NAME/].
    #[arg(short, long, value_name = "DIR", env = "HIGHWATER_OUT", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Sets a key for all steps, e.g. `--set load.values.size=1KiB`; can be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Everything random comes from this hexadecimal number.
    #[arg(long, value_name = "SEED", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// terminal, json or md. The result is also in the directory.
    #[arg(long, value_enum, default_value_t = ComparisonFormat::Terminal, value_name = "FORMAT")]
    pub(crate) format: ComparisonFormat,
    /// Shows nothing while it runs.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) kafka: KafkaArguments,
}

/// A rate that is a number.
fn rate(text: &str) -> Result<f64, String> {
    match text.parse()? {
        highwater_scenario::config::Rate::PerSecond(rate) if rate >= 1.0 => Ok(rate),
        highwater_scenario::config::Rate::PerSecond(_) => Err("a rate of at least 1/s".into()),
        highwater_scenario::config::Rate::Max => Err("a number of records per second, e.g. 1000/s".into()),
    }
}
