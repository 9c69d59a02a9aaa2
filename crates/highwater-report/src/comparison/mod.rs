//! A comparison for people and programs.
//!
//! Invariant: every change stands beside its interval and beside what equal sides would show, and what is not known is
//! not a number.

mod headline;
mod markdown;
mod terminal;
mod words;

use highwater_model::Comparison;

pub use headline::{headline, span};
pub use markdown::comparison_markdown;
pub use terminal::{comparison_text, verdict_line};

use crate::ReportError;

/// The comparison as it is, indented.
///
/// # Errors
/// [`ReportError::Json`].
pub fn comparison_json(comparison: &Comparison) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(comparison).map_err(ReportError::Json)?;
    text.push('\n');
    Ok(text)
}
