use std::io;
use std::path::PathBuf;

/// Why a report could not be made, stored or read again.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A directory without the event stream of a run.
    #[error("no event stream in {}: it is not the directory of a run", dir.display())]
    NotARun {
        /// The directory.
        dir: PathBuf,
    },
    /// A stored stream can't be read from the disk.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A report can't be stored.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line of a stored stream is not an event.
    #[error("{}:{line}: not an event of this version of highwater", path.display())]
    NotAnEvent {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Where in the line, and what was expected.
        source: serde_json::Error,
    },
    /// A line of a stored stream is longer than any event can be.
    #[error("{}:{line}: line longer than {limit_bytes} bytes", path.display())]
    LineTooLong {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The bound.
        limit_bytes: u64,
    },
    /// A stored stream whose events don't follow each other.
    #[error("{}:{line}: {problem}", path.display())]
    OutOfOrder {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong, in words.
        problem: String,
    },
    /// A stream without a single complete event.
    #[error("{} holds no complete event: the run ended before it began", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The report can't be written as JSON.
    #[error("cannot write the report as json")]
    Json(#[source] serde_json::Error),
    /// The report can't be written as JUnit XML.
    #[error("cannot write the report as junit xml")]
    Junit(#[source] quick_junit::SerializeError),
    /// A table can't be written as CSV.
    #[error("cannot write the report as csv")]
    Csv(#[source] ::csv::Error),
}
