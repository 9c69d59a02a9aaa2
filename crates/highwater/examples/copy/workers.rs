//! The defect `auto-commit-with-workers`: the client commits what was handed to workers, done or not.
//!
//! Each worker needs a second for a record, from when it was read, and has as many at a time as come; records of one
//! key are with one worker, in their order. So commits are always about a second ahead of the outputs, and whoever is
//! killed loses what its workers had. It looks right as long as nobody is.

use std::error::Error;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rdkafka::message::{Message as _, OwnedMessage};

use crate::arguments::Arguments;
use crate::reading::Reader;
use crate::saying;
use crate::stopping::Stopping;
use crate::tampering::copied;
use crate::writing::Writer;

const WORKERS: u64 = 4;
/// Records that may wait for a worker.
const QUEUE: usize = 10_000;
const WORK: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(100);

type Job = (Instant, OwnedMessage);

/// Copies until a signal comes.
pub(crate) fn run(arguments: &Arguments, stopping: &Stopping) -> Result<u64, Box<dyn Error>> {
    let reader = Reader::open(arguments, stopping)?;
    let writer = Writer::open(arguments, stopping, &[])?;
    let done = Arc::new(AtomicU64::new(0));
    thread::scope(|scope| {
        let mut queues: Vec<SyncSender<Job>> = Vec::new();
        for _ in 0..WORKERS {
            let (queue, jobs) = sync_channel(QUEUE);
            queues.push(queue);
            scope.spawn(|| work(jobs, &writer, &done));
        }
        while !stopping.now() {
            let Some(record) = reader.poll(GLANCE) else {
                continue;
            };
            let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(record.key());
            let queue = &queues[(hash % WORKERS) as usize];
            if queue.send((Instant::now(), record.detach())).is_err() {
                break;
            }
        }
    });
    if let Err(error) = writer.delivered() {
        saying::line(format_args!("{error}"));
    }
    Ok(done.load(Ordering::Relaxed))
}

fn work(jobs: Receiver<Job>, writer: &Writer<'_>, done: &AtomicU64) {
    for (since, record) in jobs {
        thread::sleep(WORK.saturating_sub(since.elapsed()));
        match writer.send(&[copied(&record)]) {
            Ok(_) => drop(done.fetch_add(1, Ordering::Relaxed)),
            Err(error) => saying::line(format_args!("{error}")),
        }
    }
}
