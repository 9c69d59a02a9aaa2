//! What an answer, or its absence, says about whether a request was applied.
//!
//! ```text
//! (api, error | timeout | disconnect | no answer, acks) ─▶ ok · failed · unknown
//! ```
//! Invariant: [`Applied::Failed`] is said only where this request certainly was not and will not be applied;
//! whatever the table does not name is [`Applied::Unknown`]. An outcome is that of *one request*: an attempt before
//! it, with the same sequence numbers, may have been applied all the same.
//!
//! It knows nothing of how clients report errors, which may have retried in between.

mod commit;
mod every;
mod produce;
mod topic;
mod transaction;

/// An API whose requests change something that a history is checked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// Records; applied: they are in the log.
    Produce,
    /// Offsets of a group; applied: they are committed.
    OffsetCommit,
    /// Offsets in a transaction; applied: they are pending in it.
    TxnOffsetCommit,
    /// The end of a transaction; applied: it is decided as asked, and the markers follow.
    EndTxn,
    /// An epoch; applied: who had the transactional id before is fenced, its transaction aborted.
    InitProducerId,
    /// Partitions of a transaction; applied: they are in it.
    AddPartitionsToTxn,
    /// The group of a transaction; applied: its offsets partition is in it.
    AddOffsetsToTxn,
    /// Topics; applied: made by this request.
    CreateTopics,
    /// The front of a log; applied: it has moved.
    DeleteRecords,
}

impl Api {
    /// Every one, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::Produce,
        Self::OffsetCommit,
        Self::TxnOffsetCommit,
        Self::EndTxn,
        Self::InitProducerId,
        Self::AddPartitionsToTxn,
        Self::AddOffsetsToTxn,
        Self::CreateTopics,
        Self::DeleteRecords,
    ];

    /// Kafka's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Produce => "Produce",
            Self::OffsetCommit => "OffsetCommit",
            Self::TxnOffsetCommit => "TxnOffsetCommit",
            Self::EndTxn => "EndTxn",
            Self::InitProducerId => "InitProducerId",
            Self::AddPartitionsToTxn => "AddPartitionsToTxn",
            Self::AddOffsetsToTxn => "AddOffsetsToTxn",
            Self::CreateTopics => "CreateTopics",
            Self::DeleteRecords => "DeleteRecords",
        }
    }

    /// Its number on the wire.
    #[must_use]
    pub fn key(self) -> i16 {
        match self {
            Self::Produce => 0,
            Self::OffsetCommit => 8,
            Self::TxnOffsetCommit => 28,
            Self::EndTxn => 26,
            Self::InitProducerId => 22,
            Self::AddPartitionsToTxn => 24,
            Self::AddOffsetsToTxn => 25,
            Self::CreateTopics => 19,
            Self::DeleteRecords => 21,
        }
    }

    /// The one of a number; none for an API that the table does not have.
    #[must_use]
    pub fn by_key(key: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|api| api.key() == key)
    }
}

/// What a client got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// An answer with this error code for what was asked; 0 is none.
    Error(i16),
    /// No answer in time, and the connection still there.
    Timeout,
    /// The connection ended after the request was sent and before its answer was read.
    Disconnect,
    /// None is given: `acks=0`.
    NoAnswer,
}

/// Whether a request was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applied {
    /// It was.
    Ok,
    /// It certainly was not, and will not be.
    Failed,
    /// It may have been, or may still be; neither is a violation.
    Unknown,
}

impl Applied {
    /// `ok`, `failed` or `unknown`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// None: every one of [`Api::ALL`], unless it has a line of its own.
    pub api: Option<Api>,
    /// What the client got.
    pub signal: Signal,
    /// The same in Kafka's words: `NOT_ENOUGH_REPLICAS`, or `timeout`.
    pub name: &'static str,
    /// Only for requests with this `acks`; none: whatever it is.
    pub acks: Option<i16>,
    /// What it means.
    pub applied: Applied,
    /// Why, for people.
    pub reason: &'static str,
    /// Where that can be read: a KIP, an issue, or a class of Apache Kafka.
    pub source: &'static str,
    /// Whether a test brings it about on Apache Kafka and looks what became of the request.
    pub provoked: bool,
}

/// The whole table, in the order in which it is printed.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    let tables = [
        every::ROWS,
        produce::ROWS,
        commit::ROWS,
        transaction::ROWS,
        topic::ROWS,
    ];
    tables.into_iter().flatten()
}

/// What became of a request. `acks` only means something for Produce.
#[must_use]
pub fn outcome(api: Api, signal: Signal, acks: Option<i16>) -> Applied {
    line(api, signal, acks).map_or(Applied::Unknown, |row| row.applied)
}

/// The line that says what became of a request: the most particular one; none where the table has no word.
#[must_use]
pub fn line(api: Api, signal: Signal, acks: Option<i16>) -> Option<&'static Row> {
    let fits = |row: &&Row| {
        row.signal == signal
            && row.api.is_none_or(|one| one == api)
            && row.acks.is_none_or(|one| acks == Some(one))
    };
    rows()
        .filter(fits)
        .max_by_key(|row| (row.api.is_some(), row.acks.is_some()))
}

/// A line about an error of one API.
const fn error(
    api: Api,
    code: i16,
    name: &'static str,
    applied: Applied,
    reason: &'static str,
    source: &'static str,
) -> Row {
    Row {
        api: Some(api),
        signal: Signal::Error(code),
        name,
        acks: None,
        applied,
        reason,
        source,
        provoked: false,
    }
}

impl Row {
    /// The same, brought about by a test.
    const fn provoked(mut self) -> Self {
        self.provoked = true;
        self
    }

    /// The same, only with this `acks`.
    const fn with_acks(mut self, acks: i16) -> Self {
        self.acks = Some(acks);
        self
    }
}

#[cfg(test)]
mod tests;
