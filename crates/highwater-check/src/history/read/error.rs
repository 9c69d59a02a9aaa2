use std::io;

use thiserror::Error;

/// Why a history can't be read, and what to do.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The bytes did not come.
    #[error("line {line}: could not be read")]
    Io {
        /// Line that was being read.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// Something that the format does not allow.
    #[error("line {line}: {what}; {remedy}")]
    Malformed {
        /// Line at which it begins.
        line: u64,
        /// What is there.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// One entry that is too large.
    #[error("line {line}: an entry is larger than {limit_mib} MiB; a history has one map for each operation")]
    TooLarge {
        /// Line at which it begins.
        line: u64,
        /// The limit.
        limit_mib: usize,
    },
}

impl ReadError {
    pub(super) fn malformed(line: u64, what: impl Into<String>, remedy: &'static str) -> Self {
        Self::Malformed {
            line,
            what: what.into(),
            remedy,
        }
    }
}

/// The beginning of something that a message quotes.
pub(super) fn excerpt(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}
