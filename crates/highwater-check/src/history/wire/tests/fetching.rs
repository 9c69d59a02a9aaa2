//! Polls: what a client hands out of what it fetched.

use highwater_model::history::{Isolation, MarkerFact, ResponseFate};

use super::story::{NO_PRODUCER, Story, at, batch, fetch, fetched, marker, transactional};

/// Records of an aborted transaction at 0, of a committed one at 1 and 3, of nobody at 4; markers at 2 and 5.
fn mixed() -> Vec<highwater_model::history::BatchFacts> {
    vec![
        at(0, transactional(batch((7, 0, 0), &[1]))),
        at(1, transactional(batch((8, 0, 0), &[2]))),
        marker(2, (7, 0), MarkerFact::Abort),
        at(3, transactional(batch((8, 0, 1), &[3]))),
        at(4, batch(NO_PRODUCER, &[4])),
        marker(5, (8, 0), MarkerFact::Commit),
        at(6, transactional(batch((7, 1, 0), &[5]))),
    ]
}

#[test]
fn readers_get_what_their_isolation_level_shows() {
    for (name, isolation, from, expected) in [
        ("everything", Isolation::ReadUncommitted, 0, "0,1,3,4,6"),
        ("committed", Isolation::ReadCommitted, 0, "1,3,4,6"),
        ("from the middle", Isolation::ReadCommitted, 3, "3,4,6"),
    ] {
        let mut story = Story::new();
        story.connect(1, "c").call(
            1,
            fetch(isolation, (0, -1), Some(from)),
            fetched(0, &[(7, 0)], mixed()),
        );
        assert_eq!(
            story.told(),
            [
                "c (reader) reads t/0".to_owned(),
                format!("c (reader) Plain Ok poll t/0@{expected}")
            ],
            "{name}"
        );
    }
}

#[test]
fn an_answer_that_the_client_did_not_get_is_no_poll() {
    let mut story = Story::new();
    let exchange = story
        .connect(1, "c")
        .ask(1, fetch(Isolation::ReadUncommitted, (0, -1), Some(0)));
    story.hear(exchange, ResponseFate::Discarded, fetched(0, &[], mixed()));
    assert_eq!(story.told(), [""; 0]);
}

#[test]
fn sessions_keep_positions() {
    let one = |offset: i64| vec![at(offset, batch(NO_PRODUCER, &[offset.unsigned_abs(), 99]))];
    let read = |session, offset| fetch(Isolation::ReadUncommitted, session, offset);
    let mut story = Story::new();
    story
        .connect(1, "c")
        .call(1, read((0, 0), Some(0)), fetched(77, &[], one(0)))
        .call(1, read((77, 1), Some(2)), fetched(77, &[], one(2)))
        // Nothing new, so the position is not told; the batch begins in front of it.
        .call(1, read((77, 2), Some(5)), fetched(77, &[], Vec::new()))
        .call(1, read((77, 3), None), fetched(77, &[], one(4)))
        .call(1, read((77, 4), Some(0)), fetched(77, &[], one(0)));
    assert_eq!(
        story.told(),
        [
            "c (reader) reads t/0",
            "c (reader) Plain Ok poll t/0@0,1",
            "c (reader) Plain Ok poll t/0@2,3",
            "c (reader) reads t/0, repositioned",
            "c (reader) Plain Ok poll t/0@5",
            "c (reader) reads t/0, repositioned",
            "c (reader) Plain Ok poll t/0@0,1",
        ]
    );
}
