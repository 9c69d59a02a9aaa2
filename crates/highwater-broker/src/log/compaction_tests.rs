use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bytes::Bytes;
use highwater_wire::BatchBuilder;
use highwater_wire::batch::{BatchHeader, Batches, Step};
use highwater_wire::control::{Marker, MarkerKind};
use highwater_wire::records::Records;
use proptest::prelude::*;

use super::tests::Seen;
use super::*;

type Value = Option<Vec<u8>>;

/// A record as a reader gets it: offset, key, value.
type Read = (i64, Vec<u8>, Value);

fn config() -> LogConfig {
    let mut config = LogConfig::with_segment_bytes(600);
    config.compact = true;
    config.min_cleanable_dirty_ratio = 0.0;
    config.delete_retention_ms = 1_000;
    config
}

fn open(dir: &Path) -> Log {
    Log::open(dir, config(), &mut Seen::default()).expect("opens")
}

fn pairs(batch: &Bytes) -> Vec<Read> {
    let records = Records::of(batch).expect("records");
    records
        .iter()
        .map(|record| record.expect("a record"))
        .map(|record| {
            (
                record.offset,
                record.key.unwrap_or_default().to_vec(),
                record.value.map(<[u8]>::to_vec),
            )
        })
        .collect()
}

/// Every batch of the log, as a reader that starts at its front gets them.
fn batches(log: &mut Log) -> Vec<(BatchHeader, Bytes)> {
    let (mut offset, mut all) = (log.start_offset(), Vec::new());
    while let Some(plan) = log.plan_read(offset).expect("plan") {
        let bytes = plan.read(300, true).expect("read");
        assert!(!bytes.is_empty(), "nothing at {offset}");
        for step in Batches::new(&bytes) {
            let Step::Complete(header, batch) = step else {
                panic!("{step:?}")
            };
            offset = header.last_offset() + 1;
            all.push((header, Bytes::copy_from_slice(batch)));
        }
    }
    assert_eq!(offset, log.end_offset());
    all
}

fn data(log: &mut Log) -> Vec<Read> {
    let all = batches(log).into_iter();
    all.filter(|(header, _)| !header.is_control())
        .flat_map(|(_, batch)| pairs(&batch))
        .collect()
}

fn compact(log: &mut Log, now_ms: i64) -> bool {
    let Some(plan) = log.plan_compaction(now_ms, log.end_offset()) else {
        return false;
    };
    let to = plan.run(None, |cleaned| log.replace(cleaned)).expect("compacts");
    log.compacted_to(to).expect("kept");
    true
}

fn put(log: &mut Log, records: &[(u8, Value)]) {
    let builder = records.iter().fold(BatchBuilder::new(), |builder, (key, value)| {
        builder.record(Some(&[*key]), value.as_deref())
    });
    log.append(&builder.build(), 0, || None).expect("append");
}

fn value(text: &str) -> Value {
    Some(text.as_bytes().to_vec())
}

/// Appends until the active segment holds nothing that was there before.
fn close(log: &mut Log) {
    put(log, &[(200, Some(vec![0; 600]))]);
    put(log, &[(201, Some(vec![0; 600]))]);
}

#[test]
fn the_last_value_of_each_key_stays_where_it_is() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(dir.path());
    put(&mut log, &[(1, value("a")), (2, value("b")), (1, value("c"))]);
    put(&mut log, &[(2, value("d"))]);
    put(&mut log, &[(3, value("e"))]);
    close(&mut log);
    assert!(compact(&mut log, 0));
    let read = data(&mut log);
    let expected = [
        (2, vec![1], value("c")),
        (3, vec![2], value("d")),
        (4, vec![3], value("e")),
    ];
    assert_eq!(read[..3], expected);
    assert!(!compact(&mut log, 0), "nothing is dirty");
    assert_eq!(data(&mut open(dir.path())), read, "after a restart");
}

#[test]
fn tombstones_stay_for_a_while() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(dir.path());
    put(&mut log, &[(1, value("a"))]);
    put(&mut log, &[(1, None)]);
    let tombstones = |log: &mut Log| data(log).iter().filter(|(_, _, value)| value.is_none()).count();
    for (now_ms, left) in [(0, 1), (1_000, 1), (1_001, 0)] {
        close(&mut log);
        assert!(compact(&mut log, now_ms));
        assert_eq!(tombstones(&mut log), left, "at {now_ms}");
        assert!(!data(&mut log).contains(&(0, vec![1], value("a"))));
    }
}

