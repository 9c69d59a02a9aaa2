//! Errors in files and settings: what is wrong, where, what to do.

use std::fmt;
use std::ops::Range;

/// A file as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path, or `built-in NAME`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl SourceFile {
    /// Line and column, both from 1, of a byte position.
    #[must_use]
    pub fn line_column(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at.min(self.text.len())).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

/// A stretch of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: SourceFile,
    /// Bytes of its text.
    pub span: Range<usize>,
}

/// Why a scenario can't be used as given. Nothing was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// What is wrong, a lower-case fragment.
    pub message: String,
    /// Where, if it is in a file.
    pub place: Option<Place>,
    /// Written under the place: what is expected there.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

impl ConfigError {
    /// An error without a place.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            label: None,
            help: None,
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(Place { file, span }) = &self.place {
            let (line, column) = file.line_column(span.start);
            write!(f, " in {}:{line}:{column}", file.name)?;
        }
        if let Some(label) = &self.label {
            write!(f, ": {label}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
