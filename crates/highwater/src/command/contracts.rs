//! `highwater contracts`: what a contract says about each anomaly, and why.

use highwater_model::ExitCode;
use highwater_report::{contract_text, contracts_json, contracts_markdown, contracts_text};

use super::run::print;
use crate::arguments::{ContractsArguments, ContractsFormat};
use crate::failure::Failure;

pub(crate) fn contracts(arguments: &ContractsArguments) -> Result<ExitCode, Failure> {
    print(&match (arguments.format, arguments.contract) {
        (ContractsFormat::Text, None) => contracts_text(),
        (ContractsFormat::Text, Some(contract)) => contract_text(contract),
        (ContractsFormat::Json, contract) => contracts_json(contract),
        (ContractsFormat::Markdown, _) => contracts_markdown(),
    })?;
    Ok(ExitCode::Holds)
}
