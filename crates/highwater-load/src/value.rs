//! What a record carries: pooled payloads that are filled once and only get a new stamp for each record.
//!
//! Invariant: every payload has exactly the size asked for, and its checksum without the stamp is computed
//! when it is made. Payloads repeat; the pool is large enough that a compressor does not see the repetition
//! within its window.

mod change_event;
mod filler;

use highwater_model::RunId;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::stamp::{self, STAMP_BYTES, StampForm, Stamper};
pub use change_event::MIN_CHANGE_EVENT_BYTES;
use filler::Filler;

/// Smallest fixed value: the stamp alone.
pub const MIN_FIXED_BYTES: usize = STAMP_BYTES;

/// Largest value: what Kafka allows in a batch unless both sides are told otherwise is 1 MiB; this leaves room
/// for those who tell them.
pub const MAX_VALUE_BYTES: usize = 64 << 20;

/// Highest compression ratio that can be asked for; beyond it batch headers and stamps decide.
pub const MAX_COMPRESSIBILITY: f64 = 100.0;

/// Bytes of a pool: over the window in which a compressor sees a repetition (64 KiB for lz4 and snappy, 32 KiB
/// for gzip, a batch of at most 1 MB for zstd), and small enough to stay in a processor's cache.
const POOL_BYTES: usize = 1 << 20;
/// Most payloads in a pool.
const MOST_PAYLOADS: usize = 4_096;
/// Payloads where nothing is compressed, so that repetition can't show.
const PLAIN_PAYLOADS: usize = 16;

/// What values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// A stamp and filler.
    Fixed {
        /// Size, [`MIN_FIXED_BYTES`] to [`MAX_VALUE_BYTES`].
        bytes: usize,
    },
    /// A row's change as a change-data-capture connector writes it: JSON with `before`, `after`, `source`, `op`
    /// and `ts_ms`.
    ChangeEvents {
        /// Size of the whole envelope, [`MIN_CHANGE_EVENT_BYTES`] to [`MAX_VALUE_BYTES`].
        bytes: usize,
    },
}

impl Values {
    /// Size of a value.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Fixed { bytes } | Self::ChangeEvents { bytes } => bytes,
        }
    }

    /// Says what is wrong with the figures, if something is.
    pub(crate) fn check(self, compressibility: f64) -> Result<(), String> {
        let (kind, least) = match self {
            Self::Fixed { .. } => ("a fixed value", MIN_FIXED_BYTES),
            Self::ChangeEvents { .. } => ("a change event", MIN_CHANGE_EVENT_BYTES),
        };
        let bytes = self.bytes();
        if !(least..=MAX_VALUE_BYTES).contains(&bytes) {
            return Err(format!(
                "{kind} of {bytes} bytes, not within {least} to {MAX_VALUE_BYTES}"
            ));
        }
        if !(1.0..=MAX_COMPRESSIBILITY).contains(&compressibility) {
            return Err(format!(
                "the compression ratio is {compressibility}, not within 1 to {MAX_COMPRESSIBILITY}"
            ));
        }
        Ok(())
    }
}

/// The values of one producer.
#[derive(Debug)]
pub struct ValuePool {
    stamper: Stamper,
    payloads: Vec<Payload>,
}

#[derive(Debug)]
struct Payload {
    bytes: Vec<u8>,
    stamp_at: usize,
    form: StampForm,
    rest_crc: u32,
}

impl ValuePool {
    /// Makes the values of a producer. `compressibility` is how many times smaller a compressor makes them, 1
    /// for not at all; `compressed` tells whether one will be at work.
    #[must_use]
    pub fn new(
        values: Values,
        compressibility: f64,
        compressed: bool,
        run: RunId,
        producer: u32,
        seed: u64,
    ) -> Self {
        let count = if compressed {
            (POOL_BYTES / values.bytes().max(1)).clamp(2, MOST_PAYLOADS)
        } else {
            PLAIN_PAYLOADS
        };
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let payloads = (0..count)
            .map(|number| match values {
                Values::Fixed { bytes } => fixed(bytes, compressibility, &mut random),
                Values::ChangeEvents { bytes } => {
                    let (bytes, stamp_at) = change_event::build(bytes, compressibility, number, &mut random);
                    Payload::new(bytes, stamp_at, StampForm::Hex)
                }
            })
            .collect();
        Self {
            stamper: Stamper { run, producer },
            payloads,
        }
    }

    /// The value of a record.
    pub fn stamped(&mut self, sequence: u64, intended_ns: u64) -> &[u8] {
        let number = (sequence % self.payloads.len() as u64) as usize;
        let payload = &mut self.payloads[number];
        let end = payload.stamp_at + payload.form.bytes();
        self.stamper.write(
            &mut payload.bytes[payload.stamp_at..end],
            payload.form,
            payload.rest_crc,
            sequence,
            intended_ns,
        );
        &payload.bytes
    }
}

impl Payload {
    fn new(bytes: Vec<u8>, stamp_at: usize, form: StampForm) -> Self {
        let rest_crc = stamp::rest_crc(&bytes, stamp_at, form);
        Self {
            bytes,
            stamp_at,
            form,
            rest_crc,
        }
    }
}

fn fixed(bytes: usize, compressibility: f64, random: &mut ChaCha8Rng) -> Payload {
    let mut value = vec![0; STAMP_BYTES];
    // The stamp hardly compresses, so the rest has to compress more for the whole to come out right.
    let random_bytes = (bytes as f64 / compressibility - STAMP_BYTES as f64 / 2.0).max(0.0);
    let share = random_bytes / (bytes - STAMP_BYTES).max(1) as f64;
    Filler::binary(share).append(&mut value, bytes - STAMP_BYTES, random);
    Payload::new(value, 0, StampForm::Binary)
}

#[cfg(test)]
mod tests;
