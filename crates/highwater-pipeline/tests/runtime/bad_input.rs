//! What a pipeline must survive, and what must become of it.

use std::sync::Mutex;
use std::thread;

use highwater_pipeline::pipeline::{Failure, InHandler, Message, Pipeline, Raw, ToTopic};
use highwater_pipeline::runtime::{Control, RunError};

use crate::stage::{Ended, Stage, until};

/// An output that no broker takes becomes a dead letter, also when that is found out in the middle of a window.
#[test]
fn an_effect_that_is_too_large_is_given_up_and_the_others_are_made() {
    for exactly_once in [false, true] {
        let stage = Stage::set();
        stage.topic("orders", 1, &[]);
        stage.topic("invoices", 1, &[("max.message.bytes", "2000")]);
        stage.write("orders", [("a", "1"), ("b", "large"), ("c", "3")]);
        let control = Control::new();
        let pipeline = Pipeline::named("copy")
            .read("orders", Raw)
            .handle(|order| {
                let value = order.value.clone().unwrap_or_default();
                let large = value == b"large";
                let first = Message::unkeyed(Some(value));
                let more = Message::unkeyed(Some(vec![b'x'; 5_000]));
                Ok(if large { vec![first, more] } else { vec![first] })
            })
            .make(ToTopic::new("invoices", Raw))
            .brokers(stage.address())
            .producer_setting("linger.ms", "0");
        let plan = if exactly_once {
            pipeline.exactly_once("1")
        } else {
            pipeline
        }
        .plan()
        .expect("a plan");
        thread::scope(|scope| {
            let _ended = Ended(&control);
            let running = scope.spawn(|| plan.run(&control));
            let letters = stage.holds_made("orders.copy.dead-letters", 1);
            assert_eq!(
                (letters[0].key.as_str(), letters[0].value.as_str()),
                ("b", "large")
            );
            assert_eq!(letters[0].headers["highwater.error-class"], "poison");
            stage.holds("invoices", 2);
            control.stop();
            running.join().expect("no panic").expect("a good end");
        });
        let mut made: Vec<String> = stage
            .read("invoices")
            .into_iter()
            .map(|read| read.value)
            .collect();
        made.sort();
        made.retain(|value| !exactly_once || value != "large");
        made.dedup();
        let expected: &[&str] = if exactly_once {
            &["1", "3"]
        } else {
            &["1", "3", "large"]
        };
        assert_eq!(made, expected, "exactly once: {exactly_once}");
        if exactly_once {
            assert_eq!(
                stage.read("invoices").len(),
                2,
                "a part of the large one was committed"
            );
        }
    }
}

/// A record in the retry topic that nobody parked there is no record to run, and is not lost either.
#[test]
fn a_stranger_in_the_retry_topic_becomes_a_dead_letter() {
    let stage = Stage::set();
    stage.topic("orders", 1, &[]);
    stage.topic("orders.call.retry", 1, &[]);
    stage.write("orders.call.retry", [("a", "who put me here")]);
    stage.write("orders", [("a", "1")]);
    let control = Control::new();
    let seen = Mutex::new(Vec::new());
    let plan = Pipeline::named("call")
        .read("orders", Raw)
        .handle(|order| {
            seen.lock().expect("no panic").push(order.value.clone());
            Ok(())
        })
        .make(InHandler)
        .brokers(stage.address())
        .plan()
        .expect("a plan");
    thread::scope(|scope| {
        let _ended = Ended(&control);
        let running = scope.spawn(|| plan.run(&control));
        let letters = stage.holds_made("orders.call.dead-letters", 1);
        assert_eq!(letters[0].value, "who put me here");
        assert_eq!(letters[0].headers["highwater.topic"], "orders.call.retry");
        until("the other one runs", || control.numbers().completed == 1);
        control.stop();
        running.join().expect("no panic").expect("a good end");
    });
    assert_eq!(seen.into_inner().expect("no panic"), [Some(b"1".to_vec())]);
}

/// What the handler refuses for good ends the pipeline, and the next one begins with that record.
#[test]
fn a_fatal_failure_stops_the_pipeline_and_loses_nothing() {
    let stage = Stage::set();
    stage.topic("orders", 1, &[]);
    stage.write("orders", [("a", "1"), ("a", "2"), ("a", "3")]);
    let seen = Mutex::new(Vec::new());
    let run = |refused: Option<&[u8]>, control: &Control| {
        Pipeline::named("call")
            .read("orders", Raw)
            .handle(|order| {
                if order.value.as_deref() == refused {
                    return Err(Failure::fatal("the disk is full"));
                }
                seen.lock().expect("no panic").push(order.offset);
                Ok(())
            })
            .make(InHandler)
            .brokers(stage.address())
            .plan()
            .expect("a plan")
            .run(control)
    };
    let error = run(Some(b"2"), &Control::new()).expect_err("it stops");
    assert!(
        matches!(&error, RunError::Handler { offset: 1, message, .. } if message == "the disk is full"),
        "{error}"
    );
    let control = Control::new();
    thread::scope(|scope| {
        let _ended = Ended(&control);
        let running = scope.spawn(|| run(None, &control));
        until("the rest runs", || control.numbers().completed == 2);
        control.stop();
        running.join().expect("no panic").expect("a good end");
    });
    assert_eq!(seen.into_inner().expect("no panic"), [0, 1, 2]);
}

/// Before it can work, it says what is wrong, or waits.
#[test]
fn it_says_what_it_cannot_begin_with() {
    let plan = || {
        Pipeline::named("call")
            .read("orders", Raw)
            .handle(|_| Ok(()))
            .make(InHandler)
    };
    let no_brokers = plan().plan().expect("a plan").run(&Control::new());
    assert!(matches!(no_brokers, Err(RunError::NoBrokers)));

    let stage = Stage::set();
    stage.topic("orders", 3, &[]);
    stage.topic("orders.call.retry", 2, &[]);
    let narrow = plan().brokers(stage.address()).plan().expect("a plan");
    let error = narrow.run(&Control::new()).expect_err("two are fewer than three");
    assert!(
        error.to_string().contains("has 2 partitions and `orders` has 3"),
        "{error}"
    );

    let control = Control::new();
    control.stop();
    let nobody = plan().brokers("127.0.0.1:1").plan().expect("a plan");
    nobody.run(&control).expect("it was stopped before it began");
}
