use std::io::{self, BufRead, Read};

use super::reader::{Malformed, Memory, Reader};
use super::{Encoder, FORMAT_VERSION, GoodTo, HEADER_BYTES, HistoryError, MAGIC, MAX_BODY_BYTES, body};
use crate::history::HistoryEvent;

/// Reads the events of a file, one after the other, without keeping them.
///
/// Ends after the first error: what follows damage can't be trusted.
#[derive(Debug)]
pub struct Decoder<R> {
    source: R,
    memory: Memory,
    buffer: Vec<u8>,
    good: GoodTo,
    next_sequence: u64,
    checksum: u32,
    done: bool,
}

/// Why the next event can't be had.
enum Stop {
    End,
    Cut,
    Damaged(Malformed),
    Read(io::Error),
}

impl<R: BufRead> Decoder<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`HistoryError::NotAHistory`], [`HistoryError::OtherVersion`], [`HistoryError::Cut`] within the header, and
    /// [`HistoryError::Read`].
    pub fn new(mut source: R) -> Result<Self, HistoryError> {
        let good = GoodTo::default();
        let mut header = Vec::new();
        source
            .by_ref()
            .take(HEADER_BYTES as u64)
            .read_to_end(&mut header)
            .map_err(|source| HistoryError::Read { good, source })?;
        let magic = &header[..header.len().min(MAGIC.len())];
        if header.is_empty() || !MAGIC.starts_with(magic) {
            return Err(HistoryError::NotAHistory {
                starts: starts(&header),
            });
        }
        let Some(version) = header.get(8..10) else {
            return Err(HistoryError::Cut { good });
        };
        let found = u16::from_le_bytes([version[0], version[1]]);
        if found != FORMAT_VERSION {
            return Err(HistoryError::OtherVersion { found });
        }
        if header.len() < HEADER_BYTES {
            return Err(HistoryError::Cut { good });
        }
        let good = GoodTo {
            byte: HEADER_BYTES as u64,
            ..good
        };
        if header != Encoder::header() {
            return Err(HistoryError::Damaged {
                good: GoodTo::default(),
                reason: "the header has a reserved bit set",
            });
        }
        Ok(Self {
            source,
            memory: Memory::new(),
            buffer: Vec::new(),
            good,
            next_sequence: 0,
            checksum: crc32c::crc32c(&header),
            done: false,
        })
    }

    /// Up to where the file was good so far.
    #[must_use]
    pub fn good_to(&self) -> GoodTo {
        self.good
    }

    fn event(&mut self) -> Result<HistoryEvent, Stop> {
        self.buffer.clear();
        let length = self.length()?;
        let prefix = self.buffer.len();
        // Grows with what is there, whatever the length says.
        let wanted = 4 + length;
        let got = self
            .source
            .by_ref()
            .take(wanted)
            .read_to_end(&mut self.buffer)
            .map_err(Stop::Read)?;
        if (got as u64) < wanted {
            return Err(Stop::Cut);
        }
        let (length, rest) = self.buffer.split_at(prefix);
        let Some((stored, encoded)) = rest.split_first_chunk::<4>() else {
            return Err(Stop::Cut);
        };
        let checksum = crc32c::crc32c_append(crc32c::crc32c_append(self.checksum, length), encoded);
        if checksum != u32::from_le_bytes(*stored) {
            return Err(Stop::Damaged("the checksum of the event does not match"));
        }
        let mut reader = Reader::new(&mut self.memory, encoded).map_err(Stop::Damaged)?;
        let event = read(&mut reader, self.next_sequence, self.good.last_at_ns.unwrap_or(0))
            .map_err(Stop::Damaged)?;
        reader.end().map_err(Stop::Damaged)?;
        self.checksum = checksum;
        self.next_sequence = event.sequence.wrapping_add(1);
        self.good = GoodTo {
            events: self.good.events + 1,
            last_sequence: Some(event.sequence),
            last_at_ns: Some(event.at_ns),
            byte: self.good.byte + self.buffer.len() as u64,
        };
        Ok(event)
    }

    /// The length of the next body; its bytes stay in the buffer for the checksum.
    fn length(&mut self) -> Result<u64, Stop> {
        let mut length = 0_u64;
        for shift in (0..35).step_by(7) {
            let mut byte = [0];
            let got = loop {
                match self.source.read(&mut byte) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other.map_err(Stop::Read)?,
                }
            };
            if got == 0 {
                return Err(if self.buffer.is_empty() {
                    Stop::End
                } else {
                    Stop::Cut
                });
            }
            self.buffer.push(byte[0]);
            length |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                if length > MAX_BODY_BYTES {
                    break;
                }
                return Ok(length);
            }
        }
        Err(Stop::Damaged("the length of the event can't be right"))
    }
}

fn read(reader: &mut Reader<'_>, next_sequence: u64, at_ns: u64) -> Result<HistoryEvent, Malformed> {
    let sequence = next_sequence.wrapping_add(reader.step()?.cast_unsigned());
    let at_ns = at_ns.wrapping_add(reader.step()?.cast_unsigned());
    Ok(HistoryEvent {
        sequence,
        at_ns,
        body: body::take(reader)?,
    })
}

impl<R: BufRead> Iterator for Decoder<R> {
    type Item = Result<HistoryEvent, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let good = self.good;
        let stop = match self.event() {
            Ok(event) => return Some(Ok(event)),
            Err(stop) => stop,
        };
        self.done = true;
        match stop {
            Stop::End => None,
            Stop::Cut => Some(Err(HistoryError::Cut { good })),
            Stop::Damaged(reason) => Some(Err(HistoryError::Damaged { good, reason })),
            Stop::Read(source) => Some(Err(HistoryError::Read { good, source })),
        }
    }
}

/// What a file starts with, for people: text as text, else bytes.
fn starts(front: &[u8]) -> String {
    if front.is_empty() {
        return "is empty".into();
    }
    let printable = front
        .iter()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    if printable {
        return format!("starts with the text {:?}", String::from_utf8_lossy(front));
    }
    let bytes: Vec<String> = front.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("starts with the bytes {}", bytes.join(" "))
}
