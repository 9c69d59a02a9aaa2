use proptest::prelude::*;

use super::*;
use crate::BatchBuilder;
use crate::batch::check;

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

type Pair = (Option<Vec<u8>>, Option<Vec<u8>>);

fn plain(pairs: &[Pair]) -> Bytes {
    pairs
        .iter()
        .fold(
            BatchBuilder::new().timestamp(1_000).producer(7, 1, 3),
            |builder, (key, value)| builder.record(key.as_deref(), value.as_deref()),
        )
        .build()
}

/// The batch with its records compressed.
fn with_codec(batch: &Bytes, codec: Codec) -> Bytes {
    super::with_codec(batch, codec).expect("compresses")
}

fn pairs(records: &Records) -> Vec<(i64, Pair)> {
    records
        .iter()
        .map(|record| {
            let record = record.expect("intact");
            assert_eq!(record.timestamp, 1_000);
            let pair = (record.key.map(<[u8]>::to_vec), record.value.map(<[u8]>::to_vec));
            (record.offset, pair)
        })
        .collect()
}

fn some_pairs() -> impl Strategy<Value = Vec<Pair>> {
    let bytes = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..60));
    proptest::collection::vec((bytes(), bytes()), 1..20)
}

proptest! {
    #[test]
    fn records_read_back_and_rewritten_batches_keep_what_is_wanted(
        given in some_pairs(),
        mask in any::<u32>(),
        horizon in proptest::option::of(0i64..10_000),
    ) {
        for codec in CODECS {
            let batch = with_codec(&plain(&given), codec);
            let records = Records::of(&batch).expect("decompresses");
            let all = pairs(&records);
            let expected: Vec<_> = (0..).zip(given.clone()).collect();
            prop_assert_eq!(&all, &expected);
            let wanted = |offset: i64| mask >> (offset % 32) & 1 == 1;
            let rewritten = records.rewrite(&batch, horizon, |record| wanted(record.offset)).expect("rewritten");
            let header = check(&rewritten).expect("a good batch");
            prop_assert_eq!(header.base_offset(), 0);
            prop_assert_eq!(header.last_offset(), records.header().last_offset());
            prop_assert_eq!((header.producer_id(), header.producer_epoch(), header.base_sequence()), (7, 1, 3));
            let again = Records::of(&rewritten).expect("decompresses");
            prop_assert_eq!(again.delete_horizon_ms(), horizon);
            let kept: Vec<_> = all.into_iter().filter(|(offset, _)| wanted(*offset)).collect();
            prop_assert_eq!(pairs(&again), kept);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        given in some_pairs(),
        codec in 0usize..5,
        harm in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..10),
    ) {
        let mut batch = with_codec(&plain(&given), CODECS[codec]).to_vec();
        for (place, byte) in harm {
            let place = HEADER_BYTES + place.index(batch.len() - HEADER_BYTES);
            batch[place] = byte;
        }
        if let Ok(records) = Records::of(&batch.into()) {
            let _ = records.iter().count();
        }
    }
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    let zeros = vec![0; MAX_RECORDS_BYTES + 1];
    for codec in CODECS {
        let compressed = compression::compress(codec, &zeros).expect("compresses");
        let refused = compression::decompress(codec, &compressed);
        assert_eq!(refused, Err(CompressionError::TooLarge), "{codec:?}");
    }
}

#[test]
fn a_raw_snappy_block_is_read_too() {
    let batch = plain(&[(None, Some(b"value".repeat(10)))]);
    let raw = snap::raw::Encoder::new()
        .compress_vec(&batch[HEADER_BYTES..])
        .expect("compresses");
    let records = compression::decompress(Codec::Snappy, &raw).expect("decompresses");
    assert_eq!(records, &batch[HEADER_BYTES..]);
}

#[test]
fn the_brokers_time_is_that_of_every_record() {
    let batch = plain(&[(None, None), (None, None)]);
    let stamped = with_append_time(&batch, 5_000).expect("long enough");
    check(&stamped).expect("a good batch");
    let records = Records::of(&stamped).expect("plain");
    assert!(
        records
            .iter()
            .all(|record| record.is_ok_and(|record| record.timestamp == 5_000))
    );
}
