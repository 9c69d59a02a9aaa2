use clap::{Args, ValueEnum};
use highwater_check::Contract;

/// Arguments of `highwater contracts`.
#[derive(Debug, Args)]
pub(crate) struct ContractsArguments {
    /// Only this contract, with the reason for each anomaly, e.g. `at-least-once,ordered-per-key`.
    #[arg(long, value_name = "CONTRACT", value_parser = contract)]
    pub(crate) contract: Option<Contract>,
    /// text, json or markdown (always all of them, as in docs/contracts.md).
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ContractsFormat,
}

/// How `contracts` prints its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ContractsFormat {
    /// Columns for a terminal.
    Text,
    /// A list with an object for each contract and anomaly.
    Json,
    /// Markdown.
    #[value(alias = "md")]
    Markdown,
}

/// A contract in its own words.
pub(super) fn contract(text: &str) -> Result<Contract, String> {
    Contract::parse(text).map_err(|error| error.to_string())
}
