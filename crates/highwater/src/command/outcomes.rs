//! `highwater outcomes`: what an answer, or its absence, says about whether a request was applied.

use highwater_model::ExitCode;
use highwater_report::{outcomes_json, outcomes_markdown, outcomes_text};

use super::run::print;
use crate::arguments::OutcomesFormat;
use crate::failure::Failure;

pub(crate) fn outcomes(format: OutcomesFormat) -> Result<ExitCode, Failure> {
    print(&match format {
        OutcomesFormat::Text => outcomes_text(),
        OutcomesFormat::Json => outcomes_json(),
        OutcomesFormat::Md => outcomes_markdown(),
    })?;
    Ok(ExitCode::Holds)
}
