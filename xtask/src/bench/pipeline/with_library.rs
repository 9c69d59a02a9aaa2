//! The same with `highwater-pipeline`, its settings as they are.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use highwater_pipeline::pipeline::{
    Decode, Effect, Failure, InHandler, Incoming, Message, Pipeline, Plan, Raw, ToTopic,
};
use highwater_pipeline::runtime::{Control, Numbers, RunError};
use highwater_pipeline::transaction::WindowLimits;

use super::subject::{Place, WINDOW, WORK, WORKED, WORKERS};
use crate::bench::error::BenchError;

/// One key in so many fails.
const FAILS: u64 = 100;
/// How long nothing may be handled before it is an error.
const SILENCE: Duration = Duration::from_secs(30);

/// Counts records, and ends the pipeline at the last.
struct Counter {
    wanted: u64,
    seen: AtomicU64,
    times: Mutex<(Option<Instant>, Instant)>,
    control: Control,
}

impl Counter {
    fn new(wanted: u64) -> Self {
        Self {
            wanted,
            seen: AtomicU64::new(0),
            times: Mutex::new((None, Instant::now())),
            control: Control::new(),
        }
    }

    fn record(&self) {
        let number = self.seen.fetch_add(1, Ordering::Relaxed);
        // The clock is looked at twice, and not for each record.
        if number == 0 {
            self.times().0 = Some(Instant::now());
        } else if number + 1 == self.wanted {
            self.times().1 = Instant::now();
            self.control.stop();
        }
    }

    fn times(&self) -> std::sync::MutexGuard<'_, (Option<Instant>, Instant)> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a pipeline until all were seen.
    fn count(
        &self,
        run: impl FnOnce(&Control) -> Result<Numbers, RunError>,
    ) -> Result<(u64, Duration), BenchError> {
        let ended = std::thread::scope(|scope| {
            scope.spawn(|| self.guard());
            let ended = run(&self.control);
            // Whatever it ended by, nobody waits for more.
            self.seen.fetch_max(self.wanted, Ordering::Relaxed);
            ended
        });
        ended.map_err(|error| BenchError::Missed(format!("the pipeline ended: {error}")))?;
        let (first, last) = *self.times();
        match first {
            Some(first) if last > first => Ok((self.wanted, last - first)),
            _ => Err(BenchError::Missed("records stopped coming".to_owned())),
        }
    }

    /// Ends a pipeline in which nothing moves.
    fn guard(&self) {
        let (mut before, mut since) = (0, Instant::now());
        loop {
            let seen = self.seen.load(Ordering::Relaxed);
            if seen >= self.wanted {
                return;
            }
            if seen > before {
                (before, since) = (seen, Instant::now());
            } else if since.elapsed() > SILENCE {
                self.control.stop();
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Handlers that do nothing.
pub(super) fn tracks(place: &Place) -> Result<(u64, Duration), BenchError> {
    let counter = Counter::new(place.records);
    let pipeline = Pipeline::named(&place.group)
        .read(&place.topic, Raw)
        .handle(|_| {
            counter.record();
            Ok(())
        })
        .make(InHandler);
    let plan = planned(pipeline, place)?;
    counter.count(|control| plan.run(control))
}

/// Handlers that work.
pub(super) fn works(place: &Place) -> Result<(u64, Duration), BenchError> {
    let counter = Counter::new(WORKED.min(place.records));
    let pipeline = Pipeline::named(&place.group)
        .read(&place.topic, Raw)
        .handle(|_| {
            std::thread::sleep(WORK);
            counter.record();
            Ok(())
        })
        .make(InHandler)
        .workers(WORKERS);
    let plan = planned(pipeline, place)?;
    counter.count(|control| plan.run(control))
}

/// Every record to another topic, exactly once. The clock runs until the last window was committed.
pub(super) fn copies(place: &Place) -> Result<(u64, Duration), BenchError> {
    let counter = Counter::new(place.records);
    let pipeline = Pipeline::named(&place.group)
        .read(&place.topic, Raw)
        .handle(|record| {
            counter.record();
            Ok(vec![Message {
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.clone(),
            }])
        })
        .make(ToTopic::new(place.output(), Raw))
        .window(WindowLimits {
            open: WINDOW,
            // By time alone, as the loop by hand has it.
            records: usize::MAX,
            ..WindowLimits::default()
        })
        .exactly_once("bench");
    let plan = planned(pipeline, place)?;
    counter.count(|control| {
        let numbers = plan.run(control)?;
        // The end in order commits what was handled.
        counter.times().1 = Instant::now();
        Ok(numbers)
    })
}

/// One key in a hundred fails at every attempt, or none; the others are counted.
pub(super) fn fails(place: &Place, some: bool) -> Result<(u64, Duration), BenchError> {
    let bad = |key: Option<&[u8]>| {
        let number = key.and_then(|key| Some(u64::from_le_bytes(key.try_into().ok()?)));
        number.is_some_and(|number| number % FAILS == 0)
    };
    let counter = Counter::new(place.records - place.records / FAILS);
    let pipeline = Pipeline::named(&place.group)
        .read(&place.topic, Raw)
        .handle(|record| {
            if bad(record.key) {
                return match some {
                    true => Err(Failure::transient("this key always fails")),
                    false => Ok(()),
                };
            }
            counter.record();
            Ok(())
        })
        .make(InHandler)
        .drain(Duration::from_secs(1));
    let plan = planned(pipeline, place)?;
    counter.count(|control| plan.run(control))
}

/// With the topics and the brokers of this measurement.
fn planned<D, H, E>(pipeline: Pipeline<D, H, E>, place: &Place) -> Result<Plan<D, H, E>, BenchError>
where
    D: Decode,
    E: Effect,
    H: for<'a> Fn(&Incoming<'a, D::Value>) -> Result<E::Output, Failure> + Send + Sync,
{
    pipeline
        .brokers(&place.bootstrap)
        .retry_topic(place.retry())
        .dead_letters(place.dead_letters())
        .plan()
        .map_err(|error| BenchError::Missed(format!("no plan: {error}")))
}
