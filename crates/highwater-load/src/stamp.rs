//! The stamp that every record carries: who it is, and a checksum over the whole value.
//!
//! ```text
//! magic+version 4 │ run 8 │ producer 4 │ sequence 8 │ intended ns 8 │ crc32c 4     (big-endian, 36 bytes)
//! ```
//!
//! In a fixed value it stands at the start, in binary; in a change event it is the hexadecimal content of the
//! field `highwater` of the `source` block, so that the event stays valid JSON. The checksum covers the value
//! without the stamp and then the stamp without the checksum.
//!
//! Invariant: whatever bytes [`find`] is given, it answers and does not panic.

use highwater_model::{RecordId, RunId};

/// Length of a stamp in bytes.
pub const STAMP_BYTES: usize = 36;

/// Length of a stamp in a change event.
pub const STAMP_HEX_BYTES: usize = 2 * STAMP_BYTES;

/// What stands before the stamp in a change event.
pub const JSON_FIELD: &[u8] = br#""highwater":""#;

/// First bytes of a stamp; the last one is the version of the layout. Not valid at the start of JSON.
const MAGIC: [u8; 4] = [0xC5, b'H', b'W', 1];
const CRC_AT: usize = STAMP_BYTES - 4;

/// What a value turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamped {
    /// A record of this run, unchanged.
    Record {
        /// Which one.
        id: RecordId,
        /// When it was due, in nanoseconds since the start of the run.
        intended_ns: u64,
    },
    /// Not a record of this run.
    Foreign,
    /// A stamp whose checksum does not match, or a part of one; with what it says it is, if it says so.
    Corrupt(Option<RecordId>),
}

/// Where the stamp stands in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StampForm {
    Binary,
    Hex,
}

impl StampForm {
    /// Bytes that the stamp takes in the value.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::Binary => STAMP_BYTES,
            Self::Hex => STAMP_HEX_BYTES,
        }
    }
}

/// What a stamp says, but for the record's own figures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamper {
    pub(crate) run: RunId,
    pub(crate) producer: u32,
}

impl Stamper {
    /// Writes the stamp of a record into `place`, which is [`StampForm::bytes`] long. `rest_crc` is the
    /// checksum of the value without the stamp.
    pub(crate) fn write(
        self,
        place: &mut [u8],
        form: StampForm,
        rest_crc: u32,
        sequence: u64,
        intended_ns: u64,
    ) {
        let mut stamp = [0; STAMP_BYTES];
        stamp[..4].copy_from_slice(&MAGIC);
        stamp[4..12].copy_from_slice(&self.run.0.to_be_bytes());
        stamp[12..16].copy_from_slice(&self.producer.to_be_bytes());
        stamp[16..24].copy_from_slice(&sequence.to_be_bytes());
        stamp[24..CRC_AT].copy_from_slice(&intended_ns.to_be_bytes());
        let crc = crc32c::crc32c_append(rest_crc, &stamp[..CRC_AT]);
        stamp[CRC_AT..].copy_from_slice(&crc.to_be_bytes());
        match form {
            StampForm::Binary => place.copy_from_slice(&stamp),
            StampForm::Hex => to_hex(&stamp, place),
        }
    }
}

/// Checksum of a value without the stamp at `at`.
pub(crate) fn rest_crc(value: &[u8], at: usize, form: StampForm) -> u32 {
    let before = crc32c::crc32c(&value[..at]);
    crc32c::crc32c_append(before, &value[at + form.bytes()..])
}

/// Looks for the stamp of a record of `run` in a value that comes from anywhere.
#[must_use]
pub fn find(value: &[u8], run: RunId) -> Stamped {
    if value.starts_with(&MAGIC) {
        return match value.first_chunk::<STAMP_BYTES>() {
            Some(stamp) => judge(stamp, rest_crc(value, 0, StampForm::Binary), run),
            None => Stamped::Corrupt(None),
        };
    }
    // The field stands near the end of a change event, so the search begins there.
    let Some(field) = value
        .windows(JSON_FIELD.len())
        .rposition(|window| window == JSON_FIELD)
    else {
        return Stamped::Foreign;
    };
    let at = field + JSON_FIELD.len();
    let Some(hex) = value.get(at..at + STAMP_HEX_BYTES) else {
        return Stamped::Corrupt(None);
    };
    match from_hex(hex) {
        Some(stamp) if stamp.starts_with(&MAGIC) => judge(&stamp, rest_crc(value, at, StampForm::Hex), run),
        _ => Stamped::Corrupt(None),
    }
}

