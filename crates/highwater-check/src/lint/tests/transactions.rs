use highwater_model::history::{Isolation, RequestFacts, ResponseFacts};

use super::story::{
    Story, abort_marker, batch, fetch, fetched, in_transaction, member, nobody, offsets, produce, read,
    record, transactional,
};

const JAVA: Option<&str> = Some("apache-kafka-java");

fn application() -> Story {
    let mut story = Story::new();
    story.connect(1, JAVA, "p").connect(2, JAVA, "c");
    story
}

/// One transaction that reads nothing itself.
fn transact(story: &mut Story, version: i16, id: &str, value: u64, offset: i64, commit: bool) {
    let one = transactional(batch(0, vec![record(0, value, value)]));
    story
        .produce(1, in_transaction(produce(-1, "out", 0, one), id))
        .commit(1, offsets(member(), Some(id), offset))
        .end(1, version, id, commit);
}

#[test]
fn protocol_and_fencing() {
    for (name, version, fenced, expected) in [
        ("new, fenced", 5, true, vec![]),
        ("old, fenced", 4, true, vec!["old-transaction-protocol"]),
        ("new, not fenced", 5, false, vec!["no-generation-fencing"]),
    ] {
        let mut story = application();
        story.init(1, "t", 60_000, 0);
        let group = if fenced { member() } else { nobody() };
        let one = transactional(batch(0, vec![record(0, 1, 1)]));
        story
            .produce(1, in_transaction(produce(-1, "out", 0, one), "t"))
            .commit(1, offsets(group, Some("t"), 1))
            .end(1, version, "t", true);
        assert_eq!(story.names(), expected, "{name}");
    }
}

#[test]
fn isolation_of_readers() {
    let open = || read("in", 0, vec![transactional(batch(5, vec![record(0, 1, 1)]))]);
    let plain = || read("in", 0, vec![batch(5, vec![record(0, 1, 1)])]);
    let internal = || read("__transaction_state", 0, vec![transactional(batch(5, vec![]))]);
    let marker = || read("in", 0, vec![abort_marker(9)]);
    for (name, isolation, partition, expected) in [
        ("committed", Isolation::ReadCommitted, open(), false),
        ("uncommitted", Isolation::ReadUncommitted, open(), true),
        ("no transactions", Isolation::ReadUncommitted, plain(), false),
        ("an internal topic", Isolation::ReadUncommitted, internal(), false),
        ("only a marker", Isolation::ReadUncommitted, marker(), false),
    ] {
        let mut story = application();
        story.fetch(2, isolation, partition);
        let found = story.names() == ["read-uncommitted"];
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn stable_offsets() {
    for (name, require_stable, joins, in_transactions, expected) in [
        ("stable", true, true, true, false),
        ("not stable", false, true, true, true),
        ("a tool that looks", false, false, true, false),
        ("no transactions", false, true, false, false),
    ] {
        let mut story = application();
        if joins {
            story.call(
                2,
                (11, 9),
                super::groups::join(45_000, 300_000),
                ResponseFacts::Other,
            );
        }
        let ask = RequestFacts::OffsetFetch {
            groups: vec!["etl".to_owned()],
            require_stable,
        };
        story.call(2, (9, 9), ask, ResponseFacts::Other);
        story.commit(1, offsets(member(), in_transactions.then_some("t"), 1));
        let found = story.names().contains(&"unstable-offsets".to_owned());
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn timeouts_of_transactions() {
    for (name, timeout_ms, lasts_ms, error, expected) in [
        ("short", 10_000, 1_000, 0, vec![]),
        (
            "more than half",
            10_000,
            5_100,
            0,
            vec!["transaction-near-timeout"],
        ),
        ("refused", 10_000_000, 1, 50, vec!["transaction-timeout-refused"]),
    ] {
        let mut story = application();
        story.init(1, "t", timeout_ms, error);
        if error == 0 {
            let one = transactional(batch(0, vec![]));
            story
                .produce(1, in_transaction(produce(-1, "out", 0, one), "t"))
                .wait(lasts_ms)
                .end(1, 5, "t", true);
        }
        assert_eq!(story.names(), expected, "{name}");
    }
}

#[test]
fn transactional_ids_over_a_restart() {
    for (name, ids, fenced, works_again, expected) in [
        ("kept", ["t", "t"], false, true, false),
        ("changed", ["t-a", "t-b"], false, true, true),
        ("changed, fenced by the group", ["t-a", "t-b"], true, true, false),
        ("changed, and nothing to do", ["t-a", "t-b"], false, false, false),
        ("changed, fenced before", ["t-a", "t-b"], true, false, false),
    ] {
        let mut story = Story::new();
        for (connection, id) in [1, 3].into_iter().zip(ids) {
            story
                .start()
                .connect(connection, JAVA, "p")
                .init(connection, id, 60_000, 0);
            if connection == 1 || works_again {
                let group = if fenced { member() } else { nobody() };
                story
                    .commit(connection, offsets(group, Some(id), 1))
                    .end(connection, 5, id, true);
            }
            story.disconnect(connection);
        }
        let found = story.names().contains(&"changing-transactional-id".to_owned());
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn transactional_ids_one_after_the_other() {
    for (name, ids, disconnects, expected) in [
        ("three in turn", vec!["a", "b", "c"], true, true),
        ("two in turn", vec!["a", "b"], true, false),
        ("a pool of three", vec!["a", "b", "c"], false, false),
    ] {
        let mut story = Story::new();
        for (connection, id) in (1..).zip(&ids) {
            story
                .connect(connection, JAVA, "p")
                .init(connection, id, 60_000, 0);
            story.end(connection, 5, id, true);
            if disconnects {
                story.disconnect(connection);
            }
        }
        let found = story.names().contains(&"changing-transactional-id".to_owned());
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn rewinding_after_an_abort() {
    for (name, rewinds, writes_again, expected) in [
        ("goes on", false, false, true),
        ("reads again", true, false, false),
        ("writes the same again from memory", false, true, false),
    ] {
        let mut story = application();
        story.init(1, "t", 60_000, 0);
        transact(&mut story, 5, "t", 100, 10, false);
        if rewinds {
            let again = read("in", 0, vec![]);
            story.call(
                2,
                (1, 17),
                fetch(Isolation::ReadCommitted, "in", 0, 0),
                fetched(again),
            );
        }
        let value = if writes_again { 100 } else { 101 };
        transact(&mut story, 5, "t", value, 20, true);
        let found = story.names() == ["no-rewind-after-abort"];
        assert_eq!(found, expected, "{name}");
    }
}
