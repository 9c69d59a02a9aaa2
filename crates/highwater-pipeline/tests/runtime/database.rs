//! Rows and offsets in one transaction: each row once, whatever the database does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use highwater_pipeline::pipeline::{Failure, Pipeline, Raw, ToDatabase};
use highwater_pipeline::runtime::{Control, Database, DatabaseError, Place, Step, WriteError};

use crate::stage::{Ended, Stage, until};

/// What is durable.
#[derive(Debug, Default)]
struct Durable {
    rows: Vec<i64>,
    places: BTreeMap<(String, i32), Place>,
    writes: u64,
}

/// A database whose every third transaction fails, and of every fifth the answer is lost.
#[derive(Debug, Clone, Default)]
struct Moody(Arc<Mutex<Durable>>);

impl Database<i64> for Moody {
    fn places(&mut self, _: &str) -> Result<Vec<Place>, DatabaseError> {
        let durable = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(durable.places.values().cloned().collect())
    }

    fn write(&mut self, _: &str, rows: Vec<i64>, steps: &[Step]) -> Result<(), WriteError> {
        let mut durable = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        durable.writes += 1;
        let (fails, is_lost) = (durable.writes.is_multiple_of(3), durable.writes.is_multiple_of(5));
        if let Some(index) = rows.iter().position(|row| *row < 0) {
            let source = "a row below zero".into();
            return Err(WriteError::Row { index, source });
        }
        if fails {
            return Err(WriteError::Database("the disk is busy".into()));
        }
        for Step { before, after } in steps {
            let key = (after.topic.clone(), after.partition);
            if durable.places.get(&key) != before.as_ref() {
                return Err(WriteError::Database("another process was here".into()));
            }
            durable.places.insert(key, after.clone());
        }
        durable.rows.extend(rows);
        if is_lost {
            return Err(WriteError::Database("no answer".into()));
        }
        Ok(())
    }
}

#[test]
fn each_row_once_though_transactions_fail_and_answers_are_lost() {
    const RECORDS: i64 = 400;
    let stage = Stage::set();
    stage.topic("orders", 3, &[]);
    let database = Moody::default();
    let run = |mut database: Moody, control: &Control| {
        Pipeline::named("rows")
            .read("orders", Raw)
            .handle(|order| {
                let text = String::from_utf8_lossy(order.value.as_deref().unwrap_or_default());
                text.parse::<i64>().map_err(Failure::poison)
            })
            .make(ToDatabase::new())
            .brokers(stage.address())
            .exactly_once("1")
            .plan()
            .expect("a plan")
            .run_into(&mut database, control)
    };
    let texts: Vec<String> = (0..RECORDS).map(|number| number.to_string()).collect();
    // Two lives: the second goes on where the database stands.
    for half in texts.chunks(texts.len() / 2) {
        stage.write("orders", half.iter().map(|text| (text.as_str(), text.as_str())));
        stage.write("orders", [("x", "-1"), ("x", "no number")]);
        let control = Control::new();
        thread::scope(|scope| {
            let _ended = Ended(&control);
            let running = scope.spawn(|| run(database.clone(), &control));
            until("both odd ones are given up", || {
                control.numbers().dead_letters >= 2
            });
            until("all are written", || {
                let durable = database.0.lock().unwrap_or_else(PoisonError::into_inner);
                half.iter()
                    .all(|text| durable.rows.contains(&text.parse().expect("a number")))
            });
            control.stop();
            running.join().expect("no panic").expect("a good end");
        });
    }
    let durable = database.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut rows = durable.rows.clone();
    rows.sort_unstable();
    assert_eq!(rows, (0..RECORDS).collect::<Vec<_>>());
    let letters = stage.read("orders.rows.dead-letters");
    let odd = letters.iter().filter(|letter| letter.value == "-1").count();
    assert!(odd >= 2 && letters.len() >= odd + 2, "{letters:?}");
}
