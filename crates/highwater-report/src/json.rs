//! `report.json`: the [`Report`] as it is, indented.

use highwater_model::Report;

use crate::ReportError;

pub(crate) fn json(report: &Report) -> Result<String, ReportError> {
    let mut text = serde_json::to_string_pretty(report).map_err(ReportError::Json)?;
    text.push('\n');
    Ok(text)
}
