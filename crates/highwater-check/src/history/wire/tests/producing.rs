//! Sends: what the client learned, and tries that are the same send.

use highwater_model::history::{ExchangeId, HistoryBody, ResponseFate};

use super::story::{NO_PRODUCER, Story, batch, produce, result};

/// What becomes of a Produce request, after it was sent on connection 1.
type Fate = fn(&mut Story, ExchangeId);

#[test]
fn outcomes_are_what_the_client_learned() {
    let cases: &[(&str, Fate, &str)] = &[
        (
            "acknowledged",
            |story, exchange| {
                story.hear(exchange, ResponseFate::Delivered, result(0, 7));
            },
            "p (writer) Plain Ok send t/0@7 send t/0@8",
        ),
        (
            "written before: the retry of a retry",
            |story, exchange| {
                story.hear(exchange, ResponseFate::Delivered, result(46, -1));
            },
            "p (writer) Plain Ok send t/0 send t/0",
        ),
        (
            "refused by the broker",
            |story, exchange| {
                story.hear(exchange, ResponseFate::Delivered, result(10, -1));
            },
            "p (writer) Plain Failed send t/0 send t/0",
        ),
        (
            "refused by the proxy, with an error that says nothing",
            |story, exchange| {
                story.hear(exchange, ResponseFate::Made, result(7, -1));
            },
            "p (writer) Plain Failed send t/0 send t/0",
        ),
        (
            "an error after which nobody knows",
            |story, exchange| {
                story.hear(exchange, ResponseFate::Delivered, result(7, -1));
            },
            "p (writer) Plain Unknown send t/0 send t/0",
        ),
        (
            "applied, and the answer thrown away",
            |story, exchange| {
                story.hear(exchange, ResponseFate::Discarded, result(0, 7));
            },
            "p (writer) Plain Unknown send t/0 send t/0",
        ),
        (
            "applied, and the answer altered",
            |story, exchange| {
                story.hear(exchange, ResponseFate::Altered, result(0, 7));
            },
            "p (writer) Plain Unknown send t/0 send t/0",
        ),
        (
            "the broker is gone",
            |story, exchange| {
                story.push(HistoryBody::Unanswered {
                    exchange,
                    forwarded: true,
                });
            },
            "p (writer) Plain Unknown send t/0 send t/0",
        ),
        (
            "the client is gone, then comes the answer",
            |story, exchange| {
                story.disconnect(1);
                story.hear(exchange, ResponseFate::ClientGone, result(0, 7));
            },
            "disturbed; p (writer) Plain Unknown send t/0 send t/0",
        ),
        (
            "the answer to a second copy is nobody's",
            |story, exchange| {
                story.hear(exchange, ResponseFate::Surplus, result(0, 9));
                story.hear(exchange, ResponseFate::Delivered, result(0, 7));
            },
            "p (writer) Plain Ok send t/0@7 send t/0@8",
        ),
        (
            "the history ends",
            |_, _| {},
            "p (writer) Plain Unknown send t/0 send t/0",
        ),
    ];
    for (name, fate, expected) in cases {
        let mut story = Story::new();
        let exchange = story
            .connect(1, "p")
            .ask(1, produce(None, -1, batch(NO_PRODUCER, &[1, 2])));
        fate(&mut story, exchange);
        assert_eq!(story.told().join("; "), *expected, "{name}");
    }
}

#[test]
fn a_send_that_wants_no_answer_is_unknown_at_once() {
    let mut story = Story::new();
    story
        .connect(1, "p")
        .ask(1, produce(None, 0, batch(NO_PRODUCER, &[1])));
    assert_eq!(story.told(), ["p (writer) Plain Unknown send t/0"]);
}

#[test]
fn tries_are_one_send() {
    let idempotent = (4, 0, 10);
    for (name, who, expected) in [
        ("without a producer id", NO_PRODUCER, "Plain Ok send t/0@7"),
        ("with one", idempotent, "Plain Ok 4/0 send t/0@7"),
    ] {
        let mut story = Story::new();
        let first = story.connect(1, "p").ask(1, produce(None, -1, batch(who, &[1])));
        story
            .hear(first, ResponseFate::Discarded, result(0, 3))
            .disconnect(1);
        story
            .connect(2, "p")
            .call(2, produce(None, -1, batch(who, &[1])), result(0, 7));
        let (steps, read_back) = story.finish();
        let told: Vec<String> = steps
            .iter()
            .map(|step| super::story::words(step, read_back.names()))
            .collect();
        assert_eq!(
            told,
            ["disturbed".to_owned(), format!("p (writer) {expected}")],
            "{name}"
        );
        let crate::history::What::Operation(operation) = &steps[1].what else {
            panic!("{name}: no operation");
        };
        assert_eq!(operation.began, 2, "{name}: begun with the first try");
    }
}

#[test]
fn a_refused_retry_of_an_unknown_send_stays_unknown() {
    let mut story = Story::new();
    let first = story
        .connect(1, "p")
        .ask(1, produce(None, -1, batch(NO_PRODUCER, &[1])));
    story.hear(first, ResponseFate::Discarded, result(0, 3));
    story.call(1, produce(None, -1, batch(NO_PRODUCER, &[1])), result(10, -1));
    assert_eq!(story.told(), ["p (writer) Plain Unknown send t/0"]);
}

#[test]
fn clients_of_one_name_are_told_apart_and_come_back() {
    let mut story = Story::new();
    story.connect(1, "p").connect(2, "p");
    for (connection, content) in [(1, 1), (2, 2)] {
        story.call(
            connection,
            produce(None, -1, batch(NO_PRODUCER, &[content])),
            result(0, 1),
        );
    }
    story.disconnect(2).connect(3, "p");
    story.call(3, produce(None, -1, batch(NO_PRODUCER, &[3])), result(0, 1));
    assert_eq!(
        story.told(),
        [
            "p (writer) Plain Ok send t/0@1",
            "p (writer 2) Plain Ok send t/0@1",
            "disturbed",
            "p (writer 2) Plain Ok send t/0@1",
        ]
    );
}