fn judge(stamp: &[u8; STAMP_BYTES], rest_crc: u32, run: RunId) -> Stamped {
    let number = |from: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&stamp[from..from + 8]);
        u64::from_be_bytes(bytes)
    };
    let half = |from: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&stamp[from..from + 4]);
        u32::from_be_bytes(bytes)
    };
    let whole = half(CRC_AT) == crc32c::crc32c_append(rest_crc, &stamp[..CRC_AT]);
    let id = RecordId {
        producer: half(12),
        sequence: number(16),
    };
    match (whole, number(4) == run.0) {
        (true, true) => Stamped::Record {
            id,
            intended_ns: number(24),
        },
        (true, false) => Stamped::Foreign,
        (false, true) => Stamped::Corrupt(Some(id)),
        (false, false) => Stamped::Corrupt(None),
    }
}

fn to_hex(bytes: &[u8; STAMP_BYTES], place: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in place.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

fn from_hex(hex: &[u8]) -> Option<[u8; STAMP_BYTES]> {
    let mut bytes = [0; STAMP_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RUN: RunId = RunId(0x00AB_CDEF_0123_4567);

    /// A value with a stamp behind `at` bytes, in either form.
    fn stamped(rest: &[u8], form: StampForm, producer: u32, sequence: u64, intended_ns: u64) -> Vec<u8> {
        let mut value = Vec::new();
        if form == StampForm::Hex {
            value.extend_from_slice(b"{");
            value.extend_from_slice(JSON_FIELD);
        }
        let at = value.len();
        value.resize(at + form.bytes(), 0);
        value.extend_from_slice(rest);
        let crc = rest_crc(&value, at, form);
        let place = &mut value[at..at + form.bytes()];
        Stamper { run: RUN, producer }.write(place, form, crc, sequence, intended_ns);
        value
    }

    fn form() -> impl Strategy<Value = StampForm> {
        prop_oneof![Just(StampForm::Binary), Just(StampForm::Hex)]
    }

    proptest! {
        #[test]
        fn a_stamp_is_found_again(
            rest in proptest::collection::vec(any::<u8>(), 0..200),
            form in form(),
            producer: u32,
            sequence: u64,
            intended_ns: u64,
        ) {
            let value = stamped(&rest, form, producer, sequence, intended_ns);
            let id = RecordId { producer, sequence };
            prop_assert_eq!(find(&value, RUN), Stamped::Record { id, intended_ns });
            prop_assert_eq!(find(&value, RunId(RUN.0 ^ 1)), Stamped::Foreign);
        }

        #[test]
        fn one_changed_byte_is_never_taken_for_the_record(
            rest in proptest::collection::vec(any::<u8>(), 0..200),
            form in form(),
            at: prop::sample::Index,
            change in 1_u8..=255,
        ) {
            let mut value = stamped(&rest, form, 7, 8, 9);
            let at = at.index(value.len());
            value[at] ^= change;
            let found = find(&value, RUN);
            // Hexadecimal digits may change their case without a change of meaning.
            let same_digit = form == StampForm::Hex && change == 0x20;
            prop_assert!(same_digit || !matches!(found, Stamped::Record { .. }), "{found:?}");
        }

        #[test]
        fn arbitrary_bytes_get_an_answer(value in proptest::collection::vec(any::<u8>(), 0..300)) {
            let taken = matches!(find(&value, RUN), Stamped::Record { .. });
            prop_assert!(!taken);
        }

        #[test]
        fn a_cut_value_is_not_the_record(form in form(), cut: prop::sample::Index) {
            let value = stamped(b"the rest of the value", form, 1, 2, 3);
            let cut = &value[..cut.index(value.len())];
            let taken = matches!(find(cut, RUN), Stamped::Record { .. });
            prop_assert!(!taken);
        }
    }

    #[test]
    fn damage_is_told_from_strangers() {
        let whole = stamped(b"rest", StampForm::Binary, 1, 2, 3);
        let mut damaged = whole.clone();
        damaged[STAMP_BYTES] ^= 1;
        let id = RecordId {
            producer: 1,
            sequence: 2,
        };
        let cases: [(&str, &[u8], Stamped); 5] = [
            ("nothing", b"", Stamped::Foreign),
            ("text", b"hello", Stamped::Foreign),
            ("damaged rest", &damaged, Stamped::Corrupt(Some(id))),
            ("cut stamp", &whole[..20], Stamped::Corrupt(None)),
            ("cut field", br#"{"highwater":"c548"#, Stamped::Corrupt(None)),
        ];
        for (name, value, expected) in cases {
            assert_eq!(find(value, RUN), expected, "{name}");
        }
    }
}
