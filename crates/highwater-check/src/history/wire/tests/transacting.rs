//! Transactions: where they begin, what is in them, how they end.

use highwater_model::history::{ResponseFacts, ResponseFate};

use super::story::{Story, batch, commit, end, init, member, produce, producer, result, transactional};

const ID: &str = "tx";

fn send(story: &mut Story, who: (i64, i16), sequence: i32, offset: i64) {
    let batch = transactional(batch(
        (who.0, who.1, sequence),
        &[u64::from(sequence.unsigned_abs())],
    ));
    story.call(1, produce(Some(ID), -1, batch), result(0, offset));
}

fn ended(story: &mut Story, who: (i64, i16), commit: bool, error: i16) {
    story.call(1, end(ID, who, commit), ResponseFacts::Error { error });
}

type Tell = fn(&mut Story);

#[test]
fn a_transaction_is_one_operation() {
    let cases: &[(&str, Tell, &[&str])] = &[
        (
            "committed, then another with the same epoch",
            |story| {
                send(story, (4, 0), 0, 0);
                send(story, (4, 0), 1, 1);
                ended(story, (4, 0), true, 0);
                send(story, (4, 0), 2, 3);
                ended(story, (4, 0), false, 0);
            },
            &[
                "tx Transaction Ok 4/0 send t/0@0 send t/0@1",
                "tx Transaction Failed 4/0 send t/0@3",
            ],
        ),
        (
            "version 2: the end raises the epoch",
            |story| {
                send(story, (4, 0), 0, 0);
                story.call(1, end(ID, (4, 0), true), producer(4, 1));
                send(story, (4, 1), 0, 2);
                story.call(1, end(ID, (4, 1), true), producer(4, 2));
            },
            &[
                "tx Transaction Ok 4/0 send t/0@0",
                "initialised 4/1",
                "tx Transaction Ok 4/1 send t/0@2",
                "initialised 4/2",
            ],
        ),
        (
            "version 2: the answer is lost, the end is asked for again with the old epoch",
            |story| {
                send(story, (4, 0), 0, 0);
                let exchange = story.ask(1, end(ID, (4, 0), true));
                story.hear(exchange, ResponseFate::Discarded, producer(4, 1));
                story.call(1, end(ID, (4, 0), true), producer(4, 1));
            },
            &["tx Transaction Ok 4/0 send t/0@0", "initialised 4/1"],
        ),
        (
            "concurrent transactions: asked for again",
            |story| {
                send(story, (4, 0), 0, 0);
                ended(story, (4, 0), true, 51);
                ended(story, (4, 0), true, 0);
            },
            &["tx Transaction Ok 4/0 send t/0@0"],
        ),
        (
            "no answer to the commit, then a new producer",
            |story| {
                send(story, (4, 0), 0, 0);
                let exchange = story.ask(1, end(ID, (4, 0), true));
                story.hear(exchange, ResponseFate::Discarded, producer(4, 1));
                story.call(1, init(ID), producer(4, 2));
            },
            &["tx Transaction Unknown 4/0 send t/0@0", "initialised 4/2"],
        ),
        (
            "never ended, then a new producer",
            |story| {
                send(story, (4, 0), 0, 0);
                story.call(1, init(ID), producer(4, 1));
            },
            &["tx Transaction Failed 4/0 send t/0@0", "initialised 4/1"],
        ),
        (
            "never ended",
            |story| send(story, (4, 0), 0, 0),
            &["tx Transaction Unknown 4/0 send t/0@0"],
        ),
        (
            "no answer to the commit: gone",
            |story| {
                send(story, (4, 0), 0, 0);
                story.ask(1, end(ID, (4, 0), true));
                story.disconnect(1);
            },
            &["disturbed", "tx Transaction Unknown 4/0 send t/0@0"],
        ),
        (
            "a send without an answer, then an abort",
            |story| {
                send(story, (4, 0), 0, 0);
                let lost = transactional(batch((4, 0, 1), &[9]));
                let exchange = story.ask(1, produce(Some(ID), -1, lost));
                story.hear(exchange, ResponseFate::Discarded, result(0, 1));
                ended(story, (4, 0), false, 0);
            },
            &["tx Transaction Failed 4/0 send t/0@0 send t/0"],
        ),
        (
            "a retry inside of a transaction",
            |story| {
                let lost = transactional(batch((4, 0, 0), &[9]));
                let exchange = story.ask(1, produce(Some(ID), -1, lost.clone()));
                story.hear(exchange, ResponseFate::Discarded, result(0, 0));
                story.call(1, produce(Some(ID), -1, lost), result(0, 0));
                ended(story, (4, 0), true, 0);
            },
            &["tx Transaction Ok 4/0 send t/0@0"],
        ),
        (
            "a write of the old producer after the new one came",
            |story| {
                send(story, (4, 0), 0, 0);
                story.call(1, init(ID), producer(4, 1));
                send(story, (4, 0), 1, 2);
            },
            &[
                "tx Transaction Failed 4/0 send t/0@0",
                "initialised 4/1",
                "tx Transaction Unknown 4/0 send t/0@2",
            ],
        ),
        (
            "offsets are part of it, and a commit of the group once it is committed",
            |story| {
                send(story, (4, 0), 0, 0);
                let offsets = commit(member("m", None, 3), Some((ID, (4, 0))), 17);
                story.call(1, offsets, result(0, -1));
                ended(story, (4, 0), true, 0);
            },
            &[
                "tx Transaction Ok 4/0 send t/0@0 commit g t/0@17",
                "g m commits in -1 t/0@17 Ok",
            ],
        ),
        (
            "offsets that were refused, and an abort",
            |story| {
                send(story, (4, 0), 0, 0);
                let offsets = commit(member("m", None, 3), Some((ID, (4, 0))), 17);
                story.call(1, offsets, result(22, -1));
                ended(story, (4, 0), false, 0);
            },
            &["tx Transaction Failed 4/0 send t/0@0"],
        ),
        (
            "an end without anything",
            |story| ended(story, (4, 0), true, 0),
            &["tx Transaction Ok 4/0"],
        ),
    ];
    for (name, tell, expected) in cases {
        let mut story = Story::new();
        story.connect(1, "p");
        tell(&mut story);
        assert_eq!(story.told(), *expected, "{name}");
    }
}
