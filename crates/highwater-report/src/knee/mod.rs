//! The highest rate at which limits hold, for people and programs.
//!
//! Invariant: a rate that the generator could not offer is shown, and is no point of the curve.

mod markdown;
mod terminal;
pub(crate) mod words;

use highwater_model::KneeReport;

pub use markdown::knee_markdown;
pub use terminal::{knee_step, knee_text};

use crate::ReportError;

/// The result as it is, indented.
///
/// # Errors
/// [`ReportError::Json`].
pub fn knee_json(report: &KneeReport) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(report).map_err(ReportError::Json)?;
    text.push('\n');
    Ok(text)
}
