//! What is done above a committed offset, written into the metadata of the commit.
//!
//! ```text
//!  "hw" · format · base64( body · crc32c )      format: b bitset, r runs, B and R the same through zstd
//! ```
//!
//! The metadata of a commit is a string for clients and brokers, at most 4,096 bytes by the broker's default
//! (`offset.metadata.max.bytes`). Of the four forms the shortest is taken. The checksum covers the committed offset
//! too, so that metadata that strayed to another offset is not believed.
//!
//! Invariant: what is decoded was encoded, for this offset. Anything may come in: another program's metadata is
//! [`MetadataError::Foreign`], and no length is believed before it was compared with a limit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use thiserror::Error;

use super::runs::{Run, append};

/// What a broker takes by default (`offset.metadata.max.bytes`).
pub const METADATA_LIMIT_BYTES: usize = 4_096;
/// From here on no more records are taken in: 75 % of the limit.
pub const METADATA_PAUSE_BYTES: usize = METADATA_LIMIT_BYTES / 4 * 3;
/// Below this they are taken in again: 50 % of the limit, so that a partition does not pause with every record.
pub const METADATA_RESUME_BYTES: usize = METADATA_LIMIT_BYTES / 2;

/// The largest body, unpacked: what a broken or hostile length can make us ask for.
const BODY_LIMIT_BYTES: usize = 64 * 1_024;
/// Below this size a zstd frame's own header costs more than it saves.
const WORTH_COMPRESSING_BYTES: usize = 48;
const PREFIX: &str = "hw";
const CHECKSUM_BYTES: usize = 4;
const VARINT_BYTES: usize = 10;

/// Metadata that cannot be used. The records above the committed offset run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// Written by another program, or by a person.
    #[error("metadata of the committed offset was not written by this library")]
    Foreign,
    /// Ours by its first bytes, and cut, altered, or of another offset.
    #[error("metadata of the committed offset is broken: {0}")]
    Broken(&'static str),
}

/// Metadata for a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// At most [`METADATA_LIMIT_BYTES`] of ASCII; empty when nothing is done above the offset.
    pub text: String,
    /// Offsets that are done and did not fit.
    pub left_out: u64,
}

/// Writes what is done above `offset`. `runs` are in order, do not touch, and start above the offset.
///
/// When not everything fits, the lowest runs are kept.
#[must_use]
pub fn encode(offset: i64, runs: &[Run]) -> Encoded {
    if runs.is_empty() {
        return Encoded {
            text: String::new(),
            left_out: 0,
        };
    }
    if let Some(text) = shortest(offset, runs) {
        return Encoded { text, left_out: 0 };
    }
    // The largest number of runs that fits; more runs never make it shorter by enough to matter.
    let (mut fits, mut too_many) = (0, runs.len());
    let mut text = String::new();
    while too_many - fits > 1 {
        let middle = fits.midpoint(too_many);
        match shortest(offset, &runs[..middle]) {
            Some(shorter) => (fits, text) = (middle, shorter),
            None => too_many = middle,
        }
    }
    let left_out = runs[fits..].iter().map(|run| run.end.abs_diff(run.start)).sum();
    Encoded { text, left_out }
}

/// Reads what is done above `offset`. An empty string says that nothing is.
///
/// # Errors
///
/// The metadata is another program's, or broken.
pub fn decode(offset: i64, text: &str) -> Result<Vec<Run>, MetadataError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rest = text.strip_prefix(PREFIX).ok_or(MetadataError::Foreign)?;
    let (&format, rest) = rest.as_bytes().split_first().ok_or(MetadataError::Foreign)?;
    if !matches!(format, b'b' | b'r' | b'B' | b'R') {
        return Err(MetadataError::Foreign);
    }
    if text.len() > METADATA_LIMIT_BYTES {
        return Err(MetadataError::Broken("longer than a broker keeps"));
    }
    let bytes = BASE64
        .decode(rest)
        .map_err(|_| MetadataError::Broken("not base64"))?;
    let body_bytes = bytes
        .len()
        .checked_sub(CHECKSUM_BYTES)
        .ok_or(MetadataError::Broken("cut"))?;
    let (body, sum) = bytes.split_at(body_bytes);
    if checksum(offset, format, body).to_be_bytes() != sum {
        return Err(MetadataError::Broken("its checksum does not fit this offset"));
    }
    let unpacked;
    let body = if format.is_ascii_uppercase() {
        unpacked = zstd::bulk::decompress(body, BODY_LIMIT_BYTES)
            .map_err(|_| MetadataError::Broken("cannot be unpacked"))?;
        &unpacked[..]
    } else {
        body
    };
    match format.to_ascii_lowercase() {
        b'b' => from_bitset(offset, body),
        _ => from_lengths(offset, body),
    }
}

/// Whether `span` offsets, whichever of them are done, take less than `limit_bytes`. Costs nothing, may say no too
/// early.
pub(super) fn surely_below(span: i64, limit_bytes: usize) -> bool {
    let body = u64::try_from(span).unwrap_or(0) / 8 + 1;
    text_bytes(usize::try_from(body).unwrap_or(usize::MAX)) < limit_bytes
}

