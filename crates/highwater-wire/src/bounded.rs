//! Decoding of untrusted messages with bounded memory.
//!
//! kafka-protocol's array decoder reserves room for as many elements as the count field says before
//! it reads the first one, so twenty bytes that claim two thousand million elements would end the
//! process. [`decode`] therefore runs the decoder once over a guarded view of the bytes, in which a
//! count or length larger than the bytes that are left is either an error (compact encodings) or is
//! cut down so that the elements run out (32-bit encodings), and decodes for real only afterwards.
//!
//! Invariant: the memory reserved is at most the length of the input, or 16,384 bytes if that is more, times the
//! size of one element.
//! Callers bound the input ([`crate::frame`] has limits by API). Nothing is copied: byte fields are
//! slices of the input.

use bytes::buf::Buf;
use bytes::{Bytes, TryGetError};
use kafka_protocol::protocol::Decodable;
use kafka_protocol::protocol::buf::ByteBuf;

use crate::error::WireError;

/// Decodes one message from `input`, leaving what follows it in place.
///
/// # Errors
/// [`WireError::Decode`] for everything that is not a well-formed message of this version.
pub fn decode<M: Decodable>(input: &mut Bytes, version: i16) -> Result<M, WireError> {
    let failed = |reason: String| WireError::Decode {
        message: short_name::<M>(),
        version,
        reason,
    };
    let mut guard = Guard {
        inner: input.clone(),
        inside_varint: 0,
    };
    M::decode(&mut guard, version).map_err(|error| failed(error.to_string()))?;
    M::decode(input, version).map_err(|error| failed(error.to_string()))
}

/// The last part of a type's path: `ProduceRequest`.
pub(crate) fn short_name<M>() -> &'static str {
    let full = std::any::type_name::<M>();
    full.rsplit("::").next().unwrap_or(full)
}

/// A view of the bytes that never shows a count larger than what is left.
struct Guard {
    inner: Bytes,
    /// Bytes of a variable-length integer that were already judged with its first byte.
    inside_varint: usize,
}

/// Kafka numbers the tagged fields of a message from 0, and private extensions from 10,000.
const LARGEST_TAG: u64 = 16_384;

/// An unsigned variable-length integer of 32 bits has at most five bytes.
const MAX_VARINT_BYTES: usize = 5;

impl Guard {
    /// The variable-length integer at the front: its value and how many bytes it takes.
    fn peek_varint(&self) -> (u64, usize) {
        let mut value = 0u64;
        for (index, &byte) in self.inner.iter().take(MAX_VARINT_BYTES).enumerate() {
            value |= u64::from(byte & 0x7f) << (index * 7);
            if byte < 0x80 {
                return (value, index + 1);
            }
        }
        (value, self.inner.len().min(MAX_VARINT_BYTES))
    }
}

impl Buf for Guard {
    fn remaining(&self) -> usize {
        self.inner.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.inner.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.inner.advance(count);
    }

    /// Only variable-length integers and booleans are read byte by byte. Compact lengths are stored
    /// as length + 1, so a value above what is left + 1 lies, unless it is the number of a tag: those are small,
    /// and as a count a small number does no harm.
    fn try_get_u8(&mut self) -> Result<u8, TryGetError> {
        if self.inside_varint == 0 {
            let (value, bytes) = self.peek_varint();
            let left = self.inner.len().saturating_sub(bytes);
            if value > left as u64 + 1 && value > LARGEST_TAG {
                return Err(TryGetError {
                    requested: usize::try_from(value).unwrap_or(usize::MAX),
                    available: left,
                });
            }
            self.inside_varint = bytes;
        }
        self.inside_varint = self.inside_varint.saturating_sub(1);
        self.inner.try_get_u8()
    }

    /// A 32-bit integer may be a count or a plain number. One more than the bytes that are left is a
    /// count that cannot be filled, because every element takes at least a byte; as a plain number it
    /// does no harm in a pass whose result is thrown away.
    fn try_get_i32(&mut self) -> Result<i32, TryGetError> {
        let value = self.inner.try_get_i32()?;
        let impossible = i32::try_from(self.inner.len() + 1).unwrap_or(i32::MAX);
        Ok(value.min(impossible))
    }
}

impl ByteBuf for Guard {
    fn peek_bytes(&mut self, range: std::ops::Range<usize>) -> Bytes {
        self.inner.slice(range)
    }

    fn get_bytes(&mut self, size: usize) -> Bytes {
        self.inner.split_to(size)
    }
}
