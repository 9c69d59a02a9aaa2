use super::writer::Writer;
use super::{FORMAT_VERSION, HEADER_BYTES, MAGIC, body, put_varint};
use crate::history::HistoryEvent;

/// Writes events, one after the other, into a buffer of the caller.
#[derive(Debug)]
pub struct Encoder {
    writer: Writer,
    body: Vec<u8>,
    next_sequence: u64,
    at_ns: u64,
    checksum: u32,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// At the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self {
            writer: Writer::new(),
            body: Vec::new(),
            next_sequence: 0,
            at_ns: 0,
            checksum: crc32c::crc32c(&Self::header()),
        }
    }

    /// What stands before the first event.
    #[must_use]
    pub fn header() -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&MAGIC);
        header[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        header
    }

    /// Appends an event: its length, its checksum and its body. Every event of a file goes through the same
    /// encoder, in order.
    pub fn encode(&mut self, event: &HistoryEvent, out: &mut Vec<u8>) {
        self.write(event);
        self.body.clear();
        self.writer.end(&mut self.body);
        let start = out.len();
        put_varint(self.body.len() as u64, out);
        let checksum = crc32c::crc32c_append(self.checksum, &out[start..]);
        self.checksum = crc32c::crc32c_append(checksum, &self.body);
        out.extend_from_slice(&self.checksum.to_le_bytes());
        out.extend_from_slice(&self.body);
    }

    fn write(&mut self, event: &HistoryEvent) {
        let writer = &mut self.writer;
        writer.begin(body::kind(&event.body));
        // Both go on from the event before, of whatever kind.
        writer.step(event.sequence.wrapping_sub(self.next_sequence).cast_signed());
        writer.step(event.at_ns.wrapping_sub(self.at_ns).cast_signed());
        self.next_sequence = event.sequence.wrapping_add(1);
        self.at_ns = event.at_ns;
        body::put(&event.body, writer);
    }
}
