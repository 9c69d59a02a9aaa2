//! Groups: assignments, positions, deliveries, commits.

use highwater_model::history::{
    CommittedOffset, Isolation, JoinedFacts, RequestFacts, ResponseFacts, ResponseFate,
};

use super::story::{NO_PRODUCER, Story, TOPIC, assigned, at, batch, commit, fetch, fetched, member, result};

fn join(story: &mut Story, connection: u32, id: &str, instance: Option<&str>, generation: i32, all: &[&str]) {
    story.call(
        connection,
        RequestFacts::JoinGroup {
            group: member(id, instance, -1),
            session_timeout_ms: 1,
            rebalance_timeout_ms: 1,
            topics: Vec::new(),
            assignors: Vec::new(),
        },
        ResponseFacts::Joined(JoinedFacts {
            error: 0,
            generation,
            assignor: None,
            leader: id.to_owned(),
            member_id: id.to_owned(),
            members: all.iter().map(|id| (*id).to_owned()).collect(),
        }),
    );
}

fn sync(story: &mut Story, connection: u32, id: &str, instance: Option<&str>, generation: i32, owns: &[i32]) {
    story.call(
        connection,
        RequestFacts::SyncGroup {
            group: member(id, instance, generation),
            assignments: Vec::new(),
        },
        assigned(owns),
    );
}

fn position(story: &mut Story, connection: u32, offset: i64) {
    story.call(
        connection,
        RequestFacts::OffsetFetch {
            groups: vec!["g".to_owned()],
            require_stable: true,
        },
        ResponseFacts::CommittedOffsets {
            error: 0,
            groups: vec![(
                "g".to_owned(),
                vec![CommittedOffset {
                    topic: TOPIC.to_owned(),
                    partition: 0,
                    offset,
                }],
            )],
        },
    );
}

fn read(story: &mut Story, connection: u32, offset: i64) {
    story.call(
        connection,
        fetch(Isolation::ReadUncommitted, (0, -1), Some(offset)),
        fetched(0, &[], vec![at(offset, batch(NO_PRODUCER, &[1, 2]))]),
    );
}

/// Without what readers are told.
fn told(story: Story) -> Vec<String> {
    let mut told = story.told();
    told.retain(|text| text.starts_with("g "));
    told
}

#[test]
fn a_member_is_assigned_positioned_and_gets_records() {
    let mut story = Story::new();
    story.connect(1, "c").connect(2, "c");
    join(&mut story, 1, "m1", None, 5, &["m1"]);
    sync(&mut story, 1, "m1", None, 5, &[0, 1]);
    position(&mut story, 1, 10);
    read(&mut story, 2, 10);
    read(&mut story, 2, 12);
    story.call(1, commit(member("m1", None, 5), None, 14), result(0, -1));
    read(&mut story, 2, 10);
    assert_eq!(
        told(story),
        [
            "g m1 in 5 owns t/0 t/1",
            "g m1 begins t/0@10",
            "g m1 gets t/0@10-11",
            "g m1 gets t/0@12-13",
            "g m1 commits in 5 t/0@14 Ok",
            "g m1 gets t/0@10-11",
        ]
    );
}

#[test]
fn readers_of_one_name_belong_to_the_member_that_owns() {
    let mut story = Story::new();
    story
        .connect(1, "c")
        .connect(2, "c")
        .connect(3, "d")
        .connect(4, "d");
    join(&mut story, 1, "m1", None, 5, &[]);
    sync(&mut story, 1, "m1", None, 5, &[0]);
    join(&mut story, 3, "m2", None, 5, &[]);
    sync(&mut story, 3, "m2", None, 5, &[1]);
    read(&mut story, 2, 0);
    // It does not own it: whoever reads there reads for itself.
    read(&mut story, 4, 0);
    assert_eq!(
        told(story),
        [
            "g m1 in 5 owns t/0",
            "g m2 in 5 owns t/1",
            "g m1 begins t/0@0",
            "g m1 gets t/0@0-1",
        ]
    );
}

