use highwater_model::RecordId;

use super::*;
use crate::stamp::{Stamped, find};

const RUN: RunId = RunId(0xFEED);

fn pool(values: Values, compressibility: f64) -> ValuePool {
    ValuePool::new(values, compressibility, true, RUN, 4, 11)
}

#[test]
fn values_have_their_size_and_carry_their_stamp() {
    let sizes = [
        Values::Fixed {
            bytes: MIN_FIXED_BYTES,
        },
        Values::Fixed { bytes: 37 },
        Values::Fixed { bytes: 100 },
        Values::Fixed { bytes: 5_120 },
        Values::ChangeEvents {
            bytes: MIN_CHANGE_EVENT_BYTES,
        },
        Values::ChangeEvents { bytes: 1_001 },
        Values::ChangeEvents { bytes: 5_120 },
    ];
    for values in sizes {
        for compressibility in [1.0, 4.0, MAX_COMPRESSIBILITY] {
            assert_eq!(values.check(compressibility), Ok(()));
            let mut pool = pool(values, compressibility);
            for sequence in [0, 1, 5_000_000_000] {
                let value = pool.stamped(sequence, 77);
                assert_eq!(value.len(), values.bytes(), "{values:?}");
                let expected = Stamped::Record {
                    id: RecordId {
                        producer: 4,
                        sequence,
                    },
                    intended_ns: 77,
                };
                assert_eq!(find(value, RUN), expected, "{values:?}");
            }
        }
    }
}

#[test]
fn change_events_are_json_with_the_parts_of_an_envelope() {
    for bytes in [MIN_CHANGE_EVENT_BYTES, 700, 5_120] {
        let mut pool = pool(Values::ChangeEvents { bytes }, 2.0);
        for sequence in 0..50 {
            let event: serde_json::Value = serde_json::from_slice(pool.stamped(sequence, 1)).unwrap();
            assert_eq!(event["op"], "u");
            assert!(event["ts_ms"].is_u64());
            assert_eq!(event["before"]["status"], "open");
            assert_eq!(event["after"]["status"], "paid");
            assert_eq!(event["source"]["highwater"].as_str().unwrap().len(), 72);
        }
    }
}

#[test]
fn impossible_figures_are_refused() {
    let cases = [
        (Values::Fixed { bytes: 35 }, 1.0, "not within 36"),
        (Values::ChangeEvents { bytes: 511 }, 1.0, "not within 512"),
        (
            Values::Fixed {
                bytes: MAX_VALUE_BYTES + 1,
            },
            1.0,
            "not within 36",
        ),
        (Values::Fixed { bytes: 100 }, 0.5, "compression ratio"),
        (Values::Fixed { bytes: 100 }, f64::NAN, "compression ratio"),
    ];
    for (values, compressibility, word) in cases {
        let message = values.check(compressibility).unwrap_err();
        assert!(message.contains(word), "{message}");
    }
}

/// Compresses what would be a batch of 256 KiB.
fn ratio(values: Values, compressibility: f64, compress: impl Fn(&[u8]) -> usize) -> f64 {
    let mut pool = pool(values, compressibility);
    let mut batch = Vec::new();
    let mut sequence = 0;
    while batch.len() < 256 << 10 {
        batch.extend_from_slice(pool.stamped(sequence, sequence * 200_000));
        sequence += 1;
    }
    batch.len() as f64 / compress(&batch) as f64
}

#[test]
fn values_compress_about_as_well_as_asked() {
    let zstd: fn(&[u8]) -> usize = |batch| zstd::bulk::compress(batch, 3).unwrap().len();
    let lz4: fn(&[u8]) -> usize = |batch| lz4_flex::compress(batch).len();
    for (codec, compress) in [("zstd", zstd), ("lz4", lz4)] {
        for values in [
            Values::Fixed { bytes: 5_120 },
            Values::Fixed { bytes: 500 },
            Values::ChangeEvents { bytes: 5_120 },
        ] {
            for target in [1.5, 4.0] {
                let reached = ratio(values, target, compress);
                let near = (target * 0.75..target * 1.35).contains(&reached);
                assert!(near, "{codec}, {values:?}: {reached:.2} instead of {target}");
            }
        }
    }
    let reached = ratio(Values::Fixed { bytes: 5_120 }, 1.0, zstd);
    assert!(reached < 1.02, "{reached}");
}
