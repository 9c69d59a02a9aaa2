//! Arguments of `highwater hazards`.

use clap::Args;
use highwater_target::TargetSpec;

use super::{KafkaArguments, TextFormat, seed};

pub(super) const HAZARDS_EXAMPLES: &str = "\
Examples:
  highwater hazards                               all that the dev broker can show, in a minute or two
  highwater hazards late-end-txn zombie-in-group  these two
  highwater hazards --target kafka late-end-txn   on Apache Kafka, started for it
  highwater hazards --list                        what there is
  highwater hazards --disarm retry-duplicates     without the fault: nothing may be found, so the exit code is 1

Exit codes:
  0  every hazard was reproduced, and every control held
  1  one did not appear, or a control did not hold; they are named
  2  usage: nothing was started
  4  the target could not be started, or a hazard could not be tried
  5  one that was asked for by name can't be done with this target; or interrupted";

#[derive(Debug, Args)]
pub(crate) struct HazardsArguments {
    /// Which hazards; all that the target can show if none is named.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// What to run them against: `dev` (the built-in broker), `kafka` (Apache Kafka, started for it) or `kafka:3` (for
    /// what takes followers). Clusters that are there already are never broken.
    #[arg(long, value_name = "TARGET", default_value = "dev", env = "HIGHWATER_TARGET", value_parser = super::target)]
    pub(crate) target: TargetSpec,
    /// Prints what there is, and runs nothing.
    #[arg(long)]
    pub(crate) list: bool,
    /// Seed of the fault proxies, hexadecimal [default: a new one, printed].
    #[arg(long, value_name = "SEED", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Leaves out what brings each hazard about, to see that nothing is found then.
    #[arg(long)]
    pub(crate) disarm: bool,
    /// What to print: text or json.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
    /// Shows nothing while it runs.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) kafka: KafkaArguments,
}
