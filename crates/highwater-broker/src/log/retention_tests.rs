use std::path::Path;

use super::tests::{Seen, batch, read_offsets};
use super::*;

/// Ten batches of two records in segments of two batches, one millisecond apart.
fn written(dir: &Path, config: LogConfig) -> Log {
    let mut log = Log::open(dir, config, &mut Seen::default()).expect("opens");
    for index in 0..10 {
        log.append(&batch(2, 400, index), 0, || None).expect("append");
    }
    log
}

fn config() -> LogConfig {
    LogConfig::with_segment_bytes(1_800)
}

fn reopened(dir: &Path) -> (i64, i64) {
    let log = Log::open(dir, config(), &mut Seen::default()).expect("opens");
    (log.start_offset(), log.end_offset())
}

#[test]
fn records_are_deleted_by_offset_and_stay_deleted() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = written(dir.path(), config());
    for (offset, start, first_read) in [(3, 3, 2), (1, 3, 2), (9, 9, 8), (20, 20, 20)] {
        log.delete_before(offset).expect("deletes");
        assert_eq!(log.start_offset(), start, "before {offset}");
        assert_eq!(reopened(dir.path()), (start, 20), "before {offset}");
        let read = read_offsets(&mut log, start, 1, true);
        assert_eq!(
            read.first().copied().unwrap_or(20),
            first_read,
            "the batch that straddles"
        );
    }
    assert_eq!(log.append(&batch(1, 1, 0), 0, || None).expect("append"), 20);
}

#[test]
fn old_segments_go_and_so_does_the_last_one_but_not_its_end() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = written(dir.path(), config());
    let mut limited = config();
    limited.retention_ms = Some(100);
    log.configure(limited);
    let cases = [
        (101, 0, 0),
        (105, 2, 8),
        (105, 0, 8),
        (1_000, 3, 20),
        (1_000, 0, 20),
    ];
    for (now_ms, removed, start) in cases {
        let count = log.retain(now_ms, 20, || None).expect("retention");
        assert_eq!((count, log.start_offset()), (removed, start), "at {now_ms}");
        assert_eq!(reopened(dir.path()), (start, 20), "at {now_ms}");
    }
    assert_eq!(log.append(&batch(1, 1, 0), 0, || None).expect("append"), 20);
}

#[test]
fn a_log_that_is_too_large_loses_its_front() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = written(dir.path(), config());
    let mut limited = config();
    let two_batches = 2 * batch(2, 400, 0).len() as u64;
    limited.retention_bytes = Some(3 * two_batches + 1);
    log.configure(limited);
    assert_eq!(log.retain(0, 20, || None).expect("retention"), 1);
    assert_eq!(log.start_offset(), 4);
    limited.delete = false;
    limited.retention_bytes = Some(0);
    log.configure(limited);
    assert_eq!(
        log.retain(0, 20, || None).expect("retention"),
        0,
        "compacted only"
    );
    limited.delete = true;
    log.configure(limited);
    assert_eq!(
        log.retain(0, 12, || None).expect("retention"),
        2,
        "only below the high watermark"
    );
}

#[test]
fn a_reader_goes_on_in_a_file_that_was_removed() {
    let dir = tempfile::tempdir().expect("dir");
    let mut log = written(dir.path(), config());
    let plan = log.plan_read(0).expect("plan").expect("there");
    log.delete_before(20).expect("deletes");
    assert!(!plan.read(1 << 20, true).expect("reads").is_empty());
}

#[test]
fn a_segment_is_closed_when_its_first_record_is_old() {
    let dir = tempfile::tempdir().expect("dir");
    let mut timed = LogConfig::with_segment_bytes(1 << 20);
    timed.segment_ms = 4;
    let mut log = written(dir.path(), timed);
    timed.retention_ms = Some(100);
    log.configure(timed);
    assert_eq!(log.retain(105, 20, || None).expect("retention"), 1);
    assert_eq!(log.start_offset(), 10, "timestamps 0 to 4");
}
