//! The answer of `highwater prove`: for a terminal, as JSON, as a page.

mod page;
mod text;

use highwater_model::{ProveReport, RoundEnding};

use crate::ReportError;

pub use page::prove_html;
pub use text::prove;

/// Pictures of what happened on the wire: which anomaly, which example, the picture.
pub type WirePictures = Vec<(usize, usize, String)>;

/// The report as JSON.
///
/// # Errors
/// [`ReportError::Json`] if it can't be serialised.
pub fn prove_json(report: &ProveReport) -> Result<String, ReportError> {
    serde_json::to_string_pretty(report)
        .map(|text| text + "\n")
        .map_err(ReportError::Json)
}

/// One mark for how a round ended.
fn mark(ending: RoundEnding) -> &'static str {
    match ending {
        RoundEnding::Survived => "✓",
        RoundEnding::NotApplicable => "–",
        RoundEnding::NotRun | RoundEnding::Missed => "?",
        RoundEnding::Stuck => "✗",
    }
}