#[test]
fn commits_that_crossed_a_rebalance_speak_for_no_generation() {
    let mut story = Story::new();
    story.connect(1, "c").connect(2, "d");
    join(&mut story, 1, "m1", None, 5, &["m1"]);
    sync(&mut story, 1, "m1", None, 5, &[0]);
    let crossing = story.ask(1, commit(member("m1", None, 5), None, 7));
    join(&mut story, 2, "m2", None, 6, &["m2"]);
    sync(&mut story, 2, "m2", None, 6, &[0]);
    story.hear(crossing, ResponseFate::Delivered, result(0, -1));
    story.call(1, commit(member("m1", None, 5), None, 8), result(0, -1));
    story.call(1, commit(member("m1", None, 5), None, 9), result(22, -1));
    assert_eq!(
        told(story),
        [
            "g m1 in 5 owns t/0",
            "g m1 left",
            "g m2 in 6 owns t/0",
            "g m1 commits in -1 t/0@7 Ok",
            "g m1 commits in 5 t/0@8 Ok",
            "g m1 commits in 5 t/0@9 Failed",
        ]
    );
}

#[test]
fn a_static_member_is_one_member() {
    let mut story = Story::new();
    story.connect(1, "c").connect(2, "c");
    join(&mut story, 1, "m1", Some("i1"), 5, &["m1"]);
    sync(&mut story, 1, "m1", Some("i1"), 5, &[0]);
    story.disconnect(1);
    join(&mut story, 2, "m9", Some("i1"), 5, &["m9"]);
    sync(&mut story, 2, "m9", Some("i1"), 5, &[0]);
    assert_eq!(told(story), ["g i1 in 5 owns t/0"]);
}

#[test]
fn members_of_the_newer_protocol_have_epochs_of_their_own() {
    let beat = |story: &mut Story, connection, id: &str, epoch, answer: (i32, Option<&[i32]>)| {
        story.call(
            connection,
            RequestFacts::ConsumerGroupHeartbeat {
                group: member(id, None, epoch),
                topics: None,
                owned: None,
            },
            ResponseFacts::Assigned {
                error: 0,
                member_id: Some(id.to_owned()),
                member_epoch: Some(answer.0),
                partitions: answer
                    .1
                    .map(|all| all.iter().map(|one| (TOPIC.to_owned(), *one)).collect()),
            },
        );
    };
    let mut story = Story::new();
    story.connect(1, "c").connect(2, "d");
    beat(&mut story, 1, "m1", 0, (1, Some(&[0, 1])));
    beat(&mut story, 2, "m2", 0, (2, Some(&[])));
    // Behind the other, and right so.
    story.call(1, commit(member("m1", None, 1), None, 8), result(0, -1));
    beat(&mut story, 1, "m1", 1, (1, Some(&[0])));
    beat(&mut story, 1, "m1", 1, (2, None));
    beat(&mut story, 1, "m1", 2, (2, None));
    beat(&mut story, 2, "m2", 2, (2, Some(&[1])));
    story.call(1, commit(member("m1", None, 1), None, 9), result(0, -1));
    beat(&mut story, 1, "m1", -1, (-1, None));
    assert_eq!(
        told(story),
        [
            "g m1 in 1 owns t/0 t/1",
            "g m2 in 2 owns ",
            "g m1 commits in -1 t/0@8 Ok",
            "g m1 in 1 owns t/0",
            "g m1 in 2 owns t/0",
            "g m2 in 2 owns t/1",
            "g m1 commits in 1 t/0@9 Ok",
            "g m1 left",
        ]
    );
}

#[test]
fn what_a_member_asked_for_before_a_commit_is_not_told_after_it() {
    let mut story = Story::new();
    story.connect(1, "c").connect(2, "d");
    join(&mut story, 1, "m1", None, 5, &[]);
    sync(&mut story, 1, "m1", None, 5, &[0]);
    let asked = story.ask(
        1,
        RequestFacts::OffsetFetch {
            groups: vec!["g".to_owned()],
            require_stable: true,
        },
    );
    story.call(2, commit(member("m1", None, 5), None, 8), result(0, -1));
    story.hear(
        asked,
        ResponseFate::Delivered,
        ResponseFacts::CommittedOffsets {
            error: 0,
            groups: vec![(
                "g".to_owned(),
                vec![CommittedOffset {
                    topic: TOPIC.to_owned(),
                    partition: 0,
                    offset: 3,
                }],
            )],
        },
    );
    assert_eq!(told(story), ["g m1 in 5 owns t/0", "g m1 commits in 5 t/0@8 Ok"]);
}
