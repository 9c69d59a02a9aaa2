//! Bytes that compress about as well as asked: runs of random bytes between runs of a phrase that repeats.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// Length of a random run with the phrase after it: short enough that small values mix both, long enough that
/// a compressor's notes about where the phrase was do not count.
const STRETCH_BYTES: usize = 256;

const PHRASE: &[u8] = b"the quick brown fox jumps over the lazy dog and runs on through the woods, ";

/// Printable characters that need no escape in JSON; a random one carries about 6 bits.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Random text shrinks under an entropy coder (to 0.75) and does not under one without (lz4, snappy); this lies
/// between the two.
const TEXT_DENSITY: f64 = 0.92;

/// Makes filler.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filler {
    random_share: f64,
    text: bool,
}

impl Filler {
    /// Any bytes; `incompressible_share` of them can't be compressed.
    pub(super) fn binary(incompressible_share: f64) -> Self {
        Self {
            random_share: incompressible_share.clamp(0.0, 1.0),
            text: false,
        }
    }

    /// Letters, digits and spaces.
    pub(super) fn text(incompressible_share: f64) -> Self {
        Self {
            random_share: (incompressible_share / TEXT_DENSITY).clamp(0.0, 1.0),
            text: true,
        }
    }

    /// Appends `bytes` bytes.
    pub(super) fn append(self, value: &mut Vec<u8>, bytes: usize, random: &mut ChaCha8Rng) {
        let end = value.len() + bytes;
        let mut owed = 0.0;
        while value.len() < end {
            let stretch = STRETCH_BYTES.min(end - value.len());
            owed += stretch as f64 * self.random_share;
            let noise = (owed as usize).min(stretch);
            owed -= noise as f64;
            let from = value.len();
            value.resize(from + noise, 0);
            self.fill_random(&mut value[from..], random);
            value.extend(PHRASE.iter().cycle().take(stretch - noise));
        }
    }

    fn fill_random(self, place: &mut [u8], random: &mut ChaCha8Rng) {
        if self.text {
            for byte in place {
                *byte = LETTERS[random.random_range(0..LETTERS.len())];
            }
        } else {
            random.fill_bytes(place);
        }
    }
}
