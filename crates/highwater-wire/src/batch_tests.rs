use proptest::prelude::*;

use super::*;
use crate::BatchBuilder;

fn sample() -> Vec<u8> {
    BatchBuilder::new()
        .producer(7, 3, 40)
        .timestamp(1_700_000_000_000)
        .record(Some(b"k"), Some(b"v1"))
        .record(None, Some(b"v2"))
        .record(Some(b"gone"), None)
        .build()
        .to_vec()
}

#[test]
fn a_built_batch_reads_back() {
    let header = check(&sample()).expect("intact");
    assert_eq!(header.base_offset(), 0);
    assert_eq!(header.last_offset(), 2);
    assert_eq!(header.record_count(), 3);
    assert_eq!(header.producer_id(), 7);
    assert_eq!(header.producer_epoch(), 3);
    assert_eq!(header.base_sequence(), 40);
    assert_eq!(header.max_timestamp(), 1_700_000_000_000);
    assert_eq!(header.codec(), Codec::None);
    assert!(!header.is_transactional() && !header.is_control());
    assert_eq!(header.length(), sample().len());
}

#[test]
fn patching_keeps_the_checksum() {
    let mut batch = sample();
    assert!(patch(&mut batch, 1_000, 9));
    let header = check(&batch).expect("still intact");
    assert_eq!((header.base_offset(), header.last_offset()), (1_000, 1_002));
    assert_eq!(header.leader_epoch(), 9);
    assert!(!patch(&mut batch[..15], 0, 0), "too short to patch");
}

#[test]
fn the_codec_reads_the_records_that_the_builder_wrote() {
    let mut bytes = bytes::Bytes::from(sample());
    let set = kafka_protocol::records::RecordBatchDecoder::decode(&mut bytes).expect("decodes");
    let values: Vec<_> = set.records.iter().map(|record| record.value.clone()).collect();
    assert_eq!(values, [Some("v1".into()), Some("v2".into()), None]);
    assert_eq!(set.records[2].offset, 2);
    assert_eq!(set.records[1].sequence, 41);
}

#[test]
fn a_slice_of_batches_ends_complete_torn_or_corrupt() {
    let one = sample();
    let two = [one.clone(), one.clone()].concat();
    let complete = |bytes: &[u8]| {
        let mut walk = Batches::new(bytes);
        let steps: Vec<_> = walk.by_ref().collect();
        let complete = steps
            .iter()
            .filter(|step| matches!(step, Step::Complete(..)))
            .count();
        (
            complete,
            steps.last().cloned().map(|step| matches!(step, Step::Torn(_))),
            walk.position(),
        )
    };
    assert_eq!(complete(&two), (2, Some(false), two.len()));
    for cut in one.len() + 1..two.len() {
        assert_eq!(complete(&two[..cut]), (1, Some(true), one.len()), "cut at {cut}");
    }
    let mut damaged = two;
    damaged[one.len() + 70] ^= 1;
    let steps: Vec<_> = Batches::new(&damaged).collect();
    assert_eq!(steps.len(), 2);
    assert!(
        matches!(steps[1], Step::Corrupt(BatchError::Crc { .. })),
        "{steps:?}"
    );
}

#[test]
fn nonsense_headers_are_refused() {
    let cases: [(&str, usize, &[u8], BatchError); 6] = [
        ("old magic", 16, &[1], BatchError::Magic(1)),
        (
            "negative length",
            8,
            &(-1i32).to_be_bytes(),
            BatchError::Length(-1),
        ),
        (
            "length below the header",
            8,
            &48i32.to_be_bytes(),
            BatchError::Length(48),
        ),
        (
            "huge length",
            8,
            &i32::MAX.to_be_bytes(),
            BatchError::Length(i64::from(i32::MAX)),
        ),
        (
            "negative base offset",
            0,
            &(-1i64).to_be_bytes(),
            BatchError::Inconsistent("base offset"),
        ),
        (
            "more records than offsets",
            57,
            &4i32.to_be_bytes(),
            BatchError::Inconsistent("record count"),
        ),
    ];
    for (name, at, field, expected) in cases {
        let mut batch = sample();
        batch[at..at + field.len()].copy_from_slice(field);
        assert_eq!(BatchHeader::parse(&batch), Err(expected), "{name}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let walked = Batches::new(&bytes).count();
        prop_assert!(walked <= bytes.len() / HEADER_BYTES + 1);
    }

    #[test]
    fn arbitrary_bytes_behind_a_good_magic_never_panic(
        mut bytes in proptest::collection::vec(any::<u8>(), 17..300),
        length in 0i32..400,
    ) {
        bytes[16] = 2;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        let _ = Batches::new(&bytes).count();
    }

    #[test]
    fn a_flipped_bit_behind_the_patched_front_is_noticed(bit in 0usize..8, place in 0usize..10_000) {
        let mut batch = sample();
        let at = PATCH_BYTES + place % (batch.len() - PATCH_BYTES);
        batch[at] ^= 1 << bit;
        prop_assert!(check(&batch).is_err(), "bit {bit} of byte {at}");
    }

    #[test]
    fn a_flipped_bit_in_the_length_is_noticed(bit in 0usize..32) {
        let mut batch = sample();
        batch[8 + bit / 8] ^= 1 << (bit % 8);
        prop_assert!(check(&batch).is_err());
    }
}
