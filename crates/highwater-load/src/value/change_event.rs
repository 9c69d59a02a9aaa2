//! A change event: the envelope in which a change-data-capture connector writes a row's update.
//!
//! The layout is that of the usual JSON envelope without a schema: `before`, `after`, `source`, `op`, `ts_ms`.
//! It is an order of a shop whose `note` fills the envelope up to its size, half in `before` and half in
//! `after`, with an update having changed all of it.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::filler::Filler;
use crate::stamp::{JSON_FIELD, STAMP_HEX_BYTES};

/// Smallest change event: the envelope with empty notes.
pub const MIN_CHANGE_EVENT_BYTES: usize = 512;

/// Builds an event of exactly `bytes` bytes; also tells where its stamp goes. `bytes` is at least
/// [`MIN_CHANGE_EVENT_BYTES`].
pub(super) fn build(
    bytes: usize,
    compressibility: f64,
    number: usize,
    random: &mut ChaCha8Rng,
) -> (Vec<u8>, usize) {
    let id = 1_000_000 + number % 1_000_000;
    let customer = random.random_range(1_000..10_000);
    let cents = random.random_range(1_000..10_000);
    let row = |status: &str| {
        format!(r#"{{"id":{id},"customer_id":{customer},"status":"{status}","total_cents":{cents},"note":""#)
    };
    let before = format!(r#"{{"before":{}"#, row("open"));
    let after = format!(r#""}},"after":{}"#, row("paid"));
    let source = concat!(
        r#""},"source":{"version":"1","connector":"postgresql","name":"shop","ts_ms":1700000000000,"#,
        r#""snapshot":"false","db":"shop","schema":"public","table":"orders","txId":700001,"lsn":900000001,"#
    );
    let end = r#""},"op":"u","ts_ms":1700000000001}"#;
    let frame = before.len() + after.len() + source.len() + JSON_FIELD.len() + STAMP_HEX_BYTES + end.len();
    let notes = bytes.saturating_sub(frame);
    // The frame compresses nearly to nothing, the stamp to about a quarter of its digits.
    let incompressible = (bytes as f64 / compressibility - STAMP_HEX_BYTES as f64 / 4.0).max(0.0);
    let filler = Filler::text(incompressible / notes.max(1) as f64);

    let mut event = Vec::with_capacity(bytes);
    event.extend_from_slice(before.as_bytes());
    filler.append(&mut event, notes / 2, random);
    event.extend_from_slice(after.as_bytes());
    filler.append(&mut event, notes - notes / 2, random);
    event.extend_from_slice(source.as_bytes());
    event.extend_from_slice(JSON_FIELD);
    let stamp_at = event.len();
    event.resize(stamp_at + STAMP_HEX_BYTES, b'0');
    event.extend_from_slice(end.as_bytes());
    (event, stamp_at)
}
