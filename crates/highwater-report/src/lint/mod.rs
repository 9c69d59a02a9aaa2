//! What the linter says, for people and for machines.
//!
//! Invariant: worst first; nothing is said by colour alone; no line is wider than the terminal, except for words
//! that are longer than it.

mod kinds;
mod page;

use highwater_model::LintReport;

pub use kinds::lint_kinds;
pub use page::lint;

use crate::ReportError;

/// The report as JSON, indented.
///
/// # Errors
/// [`ReportError::Json`] if it can't be serialised.
pub fn lint_json(report: &LintReport) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(report).map_err(ReportError::Json)?;
    text.push('\n');
    Ok(text)
}
