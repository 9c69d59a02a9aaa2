use highwater_model::history::{
    CommittedOffset, GroupFacts, Isolation, JoinedFacts, RequestFacts, ResponseFacts,
};

use super::story::{Story, batch, fetch, fetched, member, nobody, offsets, read, record, result};

const JAVA: Option<&str> = Some("apache-kafka-java");

pub(super) fn join(session_timeout_ms: i32, rebalance_timeout_ms: i32) -> RequestFacts {
    RequestFacts::JoinGroup {
        group: member(),
        session_timeout_ms,
        rebalance_timeout_ms,
        topics: vec!["in".to_owned()],
        assignors: vec!["range".to_owned()],
    }
}

fn joined() -> ResponseFacts {
    ResponseFacts::Joined(JoinedFacts {
        error: 0,
        generation: 1,
        assignor: Some("range".to_owned()),
        leader: "member-1".to_owned(),
        member_id: "member-1".to_owned(),
        members: Vec::new(),
    })
}

fn heartbeat(story: &mut Story, error: i16) {
    story.call(
        1,
        (12, 4),
        RequestFacts::Heartbeat(member()),
        ResponseFacts::Error { error },
    );
}

fn consumer() -> Story {
    let mut story = Story::new();
    story
        .connect(1, JAVA, "c")
        .call(1, (11, 9), join(10_000, 60_000), joined());
    story
}

fn has(story: &Story, name: &str) -> bool {
    story.names().contains(&name.to_owned())
}

#[test]
fn heartbeats_against_the_session_timeout() {
    for (name, gap_ms, leaves, expected) in [
        ("regular", 3_000, false, false),
        ("just half", 4_990, false, false),
        ("more than half", 5_100, false, true),
        ("left meanwhile", 9_000, true, false),
    ] {
        let mut story = consumer();
        heartbeat(&mut story, 0);
        if leaves {
            let leave = RequestFacts::LeaveGroup {
                group_id: "etl".to_owned(),
                members: vec!["member-1".to_owned()],
            };
            story.call(1, (13, 5), leave, ResponseFacts::Error { error: 0 });
        }
        story.wait(gap_ms);
        heartbeat(&mut story, 0);
        assert_eq!(has(&story, "session-timeout-near"), expected, "{name}");
    }
}

#[test]
fn a_join_that_is_kept_waiting_is_no_pause() {
    let mut story = consumer();
    let exchange = story.ask(1, (11, 9), join(10_000, 60_000));
    story.wait(30_000).answer(exchange, joined());
    heartbeat(&mut story, 0);
    assert!(story.names().is_empty(), "{:?}", story.names());
}

#[test]
fn members_that_are_not_known_any_more() {
    for (name, error, leaves, expected) in [
        ("known", 0, false, false),
        ("rebalance", 27, false, false),
        ("thrown out", 25, false, true),
        ("left", 25, true, false),
    ] {
        let mut story = consumer();
        if leaves {
            let leave = RequestFacts::LeaveGroup {
                group_id: "etl".to_owned(),
                members: vec!["member-1".to_owned()],
            };
            story.call(1, (13, 5), leave, ResponseFacts::Error { error: 0 });
        }
        heartbeat(&mut story, error);
        assert_eq!(has(&story, "thrown-out-of-group"), expected, "{name}");
    }
}

#[test]
fn polls_against_their_limit() {
    for (name, software, gap_ms, waiting, expected) in [
        ("often", JAVA, 1_000, false, false),
        ("more than half", JAVA, 31_000, false, true),
        ("a fetch that waits", JAVA, 31_000, true, false),
        ("fetches by itself", Some("librdkafka"), 31_000, false, false),
    ] {
        let mut story = Story::new();
        story
            .connect(1, software, "c")
            .call(1, (11, 9), join(45_000, 60_000), joined());
        story.fetch(1, Isolation::ReadCommitted, read("in", 0, vec![]));
        let open = waiting.then(|| story.ask(1, (1, 17), fetch(Isolation::ReadCommitted, "in", 0, 0)));
        story.wait(gap_ms);
        if let Some(open) = open {
            story.answer(open, fetched(read("in", 0, vec![])));
        }
        story.fetch(1, Isolation::ReadCommitted, read("in", 0, vec![]));
        assert_eq!(has(&story, "poll-interval-near"), expected, "{name}");
    }
}

#[test]
fn commits_by_the_clock() {
    for (name, client, gaps_ms, moves, expected) in [
        ("every five seconds", "c", vec![5_000; 5], true, true),
        (
            "and one at the end",
            "c",
            vec![5_000, 5_000, 5_000, 1_200],
            true,
            true,
        ),
        (
            "irregular",
            "c",
            vec![5_000, 1_000, 3_000, 5_000, 900],
            true,
            false,
        ),
        ("all the time", "c", vec![100; 9], true, false),
        ("too few", "c", vec![5_000, 5_000], true, false),
        ("nothing new", "c", vec![5_000; 5], false, false),
        (
            "Kafka Streams",
            "app-1-StreamThread-1-consumer",
            vec![5_000; 5],
            true,
            false,
        ),
    ] {
        let mut story = Story::new();
        story.connect(1, JAVA, client);
        for (index, gap_ms) in (1..).zip(std::iter::once(&0).chain(&gaps_ms)) {
            story
                .wait(*gap_ms)
                .commit(1, offsets(member(), None, if moves { index } else { 1 }));
        }
        assert_eq!(has(&story, "auto-commit"), expected, "{name}");
    }
}

#[test]
fn commits_of_nobody() {
    let no_generation = GroupFacts {
        generation: -1,
        ..member()
    };
    for (name, group, expected) in [
        ("a member", member(), false),
        ("nobody", nobody(), true),
        ("no generation", no_generation, true),
    ] {
        let mut story = Story::new();
        story.connect(1, JAVA, "c").commit(1, offsets(group, None, 1));
        assert_eq!(has(&story, "commit-without-member"), expected, "{name}");
    }
}

#[test]
fn where_reading_begins() {
    let list = |timestamp| RequestFacts::ListOffsets {
        isolation: Isolation::ReadCommitted,
        partitions: vec![("in".to_owned(), 0, timestamp)],
    };
    for (name, committed, timestamp, offset, expected) in [
        ("at the end", -1, -1, 40, true),
        ("at the beginning", -1, -2, 40, false),
        ("where it was", 40, -1, 40, false),
        ("an empty partition", -1, -1, 0, false),
    ] {
        let mut story = consumer();
        let ask = RequestFacts::OffsetFetch {
            groups: vec!["etl".to_owned()],
            require_stable: true,
        };
        let offsets = vec![CommittedOffset {
            topic: "in".to_owned(),
            partition: 0,
            offset: committed,
        }];
        let answer = ResponseFacts::CommittedOffsets {
            error: 0,
            groups: vec![("etl".to_owned(), offsets)],
        };
        let found = ResponseFacts::Partitions {
            error: 0,
            results: vec![result("in", 0, 0, offset)],
        };
        story
            .call(1, (9, 9), ask, answer)
            .call(1, (2, 9), list(timestamp), found);
        story.fetch(
            1,
            Isolation::ReadCommitted,
            read("in", 0, vec![batch(offset, vec![record(0, 1, 1)])]),
        );
        assert_eq!(has(&story, "reset-to-latest"), expected, "{name}");
    }
}
