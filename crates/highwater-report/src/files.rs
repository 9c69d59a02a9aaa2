//! The files beside a stored run. Invariant: a file of the final name is always complete.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use highwater_model::Report;

use crate::html::{Diagram, html_with};
use crate::{Format, ReportError, Style, render};

/// Every file that is made from a result, with its format.
const FILES: [(Format, &str); 4] = [
    (Format::Html, "report.html"),
    (Format::Markdown, "report.md"),
    (Format::Json, "report.json"),
    (Format::Junit, "junit.xml"),
];

/// Writes `report.html`, `report.md`, `report.json` and `junit.xml` into an existing directory and gives their
/// paths in that order. Each is written under a temporary name and renamed, so that no half-written report
/// is ever found under its name.
///
/// # Errors
/// The first file that can't be rendered or written; files before it are in place.
pub fn write_all(dir: &Path, report: &Report, diagrams: &[Diagram]) -> Result<Vec<PathBuf>, ReportError> {
    FILES
        .into_iter()
        .map(|(format, name)| {
            let content = match format {
                Format::Html => html_with(report, diagrams)?,
                format => render(format, report, &Style::default())?,
            };
            let path = dir.join(name);
            let temporary = dir.join(format!(".{name}.tmp"));
            replace(&temporary, &path, content.as_bytes()).map_err(|source| {
                // Best effort: what could not be written may not be removable either.
                let _ = fs::remove_file(&temporary);
                ReportError::Write {
                    path: path.clone(),
                    source,
                }
            })?;
            Ok(path)
        })
        .collect()
}

fn replace(temporary: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(temporary, path)
}
