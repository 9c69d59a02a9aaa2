//! `highwater report`: a stored run, shown again.

use std::path::Path;

use highwater_model::ExitCode;
use highwater_report::{Format, html_with, read_run, render, terminal};

use crate::failure::Failure;
use crate::screen::Screen;

/// Shows the run and exits as the run did.
pub(crate) fn report(directory: &Path, format: Format, screen: &Screen) -> Result<ExitCode, Failure> {
    let report = read_run(directory)?;
    let text = match format {
        Format::Terminal => {
            let path = directory.join("report.html");
            terminal(&report, &screen.style(), path.exists().then_some(path.as_path()))
        }
        Format::Html => html_with(&report, &super::history::diagrams(directory, &report))?,
        format => render(format, &report, &screen.style())?,
    };
    super::run::print(&text)?;
    Ok(report.exit_code)
}
