//! Arguments of `highwater lag`.

use std::time::Duration;

use clap::Args;

use super::{AccessArguments, BootstrapArguments, span};

pub(crate) const LAG_EXAMPLES: &str = "\
Examples:
  highwater lag                                          all groups of the cluster at 127.0.0.1:9092, once
  highwater lag --bootstrap broker:9092 --watch          again every 10 s: is it stuck, slow, or catching up?
  highwater lag --group 'billing*' --partitions          each partition of some groups
  highwater lag --watch --json | jq .groups              one line of JSON for each reading";

/// What is asked.
#[derive(Debug, Args)]
pub(crate) struct LagArguments {
    #[command(flatten)]
    pub(crate) bootstrap: BootstrapArguments,
    #[command(flatten)]
    pub(crate) access: AccessArguments,
    /// Only this group; `*` stands for any text. Can be given several times.
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Vec<String>,
    /// A line for each partition, and not only for those with trouble.
    #[arg(long)]
    pub(crate) partitions: bool,
    /// Reads again and again, and judges what the readings say together, until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Time between two readings.
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = span)]
    pub(crate) every: Duration,
    /// Readings that count for a verdict; a verdict takes five of them, and a minute.
    #[arg(long, value_name = "SPAN", default_value = "10min", value_parser = span)]
    pub(crate) window: Duration,
    /// Leaves out how old the record is that a group reads next, which takes some requests more.
    #[arg(long)]
    pub(crate) no_ages: bool,
    /// Prints JSON, a line for each reading.
    #[arg(long)]
    pub(crate) json: bool,
}
