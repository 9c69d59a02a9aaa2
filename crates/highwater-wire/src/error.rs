//! What can go wrong between bytes and messages.

use std::io;
use std::net::SocketAddr;

use crate::batch::BatchError;
use crate::records::RecordsError;

/// An error of the wire layer, with the peer or the message it concerns.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No connection could be made in the time allowed.
    #[error("connect to {address}")]
    Connect {
        /// Where the connection was to go.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Reading or writing failed, or took longer than the connection's timeout.
    #[error("{action} {address}")]
    Io {
        /// "read from" or "write to".
        action: &'static str,
        /// The other side.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A frame says it is longer than what is accepted, or has a negative length.
    #[error("frame of {length} bytes, at most {limit} are accepted")]
    FrameLength {
        /// The length the frame claims, in bytes.
        length: i64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A frame ends inside a field.
    #[error("frame ends inside {field}")]
    Truncated {
        /// The field that is incomplete.
        field: &'static str,
    },
    /// A string is not UTF-8, or a length field is nonsense.
    #[error("malformed {field}")]
    Malformed {
        /// The field that makes no sense.
        field: &'static str,
    },
    /// A message could not be decoded in the version given.
    #[error("decode {message} version {version}: {reason}")]
    Decode {
        /// The message type.
        message: &'static str,
        /// The version it was decoded as.
        version: i16,
        /// The codec's reason.
        reason: String,
    },
    /// A message could not be encoded in the version given.
    #[error("encode {message} version {version}: {reason}")]
    Encode {
        /// The message type.
        message: &'static str,
        /// The version it was encoded as.
        version: i16,
        /// The codec's reason.
        reason: String,
    },
    /// The layout of this version is not known, so nothing was done with the bytes.
    #[error("{message} version {version} is not known here")]
    UnknownVersion {
        /// The API, or the message.
        message: &'static str,
        /// Its version as it came.
        version: i16,
    },
    /// The request gets no answer, so none can be made up: Produce with acks=0.
    #[error("a produce request with acks=0 has no answer")]
    NoAnswer,
    /// The answer belongs to another request.
    #[error("answer with correlation id {got}, expected {expected}")]
    Correlation {
        /// The id that was sent.
        expected: i32,
        /// The id that came back.
        got: i32,
    },
    /// A record batch is broken.
    #[error("record batch")]
    Batch(#[from] BatchError),
    /// The records of a batch are broken.
    #[error("records")]
    Records(#[from] RecordsError),
}
