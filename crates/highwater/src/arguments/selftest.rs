use clap::Args;

use super::{TextFormat, seed};

/// Arguments of `highwater selftest`.
#[derive(Debug, Args)]
pub(crate) struct SelftestArguments {
    /// Seed of the first history; the next ones follow.
    #[arg(long, value_name = "SEED", value_parser = seed, default_value = "1")]
    pub(crate) seed: u64,
    /// Clean histories for each contract; one for every 20 of them for each planted defect.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) histories: u64,
    /// text or json.
    #[arg(long, value_enum, default_value_t = TextFormat::Text, value_name = "FORMAT")]
    pub(crate) format: TextFormat,
    /// Says nothing while it works.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}
