//! A record in the retry topic: the source record as it was, and headers that say when it is due.

use thiserror::Error;

use super::letter::{Family, Find, Letter};
use super::{Header, own};
use crate::retry::Attempts;

/// What a retry record must say to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryRecord {
    /// The topic that the record was in first.
    pub topic: String,
    /// Its partition there.
    pub partition: i32,
    /// Its offset there: its place among the records of its key.
    pub offset: i64,
    /// What was tried, and when it is due.
    pub attempts: Attempts,
}

/// A record in the retry topic that this library did not write, or that was altered. It is a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RetryRecordError {
    /// It has none of the headers.
    #[error("a record in the retry topic has no headers of a retry record")]
    Foreign,
    /// One of them is absent or cannot be read.
    #[error("a record in the retry topic has no readable header for its {0}")]
    Absent(&'static str),
}

impl RetryRecord {
    /// Reads the headers of a record in the retry topic.
    ///
    /// # Errors
    ///
    /// They are not those of a retry record.
    pub fn read(headers: &[Header<'_>]) -> Result<Self, RetryRecordError> {
        use RetryRecordError::Absent;
        let letter = own::read(Find(headers)).ok_or(RetryRecordError::Foreign)?;
        Ok(Self {
            topic: letter.topic.ok_or(Absent("topic"))?,
            partition: letter
                .partition
                .filter(|partition| *partition >= 0)
                .ok_or(Absent("partition"))?,
            offset: letter
                .offset
                .filter(|offset| *offset >= 0)
                .ok_or(Absent("offset"))?,
            attempts: Attempts {
                made: letter.attempts.ok_or(Absent("attempts"))?,
                first: letter.first.ok_or(Absent("first attempt"))?,
                due: letter.due.ok_or(Absent("due moment"))?,
            },
        })
    }

    /// What its headers say; the caller adds the error and the group.
    #[must_use]
    pub fn letter(&self) -> Letter {
        Letter {
            topic: Some(self.topic.clone()),
            partition: Some(self.partition),
            offset: Some(self.offset),
            attempts: Some(self.attempts.made),
            first: Some(self.attempts.first),
            due: Some(self.attempts.due),
            ..Letter::new(Family::Highwater)
        }
    }
}
