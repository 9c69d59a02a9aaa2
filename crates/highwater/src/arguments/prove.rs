use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueHint};
use highwater_broker::Bug;
use highwater_check::Contract;
use highwater_check::pipeline::Lineage;
use highwater_target::TargetSpec;

use super::contracts::contract;
use super::{KafkaArguments, TextFormat, seed, span, target};

pub(super) const PROVE_EXAMPLES: &str = "\
Examples:
  highwater prove --contract at-least-once --input orders --output invoices -- ./my-pipeline --brokers {bootstrap}
  highwater prove --contract exactly-once,ordered-per-key --input a --output b --target kafka -- java -jar app.jar
  highwater prove --contract at-least-once --input orders --output invoices --lineage json:/order/id \\
      --value '{\"order\":{\"id\":\"{id}\"},\"n\":{sequence}}' -- ./my-pipeline
  highwater prove … --budget 10m --shrink -- ./my-pipeline      more time, and the shortest schedule that shows it
  highwater prove … --faults schedule.toml -- ./my-pipeline     these faults in this order, nothing else
  highwater prove --list                                        all faults, with what each does

The pipeline finds the cluster by {bootstrap} in its arguments, or HIGHWATER_BOOTSTRAP or BOOTSTRAP_SERVERS in its
environment; instances are told apart by {instance}, or HIGHWATER_INSTANCE.

Exit codes:
  0  holds: every fault took effect at its moment, a client reacted, the end was read back, and nothing was violated
  1  violated: the exact records are named
  2  usage: nothing was started
  4  infrastructure: something failed or can't be reached
  5  inconclusive: what is missing for an answer is named";

/// Arguments of `highwater prove`.
#[derive(Debug, Args)]
pub(crate) struct ProveArguments {
    /// What the pipeline promises: at-most-once, at-least-once or exactly-once, optionally with ordered-per-key or
    /// ordered-per-partition; `highwater contracts` says what each forbids.
    #[arg(long, value_name = "CONTRACT", value_parser = contract, required_unless_present = "list")]
    pub(crate) contract: Option<Contract>,
    /// A topic that the pipeline reads; made if it is not there. Can be given several times.
    #[arg(long, value_name = "TOPIC", required_unless_present = "list")]
    pub(crate) input: Vec<String>,
    /// A topic that the pipeline writes; made if it is not there. Can be given several times.
    #[arg(long, value_name = "TOPIC", required_unless_present = "list")]
    pub(crate) output: Vec<String>,
    /// How an output names its input: `same` (key and value), `header:NAME`, `json:/pointer`, `key`, `regex:EXPRESSION`;
    /// then optionally `,filter`, `,fan-out=N`, `,aggregate=…`.
    #[arg(long, value_name = "RULE", default_value = "same")]
    pub(crate) lineage: Lineage,
    /// What it runs on: `dev`, `kafka`, `kafka:3` or `bootstrap:HOST:PORT`.
    #[arg(long, value_name = "TARGET", default_value = "dev", env = "HIGHWATER_TARGET", value_parser = target)]
    pub(crate) target: TargetSpec,
    /// `default`: what the contract fears first, then random kills. Or a file: `[[round]]` with `fault` and `after_ms`.
    #[arg(long, value_name = "default|FILE", default_value = "default", value_hint = ValueHint::FilePath)]
    pub(crate) faults: String,
    /// Time for all of it. A pipeline that is killed needs its session timeout to come back.
    #[arg(long, value_name = "SPAN", default_value = "2m", value_parser = span)]
    pub(crate) budget: Duration,
    /// Instances that run from the beginning.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) instances: u32,
    /// If it is violated: looks for the shortest schedule of faults that still shows it, for up to twice the budget.
    #[arg(long)]
    pub(crate) shrink: bool,
    /// Records a second that are fed.
    #[arg(long, value_name = "RATE", default_value_t = 500.0, value_parser = rate)]
    pub(crate) rate: f64,
    /// Different keys.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) keys: u64,
    /// Value of each record; `{id}`, `{key}` and `{sequence}` are filled in.
    #[arg(long, value_name = "TEMPLATE", default_value = highwater_load::feed::TEMPLATE)]
    pub(crate) value: String,
    /// Partitions of topics that are made.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) partitions: u32,
    /// Plants a defect in the dev broker, to see that it is found; can be given several times.
    #[arg(long, value_name = "BUG")]
    pub(crate) bug: Vec<Bug>,
    /// Directory for reports, logs and the wire history [default: ./highwater-runs/TIME-prove/].
    #[arg(short, long, value_name = "DIR", env = "HIGHWATER_OUT", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Runs the same again: everything random comes from this hexadecimal number.
    #[arg(long, value_name = "SEED", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Keeps topics and the data of brokers that it started.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Prints every fault with what it does.
    #[arg(long, conflicts_with = "command")]
    pub(crate) list: bool,
    /// What to print at the end: text or json. The page, the text and the JSON are also in the directory.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
    /// Shows nothing while it runs.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) kafka: KafkaArguments,
    /// The pipeline and its arguments.
    #[arg(last = true, value_name = "COMMAND", required_unless_present = "list")]
    pub(crate) command: Vec<OsString>,
}

/// Records a second.
fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches("/s");
    let rate: f64 = number
        .parse()
        .map_err(|_| "a rate is a number of records a second, e.g. 500".to_owned())?;
    if (0.1..=100_000.0).contains(&rate) {
        Ok(rate)
    } else {
        Err("between 0.1 and 100000 records a second".to_owned())
    }
}