fn text_bytes(body_bytes: usize) -> usize {
    PREFIX.len()
        + 1
        + body_bytes
            .saturating_add(CHECKSUM_BYTES)
            .saturating_mul(4)
            .div_ceil(3)
}

fn shortest(offset: i64, runs: &[Run]) -> Option<String> {
    let mut best: Option<(u8, Vec<u8>)> = None;
    for (format, body) in [(b'r', to_lengths(offset, runs)), (b'b', to_bitset(offset, runs))] {
        let Some(body) = body else { continue };
        let packed = (body.len() >= WORTH_COMPRESSING_BYTES)
            .then(|| zstd::bulk::compress(&body, 1).ok())
            .flatten()
            .map(|packed| (format.to_ascii_uppercase(), packed));
        for candidate in [Some((format, body)), packed].into_iter().flatten() {
            if best
                .as_ref()
                .is_none_or(|(_, shorter)| candidate.1.len() < shorter.len())
            {
                best = Some(candidate);
            }
        }
    }
    let (format, mut body) = best?;
    if text_bytes(body.len()) > METADATA_LIMIT_BYTES {
        return None;
    }
    let sum = checksum(offset, format, &body);
    body.extend_from_slice(&sum.to_be_bytes());
    let mut text = String::with_capacity(text_bytes(body.len()));
    text.push_str(PREFIX);
    text.push(char::from(format));
    BASE64.encode_string(&body, &mut text);
    Some(text)
}

fn checksum(offset: i64, format: u8, body: &[u8]) -> u32 {
    let sum = crc32c::crc32c(&offset.to_be_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(sum, &[format]), body)
}

/// One bit per offset from the committed one on, lowest bit first; set: done.
fn to_bitset(offset: i64, runs: &[Run]) -> Option<Vec<u8>> {
    let span = usize::try_from(runs.last()?.end.checked_sub(offset)?).ok()?;
    let bytes = span.div_ceil(8);
    if bytes > BODY_LIMIT_BYTES {
        return None;
    }
    let mut body = vec![0; bytes];
    for run in runs {
        for done in run.start..run.end {
            let place = usize::try_from(done.checked_sub(offset)?).ok()?;
            body[place / 8] |= 1 << (place % 8);
        }
    }
    Some(body)
}

fn from_bitset(offset: i64, body: &[u8]) -> Result<Vec<Run>, MetadataError> {
    let mut runs = Vec::new();
    for (place, byte) in body.iter().enumerate() {
        for bit in (0..8).filter(|bit| byte >> bit & 1 == 1) {
            let start = i64::try_from(place * 8 + bit)
                .ok()
                .and_then(|place| offset.checked_add(place))
                .filter(|start| *start < i64::MAX)
                .ok_or(MetadataError::Broken("an offset beyond all offsets"))?;
            append(
                &mut runs,
                Run {
                    start,
                    end: start + 1,
                },
            );
        }
    }
    Ok(runs)
}

/// How many are not done, how many are, and so on, as variable-length numbers.
fn to_lengths(offset: i64, runs: &[Run]) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(runs.len() * 2);
    let mut at = offset;
    for run in runs {
        put_varint(&mut body, u64::try_from(run.start.checked_sub(at)?).ok()?);
        put_varint(&mut body, u64::try_from(run.end.checked_sub(run.start)?).ok()?);
        at = run.end;
        if body.len() > BODY_LIMIT_BYTES {
            return None;
        }
    }
    Some(body)
}

fn from_lengths(offset: i64, mut body: &[u8]) -> Result<Vec<Run>, MetadataError> {
    let mut runs = Vec::new();
    let mut at = offset;
    while !body.is_empty() {
        let start = step(at, take_varint(&mut body)?)?;
        let end = step(start, take_varint(&mut body)?)?;
        if start == end {
            return Err(MetadataError::Broken("a run of nothing"));
        }
        append(&mut runs, Run { start, end });
        at = end;
    }
    Ok(runs)
}

fn step(from: i64, by: u64) -> Result<i64, MetadataError> {
    i64::try_from(by)
        .ok()
        .and_then(|by| from.checked_add(by))
        .ok_or(MetadataError::Broken("an offset beyond all offsets"))
}

fn put_varint(body: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        body.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    body.push(value as u8);
}

fn take_varint(body: &mut &[u8]) -> Result<u64, MetadataError> {
    let mut value = 0_u64;
    for place in 0..VARINT_BYTES {
        let (&byte, rest) = body
            .split_first()
            .ok_or(MetadataError::Broken("a number is cut"))?;
        *body = rest;
        let part = u64::from(byte & 0x7f);
        if place == VARINT_BYTES - 1 && part > 1 {
            break;
        }
        value |= part << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(MetadataError::Broken("a number is too long"))
}

#[cfg(test)]
mod tests;
