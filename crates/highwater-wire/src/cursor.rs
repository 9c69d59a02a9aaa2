//! Reading by hand, for versions that the codec lacks and for bytes that are changed in place.
//!
//! Invariant: the position never passes the end, and nothing is reserved for a length that was read.
//! It knows the encodings of Kafka's primitive types and no message.

use std::ops::Range;

use crate::error::WireError;

/// A position in bytes from outside, and whether lengths and counts are compact (KIP-482).
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    flexible: bool,
}

/// An unsigned variable-length integer of 32 bits has at most five bytes.
const MAX_VARINT_BYTES: usize = 5;

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], flexible: bool) -> Self {
        Self {
            bytes,
            at: 0,
            flexible,
        }
    }

    /// How many bytes were read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(crate) fn skip(&mut self, count: usize, field: &'static str) -> Result<Range<usize>, WireError> {
        if count > self.left() {
            return Err(WireError::Truncated { field });
        }
        let start = self.at;
        self.at += count;
        Ok(start..self.at)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let range = self.skip(N, field)?;
        self.bytes[range]
            .first_chunk::<N>()
            .copied()
            .ok_or(WireError::Truncated { field })
    }

    pub(crate) fn i16(&mut self, field: &'static str) -> Result<i16, WireError> {
        self.array(field).map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, WireError> {
        self.array(field).map(i32::from_be_bytes)
    }

    pub(crate) fn u128(&mut self, field: &'static str) -> Result<u128, WireError> {
        self.array(field).map(u128::from_be_bytes)
    }

    pub(crate) fn varint(&mut self, field: &'static str) -> Result<u32, WireError> {
        let mut value = 0u64;
        for index in 0..MAX_VARINT_BYTES {
            let [byte] = self.array::<1>(field)?;
            value |= u64::from(byte & 0x7f) << (index * 7);
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| WireError::Malformed { field });
            }
        }
        Err(WireError::Malformed { field })
    }

    /// A length or count: `None` is null.
    fn length(&mut self, wide: bool, field: &'static str) -> Result<Option<usize>, WireError> {
        if self.flexible {
            let stored = self.varint(field)?;
            return Ok(stored.checked_sub(1).map(|length| length as usize));
        }
        let stored = if wide {
            self.i32(field)?
        } else {
            i32::from(self.i16(field)?)
        };
        match stored {
            -1 => Ok(None),
            _ => usize::try_from(stored)
                .map(Some)
                .map_err(|_| WireError::Malformed { field }),
        }
    }

    /// A string that may be null.
    pub(crate) fn nullable(&mut self, field: &'static str) -> Result<Option<&'a str>, WireError> {
        let Some(length) = self.length(false, field)? else {
            return Ok(None);
        };
        let range = self.skip(length, field)?;
        std::str::from_utf8(&self.bytes[range])
            .map(Some)
            .map_err(|_| WireError::Malformed { field })
    }

    pub(crate) fn string(&mut self, field: &'static str) -> Result<&'a str, WireError> {
        self.nullable(field)?.ok_or(WireError::Malformed { field })
    }

    /// Bytes or records, which may be null.
    pub(crate) fn skip_bytes(&mut self, field: &'static str) -> Result<(), WireError> {
        if let Some(length) = self.length(true, field)? {
            self.skip(length, field)?;
        }
        Ok(())
    }

    /// The number of elements of an array; `None` is null. Every element takes at least a byte.
    pub(crate) fn count(&mut self, field: &'static str) -> Result<Option<usize>, WireError> {
        match self.length(true, field)? {
            Some(count) if count > self.left() => Err(WireError::Truncated { field }),
            count => Ok(count),
        }
    }

    /// Reads every element of an array, null as none.
    pub(crate) fn each(
        &mut self,
        field: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        for _ in 0..self.count(field)?.unwrap_or(0) {
            read(self)?;
        }
        Ok(())
    }

    /// Tagged fields, all passed over.
    pub(crate) fn skip_tags(&mut self) -> Result<(), WireError> {
        self.tags(|_, _, _| Ok(()))
    }

    /// Tagged fields: the tag, where its size stands, and a cursor over nothing but its content, whose
    /// positions are those of the whole. Versions that are not flexible have none.
    pub(crate) fn tags(
        &mut self,
        mut read: impl FnMut(u32, Range<usize>, &mut Self) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        if !self.flexible {
            return Ok(());
        }
        let field = "tagged fields";
        for _ in 0..self.varint(field)? {
            let tag = self.varint(field)?;
            let size_at = self.at;
            let size = self.varint(field)? as usize;
            let size_range = size_at..self.at;
            let content = self.skip(size, field)?;
            let mut inside = Self {
                bytes: &self.bytes[..content.end],
                at: content.start,
                flexible: true,
            };
            read(tag, size_range, &mut inside)?;
        }
        Ok(())
    }
}

/// Appends an unsigned variable-length integer.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
