//! The planted defects of groups and their committed offsets.

use std::path::Path;

use highwater_broker::{Bug, JournalEvent, read_journal};
use kafka_protocol::error::ResponseError;
use kafka_protocol::protocol::StrBytes;

use crate::client::*;
use crate::groups::{commit, committed, join, sync};
use crate::running::{start, start_with_bug};

/// The event, the right offset and the wrong one of each entry about the group of these tests.
fn journal(dir: &Path) -> Vec<(JournalEvent, i64, Option<i64>)> {
    let entries = read_journal(dir).expect("journal");
    entries
        .iter()
        .map(|entry| {
            assert_eq!((entry.group.as_deref(), &*entry.topic), (Some("g"), "t"));
            (entry.event, entry.base_offset, entry.copy_base_offset)
        })
        .collect()
}

#[test]
fn ignore_generation_lets_a_zombie_overwrite_what_its_group_has_committed() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::IgnoreGeneration;
    let broker = start_with_bug(dir.path(), bug);
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let joined = join(&mut connection, &StrBytes::new(), 10_000);
    assert_eq!(sync(&mut connection, &joined).0, 0);
    assert_eq!(commit(&mut connection, Some(&joined), 7), None);
    assert_eq!(journal(dir.path()), [], "nothing harmed yet");
    let mut zombie = joined.clone();
    zombie.generation_id -= 1;
    assert_eq!(commit(&mut connection, Some(&zombie), 3), None);
    assert_eq!(committed(&mut connection), 3, "records 3 to 6 will be read again");
    assert_eq!(journal(dir.path()), [(JournalEvent::Admitted, 7, Some(3))]);
    let stranger = commit(&mut connection, None, 1);
    assert_eq!(stranger, Some(ResponseError::UnknownMemberId), "only zombies");
}

#[test]
fn forget_committed_offset_goes_back_to_the_commit_before() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::ForgetCommittedOffset;
    {
        let broker = start_with_bug(dir.path(), bug);
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        for offset in [5, 9] {
            assert_eq!(commit(&mut connection, None, offset), None);
        }
        assert_eq!(committed(&mut connection), 9);
    }
    {
        let broker = start_with_bug(dir.path(), bug);
        let mut connection = broker.connect();
        assert_eq!(committed(&mut connection), 5);
        assert_eq!(journal(dir.path()), [(JournalEvent::Forgotten, 9, Some(5))]);
    }
    let healed = start(dir.path());
    assert_eq!(committed(&mut healed.connect()), 9, "the file is right");
}

#[test]
fn forget_committed_offset_leaves_nothing_when_there_was_one_commit() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::ForgetCommittedOffset;
    {
        let broker = start_with_bug(dir.path(), bug);
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        assert_eq!(commit(&mut connection, None, 9), None);
    }
    let broker = start_with_bug(dir.path(), bug);
    assert_eq!(committed(&mut broker.connect()), -1);
    assert_eq!(journal(dir.path()), [(JournalEvent::Forgotten, 9, Some(-1))]);
}

#[test]
fn regress_committed_offset_answers_the_first_question_wrongly() {
    let dir = tempfile::tempdir().expect("dir");
    let bug = Bug::RegressCommittedOffset;
    {
        let broker = start_with_bug(dir.path(), bug);
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        assert_eq!(commit(&mut connection, None, 9), None);
        assert_eq!(committed(&mut connection), 9);
        assert_eq!(journal(dir.path()), []);
    }
    let broker = start_with_bug(dir.path(), bug);
    let mut connection = broker.connect();
    assert_eq!(committed(&mut connection), 4);
    assert_eq!(committed(&mut connection), 9, "what is kept is right");
    assert_eq!(journal(dir.path()), [(JournalEvent::Regressed, 9, Some(4))]);
}
