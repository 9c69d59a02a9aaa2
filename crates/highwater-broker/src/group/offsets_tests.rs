use std::fs::OpenOptions;
use std::io::Write;

use super::*;

fn committed(offset: i64) -> Committed {
    Committed {
        offset,
        leader_epoch: 0,
        metadata: "seen \"it\"\n".to_owned(),
    }
}

fn commit(offsets: &mut Offsets, group: &str, topic: &str, offset: i64) {
    offsets
        .commit(group, vec![((topic.to_owned(), 0), committed(offset))])
        .expect("written");
}

#[test]
fn the_newest_commit_counts_also_after_a_restart() {
    let dir = tempfile::tempdir().expect("dir");
    let mut offsets = Offsets::open(dir.path(), Durability::Process, false).expect("opens");
    commit(&mut offsets, "g", "a", 1);
    commit(&mut offsets, "g", "a", 2);
    commit(&mut offsets, "g", "b", 7);
    commit(&mut offsets, "h", "a", 3);
    offsets.remove_topic("b").expect("written");
    drop(offsets);
    let offsets = Offsets::open(dir.path(), Durability::Process, false).expect("opens");
    assert_eq!(offsets.get("g", "a", 0), Some(&committed(2)));
    assert_eq!(offsets.get("h", "a", 0), Some(&committed(3)));
    assert_eq!(offsets.get("g", "b", 0), None);
    assert_eq!(offsets.of_group("g").len(), 1);
}

#[test]
fn generations_go_on_after_a_restart_and_after_a_rewriting() {
    let dir = tempfile::tempdir().expect("dir");
    let open = || Offsets::open(dir.path(), Durability::Process, false).expect("opens");
    let mut offsets = open();
    assert_eq!(offsets.generation("g"), 0);
    offsets.note_generation("g", 3).expect("written");
    offsets.note_generation("g", 2).expect("no step back");
    drop(offsets);
    let mut offsets = open();
    assert_eq!(offsets.generation("g"), 3);
    for offset in 0..20_000 {
        commit(&mut offsets, "h", "a", offset);
    }
    drop(offsets);
    assert_eq!(open().generation("g"), 3);
}

#[test]
fn a_torn_line_is_cut_and_a_broken_one_is_refused() {
    let dir = tempfile::tempdir().expect("dir");
    let mut offsets = Offsets::open(dir.path(), Durability::Process, false).expect("opens");
    commit(&mut offsets, "g", "a", 1);
    let path = dir.path().join("group-offsets.jsonl");
    drop(offsets);
    let append = |text: &str| {
        let mut file = OpenOptions::new().append(true).open(&path).expect("open");
        file.write_all(text.as_bytes()).expect("write");
    };
    append("{\"group\":\"g\",\"top");
    let mut offsets = Offsets::open(dir.path(), Durability::Process, false).expect("opens");
    commit(&mut offsets, "g", "a", 5);
    drop(offsets);
    let offsets = Offsets::open(dir.path(), Durability::Process, false).expect("the torn line is gone");
    assert_eq!(offsets.get("g", "a", 0), Some(&committed(5)));
    drop(offsets);
    append("nonsense\n");
    let error = Offsets::open(dir.path(), Durability::Process, false).expect_err("refused");
    assert!(error.to_string().contains("line 3"), "{error}");
}

#[test]
fn old_lines_are_dropped_in_time() {
    let dir = tempfile::tempdir().expect("dir");
    let mut offsets = Offsets::open(dir.path(), Durability::Process, false).expect("opens");
    for offset in 0..=10_000 {
        commit(&mut offsets, "g", "a", offset);
    }
    assert_eq!(offsets.file.lines(), 1);
    commit(&mut offsets, "g", "a", 10_001);
    drop(offsets);
    let offsets = Offsets::open(dir.path(), Durability::Process, false).expect("opens");
    assert_eq!((offsets.file.lines(), offsets.live), (2, 1));
    assert_eq!(offsets.get("g", "a", 0), Some(&committed(10_001)));
}

#[test]
fn pending_offsets_go_with_their_topic_and_with_their_group() {
    let dir = tempfile::tempdir().expect("dir");
    let opened = || Offsets::open(dir.path(), Durability::Process, false).expect("opens");
    let committed = |offset| Committed {
        offset,
        leader_epoch: 0,
        metadata: String::new(),
    };
    let mut offsets = opened();
    let keys = [
        ("gone".to_owned(), 0),
        ("deleted".to_owned(), 0),
        ("kept".to_owned(), 0),
    ];
    let pending = keys.iter().map(|key| (key.clone(), committed(7))).collect();
    offsets.commit_pending("g", 1, pending).expect("pending");
    offsets.remove_topic("gone").expect("removed");
    offsets.remove("g", vec![keys[1].clone()]).expect("removed");
    drop(offsets);
    let mut offsets = opened();
    offsets.end_transaction(1, true, |_| true).expect("committed");
    let left: Vec<OffsetKey> = offsets.of_group("g").into_keys().collect();
    assert_eq!(left, [keys[2].clone()], "also after a start");
}
