use highwater_model::history::RequestFacts;

use super::story::{Story, batch, plain, produce, record, stored};

const LIBRDKAFKA: Option<&str> = Some("librdkafka");

fn writer() -> Story {
    let mut story = Story::new();
    story.connect(1, LIBRDKAFKA, "w");
    story
}

#[test]
fn acks_and_producer_ids() {
    for (name, acks, with_id, expected) in [
        ("all, idempotent", -1, true, vec![]),
        ("all, not idempotent", -1, false, vec!["not-idempotent"]),
        (
            "leader, not idempotent",
            1,
            false,
            vec!["acks-leader", "not-idempotent"],
        ),
        ("none", 0, false, vec!["acks-none"]),
    ] {
        let one = batch(0, vec![record(0, 1, 1)]);
        let one = if with_id { one } else { plain(one) };
        let mut story = writer();
        story.produce(1, produce(acks, "out", 3, one));
        assert_eq!(story.names(), expected, "{name}");
    }
}

#[test]
fn evidence_names_the_request_and_its_client() {
    let mut story = writer();
    for _ in 0..3 {
        story.produce(1, produce(1, "out", 3, batch(0, vec![])));
    }
    let finding = story.finding("acks-leader");
    assert_eq!(finding.seen, "Produce to out-3 with acks=1 at 0.003 s, client w");
    assert_eq!((finding.times, finding.clients), (3, vec!["w".to_owned()]));
    assert_eq!(finding.exchange.map(|exchange| exchange.0), Some(1));
}

#[test]
fn requests_in_flight_without_producer_id() {
    let ask = |story: &mut Story, connection, partition, with_id: bool| {
        let one = batch(0, vec![]);
        let one = if with_id { one } else { plain(one) };
        let facts = produce(-1, "out", partition, one);
        let answer = stored(&facts);
        (
            story.ask(connection, (0, 12), RequestFacts::Produce(facts)),
            answer,
        )
    };
    type Ask = (u32, i32, bool);
    let cases: [(&str, Ask, Ask, bool, bool); 5] = [
        ("two to one partition", (1, 0, false), (1, 0, false), false, true),
        (
            "the first answered before",
            (1, 0, false),
            (1, 0, false),
            true,
            false,
        ),
        ("two partitions", (1, 0, false), (1, 1, false), false, false),
        ("two connections", (1, 0, false), (2, 0, false), false, false),
        ("idempotent", (1, 0, true), (1, 0, true), false, false),
    ];
    for (name, first, second, answered_between, expected) in cases {
        let mut story = writer();
        story.connect(2, LIBRDKAFKA, "v");
        let (one, answer) = ask(&mut story, first.0, first.1, first.2);
        if answered_between {
            story.answer(one, answer.clone());
        }
        let (two, _) = ask(&mut story, second.0, second.1, second.2);
        if !answered_between {
            story.answer(one, answer.clone());
        }
        story.answer(two, answer);
        let found = story.names().contains(&"reorder-in-flight".to_owned());
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_lost_connection_takes_its_requests_along() {
    let mut story = writer();
    let facts = produce(-1, "out", 0, plain(batch(0, vec![])));
    story.ask(1, (0, 12), RequestFacts::Produce(facts.clone()));
    story.disconnect(1).connect(2, LIBRDKAFKA, "w").produce(2, facts);
    assert_eq!(story.names(), ["not-idempotent"]);
}

#[test]
fn partitioners() {
    /// Writes a key to a partition.
    fn put(story: &mut Story, connection: u32, keys: &[(u64, i32)]) {
        for (key, partition) in keys {
            story.produce(
                connection,
                produce(-1, "out", *partition, batch(0, vec![record(0, *key, *key)])),
            );
        }
    }
    let java: [(u64, i32); 4] = [(1, 0), (2, 1), (3, 2), (4, 0)];
    for (name, other, expected) in [
        ("the same", vec![(1, 0), (2, 1), (3, 2)], false),
        ("another", vec![(1, 1), (2, 2), (3, 0)], true),
        ("two keys only", vec![(1, 1), (2, 2), (3, 2)], false),
        (
            "chosen by hand, one partition",
            vec![(1, 5), (2, 5), (3, 5)],
            false,
        ),
        ("not by key", vec![(1, 1), (2, 2), (3, 0), (1, 0)], false),
    ] {
        let mut story = Story::new();
        story
            .connect(1, Some("apache-kafka-java"), "j")
            .connect(2, LIBRDKAFKA, "r");
        put(&mut story, 1, &java);
        put(&mut story, 2, &other);
        let names = story.names();
        assert_eq!(
            names.contains(&"partitioner-differs".to_owned()),
            expected,
            "{name}: {names:?}"
        );
        if expected {
            let finding = story.finding("partitioner-differs");
            assert!(finding.setting.contains("murmur2_random"), "{}", finding.setting);
            assert_eq!(finding.clients, ["r"]);
        }
    }
}
