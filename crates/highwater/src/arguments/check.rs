//! Arguments of `highwater check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use highwater_check::Contract;

use super::TextFormat;
use super::contracts::contract;

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  highwater check run.hwh --contract exactly-once                    what the fault proxy wrote down
  highwater check store/latest/history.edn --contract exactly-once   what Jepsen wrote down
  highwater check producer.log consumer.log --contract at-least-once,ordered-per-partition
                                                                     what Kafka's verifiable clients printed

Exit codes:
  0  holds: all that was acknowledged was seen, and nothing that the contract forbids
  1  violated: something that the contract forbids is in the history
  2  usage: a file can't be read or understood; nothing was judged
  5  inconclusive: nothing forbidden was seen, and something is missing that could show it";

/// Arguments of `highwater check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The history; several files only of verifiable clients, one for each client.
    #[arg(value_name = "HISTORY", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// What is promised, e.g. `exactly-once` or `at-least-once,ordered-per-key`; see `highwater contracts`.
    #[arg(long, value_name = "CONTRACT", value_parser = contract)]
    pub(crate) contract: Contract,
    /// How the history is written down [default: told from its content].
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) format: Option<CheckedFormat>,
    /// text or json.
    #[arg(long, value_enum, default_value_t = TextFormat::Text, value_name = "FORMAT")]
    pub(crate) output: TextFormat,
    /// What the readers of the history may see, where it does not say so itself (Jepsen's and verifiable clients).
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level::ReadCommitted)]
    pub(crate) level: Level,
    /// Takes the order of offsets as the order of transactions: circles of reads and writes together are
    /// information-cycle, too. Kafka promises nothing of the kind (Jepsen's ww-deps).
    #[arg(long)]
    pub(crate) write_order: bool,
    /// Lets positions of readers jump whenever they subscribe again (Jepsen's sub-via subscribe).
    #[arg(long)]
    pub(crate) subscribe_repositions: bool,
}

/// How a history is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckedFormat {
    /// A recording of the fault proxy, or its export.
    Highwater,
    /// Operations of Jepsen's workload for Kafka.
    JepsenEdn,
    /// Lines of Kafka's VerifiableProducer and VerifiableConsumer.
    Verifiable,
}

/// What readers may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Records of committed transactions, and those of none.
    #[value(name = "read_committed", alias = "read-committed")]
    ReadCommitted,
    /// Everything.
    #[value(name = "read_uncommitted", alias = "read-uncommitted")]
    ReadUncommitted,
}
