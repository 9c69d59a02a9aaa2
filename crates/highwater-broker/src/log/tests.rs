use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use highwater_wire::BatchBuilder;
use highwater_wire::batch::{BatchHeader, Batches, Step};
use highwater_wire::control::Marker;
use proptest::prelude::*;

use super::*;

const ROOMY: LogConfig = LogConfig::with_segment_bytes(1 << 30);

/// Offsets of the batches that an opening looked at or had in a snapshot.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(pub(super) Vec<(i64, i64)>);

impl Recovery for Seen {
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), SnapshotError> {
        self.0 = serde_json::from_slice(snapshot).map_err(|error| SnapshotError(error.to_string()))?;
        Ok(())
    }

    fn batch(&mut self, header: &BatchHeader, _: Option<Marker>) {
        self.0.push((header.base_offset(), header.last_offset()));
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&self.0).ok()
    }
}

pub(super) fn batch(records: usize, size: usize, timestamp: i64) -> bytes::Bytes {
    let value = vec![b'x'; size];
    (0..records)
        .fold(BatchBuilder::new().timestamp(timestamp), |builder, _| {
            builder.record(None, Some(&value))
        })
        .build()
}

fn open(dir: &Path, config: LogConfig) -> (Log, Vec<(i64, i64)>) {
    let mut seen = Seen::default();
    let log = Log::open(dir, config, &mut seen).expect("opens");
    (log, seen.0)
}

