use highwater_model::Report;
use maud::{DOCTYPE, html};

use crate::{ReportError, Style};

pub(crate) fn html(report: &Report) -> Result<String, ReportError> {
    let text = crate::terminal(report, &Style::default(), None);
    Ok(html! { (DOCTYPE) html lang="en" { body { pre { (text) } } } }.into_string())
}
