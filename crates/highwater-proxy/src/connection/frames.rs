//! Cuts a stream of bytes into frames, without waiting for the whole of a frame that nobody wants to see.
//!
//! ```text
//! read ─▶ Front (enough to know what it is) ─▶ Pass   bytes go on as they come
//!                                            ├▶ Keep   bytes go on as they come, and the frame is kept
//!                                            └▶ Whole  nothing goes on before it is complete
//! ```
//! Invariant: every byte comes out exactly once and in order; at most one frame and one read are buffered.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// Room for one read. Larger reads mean fewer system calls; this much is little for 200 connections.
pub(super) const READ_BYTES: usize = 64 << 10;

/// Room made at once for a frame that is kept: no copying while a batch of Kafka's default limit grows. It is not
/// touched, and so costs no memory, before bytes arrive.
const FRAME_ROOM: usize = 1 << 20;

/// How a frame is dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Bytes go on as they come and are forgotten.
    Pass,
    /// Bytes go on as they come; the frame is handed over with its last bytes.
    Keep,
    /// Handed over when it is complete; nothing has gone on.
    Whole,
}

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// More bytes are needed.
    Read,
    /// A frame begins; [`Frames::begin`] says how it is dealt with. Its bytes so far are [`Frames::front`].
    Front,
    /// These bytes of [`Frames::bytes`] go on; [`Frames::passed`] when they have.
    Chunk(Range<usize>),
    /// The last bytes of a kept frame, from this position, go on. The frame is with its length prefix.
    Last(Bytes, usize),
    /// A complete frame, of which nothing has gone on, with its length prefix.
    Frame(Bytes),
}

#[derive(Debug, Clone, Copy)]
struct Current {
    /// Length with prefix.
    total: usize,
    /// Bytes that have gone on.
    passed: usize,
    mode: Mode,
}

/// The buffer of one direction.
#[derive(Debug, Default)]
pub(super) struct Frames {
    buffer: BytesMut,
    current: Option<Current>,
    /// Set when the front was not enough to decide and more must be read first.
    starved: bool,
    /// From now on bytes are only passed.
    opaque: bool,
}

impl Frames {
    /// Of a new connection; `opaque` if nothing of it can be understood.
    pub(super) fn new(opaque: bool) -> Self {
        Self {
            opaque,
            ..Self::default()
        }
    }

    /// Room to read into.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        // A longer frame that is kept doubles as its bytes arrive, whatever its length claims.
        if self.buffer.capacity() - self.buffer.len() < READ_BYTES / 4 {
            self.buffer.reserve(READ_BYTES);
        }
        &mut self.buffer
    }

    /// Bytes were read.
    pub(super) fn was_read(&mut self) {
        self.starved = false;
    }

    /// The front of the frame that begins is too short to tell what it is.
    pub(super) fn starve(&mut self) {
        self.starved = true;
    }

    /// What begins at the front of the buffer.
    pub(super) fn front(&self) -> &[u8] {
        &self.buffer
    }

    /// Length of the frame that begins, with its prefix, as it claims; none before four bytes are there.
    pub(super) fn claimed(&self) -> Option<i64> {
        let prefix = self.buffer.first_chunk::<4>()?;
        Some(i64::from(i32::from_be_bytes(*prefix)) + 4)
    }

    pub(super) fn begin(&mut self, total: usize, mode: Mode) {
        if mode != Mode::Pass {
            let wanted = total.min(FRAME_ROOM).saturating_sub(self.buffer.len());
            self.buffer.reserve(wanted);
        }
        self.current = Some(Current {
            total,
            passed: 0,
            mode,
        });
    }

    /// From here on nothing is understood any more.
    pub(super) fn turn_opaque(&mut self) {
        self.opaque = true;
        self.current = None;
    }

    /// Whether a frame has begun and is not complete.
    pub(super) fn is_inside(&self) -> bool {
        self.current.is_some() || !self.buffer.is_empty()
    }

    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    pub(super) fn next(&mut self) -> Next {
        if self.buffer.is_empty() {
            return Next::Read;
        }
        if self.opaque {
            return Next::Chunk(0..self.buffer.len());
        }
        let Some(current) = self.current else {
            return if self.starved { Next::Read } else { Next::Front };
        };
        let have = self.buffer.len();
        match current.mode {
            Mode::Pass => Next::Chunk(0..have.min(current.total - current.passed)),
            Mode::Keep if have >= current.total => {
                self.current = None;
                let frame = self.buffer.split_to(current.total).freeze();
                Next::Last(frame, current.passed)
            }
            Mode::Keep if have > current.passed => Next::Chunk(current.passed..have),
            Mode::Whole if have >= current.total => {
                self.current = None;
                Next::Frame(self.buffer.split_to(current.total).freeze())
            }
            Mode::Keep | Mode::Whole => Next::Read,
        }
    }

    /// The chunk has gone on; true if its frame is complete with it.
    pub(super) fn passed(&mut self, chunk: &Range<usize>) -> bool {
        let bytes = chunk.len();
        let Some(current) = &mut self.current else {
            bytes::Buf::advance(&mut self.buffer, bytes);
            return false;
        };
        current.passed += bytes;
        if current.mode != Mode::Pass {
            return false;
        }
        bytes::Buf::advance(&mut self.buffer, bytes);
        let complete = current.passed == current.total;
        if complete {
            self.current = None;
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(content: &[u8]) -> Vec<u8> {
        let mut bytes = (content.len() as i32).to_be_bytes().to_vec();
        bytes.extend_from_slice(content);
        bytes
    }

    /// Feeds the stream in pieces; gives what went on and the frames that were handed over.
    fn run(stream: &[u8], cuts: &[usize], modes: &[Mode]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let (mut out, mut kept) = (Vec::new(), Vec::new());
        let mut frames = Frames::default();
        let mut modes = modes.iter().cycle();
        let mut rest = stream;
        let mut cuts = cuts.iter().cycle();
        loop {
            match frames.next() {
                Next::Read if rest.is_empty() => return (out, kept),
                Next::Read => {
                    let take = cuts.next().copied().unwrap_or(1).clamp(1, rest.len());
                    frames.room().extend_from_slice(&rest[..take]);
                    frames.was_read();
                    rest = &rest[take..];
                }
                Next::Front => match frames.claimed() {
                    None => frames.starve(),
                    Some(total) => frames.begin(total as usize, *modes.next().unwrap_or(&Mode::Pass)),
                },
                Next::Chunk(range) => {
                    out.extend_from_slice(frames.bytes(range.clone()));
                    frames.passed(&range);
                }
                Next::Last(frame, from) => {
                    out.extend_from_slice(&frame[from..]);
                    kept.push(frame.to_vec());
                }
                Next::Frame(frame) => {
                    out.extend_from_slice(&frame);
                    kept.push(frame.to_vec());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn every_byte_comes_out_once_and_in_order(
            contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..12),
            cuts in prop::collection::vec(1_usize..60, 1..8),
            modes in prop::collection::vec(prop_oneof![Just(Mode::Pass), Just(Mode::Keep), Just(Mode::Whole)], 1..5),
        ) {
            let frames: Vec<_> = contents.iter().map(|content| frame(content)).collect();
            let stream = frames.concat();
            let (out, kept) = run(&stream, &cuts, &modes);
            prop_assert_eq!(&out, &stream);
            let wanted: Vec<_> = frames
                .iter()
                .zip(modes.iter().cycle())
                .filter(|(_, mode)| **mode != Mode::Pass)
                .map(|(frame, _)| frame.clone())
                .collect();
            prop_assert_eq!(kept, wanted);
        }
    }
}
