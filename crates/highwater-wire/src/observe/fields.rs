//! The fields of messages that the codec has no version of, read one by one from the front.
//!
//! Invariant: never reads behind the end, and reserves nothing by a count from the bytes: elements run out
//! first. Flexible encoding: KIP-482.

use uuid::Uuid;

use crate::error::WireError;

/// What is left of a message.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    flexible: bool,
}

/// An unsigned variable-length integer of 32 bits has at most five bytes.
const MAX_VARINT_BYTES: usize = 5;

impl<'a> Fields<'a> {
    /// Starts at the front of `bytes`.
    pub(super) fn new(bytes: &'a [u8], flexible: bool) -> Self {
        Self {
            rest: bytes,
            flexible,
        }
    }

    fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(WireError::Truncated { field })?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(WireError::Truncated { field })?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn i8(&mut self, field: &'static str) -> Result<i8, WireError> {
        self.array(field).map(i8::from_be_bytes)
    }

    pub(super) fn bool(&mut self, field: &'static str) -> Result<bool, WireError> {
        Ok(self.i8(field)? != 0)
    }

    pub(super) fn i16(&mut self, field: &'static str) -> Result<i16, WireError> {
        self.array(field).map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self, field: &'static str) -> Result<i32, WireError> {
        self.array(field).map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self, field: &'static str) -> Result<i64, WireError> {
        self.array(field).map(i64::from_be_bytes)
    }

    pub(super) fn uuid(&mut self, field: &'static str) -> Result<Uuid, WireError> {
        self.array(field).map(Uuid::from_bytes)
    }

    fn unsigned_varint(&mut self, field: &'static str) -> Result<usize, WireError> {
        let mut value = 0u64;
        for index in 0..MAX_VARINT_BYTES {
            let [byte] = self.array(field)?;
            value |= u64::from(byte & 0x7f) << (index * 7);
            if byte < 0x80 {
                return usize::try_from(value).map_err(|_| WireError::Malformed { field });
            }
        }
        Err(WireError::Malformed { field })
    }

    /// A string, or `None` where it is null.
    pub(super) fn nullable_string(&mut self, field: &'static str) -> Result<Option<&'a str>, WireError> {
        let length = if self.flexible {
            self.unsigned_varint(field)?.checked_sub(1)
        } else {
            usize::try_from(self.i16(field)?).ok()
        };
        let Some(length) = length else {
            return Ok(None);
        };
        std::str::from_utf8(self.take(length, field)?)
            .map(Some)
            .map_err(|_| WireError::Malformed { field })
    }

    pub(super) fn string(&mut self, field: &'static str) -> Result<&'a str, WireError> {
        self.nullable_string(field)?.ok_or(WireError::Malformed { field })
    }

    /// The count of an array, or `None` where it is null.
    pub(super) fn nullable_count(&mut self, field: &'static str) -> Result<Option<usize>, WireError> {
        if self.flexible {
            Ok(self.unsigned_varint(field)?.checked_sub(1))
        } else {
            Ok(usize::try_from(self.i32(field)?).ok())
        }
    }

    /// The count of an array; a null one has no elements.
    pub(super) fn count(&mut self, field: &'static str) -> Result<usize, WireError> {
        Ok(self.nullable_count(field)?.unwrap_or(0))
    }

    /// An array of 32-bit numbers.
    pub(super) fn numbers(&mut self, field: &'static str) -> Result<Vec<i32>, WireError> {
        let count = self.count(field)?;
        let bytes = count.checked_mul(4).ok_or(WireError::Malformed { field })?;
        let (numbers, _) = self.take(bytes, field)?.as_chunks();
        Ok(numbers.iter().map(|&number| i32::from_be_bytes(number)).collect())
    }

    /// An array of bytes; null is empty.
    pub(super) fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], WireError> {
        let count = self.count(field)?;
        self.take(count, field)
    }

    /// Steps over the tagged fields at the end of a structure; there are none before flexible versions.
    pub(super) fn skip_tags(&mut self, field: &'static str) -> Result<(), WireError> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.unsigned_varint(field)? {
            self.unsigned_varint(field)?;
            let length = self.unsigned_varint(field)?;
            self.take(length, field)?;
        }
        Ok(())
    }
}
