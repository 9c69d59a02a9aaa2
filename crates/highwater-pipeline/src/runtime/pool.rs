//! Threads that run handlers.
//!
//! Works wait in one queue. A thread takes several at a time when handlers are quick, as many as it ran in [`SLICE`]
//! before, and one when they are slow. What a thread has taken and not begun, another one takes over as soon as it has
//! nothing else to do: so a queue costs little, and a record that is stuck holds up no other.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::database::AnyRow;
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
    pub(super) result: Result<Made<Option<AnyRow>>, Failure>,
}

/// What runs one record.
pub(super) type Process<'a> =
    dyn Fn(Option<&[u8]>, &Incoming<'_, ()>) -> Result<Made<Option<AnyRow>>, Failure> + Sync + 'a;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
    idle: usize,
}

/// A thread with nothing to do looks at what others have taken after this time.
const LOOK: Duration = Duration::from_millis(2);

/// The queue before the threads, and what they are done with.
pub(super) struct Pool {
    queue: Mutex<Queue>,
    /// What each thread has taken and not begun.
    taken: Vec<Mutex<VecDeque<Job>>>,
    more: Condvar,
    /// What each thread has run.
    handled: Vec<Mutex<Vec<Handled>>>,
    wake: Wake,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    pub(super) fn new(wake: &Wake, threads: usize) -> Self {
        Self {
            queue: Mutex::default(),
            taken: (0..threads).map(|_| Mutex::default()).collect(),
            more: Condvar::new(),
            handled: (0..threads).map(|_| Mutex::default()).collect(),
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
        let mut all = Vec::new();
        for handled in &self.handled {
            all.append(&mut lock(handled));
        }
        all
    }

    /// Ends the threads. What waits is not run.
    pub(super) fn close(&self) {
        lock(&self.queue).closed = true;
        self.more.notify_all();
    }

    /// One thread's life.
    pub(super) fn work(&self, thread: usize, process: &Process<'_>) {
        let mut at_once = 1;
        while self.take(thread, at_once) {
            let began = Instant::now();
            let mut count = 0_u32;
            while let Some(job) = self.next(thread) {
                self.give_back(thread, run(job, process));
                count += 1;
            }
            let each = (began.elapsed() / count.max(1)).max(Duration::from_nanos(1));
            let fit = usize::try_from(SLICE.as_nanos() / each.as_nanos()).unwrap_or(MOST);
            at_once = (at_once * 2).min(fit).clamp(1, MOST);
        }
    }

    fn next(&self, thread: usize) -> Option<Job> {
        lock(&self.taken[thread]).pop_front()
    }

    /// Takes works, from the queue or from another thread. False: there will be none.
    fn take(&self, thread: usize, at_once: usize) -> bool {
        let mut queue = lock(&self.queue);
        loop {
            if queue.closed {
                return false;
            }
            if !queue.jobs.is_empty() {
                let count = queue.jobs.len().min(at_once);
                lock(&self.taken[thread]).extend(queue.jobs.drain(..count));
                if count > 1 && queue.idle > 0 {
                    // Somebody should look whether this thread gets on.
                    self.more.notify_one();
                }
                return true;
            }
            queue.idle += 1;
            let others = self.taken.iter().any(|taken| !lock(taken).is_empty());
            queue = if others {
                let (queue, waited) = self
                    .more
                    .wait_timeout(queue, LOOK)
                    .unwrap_or_else(PoisonError::into_inner);
                if waited.timed_out() && queue.jobs.is_empty() && self.take_over(thread) {
                    let mut queue = queue;
                    queue.idle -= 1;
                    return true;
                }
                queue
            } else {
                self.more.wait(queue).unwrap_or_else(PoisonError::into_inner)
            };
            queue.idle -= 1;
        }
    }

    /// Takes over half of what another thread has taken and not begun.
    fn take_over(&self, thread: usize) -> bool {
        for (_, other) in self
            .taken
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != thread)
        {
            let mut left = lock(other);
            let keep = left.len() / 2;
            let jobs = left.split_off(keep);
            drop(left);
            if !jobs.is_empty() {
                *lock(&self.taken[thread]) = jobs;
                return true;
            }
        }
        false
    }

    fn give_back(&self, thread: usize, done: Handled) {
        let first = {
            let mut handled = lock(&self.handled[thread]);
            handled.push(done);
            handled.len() == 1
        };
        if first {
            self.wake.now();
        }
    }
}

fn run(job: Job, process: &Process<'_>) -> Handled {
    let record = &job.work.record;
    let result = match &record.foreign {
        Some((_, error)) => Err(Failure::poison(error.clone())),
        None => process(
            record.value.as_deref(),
            &Incoming {
                value: (),
                key: record.key.as_deref(),
                partition: job.partition,
                offset: job.work.offset,
                failed_attempts: job.work.attempts.made,
            },
        ),
    };
    Handled { job, result }
}
