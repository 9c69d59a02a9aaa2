//! Damage: to single bytes, to lengths and counts, to the order of things.

use bytes::{Bytes, BytesMut};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::batches::{RECORDS_FROM, mend_checksum, mend_length};
use super::corpus::Corpus;

/// Most places that are damaged at once.
const MOST_PLACES: usize = 4;
/// Numbers at which programs break.
const NUMBERS: [i64; 16] = [
    0,
    1,
    -1,
    2,
    127,
    128,
    255,
    1_000,
    i16::MAX as i64,
    i16::MIN as i64,
    65_536,
    i32::MAX as i64,
    i32::MIN as i64,
    i32::MAX as i64 - 1,
    i64::MAX,
    i64::MIN,
];
/// Bytes at which variable-length numbers and lengths break.
const BYTES: [u8; 6] = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
/// Share of frames and batches that stay whole, so that there is state to be damaged by the others.
const WHOLE: f64 = 0.1;
/// Share of batches whose length and checksum are made right again after the damage.
const MENDED: f64 = 0.85;
/// Fields of a batch's header, with their sizes.
const FIELDS: [(usize, usize); 12] = [
    (0, 8),
    (8, 4),
    (12, 4),
    (16, 1),
    (21, 2),
    (23, 4),
    (27, 8),
    (35, 8),
    (43, 8),
    (51, 2),
    (53, 4),
    (57, 4),
];

/// A damaged frame, from a whole one.
pub(crate) fn frame(random: &mut ChaCha8Rng, whole: &Bytes, corpus: &Corpus) -> Bytes {
    if random.random_bool(WHOLE) {
        return whole.clone();
    }
    let mut bytes = BytesMut::from(&whole[..]);
    for _ in 0..random.random_range(1..=MOST_PLACES) {
        match random.random_range(0..8) {
            0..=5 => one_place(random, &mut bytes),
            6 => {
                let other = corpus.frame(random);
                splice(random, &mut bytes, other);
            }
            // The header of one version, the body of another.
            _ => number_at(random, &mut bytes, 0, 4),
        }
    }
    bytes.freeze()
}

/// A damaged batch, from a whole one.
pub(crate) fn batch(random: &mut ChaCha8Rng, whole: &Bytes) -> Bytes {
    if random.random_bool(WHOLE) {
        return whole.clone();
    }
    let mut bytes = BytesMut::from(&whole[..]);
    for _ in 0..random.random_range(1..=MOST_PLACES) {
        if random.random_bool(0.5) {
            let (at, size) = FIELDS[random.random_range(0..FIELDS.len())];
            number_at(random, &mut bytes, at, size);
        } else {
            let from = RECORDS_FROM.min(bytes.len());
            let mut records = bytes.split_off(from);
            one_place(random, &mut records);
            bytes.unsplit(records);
        }
    }
    if random.random_bool(MENDED) {
        if random.random_bool(0.7) {
            mend_length(&mut bytes);
        }
        mend_checksum(&mut bytes);
    }
    bytes.freeze()
}

/// One of the ways in which bytes get damaged.
fn one_place(random: &mut ChaCha8Rng, bytes: &mut BytesMut) {
    if bytes.is_empty() {
        return;
    }
    let at = random.random_range(0..bytes.len());
    match random.random_range(0..8) {
        0 | 1 => bytes[at] ^= 1 << random.random_range(0..8),
        2 => bytes[at] = BYTES[random.random_range(0..BYTES.len())],
        3 => number_at(random, bytes, at, 2),
        4 => number_at(random, bytes, at, 4),
        5 => number_at(random, bytes, at, 8),
        6 => bytes.truncate(at),
        _ => {
            let end = (at + random.random_range(1..=64)).min(bytes.len());
            let again = bytes[at..end].to_vec();
            insert(bytes, at, &again);
        }
    }
}

fn number_at(random: &mut ChaCha8Rng, bytes: &mut BytesMut, at: usize, size: usize) {
    let number = NUMBERS[random.random_range(0..NUMBERS.len())].to_be_bytes();
    let number = &number[number.len() - size..];
    for (byte, new) in bytes.iter_mut().skip(at).zip(number) {
        *byte = *new;
    }
}

fn splice(random: &mut ChaCha8Rng, bytes: &mut BytesMut, other: &Bytes) {
    let here = random.random_range(0..=bytes.len());
    let there = random.random_range(0..=other.len());
    bytes.truncate(here);
    bytes.extend_from_slice(&other[there..]);
}

fn insert(bytes: &mut BytesMut, at: usize, more: &[u8]) {
    let rest = bytes.split_off(at);
    bytes.extend_from_slice(more);
    bytes.unsplit(rest);
}
