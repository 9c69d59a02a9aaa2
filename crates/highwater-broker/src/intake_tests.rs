use highwater_wire::BatchBuilder;

use super::*;

fn taken(
    change: impl FnOnce(&mut LogConfig),
    timestamp: i64,
    key: Option<&[u8]>,
) -> Result<Taken, IntakeError> {
    let mut config = LogConfig::with_segment_bytes(1 << 20);
    change(&mut config);
    let batch = BatchBuilder::new()
        .timestamp(timestamp)
        .record(Some(b"k"), None)
        .record(key, None)
        .build();
    let header = BatchHeader::parse(&batch).expect("a batch");
    take(&config, &header, &batch, 1_000)
}

#[test]
fn settings_are_kept() {
    assert!(taken(|_| {}, i64::MAX, None).is_ok(), "no limits");
    let compacted = taken(|config| config.compact = true, 0, None);
    assert!(matches!(compacted, Err(IntakeError::NoKey { .. })));
    assert!(taken(|config| config.compact = true, 0, Some(b"x")).is_ok());
    let limits = |config: &mut LogConfig| {
        config.timestamp_before_max_ms = 100;
        config.timestamp_after_max_ms = 10;
    };
    for (timestamp, accepted) in [
        (899, false),
        (900, true),
        (1_010, true),
        (1_011, false),
        (-1, true),
    ] {
        assert_eq!(taken(limits, timestamp, None).is_ok(), accepted, "{timestamp}");
    }
}

#[test]
fn the_brokers_clock_makes_a_good_batch() {
    let taken = taken(|config| config.log_append_time = true, i64::MAX, None).expect("taken");
    assert_eq!(taken.append_time_ms, Some(1_000));
    let header = highwater_wire::batch::check(&taken.batch).expect("checksum");
    assert_eq!((header, header.max_timestamp()), (taken.header, 1_000));
}

#[test]
fn a_topic_with_a_codec_stores_every_batch_in_it() {
    for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let taken = taken(|config| config.codec = Some(codec), 5, Some(b"x")).expect("taken");
        let header = highwater_wire::batch::check(&taken.batch).expect("checksum");
        assert_eq!((header, header.codec()), (taken.header, codec));
        let records = Records::of(&taken.batch).expect("decompresses");
        assert_eq!(records.iter().filter(Result::is_ok).count(), 2, "{codec:?}");
    }
}
