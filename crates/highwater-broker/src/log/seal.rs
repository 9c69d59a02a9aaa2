//! The seal of a closed segment: `<base offset, 20 digits>.seal`, its index and a snapshot of the
//! state that follows from all batches up to its end, so that an opening need not look at the segment.
//!
//! ```text
//! 0 magic │ 8 base offset │ 16 next offset │ 24 length │ 32 first timestamp │ 40 max timestamp │
//! 48 index bytes u32 │ 52 its crc │ 56 snapshot bytes u32 (all ones: none) │ 60 its crc │ 64 crc of 0–63 │
//! 68 index │ snapshot
//! ```
//!
//! Invariant: written whole under another name and renamed, and never later than its segment's last
//! batch. A seal that is missing, does not match its checksums or its segment is as good as none.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::index::{ENTRY_BYTES, MAX_ENTRIES, SegmentIndex};
use super::segment::offset_in_name;

const MAGIC: &[u8; 8] = b"HWSEAL 1";

const HEADER_BYTES: usize = 68;

/// Where the checksum of the fixed fields is.
const CRC_AT: usize = 64;

const NO_SNAPSHOT: u32 = u32::MAX;

/// Longest snapshot read back: ten thousand producers take about 3 MB.
const MAX_SNAPSHOT_BYTES: usize = 64 << 20;

const SUFFIX: &str = "seal";

const TEMPORARY_SUFFIX: &str = "seal.tmp";

/// What is known of a closed segment without looking into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) base_offset: i64,
    /// Offset behind the last batch.
    pub(crate) next_offset: i64,
    /// Bytes of the segment file.
    pub(crate) length: u64,
    /// Largest timestamp of the first batch.
    pub(crate) first_timestamp: i64,
    pub(crate) max_timestamp: i64,
}

/// A seal file whose fixed fields are intact; index and snapshot are read when asked for.
#[derive(Debug)]
pub(crate) struct Seal {
    file: File,
    pub(crate) summary: Summary,
    index: Section,
    snapshot: Option<Section>,
}

#[derive(Debug, Clone, Copy)]
struct Section {
    at: u64,
    bytes: usize,
    crc: u32,
}

/// The seal that belongs to a segment file.
pub(crate) fn path_of(segment: &Path) -> PathBuf {
    segment.with_extension(SUFFIX)
}

/// The base offset of the segment that a file is the seal of.
pub(crate) fn base_offset_of(file_name: &str) -> Option<i64> {
    let digits = file_name.strip_suffix(SUFFIX)?.strip_suffix('.')?;
    offset_in_name(digits)
}

/// Whether a file is what a death in [`write`] left behind.
pub(crate) fn is_half_written(file_name: &str) -> bool {
    file_name
        .strip_suffix(TEMPORARY_SUFFIX)
        .and_then(|front| front.strip_suffix('.'))
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Writes the seal of the segment in `segment`.
pub(crate) fn write(
    segment: &Path,
    summary: &Summary,
    index: &SegmentIndex,
    snapshot: Option<&[u8]>,
) -> io::Result<()> {
    let index = index.encode();
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::FileTooLarge);
    let mut bytes = Vec::with_capacity(HEADER_BYTES + index.len() + snapshot.map_or(0, <[u8]>::len));
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&summary.base_offset.to_be_bytes());
    bytes.extend_from_slice(&summary.next_offset.to_be_bytes());
    bytes.extend_from_slice(&summary.length.to_be_bytes());
    bytes.extend_from_slice(&summary.first_timestamp.to_be_bytes());
    bytes.extend_from_slice(&summary.max_timestamp.to_be_bytes());
    bytes.extend_from_slice(&length(&index)?.to_be_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&index).to_be_bytes());
    let snapshot_length = snapshot.map_or(Ok(NO_SNAPSHOT), length)?;
    bytes.extend_from_slice(&snapshot_length.to_be_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(snapshot.unwrap_or_default()).to_be_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
    bytes.extend_from_slice(&index);
    bytes.extend_from_slice(snapshot.unwrap_or_default());
    let path = path_of(segment);
    let temporary = path.with_extension(TEMPORARY_SUFFIX);
    fs::write(&temporary, bytes)?;
    fs::rename(temporary, path)
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Seal {
    /// Opens the seal of the segment in `segment`; `None` when it has none.
    pub(crate) fn open(segment: &Path) -> io::Result<Option<Self>> {
        let mut file = match File::open(path_of(segment)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut header = [0; HEADER_BYTES];
        file.read_exact(&mut header)?;
        let word = |at: usize| {
            let mut field = [0; 4];
            field.copy_from_slice(&header[at..at + 4]);
            u32::from_be_bytes(field)
        };
        let number = |at: usize| i64::from(word(at)) << 32 | i64::from(word(at + 4));
        if header[..8] != *MAGIC || word(CRC_AT) != crc32c::crc32c(&header[..CRC_AT]) {
            return Err(invalid("header does not match its checksum"));
        }
        let index = Section {
            at: HEADER_BYTES as u64,
            bytes: word(48) as usize,
            crc: word(52),
        };
        let snapshot = (word(56) != NO_SNAPSHOT).then(|| Section {
            at: index.at + index.bytes as u64,
            bytes: word(56) as usize,
            crc: word(60),
        });
        let too_long = snapshot.is_some_and(|section| section.bytes > MAX_SNAPSHOT_BYTES);
        if index.bytes > MAX_ENTRIES * ENTRY_BYTES || too_long {
            return Err(invalid("section longer than any that is written"));
        }
        Ok(Some(Self {
            file,
            summary: Summary {
                base_offset: number(8),
                next_offset: number(16),
                length: number(24).cast_unsigned(),
                first_timestamp: number(32),
                max_timestamp: number(40),
            },
            index,
            snapshot,
        }))
    }

    /// The index of the segment.
    pub(crate) fn index(&self) -> io::Result<SegmentIndex> {
        let bytes = self.section(self.index)?;
        Ok(SegmentIndex::decode(&bytes, Some(self.summary.max_timestamp)))
    }

    /// The state after the segment's last batch, if it was kept.
    pub(crate) fn snapshot(&self) -> io::Result<Option<Vec<u8>>> {
        self.snapshot.map(|section| self.section(section)).transpose()
    }

    fn section(&self, section: Section) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; section.bytes];
        let mut file = &self.file;
        file.seek(SeekFrom::Start(section.at))?;
        file.read_exact(&mut bytes)?;
        if crc32c::crc32c(&bytes) != section.crc {
            return Err(invalid("section does not match its checksum"));
        }
        Ok(bytes)
    }
}
