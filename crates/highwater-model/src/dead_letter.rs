//! Dead letters: records that somebody gave up, and what is known of them.

use serde::{Deserialize, Serialize};

/// A dead-letter topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterTopic {
    /// Its name.
    pub topic: String,
    /// Letters that nobody has seen to.
    pub waiting: u64,
    /// They, by where they come from and what went wrong; most first.
    pub causes: Vec<DeadLetterCause>,
}

/// Letters that have their source and their error in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterCause {
    /// The topic that they were in first, if they say so.
    pub source: Option<String>,
    /// The consumer group or connector that gave them up, if they say so.
    pub group: Option<String>,
    /// The error: its message, or its type.
    pub error: Option<String>,
    /// How many.
    pub count: u64,
    /// When the oldest was written, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
    /// When the youngest was.
    pub youngest_ms: Option<i64>,
    /// One of them: partition and offset.
    pub example: (i32, i64),
}

/// One letter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The dead-letter topic.
    pub topic: String,
    /// Its partition there.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// When it was written there, in milliseconds since 1970.
    pub at_ms: Option<i64>,
    /// Whether somebody has seen to it: it was redriven or discarded.
    pub done: bool,
    /// Whose headers it has: `Highwater`, `Spring`, `Connect`, `SmallRye`; none if they are of no known family.
    pub family: Option<String>,
    /// The topic that it was in first.
    pub source: Option<String>,
    /// Its partition there.
    pub source_partition: Option<i32>,
    /// Its offset there.
    pub source_offset: Option<i64>,
    /// The consumer group or connector that gave it up.
    pub group: Option<String>,
    /// The error and what caused it, outermost first.
    pub errors: Vec<String>,
    /// Attempts that failed.
    pub attempts: Option<u32>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// All its headers.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}
