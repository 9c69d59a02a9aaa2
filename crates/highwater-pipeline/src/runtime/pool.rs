//! Threads that run handlers.
//!
//! Works wait in one queue. A thread takes several at a time when handlers are quick, as many as it ran in
//! [`SLICE`] before, and one when they are slow: so a queue costs little, and a slow record holds up no other for long.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::kept::Kept;
use super::wake::Wake;
use crate::partition::Work;
use crate::pipeline::{Failure, Incoming, Made};

/// What works that a thread takes together may need.
const SLICE: Duration = Duration::from_micros(500);
const MOST: usize = 64;

/// A work, and the assignment that it belongs to.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) partition: i32,
    pub(super) assignment: u64,
    pub(super) work: Work<Kept>,
}

/// A work that was run.
pub(super) struct Handled {
    pub(super) job: Job,
    pub(super) result: Result<Made<()>, Failure>,
}

/// What runs one record.
pub(super) type Process<'a> =
    dyn Fn(Option<&[u8]>, &Incoming<'_, ()>) -> Result<Made<()>, Failure> + Sync + 'a;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
    idle: usize,
}

/// The queue before the threads, and what they are done with.
pub(super) struct Pool {
    queue: Mutex<Queue>,
    more: Condvar,
    handled: Mutex<Vec<Handled>>,
    wake: Wake,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(super) fn new(wake: &Wake) -> Self {
        Self {
            queue: Mutex::default(),
            more: Condvar::new(),
            handled: Mutex::default(),
            wake: wake.clone(),
        }
    }

    /// Puts works behind those that wait.
    pub(super) fn put(&self, jobs: &mut Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let count = jobs.len();
        let idle = {
            let mut queue = lock(&self.queue);
            queue.jobs.extend(jobs.drain(..));
            queue.idle
        };
        match count.min(idle) {
            0 => {}
            1 => self.more.notify_one(),
            _ => self.more.notify_all(),
        }
    }

    /// What was run since the last call.
    pub(super) fn handled(&self) -> Vec<Handled> {
        std::mem::take(&mut *lock(&self.handled))
    }

    /// Ends the threads. What waits is not run.
    pub(super) fn close(&self) {
        lock(&self.queue).closed = true;
        self.more.notify_all();
    }

    /// One thread's life.
    pub(super) fn work(&self, process: &Process<'_>) {
        let mut batch = Vec::new();
        let mut at_once = 1;
        while self.take(&mut batch, at_once) {
            let count = batch.len();
            let began = Instant::now();
            let mut done: Vec<Handled> = Vec::with_capacity(count);
            for job in batch.drain(..) {
                let result = match &job.work.record.foreign {
                    Some((_, error)) => Err(Failure::poison(error.clone())),
                    None => process(
                        job.work.record.value.as_deref(),
                        &Incoming {
                            value: (),
                            key: job.work.record.key.as_deref(),
                            partition: job.partition,
                            offset: job.work.offset,
                            failed_attempts: job.work.attempts.made,
                        },
                    ),
                };
                done.push(Handled { job, result });
                if began.elapsed() > SLICE {
                    self.give_back(&mut done);
                }
            }
            self.give_back(&mut done);
            let each = (began.elapsed() / u32::try_from(count).unwrap_or(1)).max(Duration::from_nanos(1));
            let fit = usize::try_from(SLICE.as_nanos() / each.as_nanos()).unwrap_or(MOST);
            // Half of the way at a time, so that one quick record does not vouch for the next sixty.
            at_once = (at_once * 2).min(fit).clamp(1, MOST);
        }
    }

    fn take(&self, batch: &mut Vec<Job>, at_once: usize) -> bool {
        let mut queue = lock(&self.queue);
        loop {
            if queue.closed {
                return false;
            }
            if !queue.jobs.is_empty() {
                let count = queue.jobs.len().min(at_once);
                batch.extend(queue.jobs.drain(..count));
                return true;
            }
            queue.idle += 1;
            queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle -= 1;
        }
    }

    fn give_back(&self, done: &mut Vec<Handled>) {
        if done.is_empty() {
            return;
        }
        let first = {
            let mut handled = lock(&self.handled);
            let first = handled.is_empty();
            handled.append(done);
            first
        };
        if first {
            self.wake.now();
        }
    }
}
