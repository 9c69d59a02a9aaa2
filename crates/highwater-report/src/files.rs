//! The files beside a stored run. Invariant: a file of the final name is always complete.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use highwater_model::Report;

use crate::html::{Diagram, html_with};
use crate::{Document, Format, ReportError, Style, csv, render};

/// How the content of a file is made.
type Content<'a> = Box<dyn Fn() -> Result<String, ReportError> + 'a>;

/// Writes `report.html`, `report.md`, `report.json`, `junit.xml`, `figures.csv`, `timeline.csv`, `resources.csv`, and
/// for a run of several scenarios its document (`performance-baseline.md` or `delivery-guarantees.md`) into an existing
/// directory, and gives their paths in that order. Each is written under a temporary name and renamed, so that no
/// half-written report is ever found under its name.
///
/// # Errors
/// The first file that can't be rendered or written; files before it are in place.
pub fn write_all(dir: &Path, report: &Report, diagrams: &[Diagram]) -> Result<Vec<PathBuf>, ReportError> {
    let rendered = |format| -> Content<'_> { Box::new(move || render(format, report, &Style::default())) };
    let mut files: Vec<(&str, Content<'_>)> = vec![
        ("report.html", Box::new(|| html_with(report, diagrams))),
        ("report.md", rendered(Format::Markdown)),
        ("report.json", rendered(Format::Json)),
        ("junit.xml", rendered(Format::Junit)),
        ("figures.csv", rendered(Format::Csv)),
        ("timeline.csv", Box::new(|| csv::timeline(report))),
        ("resources.csv", Box::new(|| csv::resources(report))),
    ];
    if report.scenarios.len() > 1 {
        files.push((Document::of(report).file_name(), rendered(Format::Document)));
    }
    files
        .into_iter()
        .map(|(name, content)| {
            let content = content()?;
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
