use std::fs;
use std::path::{Path, PathBuf};

use highwater_wire::batch::BatchHeader;
use highwater_wire::control::Marker;

use super::tests::{Seen, batch, read_offsets};
use super::*;

const SMALL: LogConfig = LogConfig::with_segment_bytes(4_000);

/// A log of `count` batches in segments of four, with the state kept as an owner of a log does.
fn written(dir: &Path, count: i64) -> Vec<(i64, i64)> {
    let mut seen = Seen::default();
    let mut log = Log::open(dir, SMALL, &mut seen).expect("opens");
    for index in 0..count {
        let bytes = batch(2, 400, index);
        let base = log.append(&bytes, 0, || seen.snapshot()).expect("append");
        seen.0.push((base, base + 1));
    }
    seen.0
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .expect("list")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    paths
}

/// Counts what an opening looks at.
#[derive(Default)]
struct Counted {
    seen: Seen,
    looked_at: usize,
}

impl Recovery for Counted {
    fn restore(&mut self, snapshot: &[u8]) -> Result<(), SnapshotError> {
        self.seen.restore(snapshot)
    }

    fn batch(&mut self, header: &BatchHeader, marker: Option<Marker>) {
        self.looked_at += 1;
        self.seen.batch(header, marker);
    }

    fn snapshot(&self) -> Option<Vec<u8>> {
        self.seen.snapshot()
    }
}

fn reopen(dir: &Path) -> (Log, Counted) {
    let mut counted = Counted::default();
    let log = Log::open(dir, SMALL, &mut counted).expect("opens");
    (log, counted)
}

#[test]
fn only_the_last_segment_is_looked_at() {
    let dir = tempfile::tempdir().expect("dir");
    let expected = written(dir.path(), 18);
    assert_eq!(files(dir.path(), "seal").len(), 4);
    let (mut log, counted) = reopen(dir.path());
    assert_eq!(counted.seen.0, expected);
    assert_eq!(counted.looked_at, 2);
    assert_eq!(log.end_offset(), 36);
    for (base, last) in expected {
        assert_eq!(read_offsets(&mut log, last, 1, true), [base]);
    }
    let plan = log.plan_timestamp(5, 0).expect("plan").expect("there");
    let found = plan.record_at(5).expect("lookup").expect("there");
    assert_eq!(found.offset, 10);
}

/// What is done to a file.
type Harm = Box<dyn Fn(&Path)>;

#[test]
fn a_seal_that_is_missing_or_damaged_costs_a_look_at_the_batches() {
    let whole = {
        let dir = tempfile::tempdir().expect("dir");
        written(dir.path(), 10);
        fs::metadata(&files(dir.path(), "seal")[1]).expect("seal").len()
    };
    let mut harms: Vec<(String, Harm)> = vec![
        (
            "missing".to_owned(),
            Box::new(|path| fs::remove_file(path).expect("remove")),
        ),
        (
            "empty".to_owned(),
            Box::new(|path| fs::write(path, "").expect("write")),
        ),
    ];
    for byte in 0..usize::try_from(whole).expect("small") {
        let harm = move |path: &Path| {
            let mut bytes = fs::read(path).expect("read");
            bytes[byte] ^= 0x20;
            fs::write(path, bytes).expect("write");
        };
        harms.push((format!("byte {byte}"), Box::new(harm)));
    }
    for (name, harm) in harms {
        let dir = tempfile::tempdir().expect("dir");
        let expected = written(dir.path(), 10);
        harm(&files(dir.path(), "seal")[1]);
        let (mut log, counted) = reopen(dir.path());
        assert_eq!(counted.seen.0, expected, "{name}");
        for (base, last) in expected {
            assert_eq!(read_offsets(&mut log, last, 1, true), [base], "{name}");
        }
    }
}

#[test]
fn a_seal_is_written_again_and_one_of_another_file_is_not_believed() {
    let dir = tempfile::tempdir().expect("dir");
    let expected = written(dir.path(), 10);
    let seals = files(dir.path(), "seal");
    fs::remove_file(&seals[1]).expect("remove");
    fs::write(dir.path().join("00000000000000000000.seal.tmp"), "half").expect("write");
    assert_eq!(reopen(dir.path()).1.looked_at, 6);
    assert_eq!(files(dir.path(), "seal"), seals);
    assert!(files(dir.path(), "tmp").is_empty());
    assert_eq!(reopen(dir.path()).1.looked_at, 2);
    fs::copy(&seals[0], &seals[1]).expect("copy");
    assert_eq!(reopen(dir.path()).1.seen.0, expected);
}

#[test]
fn a_closed_segment_that_was_cut_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    written(dir.path(), 10);
    let path = &files(dir.path(), "log")[1];
    let file = fs::OpenOptions::new().write(true).open(path).expect("open");
    file.set_len(1_000).expect("cut");
    let error = Log::open(dir.path(), SMALL, &mut Seen::default()).expect_err("damaged");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}

#[test]
fn what_is_known_of_producers_outlives_the_batches_it_came_from() {
    let dir = tempfile::tempdir().expect("dir");
    let seen = written(dir.path(), 10);
    let mut expired = SMALL;
    expired.retention_ms = Some(0);
    let (mut log, counted) = reopen(dir.path());
    log.configure(expired);
    let gone = log
        .retain(1_000_000, 20, || counted.snapshot())
        .expect("retention");
    assert!(gone > 1, "every segment, the active one too");
    assert_eq!(log.start_offset(), 20);
    drop(log);
    let (log, counted) = reopen(dir.path());
    assert_eq!((log.start_offset(), log.end_offset()), (20, 20));
    assert_eq!(
        counted.seen.0, seen,
        "from the seal of the last segment that went"
    );
    assert_eq!(files(dir.path(), "seal").len(), 1, "the others went with theirs");
}

#[test]
fn a_segment_that_is_missing_is_noticed_by_its_seal() {
    let dir = tempfile::tempdir().expect("dir");
    written(dir.path(), 10);
    let logs = files(dir.path(), "log");
    assert_eq!(logs.len(), 3);
    let middle = fs::read(&logs[1]).expect("read");
    fs::remove_file(&logs[1]).expect("removed");
    let refused = |dir: &Path| Log::open(dir, SMALL, &mut Counted::default());
    let error = refused(dir.path()).expect_err("a hole").to_string();
    assert!(error.contains(&logs[1].display().to_string()), "{error}");
    fs::write(&logs[1], middle).expect("restored");
    assert_eq!(reopen(dir.path()).0.end_offset(), 20);
    for log in &logs {
        fs::remove_file(log).expect("removed");
    }
    assert!(refused(dir.path()).is_err(), "offsets would be given twice");
}
