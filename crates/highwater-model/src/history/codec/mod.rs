//! The file of a history: events as bytes, and back.
//!
//! ```text
//! file   = header event*
//! header = 89 'H' 'W' 'H' 0D 0A 1A 0A, format version (u16), reserved (u16)
//! event  = length of the body (varint), CRC-32C (u32), body
//! body   = kind, [texts], [hashes], numbers
//! ```
//! Numbers are written as differences to the event of the same kind before, so that what repeats costs one bit; the
//! checksum covers length and body and continues that of the event before, so that a missing event is noticed
//! too. `docs/history.md` describes every field.
//!
//! Invariant: for any event, decoding what was encoded gives the same event; bytes from outside give events or a
//! [`HistoryError`], and never ask for more memory than a small multiple of the bytes that are there.
//! Nothing here opens files or looks at a clock.

mod body;
mod coded;
mod decoder;
mod encoder;
mod error;
mod reader;
mod records;
mod shapes;
mod writer;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::{GoodTo, HistoryError};

/// Version of the format that is written, and the only one that is read.
pub const FORMAT_VERSION: u16 = 1;

/// First bytes of a file: no text has them, and a transfer as text breaks them.
const MAGIC: [u8; 8] = [0x89, b'H', b'W', b'H', b'\r', b'\n', 0x1a, b'\n'];

/// Bytes before the first event.
const HEADER_BYTES: usize = 12;

/// Longest body. A frame of Kafka has at most 2 GiB, by default 100 MiB; a longer length is damage.
const MAX_BODY_BYTES: u64 = 1 << 32;

/// This many numbers at the front of an event are differences; those after them stand for themselves.
const PREDICTED: usize = 256;

/// Texts that get a number when they are first seen, and how long such a text may be.
const MAX_NAMES: usize = 16_384;
const MAX_NAME_BYTES: usize = 256;

/// Bits of the kind byte.
const HAS_TEXTS: u8 = 0x80;
const HAS_HASHES: u8 = 0x40;
const KIND_MASK: u8 = 0x3f;

/// Appends a varint: seven bits in a byte, lowest first, the highest bit says that more follow.
fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a varint from the front; none if it is cut or longer than 64 bits.
fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(first & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        value |= bits << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Small numbers of either sign become small numbers.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests;
