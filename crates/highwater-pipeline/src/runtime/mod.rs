//! Running a plan on Kafka: the shell around the core, with its clients, threads and clock.
//!
//! ```text
//!  consumer ─▶ take in ─▶ partitions (core) ─▶ give out ─▶ pool of handlers ─▶ results ─┐
//!     ▲                       ▲    ▲                                                    ▼
//!     │ pause, seek           │    └──────────────── done ◀─ acknowledged ◀─ producer ◀─┤ effects, retry records,
//!  retry topic ─▶ take in ────┘                          └── in a window ◀─ transaction ┘ dead letters
//!                             └─▶ commit points ─▶ commits, or offsets in the transaction
//! ```
//!
//! One thread polls, owns every partition, and writes; handlers have threads of their own. Nothing is waited for in a
//! callback of the client: what it says is noted, and the loop is woken.
//!
//! Invariant: no socket, thread or clock is anywhere in this crate but here; and what is safe to commit is the core's
//! to say and nobody else's.
//! Not here: signals (the process has its own, see [`Control`]), and databases: they are implementations of [`Database`].

mod clock;
mod committing;
mod control;
mod database;
mod error;
mod facts;
mod flights;
mod intake;
mod kept;
mod leaving;
mod letters;
mod numbers;
mod places;
mod pool;
mod reader;
mod shell;
mod sinking;
mod topics;
mod wake;
mod windows;
mod writer;

pub use control::Control;
pub use database::{Database, DatabaseError, Place, Step, WriteError};
pub use error::RunError;
pub use numbers::Numbers;

use rdkafka::config::RDKafkaLogLevel;

use crate::pipeline::{Decode, Effect, Failure, Incoming, Made, Plan, ToDatabase};
use crate::settings::Guarantee;

impl<D, H, E> Plan<D, H, E>
where
    D: Decode + Sync,
    E: Effect<Rows = ()> + Sync,
    H: for<'a> Fn(&Incoming<'a, D::Value>) -> Result<E::Output, Failure> + Send + Sync,
{
    /// Runs the pipeline on this thread and on those of its handlers, until [`Control::stop`]. It waits for brokers
    /// that are not there, joins the group, and gives its partitions back in order before it returns.
    ///
    /// The retry topic and that of the dead letters are made when they are absent, with as many partitions as the
    /// source and without retention by time.
    ///
    /// A handler must return: a revocation waits for it within its budget, and the end of this call without one.
    ///
    /// # Errors
    ///
    /// It cannot start, the handler said that nothing works, or a client failed for good. What was not committed is
    /// read again.
    pub fn run(&self, control: &Control) -> Result<Numbers, RunError> {
        if self.guarantee() == Guarantee::ExactlyOnceDatabase {
            return Err(RunError::NoDatabase);
        }
        self.start(control, None, &|value, record| {
            let Made { records, rows: () } = self.process(value, record)?;
            Ok(Made { records, rows: None })
        })
    }
}

impl<D, H, R> Plan<D, H, ToDatabase<R>>
where
    D: Decode + Sync,
    R: Send + 'static,
    H: for<'a> Fn(&Incoming<'a, D::Value>) -> Result<R, Failure> + Send + Sync,
{
    /// Runs the pipeline as [`Plan::run`] does, with a database for its rows. Where it goes on is what the database
    /// says, and not what is committed in Kafka: with an empty one it begins at the start of the log.
    ///
    /// # Errors
    ///
    /// As with [`Plan::run`]. A database that is down is waited for.
    pub fn run_into<B: Database<R>>(&self, database: &mut B, control: &Control) -> Result<Numbers, RunError> {
        let sink = database::Typed {
            group: self.name(),
            database,
            rows: std::marker::PhantomData,
        };
        self.start(control, Some(Box::new(sink)), &|value, record| {
            let Made { records, rows } = self.process(value, record)?;
            let row: database::AnyRow = Box::new(rows);
            Ok(Made {
                records,
                rows: Some(row),
            })
        })
    }
}

impl<D, H, E> Plan<D, H, E>
where
    D: Decode,
    E: Effect,
    H: for<'a> Fn(&Incoming<'a, D::Value>) -> Result<E::Output, Failure> + Send + Sync,
{
    fn start(
        &self,
        control: &Control,
        sink: Option<Box<dyn database::Sink + '_>>,
        process: &pool::Process<'_>,
    ) -> Result<Numbers, RunError> {
        let (consumer, producer) = self.settings();
        if !consumer.contains_key("bootstrap.servers") || !producer.contains_key("bootstrap.servers") {
            return Err(RunError::NoBrokers);
        }
        for warning in self.warnings() {
            tracing::warn!(pipeline = self.name(), "{warning}");
        }
        let topography = topics::Topography::open(consumer)?;
        let Some((retry_partitions, letter_partitions)) = topography.prepare(self.topics(), control)? else {
            return Ok(Numbers::default());
        };
        let facts = facts::Facts {
            name: self.name().to_owned(),
            topics: self.topics().clone(),
            config: self.config().clone(),
            window: self.window(),
            drain: self.drain(),
            exactly_once: self.guarantee() == Guarantee::ExactlyOnceKafka,
            consumer: consumer.clone(),
            producer: producer.clone(),
            letter_partitions,
            retry_partitions,
        };
        let pool = pool::Pool::new(control.wake(), self.workers());
        let (pool, wanted) = (&pool, self.workers());
        std::thread::scope(|scope| {
            let closing = Closing(pool);
            for number in 0..wanted {
                std::thread::Builder::new()
                    .name(format!("{}-{number}", facts.name))
                    .spawn_scoped(scope, move || pool.work(number, process))?;
            }
            let shell = shell::Shell::open(&facts, control, pool, &topography, sink)?;
            let ended = shell.run();
            drop(closing);
            ended
        })
    }
}

/// The handlers' threads end with the loop, however it ends.
struct Closing<'a>(&'a pool::Pool);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What librdkafka says, in this crate's log.
fn said(level: RDKafkaLogLevel, client: &str, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::warn!(client, facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => tracing::info!(client, facility, "{message}"),
        RDKafkaLogLevel::Debug => tracing::debug!(client, facility, "{message}"),
    }
}
