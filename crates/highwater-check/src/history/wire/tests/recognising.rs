//! Which copies are the same record.

use highwater_model::history::{BatchFacts, Isolation, ResponseFate};

use super::story::{NO_PRODUCER, Story, at, batch, partition, produce, result};
use crate::history::{Action, LogStep, Value, What};

/// Sends and the log after them: offsets of equal records share a letter.
fn letters(tell: impl Fn(&mut Story), log: Vec<BatchFacts>) -> (String, String) {
    let mut story = Story::new();
    story.connect(1, "p");
    tell(&mut story);
    let (mut steps, mut read_back) = story.finish();
    let facts = partition(&[], log);
    read_back.fetched(&facts, Isolation::ReadUncommitted, 0, &|_| true, &mut |step| {
        steps.push(step);
    });
    let mut seen: Vec<Value> = Vec::new();
    let mut letter = |value: Value| {
        let number = seen.iter().position(|one| *one == value).unwrap_or_else(|| {
            seen.push(value);
            seen.len() - 1
        });
        char::from(b'a' + u8::try_from(number).unwrap())
    };
    let (mut sends, mut found) = (String::new(), String::new());
    for step in &steps {
        match &step.what {
            What::Operation(operation) => {
                for action in &operation.actions {
                    if let Action::Send { value, .. } = action {
                        sends.push(letter(*value));
                    }
                }
            }
            What::Log(LogStep::Record(record)) => found.push(letter(record.value)),
            _ => {}
        }
    }
    (sends, found)
}

fn sent(story: &mut Story, batch: BatchFacts, offset: i64) {
    story.call(1, produce(None, -1, batch), result(0, offset));
}

fn lost(story: &mut Story, batch: BatchFacts) {
    let exchange = story.ask(1, produce(None, -1, batch));
    story.hear(exchange, ResponseFate::Discarded, result(0, -1));
}

/// Name, what is sent, what the log holds, letters of sends and log.
type Case = (
    &'static str,
    Box<dyn Fn(&mut Story)>,
    Vec<BatchFacts>,
    (&'static str, &'static str),
);

#[test]
fn copies_of_a_record() {
    let plain = |contents: &[u64]| batch(NO_PRODUCER, contents);
    let cases: Vec<Case> = vec![
        (
            "same bytes on purpose, no producer id",
            Box::new(move |story| {
                sent(story, plain(&[1]), 0);
                sent(story, plain(&[1]), 1);
            }),
            vec![at(0, plain(&[1])), at(1, plain(&[1]))],
            ("ab", "ab"),
        ),
        (
            "same bytes in one batch",
            Box::new(move |story| sent(story, plain(&[1, 1]), 0)),
            vec![at(0, plain(&[1, 1]))],
            ("ab", "ab"),
        ),
        (
            "a retry that landed twice",
            Box::new(move |story| {
                lost(story, plain(&[1]));
                sent(story, plain(&[1]), 1);
            }),
            vec![at(0, plain(&[1])), at(1, plain(&[1]))],
            ("a", "aa"),
        ),
        (
            "same bytes on purpose, the second is lost",
            Box::new(move |story| {
                sent(story, plain(&[1]), 0);
                sent(story, plain(&[1]), 1);
            }),
            vec![at(0, plain(&[1]))],
            ("ab", "a"),
        ),
        (
            "same bytes on purpose, the first is lost",
            Box::new(move |story| {
                sent(story, plain(&[1]), 0);
                sent(story, plain(&[1]), 1);
            }),
            vec![at(1, plain(&[1]))],
            ("ab", "b"),
        ),
        (
            "three copies of two sends",
            Box::new(move |story| {
                sent(story, plain(&[1]), 0);
                sent(story, plain(&[1]), 1);
            }),
            vec![at(0, plain(&[1, 1, 1]))],
            ("ab", "aba"),
        ),
        (
            "never seen to be sent",
            Box::new(|_| {}),
            vec![at(0, plain(&[1, 1]))],
            ("", "ab"),
        ),
        (
            "idempotent: same bytes, other sequence",
            Box::new(move |story| {
                sent(story, batch((4, 0, 0), &[1]), 0);
                sent(story, batch((4, 0, 1), &[1]), 1);
            }),
            vec![at(0, batch((4, 0, 0), &[1])), at(1, batch((4, 0, 1), &[1]))],
            ("ab", "ab"),
        ),
        (
            "idempotent: appended twice",
            Box::new(move |story| sent(story, batch((4, 0, 0), &[1]), 0)),
            vec![at(0, batch((4, 0, 0), &[1])), at(1, batch((4, 0, 0), &[1]))],
            ("a", "aa"),
        ),
        (
            "idempotent: other bytes under the same sequence",
            Box::new(move |story| sent(story, batch((4, 0, 0), &[1]), 0)),
            vec![at(0, batch((4, 0, 0), &[2]))],
            ("a", "b"),
        ),
        (
            "sequences begin again at 0 after the largest",
            Box::new(move |story| sent(story, batch((4, 0, i32::MAX), &[1, 2]), 0)),
            vec![
                at(0, batch((4, 0, i32::MAX), &[1])),
                at(1, batch((4, 0, 0), &[2])),
            ],
            ("ab", "ab"),
        ),
    ];
    for (name, tell, log, (sends, found)) in cases {
        assert_eq!(letters(tell, log), (sends.to_owned(), found.to_owned()), "{name}");
    }
}
