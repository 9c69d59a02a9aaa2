use std::fmt;
use std::str::FromStr;

use highwater_model::Report;

use crate::terminal::terminal;
use crate::{Document, ReportError, csv, document, html, json, junit, markdown};

/// A form in which a result can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Text for a terminal: `terminal`.
    Terminal,
    /// One offline page: `html`.
    Html,
    /// At most 60 lines, for a pull request: `md`.
    Markdown,
    /// Everything, after [`crate::SCHEMA`]: `json`.
    Json,
    /// For continuous integration: `junit`.
    Junit,
    /// Every figure of every scenario on a line of its own, for a spreadsheet: `csv`.
    Csv,
    /// The document of a validated cluster, a performance baseline or delivery guarantees: `document`.
    Document,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::Terminal,
        Self::Html,
        Self::Markdown,
        Self::Json,
        Self::Junit,
        Self::Csv,
        Self::Document,
    ];

    /// The name as it is typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Html => "html",
            Self::Markdown => "md",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Csv => "csv",
            Self::Document => "document",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`: known are terminal, html, md, json, junit, csv, document")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// How text for a terminal is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Use bold, dim and the one colour for trouble.
    pub color: bool,
    /// Columns of the terminal; fewer than 80 are treated as 80.
    pub width: u16,
}

impl Default for Style {
    /// 80 columns without colour: right for a file or a pipe.
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
        }
    }
}

/// Writes a result in a format; `style` matters for [`Format::Terminal`] only.
///
/// # Errors
/// [`ReportError::Json`], [`ReportError::Junit`] and [`ReportError::Csv`] if the result can't be serialised.
pub fn render(format: Format, report: &Report, style: &Style) -> Result<String, ReportError> {
    match format {
        Format::Terminal => Ok(terminal(report, style, None)),
        Format::Html => html::html(report),
        Format::Markdown => Ok(markdown::markdown(report)),
        Format::Json => json::json(report),
        Format::Junit => junit::junit(report),
        Format::Csv => csv::figures(report),
        Format::Document => Ok(document(Document::of(report), report)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_read_from_the_name_it_prints() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let unknown = "xml".parse::<Format>().unwrap_err();
        assert!(unknown.to_string().contains("`xml`"));
        for format in Format::ALL {
            assert!(unknown.to_string().contains(format.name()));
        }
    }
}
