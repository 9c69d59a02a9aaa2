//! Decompression and compression of a batch's records, with a bound on what comes out.
//!
//! Invariant: never more than [`MAX_RECORDS_BYTES`] are produced, whatever the input claims: output is
//! counted while it is made, and claimed sizes are compared before memory is asked for.
//!
//! Snappy comes in two shapes: Java's stream of blocks (magic, two versions, then length-prefixed raw
//! blocks), and one raw block, as some C clients write it.

use std::io::{self, Read, Write};

use crate::batch::{Codec, MAX_BATCH_BYTES};

/// Most bytes that the records of one batch may have uncompressed: four times the longest batch, so that
/// JSON compressed at the usual ratios passes, and a batch that unpacks to gigabytes does not.
pub const MAX_RECORDS_BYTES: usize = 4 * MAX_BATCH_BYTES;

/// Why records cannot be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompressionError {
    /// The codec's number has no meaning.
    #[error("unknown compression codec {0}")]
    Unknown(u8),
    /// More than [`MAX_RECORDS_BYTES`] come out.
    #[error("records decompress to more than {MAX_RECORDS_BYTES} bytes")]
    TooLarge,
    /// The bytes are not what the codec writes.
    #[error("{codec} data is damaged: {reason}")]
    Damaged {
        /// Name of the codec.
        codec: &'static str,
        /// What the codec said.
        reason: String,
    },
}

/// Java's snappy streams begin with this.
const SNAPPY_MAGIC: &[u8; 8] = b"\x82SNAPPY\0";

/// Magic, version and least compatible version.
const SNAPPY_HEADER_BYTES: usize = 16;

/// Uncompressed bytes in a block of a snappy stream, as Java writes them.
const SNAPPY_BLOCK_BYTES: usize = 32 << 10;

/// Undoes the compression.
///
/// # Errors
/// [`CompressionError`].
pub fn decompress(codec: Codec, bytes: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let stream = |name: &'static str, reader: io::Result<&mut dyn Read>| {
        reader
            .and_then(read_bounded)
            .map_err(|error| damaged(name, &error))?
            .ok_or(CompressionError::TooLarge)
    };
    match codec {
        Codec::None if bytes.len() > MAX_RECORDS_BYTES => Err(CompressionError::TooLarge),
        Codec::None => Ok(bytes.to_vec()),
        Codec::Gzip => stream("gzip", Ok(&mut flate2::read::MultiGzDecoder::new(bytes))),
        Codec::Snappy => snappy(bytes),
        Codec::Lz4 => stream("lz4", Ok(&mut lz4_flex::frame::FrameDecoder::new(bytes))),
        Codec::Zstd => {
            let mut decoder =
                zstd::stream::read::Decoder::with_buffer(bytes).map_err(|error| damaged("zstd", &error))?;
            // A window is memory before anything comes out: 2^27 is what zstd itself accepts by default.
            decoder
                .window_log_max(27)
                .map_err(|error| damaged("zstd", &error))?;
            stream("zstd", Ok(&mut decoder))
        }
        Codec::Unknown(number) => Err(CompressionError::Unknown(number)),
    }
}

fn damaged(codec: &'static str, error: &impl ToString) -> CompressionError {
    CompressionError::Damaged {
        codec,
        reason: error.to_string(),
    }
}

/// Everything, or `None` when it is too much.
fn read_bounded(reader: &mut dyn Read) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_RECORDS_BYTES as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() <= MAX_RECORDS_BYTES).then_some(bytes))
}

fn snappy(bytes: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let mut records = Vec::new();
    if !bytes.starts_with(SNAPPY_MAGIC) {
        snappy_block(bytes, &mut records)?;
        return Ok(records);
    }
    let cut = || damaged("snappy", &"stream ends inside a block");
    let mut rest = bytes.get(SNAPPY_HEADER_BYTES..).ok_or_else(cut)?;
    while !rest.is_empty() {
        let (length, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        let length = u32::from_be_bytes(*length) as usize;
        let (block, behind) = behind.split_at_checked(length).ok_or_else(cut)?;
        snappy_block(block, &mut records)?;
        rest = behind;
    }
    Ok(records)
}

fn snappy_block(block: &[u8], records: &mut Vec<u8>) -> Result<(), CompressionError> {
    let more = snap::raw::decompress_len(block).map_err(|error| damaged("snappy", &error))?;
    if records.len() + more > MAX_RECORDS_BYTES {
        return Err(CompressionError::TooLarge);
    }
    // A claim beyond what copies can make is a lie, and not worth asking for memory.
    if more > block.len().saturating_mul(SNAPPY_MAX_RATIO) {
        return Err(damaged("snappy", &"claims more than it can hold"));
    }
    let start = records.len();
    records.resize(start + more, 0);
    snap::raw::Decoder::new()
        .decompress(block, &mut records[start..])
        .map(|_| ())
        .map_err(|error| damaged("snappy", &error))
}

/// A copy of three bytes makes at most 64.
const SNAPPY_MAX_RATIO: usize = 64;

/// Compresses records.
///
/// # Errors
/// [`CompressionError`] for an unknown codec; writing to memory does not fail otherwise.
pub fn compress(codec: Codec, records: &[u8]) -> Result<Vec<u8>, CompressionError> {
    match codec {
        Codec::None => Ok(records.to_vec()),
        Codec::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            let written = encoder.write_all(records).and_then(|()| encoder.finish());
            written.map_err(|error| damaged("gzip", &error))
        }
        Codec::Snappy => snappy_stream(records),
        Codec::Lz4 => {
            // Kafka's reader takes independent blocks only.
            let info = lz4_flex::frame::FrameInfo::new()
                .block_size(lz4_flex::frame::BlockSize::Max64KB)
                .block_mode(lz4_flex::frame::BlockMode::Independent);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
            encoder
                .write_all(records)
                .map_err(|error| damaged("lz4", &error))?;
            encoder.finish().map_err(|error| damaged("lz4", &error))
        }
        Codec::Zstd => zstd::stream::encode_all(records, zstd::DEFAULT_COMPRESSION_LEVEL)
            .map_err(|error| damaged("zstd", &error)),
        Codec::Unknown(number) => Err(CompressionError::Unknown(number)),
    }
}

fn snappy_stream(records: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let mut stream = SNAPPY_MAGIC.to_vec();
    stream.extend_from_slice(&1u32.to_be_bytes());
    stream.extend_from_slice(&1u32.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for block in records.chunks(SNAPPY_BLOCK_BYTES) {
        let block = encoder
            .compress_vec(block)
            .map_err(|error| damaged("snappy", &error))?;
        let length = u32::try_from(block.len()).map_err(|error| damaged("snappy", &error))?;
        stream.extend_from_slice(&length.to_be_bytes());
        stream.extend_from_slice(&block);
    }
    Ok(stream)
}
