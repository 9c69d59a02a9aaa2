//! Back-pressure: what is held is bounded, and one stuck partition costs the others nothing.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;

use highwater_pipeline::lanes::IntakeLimits;
use highwater_pipeline::pipeline::{InHandler, Pipeline, Raw};
use highwater_pipeline::runtime::Control;

use crate::stage::{Ended, Stage, until};

/// A handler that is stuck is let go when the test ends, however that is.
struct Freed<'a>(&'a Mutex<bool>, &'a Condvar);

impl Drop for Freed<'_> {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.1.notify_all();
    }
}

#[test]
fn a_stuck_partition_is_paused_and_the_others_flow() {
    const RECORDS: usize = 500;
    const LIMIT: usize = 40;
    let stage = Stage::set();
    stage.topic("orders", 2, &[]);
    // By CRC32 the two keys lie in different partitions.
    let records: Vec<(&str, &str)> = (0..RECORDS).flat_map(|_| [("a", "1"), ("d", "2")]).collect();
    stage.write("orders", records);
    let (stuck, freed) = (Mutex::new(true), Condvar::new());
    let control = Control::new();
    let plan = Pipeline::named("call")
        .read("orders", Raw)
        .handle(|order| {
            if order.key == Some(b"a") {
                let guard = stuck.lock().expect("no panic");
                drop(freed.wait_while(guard, |stuck| *stuck).expect("no panic"));
            }
            Ok(())
        })
        .make(InHandler)
        .workers(2)
        .intake(IntakeLimits {
            records: LIMIT,
            bytes: usize::MAX,
        })
        .brokers(stage.address())
        .plan()
        .expect("a plan");
    thread::scope(|scope| {
        let _ended = (Ended(&control), Freed(&stuck, &freed));
        let running = scope.spawn(|| plan.run(&control));
        until("all of the other key are done", || {
            let numbers = control.numbers();
            assert!(numbers.held <= 2 * LIMIT, "{numbers:?}");
            numbers.completed == RECORDS as u64
        });
        until("the stuck one is paused", || {
            control.numbers().paused_partitions == 1
        });
        *stuck.lock().expect("no panic") = false;
        freed.notify_all();
        until("the stuck ones are done too", || {
            control.numbers().completed == 2 * RECORDS as u64
        });
        control.stop();
        running.join().expect("no panic").expect("a good end");
    });
}

/// Quick records are taken many at a time; one that hangs among them holds up none of the others.
#[test]
fn a_handler_that_hangs_holds_up_no_other_key() {
    const RECORDS: usize = 2_000;
    let stage = Stage::set();
    stage.topic("orders", 1, &[]);
    let keys: Vec<String> = (0..RECORDS)
        .map(|number| {
            if number == RECORDS / 2 {
                "hangs".to_owned()
            } else {
                format!("k{number}")
            }
        })
        .collect();
    stage.write("orders", keys.iter().map(|key| (key.as_str(), "1")));
    let (stuck, freed) = (Mutex::new(true), Condvar::new());
    let control = Control::new();
    let plan = Pipeline::named("call")
        .read("orders", Raw)
        .handle(|order| {
            if order.key == Some(b"hangs") {
                let guard = stuck.lock().expect("no panic");
                drop(freed.wait_while(guard, |stuck| *stuck).expect("no panic"));
            }
            Ok(())
        })
        .make(InHandler)
        .workers(2)
        .brokers(stage.address())
        .plan()
        .expect("a plan");
    thread::scope(|scope| {
        let _ended = (Ended(&control), Freed(&stuck, &freed));
        let running = scope.spawn(|| plan.run(&control));
        until("all others are done", || {
            control.numbers().completed == RECORDS as u64 - 1
        });
        *stuck.lock().expect("no panic") = false;
        freed.notify_all();
        until("it is done too", || control.numbers().completed == RECORDS as u64);
        control.stop();
        running.join().expect("no panic").expect("a good end");
    });
}
