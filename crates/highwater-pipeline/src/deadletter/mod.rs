//! What headers say about a dead letter or a retry record: this library's own, and those of others.
//!
//! Own headers are strings, so that any tool shows them. They are the form of a retry record too, whose due moment
//! thereby survives a restart.
//!
//! | family | its headers begin with | numbers |
//! |---|---|---|
//! | Highwater | `highwater.` | text |
//! | Spring Kafka | `kafka_dlt-`, `kafka_original-`, `retry_topic-` | bytes, big-endian |
//! | Kafka Connect | `__connect.errors.` | text |
//! | SmallRye | `dead-letter-` | text |
//!
//! Invariant: reading headers from outside never fails and never panics; what cannot be read is absent.
//! Not here: keys and values, which a dead letter keeps as they were, byte for byte.

mod connect;
mod letter;
mod own;
mod retry_record;
mod smallrye;
mod spring;

pub use letter::{Family, Letter, TimestampKind};
pub use own::{CHAIN_LIMIT, HEADERS, MESSAGE_LIMIT_BYTES, is_own};
pub use retry_record::{RetryRecord, RetryRecordError};

/// One header as a client delivers it: a name, and a value that may be absent.
pub type Header<'a> = (&'a str, Option<&'a [u8]>);

/// Reads what headers say, in whichever family they are. Nothing, when they are in none.
///
/// ```
/// use highwater_pipeline::deadletter::{Family, read};
///
/// let headers: [(&str, Option<&[u8]>); 2] =
///     [("__connect.errors.topic", Some(b"orders")), ("__connect.errors.offset", Some(b"42"))];
/// let letter = read(&headers).unwrap();
/// assert_eq!((letter.family, letter.offset), (Family::Connect, Some(42)));
/// ```
#[must_use]
pub fn read(headers: &[Header<'_>]) -> Option<Letter> {
    let find = letter::Find(headers);
    own::read(find)
        .or_else(|| spring::read(find))
        .or_else(|| connect::read(find))
        .or_else(|| smallrye::read(find))
}

#[cfg(test)]
mod tests;
