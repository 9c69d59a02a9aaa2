//! What the proxy holds while 200 connections send 100 MB a second through it, history on.

use std::time::{Duration, Instant};

use super::way::{RECORDED, Ways};
use crate::bench::broker::requests::{batch, connect, create_topic, produce};
use crate::bench::error::BenchError;

const CONNECTIONS: i32 = 200;
const BYTES_PER_SECOND: f64 = 100e6;
const RECORDS: usize = 64;
const RECORD_BYTES: usize = 1 << 10;
const TOPIC: &str = "memory";
const PARTITIONS: i32 = 10;

/// Peak in MB.
pub(super) fn measure(ways: &Ways, quick: bool) -> Result<f64, BenchError> {
    let road = ways.road(RECORDED).ok_or(BenchError::Missing("the proxy"))?;
    let mut first = connect(&road.bootstrap)?;
    // A round before may have made it.
    drop(create_topic(&mut first, TOPIC, PARTITIONS));
    let length = Duration::from_secs(if quick { 2 } else { 10 });
    let request = (RECORDS * RECORD_BYTES) as f64;
    let pause = Duration::from_secs_f64(f64::from(CONNECTIONS) * request / BYTES_PER_SECOND);
    let until = Instant::now() + length;
    let work = |number: i32| -> Result<(), BenchError> {
        let mut connection = connect(&road.bootstrap)?;
        let records = batch(RECORDS, RECORD_BYTES);
        let mut due = Instant::now() + pause.mul_f64(f64::from(number) / f64::from(CONNECTIONS));
        while due < until {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            produce(&mut connection, TOPIC, number % PARTITIONS, records.clone())?;
            due += pause;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|number| scope.spawn(move || work(number)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or(Err(BenchError::Missing("a thread that did not panic")))
        })
    })?;
    let peak = road
        .peak_bytes()
        .ok_or(BenchError::Missing("the proxy in /proc"))?;
    Ok(peak as f64 / 1e6)
}