pub(super) fn read_offsets(log: &mut Log, offset: i64, max_bytes: usize, first_whole: bool) -> Vec<i64> {
    let Some(plan) = log.plan_read(offset).expect("plan") else {
        return Vec::new();
    };
    let bytes = plan.read(max_bytes, first_whole).expect("read");
    Batches::new(&bytes)
        .map(|step| match step {
            Step::Complete(header, _) => header.base_offset(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn only_segment(dir: &Path) -> std::path::PathBuf {
    dir.join("00000000000000000000.log")
}

#[test]
fn batches_read_back_with_their_offsets() {
    let dir = tempfile::tempdir().expect("dir");
    let (mut log, _) = open(dir.path(), ROOMY);
    for (records, expected) in [(3, 0), (1, 3), (10, 4)] {
        let base = log.append(&batch(records, 10, 0), 0, || None).expect("append");
        assert_eq!(base, expected);
    }
    assert_eq!(log.end_offset(), 14);
    assert_eq!(read_offsets(&mut log, 0, 1 << 20, true), [0, 3, 4]);
    assert_eq!(
        read_offsets(&mut log, 2, 1 << 20, true),
        [0, 3, 4],
        "inside the first batch"
    );
    assert_eq!(read_offsets(&mut log, 3, 1 << 20, true), [3, 4]);
    assert_eq!(read_offsets(&mut log, 14, 1 << 20, true), [0i64; 0], "at the end");
}

#[test]
fn limits_are_kept_except_for_a_first_batch_that_must_go() {
    let dir = tempfile::tempdir().expect("dir");
    let (mut log, _) = open(dir.path(), ROOMY);
    for _ in 0..3 {
        log.append(&batch(1, 40_000, 0), 0, || None).expect("append");
    }
    assert_eq!(read_offsets(&mut log, 0, 1, true), [0], "one, whatever its size");
    assert_eq!(
        read_offsets(&mut log, 0, 1, false),
        [0i64; 0],
        "another partition had the first"
    );
    assert_eq!(read_offsets(&mut log, 1, 81_000, true), [1, 2]);
    assert_eq!(read_offsets(&mut log, 0, 79_000, false), [0]);
}

#[test]
fn every_offset_is_found_through_the_index_and_across_segments() {
    let dir = tempfile::tempdir().expect("dir");
    let config = LogConfig::with_segment_bytes(100_000);
    let (mut log, _) = open(dir.path(), config);
    for index in 0..400 {
        log.append(&batch(1 + index % 3, 300 + index * 5, 0), 0, || None)
            .expect("append");
    }
    let files = fs::read_dir(dir.path()).expect("list").count();
    assert!(files > 3, "{files} segments");
    let (mut log, seen) = open(dir.path(), config);
    assert_eq!(seen.len(), 400);
    for (base, last) in seen {
        for offset in [base, last] {
            assert_eq!(read_offsets(&mut log, offset, 1, true), [base], "offset {offset}");
        }
    }
}

#[test]
fn timestamps_are_found_by_batch() {
    let dir = tempfile::tempdir().expect("dir");
    let (mut log, _) = open(dir.path(), LogConfig::with_segment_bytes(50_000));
    for index in 0..100 {
        log.append(&batch(2, 1_000, 1_000 + index * 10), 0, || None)
            .expect("append");
    }
    let (mut log, _) = open(dir.path(), ROOMY);
    let cases = [
        (0, Some(0)),
        (1_000, Some(0)),
        (1_001, Some(2)),
        (1_500, Some(100)),
        (1_990, Some(198)),
        (1_991, None),
    ];
    for (timestamp, expected) in cases {
        let plan = log.plan_timestamp(timestamp, 0).expect("plan");
        let found = plan.and_then(|plan| plan.record_at(timestamp).expect("lookup"));
        assert_eq!(found.map(|found| found.offset), expected, "timestamp {timestamp}");
    }
    assert_eq!(log.max_timestamp(), Some(1_990));
}

#[test]
fn a_tail_torn_at_any_byte_costs_only_the_torn_batch() {
    let dir = tempfile::tempdir().expect("dir");
    let (mut log, _) = open(dir.path(), ROOMY);
    let mut ends = vec![0];
    for records in [1, 4, 2] {
        log.append(&batch(records, 20, 0), 0, || None).expect("append");
        ends.push(fs::metadata(only_segment(dir.path())).expect("file").len());
    }
    let whole = fs::read(only_segment(dir.path())).expect("read");
    let offsets = [0, 1, 5, 7];
    for cut in 0..=whole.len() {
        fs::write(only_segment(dir.path()), &whole[..cut]).expect("write");
        let (mut log, seen) = open(dir.path(), ROOMY);
        let complete = ends.iter().filter(|&&end| end > 0 && end <= cut as u64).count();
        assert_eq!(seen.len(), complete, "cut at {cut}");
        assert_eq!(log.end_offset(), offsets[complete], "cut at {cut}");
        assert_eq!(log.cut_bytes(), cut as u64 - ends[complete], "cut at {cut}");
        let base = log.append(&batch(1, 20, 0), 0, || None).expect("goes on");
        assert_eq!(base, offsets[complete], "cut at {cut}");
        assert_eq!(read_offsets(&mut log, base, 1, true), [base]);
    }
}

#[test]
fn damage_before_the_tail_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("dir");
    let (mut log, _) = open(dir.path(), ROOMY);
    for _ in 0..3 {
        log.append(&batch(2, 50, 0), 0, || None).expect("append");
    }
    let whole = fs::read(only_segment(dir.path())).expect("read");
    let one = whole.len() / 3;
    // A record, the length, the magic of the second batch; then the same in the last one is a torn tail.
    for (place, refused) in [
        (one + 80, true),
        (one + 9, true),
        (one + 16, true),
        (2 * one + 80, false),
    ] {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x40;
        fs::write(only_segment(dir.path()), &damaged).expect("write");
        let opened = Log::open(dir.path(), ROOMY, &mut Seen::default());
        if refused {
            let error = opened.expect_err("damaged");
            assert!(
                matches!(error, LogError::Damaged { position, .. } if position == one as u64),
                "byte {place}: {error}"
            );
            assert!(error.to_string().contains("00000000000000000000.log"), "{error}");
            assert_eq!(
                fs::read(only_segment(dir.path())).expect("read"),
                damaged,
                "untouched"
            );
        } else {
            assert_eq!(opened.expect("torn tail").end_offset(), 4, "byte {place}");
        }
    }
}

#[test]
fn offsets_that_go_back_are_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let (mut log, _) = open(dir.path(), ROOMY);
    log.append(&batch(2, 5, 0), 0, || None).expect("append");
    let mut file = OpenOptions::new()
        .append(true)
        .open(only_segment(dir.path()))
        .expect("open");
    file.write_all(&batch(2, 5, 0))
        .expect("a second batch at offset 0");
    let error = Log::open(dir.path(), ROOMY, &mut Seen::default()).expect_err("goes back");
    assert!(
        matches!(
            error,
            LogError::Offsets {
                found: 0,
                expected: 2,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_lost() {
    let dir = tempfile::tempdir().expect("dir");
    std::os::unix::fs::symlink("/dev/full", only_segment(dir.path())).expect("link");
    let mut log = Log::open(dir.path(), ROOMY, &mut Seen::default()).expect("empty");
    for _ in 0..2 {
        let error = log.append(&batch(1, 10, 0), 0, || None).expect_err("no space");
        assert!(matches!(error, LogError::Io { action: "write", .. }), "{error}");
        assert_eq!(log.end_offset(), 0);
    }
}

#[test]
fn the_last_batch_can_be_cut_for_a_bug() {
    let dir = tempfile::tempdir().expect("dir");
    let (mut log, _) = open(dir.path(), ROOMY);
    log.append(&batch(3, 5, 0), 0, || None).expect("append");
    log.append(&batch(2, 5, 0), 0, || None).expect("append");
    let (mut log, _) = open(dir.path(), ROOMY);
    let last = log.last_batch_on_open().expect("there is one");
    assert_eq!(last.header.base_offset(), 3);
    log.cut_last_batch(last).expect("cut");
    assert_eq!(log.end_offset(), 3);
    assert_eq!(open(dir.path(), ROOMY).1, [(0, 2)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the batches and segments, and wherever the process died in its last write: every
    /// batch that was whole is there, at the offset it had, and reads back byte for byte.
    #[test]
    fn recovery_keeps_every_whole_batch(
        sizes in proptest::collection::vec((1usize..5, 0usize..3_000), 1..40),
        segment_bytes in 1_000u64..20_000,
        torn in 0usize..3_000,
    ) {
        let dir = tempfile::tempdir().expect("dir");
        let config = LogConfig::with_segment_bytes(segment_bytes);
        let (mut log, _) = open(dir.path(), config);
        let mut written = Vec::new();
        for (index, &(records, size)) in sizes.iter().enumerate() {
            let bytes = batch(records, size, index as i64);
            let base = log.append(&bytes, 0, || None).expect("append");
            written.push((base, bytes));
        }
        let (last_base, last) = written.pop().expect("at least one");
        let cut = torn % last.len() + 1;
        let path = fs::read_dir(dir.path())
            .expect("list")
            .map(|entry| entry.expect("entry").path())
            .max()
            .expect("a segment");
        let length = fs::metadata(&path).expect("file").len();
        let file = OpenOptions::new().write(true).open(&path).expect("open");
        file.set_len(length - cut as u64).expect("tear");
        let (mut log, seen) = open(dir.path(), config);
        prop_assert_eq!(log.end_offset(), last_base);
        prop_assert_eq!(seen.len(), written.len());
        for (base, bytes) in &written {
            let plan = log.plan_read(*base).expect("plan").expect("there");
            let read = plan.read(1, true).expect("read");
            let header = BatchHeader::parse(&read).expect("a batch");
            prop_assert_eq!(header.base_offset(), *base);
            prop_assert_eq!(&read[16..], &bytes[16..]);
        }
    }
}
