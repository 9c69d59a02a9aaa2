use std::io;
use std::path::PathBuf;

/// What is wrong with a file of client properties. No message holds a value.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// It can't be read.
    #[error("can't read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is far too long for what it should be.
    #[error("{} is not a file of client properties: it is longer than {limit} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Most bytes.
        limit: u64,
    },
    /// A line of it can't be used.
    #[error("{}, line {line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// What it says as a whole can't be used.
    #[error("{}: {reason}", path.display())]
    Whole {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// A reason, and the line that it is about, if it is about one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) line: Option<usize>,
    pub(super) reason: String,
}

impl Wrong {
    pub(super) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            reason: reason.into(),
        }
    }

    pub(super) fn whole(reason: impl Into<String>) -> Self {
        Self {
            line: None,
            reason: reason.into(),
        }
    }

    pub(super) fn of(self, path: PathBuf) -> AccessError {
        match self.line {
            Some(line) => AccessError::Line {
                path,
                line,
                reason: self.reason,
            },
            None => AccessError::Whole {
                path,
                reason: self.reason,
            },
        }
    }
}