#[test]
fn aborted_records_go_and_sequences_and_markers_stay() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(dir.path());
    let transactional = |log: &mut Log, id, sequence, key: u8| {
        let batch = BatchBuilder::new()
            .producer(id, 0, sequence)
            .transactional()
            .record(Some(&[key]), Some(b"x"))
            .build();
        log.append(&batch, 0, || None).expect("append");
    };
    let end = |log: &mut Log, id, kind| {
        let marker = Marker {
            kind,
            coordinator_epoch: 0,
        };
        log.append(&marker.encode(id, 0, 0), 0, || None).expect("append");
    };
    transactional(&mut log, 1, 0, 7);
    end(&mut log, 1, MarkerKind::Commit);
    transactional(&mut log, 1, 1, 7);
    transactional(&mut log, 2, 0, 8);
    end(&mut log, 2, MarkerKind::Commit);
    end(&mut log, 1, MarkerKind::Abort);
    close(&mut log);
    assert!(compact(&mut log, 0));
    let read = data(&mut log);
    assert_eq!(
        read[..2],
        [(0, vec![7], value("x")), (3, vec![8], value("x"))],
        "the aborted value of 7 does not replace the committed one"
    );
    let all = batches(&mut log);
    let markers = all.iter().filter(|(header, _)| header.is_control()).count();
    assert_eq!(markers, 3);
    let last = all
        .iter()
        .rfind(|(header, _)| header.producer_id() == 1 && !header.is_control());
    let header = last.expect("kept without records").0;
    assert_eq!((header.base_sequence(), header.record_count()), (1, 0));
}

#[test]
fn nothing_unstable_too_young_or_barely_dirty_is_touched() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = open(dir.path());
    put(&mut log, &[(1, value("a")), (1, value("b"))]);
    close(&mut log);
    assert!(log.plan_compaction(0, 1).is_none(), "unstable");
    let mut changed = config();
    changed.min_compaction_lag_ms = 10;
    log.configure(changed);
    assert!(log.plan_compaction(9, log.end_offset()).is_none(), "too young");
    assert!(log.plan_compaction(10, log.end_offset()).is_some());
    log.configure(config());
    assert!(compact(&mut log, 0));
    close(&mut log);
    changed = config();
    changed.min_cleanable_dirty_ratio = 0.9;
    log.configure(changed);
    assert!(log.plan_compaction(0, log.end_offset()).is_none(), "barely dirty");
    changed.max_compaction_lag_ms = 5;
    log.configure(changed);
    assert!(log.plan_compaction(6, log.end_offset()).is_some(), "overdue");
}

fn copied(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("dir");
    for entry in fs::read_dir(from).expect("list") {
        let entry = entry.expect("entry");
        fs::copy(entry.path(), to.path().join(entry.file_name())).expect("copy");
    }
    to
}

/// What has to hold for a log of which some is compacted.
fn check(log: &mut Log, written: &[Read]) {
    let read = data(log);
    let known: BTreeSet<&Read> = written.iter().collect();
    assert!(read.iter().all(|record| known.contains(record)), "nothing is new");
    assert!(read.is_sorted_by(|one, next| one.0 < next.0), "in order");
    let latest = |records: &[Read]| -> BTreeMap<Vec<u8>, (i64, Value)> {
        let last = records.iter().cloned();
        last.map(|(offset, key, value)| (key, (offset, value))).collect()
    };
    // A tombstone may be gone, and then its key with it.
    let mut expected = latest(written);
    let found = latest(&read);
    expected.retain(|key, (_, value)| value.is_some() || found.contains_key(key));
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is written and whenever it is compacted, with however few keys at a time, and wherever
    /// the process dies in a pass: of each key the last value is there, at its offset, in order.
    #[test]
    fn compaction_keeps_the_last_value_of_each_key(
        rounds in proptest::collection::vec(
            (
                proptest::collection::vec(
                    proptest::collection::vec((0u8..6, proptest::option::of(0usize..80)), 1..6),
                    1..12,
                ),
                0i64..1_000,
                1usize..8,
            ),
            1..4,
        ),
    ) {
        let dir = tempfile::tempdir().expect("dir");
        let mut log = open(dir.path());
        let (mut written, mut now_ms) = (Vec::new(), 0);
        for (appends, later, max_keys) in rounds {
            for records in appends {
                let records: Vec<(u8, Value)> = records
                    .into_iter()
                    .map(|(key, size)| (key, size.map(|size| vec![b'v'; size])))
                    .collect();
                let base = log.end_offset();
                put(&mut log, &records);
                written.extend((base..).zip(records).map(|(offset, (key, value))| (offset, vec![key], value)));
            }
            now_ms += later;
            let end = log.end_offset();
            if let Some(plan) = log.plan_compaction(now_ms, end) {
                let to = plan.with_max_keys(max_keys).run(None, |cleaned| {
                    for step in 0..3 {
                        let copy = copied(dir.path());
                        let segment = copy.path().join(cleaned.file_name());
                        if step > 0 {
                            let _ = fs::remove_file(segment.with_extension("seal"));
                        }
                        if step > 1 {
                            fs::rename(segment.with_extension("log.cleaned"), &segment).expect("rename");
                        }
                        check(&mut open(copy.path()), &written);
                    }
                    log.replace(cleaned)
                }).expect("compacts");
                log.compacted_to(to).expect("kept");
            }
            prop_assert_eq!(log.end_offset(), end);
            check(&mut log, &written);
            check(&mut open(dir.path()), &written);
        }
    }
}
