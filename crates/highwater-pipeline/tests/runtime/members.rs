//! Members that come and go: nothing is lost, and nothing done twice where that is promised.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use highwater_pipeline::pipeline::{Message, Pipeline, Raw, ToTopic};
use highwater_pipeline::runtime::{Control, Numbers, RunError};

use crate::stage::{Ended, Stage, until};

const RECORDS: usize = 3_000;

/// A member that copies, slowly enough that there is something to take over.
fn copy(
    stage: &Stage,
    name: &str,
    exactly_once: bool,
    hurry: &AtomicBool,
    control: &Control,
) -> Result<Numbers, RunError> {
    let pipeline = Pipeline::named("copy")
        .read("orders", Raw)
        .handle(|order| {
            let work = if hurry.load(Ordering::Relaxed) {
                100
            } else {
                10_000
            };
            thread::sleep(Duration::from_micros(work));
            Ok(vec![Message {
                key: order.key.map(<[u8]>::to_vec),
                value: order.value.clone(),
            }])
        })
        .make(ToTopic::new("invoices", Raw))
        .workers(4)
        .brokers(stage.address())
        .consumer_setting("heartbeat.interval.ms", "100")
        .client_id(name);
    let pipeline = if exactly_once {
        pipeline.exactly_once(name)
    } else {
        pipeline
    };
    pipeline.plan().expect("a plan").run(control)
}

fn members_come_and_go(exactly_once: bool) {
    let stage = Stage::set();
    stage.topic("orders", 3, &[]);
    stage.topic("invoices", 3, &[]);
    let records: Vec<(String, String)> = (0..RECORDS)
        .map(|number| (format!("k{}", number % 50), number.to_string()))
        .collect();
    stage.write(
        "orders",
        records.iter().map(|(key, value)| (key.as_str(), value.as_str())),
    );
    let hurry = AtomicBool::new(false);
    let (first, second) = (Control::new(), Control::new());
    thread::scope(|scope| {
        let _ended = (Ended(&first), Ended(&second));
        let a = scope.spawn(|| copy(&stage, "a", exactly_once, &hurry, &first));
        until("the first works", || first.numbers().completed > 200);
        let b = scope.spawn(|| copy(&stage, "b", exactly_once, &hurry, &second));
        until("the second has partitions", || second.numbers().partitions > 0);
        assert!(first.ready() && second.ready());
        first.stop();
        hurry.store(true, Ordering::Relaxed);
        let ended = a.join().expect("no panic").expect("a good end");
        assert!(
            ended.completed > 0 && ended.completed < RECORDS as u64,
            "{ended:?}"
        );
        stage.holds("invoices", RECORDS);
        second.stop();
        b.join().expect("no panic").expect("a good end");
    });
    let read = stage.read("invoices");
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &read {
        *times.entry(&record.value).or_default() += 1;
    }
    assert_eq!(times.len(), RECORDS, "lost");
    // Both left in order: there is nothing that had to be done again.
    assert_eq!(read.len(), RECORDS, "done twice");
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for record in &read {
        let number = record.value.parse().expect("a number");
        let before = last.insert(&record.key, number);
        assert!(
            before.is_none_or(|before| before < number),
            "{record:?} behind {before:?}"
        );
    }
}

#[test]
fn exactly_once_while_members_come_and_go() {
    members_come_and_go(true);
}

#[test]
fn at_least_once_while_members_come_and_go() {
    members_come_and_go(false);
}

/// Two processes under one name would fence each other for ever: the one that was there first stops.
#[test]
fn a_second_instance_with_the_same_name_ends_the_first() {
    let stage = Stage::set();
    stage.topic("orders", 2, &[]);
    stage.topic("invoices", 1, &[]);
    let hurry = AtomicBool::new(true);
    let (first, second) = (Control::new(), Control::new());
    thread::scope(|scope| {
        let _ended = (Ended(&first), Ended(&second));
        let a = scope.spawn(|| copy(&stage, "same", true, &hurry, &first));
        until("the first is there", || first.ready());
        let b = scope.spawn(|| copy(&stage, "same", true, &hurry, &second));
        until("the second is there", || second.ready());
        for number in 0..200 {
            stage.write("orders", [(format!("k{number}").as_str(), "1")]);
            if a.is_finished() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let error = a.join().expect("no panic").expect_err("it is fenced");
        assert!(
            error
                .to_string()
                .contains("another instance has the same transactional id"),
            "{error}"
        );
        second.stop();
        b.join().expect("no panic").expect("a good end");
    });
}
