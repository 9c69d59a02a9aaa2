use std::io;

/// Up to where a history can be trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GoodTo {
    /// Whole events.
    pub events: u64,
    /// Sequence number of the last one; none if there is no whole event.
    pub last_sequence: Option<u64>,
    /// Its moment, since the history began.
    pub last_at_ns: Option<u64>,
    /// Bytes from the start of the file to the end of the last whole event.
    pub byte: u64,
}

impl std::fmt::Display for GoodTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.last_sequence, self.last_at_ns) {
            (Some(sequence), Some(at_ns)) => write!(
                f,
                "good up to event {sequence} at {}.{:03} s (byte {})",
                at_ns / 1_000_000_000,
                at_ns / 1_000_000 % 1000,
                self.byte
            ),
            _ => write!(f, "no whole event before byte {}", self.byte),
        }
    }
}

/// Why a history can't be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file is something else.
    #[error("not a history of highwater: it {starts}")]
    NotAHistory {
        /// What it starts with, in words.
        starts: String,
    },
    /// Written by another version of the format.
    #[error(
        "a history in format version {found}; this highwater reads version {}",
        super::FORMAT_VERSION
    )]
    OtherVersion {
        /// Its version.
        found: u16,
    },
    /// The file ends inside an event, as after a SIGKILL of who wrote it.
    #[error("the history is cut off: {good}")]
    Cut {
        /// Up to where it is good.
        good: GoodTo,
    },
    /// Bytes were changed, lost or added.
    #[error("the history is damaged: {good}; after that, {reason}")]
    Damaged {
        /// Up to where it is good.
        good: GoodTo,
        /// What is wrong there.
        reason: &'static str,
    },
    /// A line of an export is no event.
    #[error("line {line} is not an event of this version of highwater: {good}")]
    NotAnEvent {
        /// Line, from 1.
        line: u64,
        /// Up to where it is good.
        good: GoodTo,
        /// What was expected.
        source: serde_json::Error,
    },
    /// The system could not read.
    #[error("cannot read on: {good}")]
    Read {
        /// Up to where it is good.
        good: GoodTo,
        /// What the system said.
        source: io::Error,
    },
}

impl HistoryError {
    /// Up to where the history is good; none if it could not be begun.
    #[must_use]
    pub fn good_to(&self) -> Option<GoodTo> {
        match self {
            Self::NotAHistory { .. } | Self::OtherVersion { .. } => None,
            Self::Cut { good }
            | Self::Damaged { good, .. }
            | Self::NotAnEvent { good, .. }
            | Self::Read { good, .. } => Some(*good),
        }
    }
}
