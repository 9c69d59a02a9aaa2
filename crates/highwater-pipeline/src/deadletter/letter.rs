//! What is known about a record that was given up or parked.

use std::time::Duration;

use super::Header;
use crate::retry::ErrorClass;

/// Who wrote the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// This library.
    Highwater,
    /// Spring Kafka's recoverer or retry topics.
    Spring,
    /// Kafka Connect's reporter.
    Connect,
    /// SmallRye Reactive Messaging, as in Quarkus.
    SmallRye,
}

/// What a timestamp of a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimestampKind {
    /// Given by the producer.
    CreateTime,
    /// Given by the broker.
    LogAppendTime,
}

impl TimestampKind {
    /// Kafka's name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateTime => "CreateTime",
            Self::LogAppendTime => "LogAppendTime",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::CreateTime, Self::LogAppendTime]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// What headers say about a record that was given up or parked. Everything may be absent: families differ, and
/// headers come from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Who wrote it.
    pub family: Family,
    /// The topic that the record was in first.
    pub topic: Option<String>,
    /// Its partition there.
    pub partition: Option<i32>,
    /// Its offset there.
    pub offset: Option<i64>,
    /// Its timestamp there, in milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// What the timestamp is.
    pub timestamp_kind: Option<TimestampKind>,
    /// The consumer group, or the connector, that gave it up.
    pub group: Option<String>,
    /// The step of the pipeline, or the stage of the connector.
    pub step: Option<String>,
    /// The class of the error.
    pub class: Option<ErrorClass>,
    /// The error and what caused it, outermost first: names of types, or messages.
    pub chain: Vec<String>,
    /// The message of the error.
    pub message: Option<String>,
    /// Attempts that failed.
    pub attempts: Option<u32>,
    /// When it was first run.
    pub first: Option<Duration>,
    /// When its next attempt is, or was, due.
    pub due: Option<Duration>,
}

impl Letter {
    /// Nothing known but the family.
    #[must_use]
    pub fn new(family: Family) -> Self {
        Self {
            family,
            topic: None,
            partition: None,
            offset: None,
            timestamp_ms: None,
            timestamp_kind: None,
            group: None,
            step: None,
            class: None,
            chain: Vec::new(),
            message: None,
            attempts: None,
            first: None,
            due: None,
        }
    }
}

/// Looks headers up by name. Of several with one name the last one counts, as in Kafka's clients.
#[derive(Clone, Copy)]
pub(super) struct Find<'a>(pub(super) &'a [Header<'a>]);

impl<'a> Find<'a> {
    pub(super) fn bytes(self, name: &str) -> Option<&'a [u8]> {
        self.0
            .iter()
            .rev()
            .find(|(other, _)| *other == name)
            .and_then(|(_, value)| *value)
    }

    /// As text, at most as much of it as anybody will read; what is no UTF-8 is shown as such.
    pub(super) fn text(self, name: &str) -> Option<String> {
        self.bytes(name)
            .map(|bytes| String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_LIMIT_BYTES)]).into_owned())
    }

    /// As a number written as text.
    pub(super) fn number<N: std::str::FromStr>(self, name: &str) -> Option<N> {
        std::str::from_utf8(self.bytes(name)?).ok()?.trim().parse().ok()
    }

    /// As a number in up to eight bytes, the highest first, with a sign: Java's buffers, and its big integers.
    pub(super) fn big_endian(self, name: &str) -> Option<i64> {
        let bytes = self.bytes(name)?;
        let (first, rest) = bytes.split_first()?;
        (bytes.len() <= 8).then(|| {
            rest.iter().fold(i64::from(first.cast_signed()), |number, byte| {
                number << 8 | i64::from(*byte)
            })
        })
    }
}

/// Stack traces fill megabytes.
const TEXT_LIMIT_BYTES: usize = 16 * 1_024;
