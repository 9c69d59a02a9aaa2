//! A record as the runtime keeps it, from its delivery until its effect is safe.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message as _, OwnedHeaders, Timestamp};

use crate::deadletter::{self, RetryRecord, RetryRecordError, TimestampKind, is_own};
use crate::partition::Record;

/// What a record costs beside its bytes, as far as the intake's limit is concerned.
const OVERHEAD_BYTES: usize = 128;

/// Bytes, headers that are not this library's, and where it was first.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Option<Vec<u8>>)>,
    pub(super) timestamp_ms: Option<i64>,
    pub(super) timestamp_kind: Option<TimestampKind>,
    /// It stands in the retry topic at this offset and is no retry record.
    pub(super) foreign: Option<(i64, RetryRecordError)>,
    bytes: usize,
}

impl Record for Kept {
    fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Kept {
    pub(super) fn of(message: &BorrowedMessage<'_>) -> Self {
        let (timestamp_ms, timestamp_kind) = match message.timestamp() {
            Timestamp::CreateTime(ms) => (Some(ms), Some(TimestampKind::CreateTime)),
            Timestamp::LogAppendTime(ms) => (Some(ms), Some(TimestampKind::LogAppendTime)),
            Timestamp::NotAvailable => (None, None),
        };
        let headers = headers_of(message);
        let in_headers: usize = headers
            .iter()
            .map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len))
            .sum();
        Self {
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            bytes: message.key_len() + message.payload_len() + in_headers + OVERHEAD_BYTES,
            headers,
            timestamp_ms,
            timestamp_kind,
            foreign: None,
        }
    }

    /// A record of the retry topic: what its headers say, or why they say nothing. Other records of this topic and
    /// partition are all that may be parked here.
    pub(super) fn parked(
        message: &BorrowedMessage<'_>,
        topic: &str,
    ) -> (Self, Result<RetryRecord, RetryRecordError>) {
        let mut kept = Self::of(message);
        let headers: Vec<deadletter::Header<'_>> = kept
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
            .collect();
        let said = RetryRecord::read(&headers).and_then(|said| {
            if said.topic != topic {
                Err(RetryRecordError::Absent("topic, the one that is read here"))
            } else if said.partition != message.partition() {
                Err(RetryRecordError::Absent("partition, the one that it is in"))
            } else {
                Ok(said)
            }
        });
        let letter = deadletter::read(&headers);
        if said.is_ok()
            && let Some(letter) = letter
        {
            kept.timestamp_ms = letter.timestamp_ms;
            kept.timestamp_kind = letter.timestamp_kind;
        }
        kept.headers.retain(|(name, _)| !is_own(name));
        (kept, said)
    }

    /// Its headers, and these.
    pub(super) fn headers_and<'a>(&'a self, own: &'a [(&'static str, String)]) -> OwnedHeaders {
        let all = OwnedHeaders::new_with_capacity(self.headers.len() + own.len());
        let all = self
            .headers
            .iter()
            .filter(|(name, _)| !is_own(name))
            .fold(all, |all, (name, value)| {
                all.insert(Header {
                    key: name,
                    value: value.as_ref(),
                })
            });
        own.iter().fold(all, |all, (name, value)| {
            all.insert(Header {
                key: name,
                value: Some(value),
            })
        })
    }
}

/// The client panics at a name that is no UTF-8; such a record is handled, and forwarded, without headers.
fn headers_of(message: &BorrowedMessage<'_>) -> Vec<(String, Option<Vec<u8>>)> {
    catch_unwind(AssertUnwindSafe(|| {
        message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect()
    }))
    .unwrap_or_default()
}
