//! The steps from a name to a plan. Each step's type says what may come next.

use std::time::Duration;

use super::effect::{Effect, Transactional};
use super::failure::Failure;
use super::payload::Decode;
use super::plan::{Incoming, Plan, PlanError, Topics};
use crate::lanes::{IntakeLimits, Ordering};
use crate::partition::Config;
use crate::retry::{CapLimits, RetryPolicy};
use crate::settings::Guarantee;
use crate::transaction::WindowLimits;

/// How long a revoked partition may take to finish, unless the user says otherwise.
const DRAIN: Duration = Duration::from_secs(20);

/// Handlers that run at the same time, unless the user says otherwise.
const WORKERS: usize = 8;

/// A pipeline with a name: its consumer group.
#[derive(Debug)]
pub struct Named {
    name: String,
}

impl Named {
    /// Reads a topic.
    #[must_use]
    pub fn read<D: Decode>(self, topic: impl Into<String>, payload: D) -> Reading<D> {
        Reading {
            name: self.name,
            topic: topic.into(),
            payload,
        }
    }
}

/// A pipeline that reads.
#[derive(Debug)]
pub struct Reading<D> {
    name: String,
    topic: String,
    payload: D,
}

impl<D: Decode> Reading<D> {
    /// Handles each record. The handler runs on several threads, for records of different keys; a panic in it is a
    /// transient failure of its record.
    #[must_use]
    pub fn handle<O, H>(self, handler: H) -> Handling<D, H>
    where
        H: for<'a> Fn(&Incoming<'a, D::Value>) -> Result<O, Failure> + Send + Sync,
    {
        Handling {
            reading: self,
            handler,
        }
    }
}

/// A pipeline that handles what it reads.
#[derive(Debug)]
pub struct Handling<D, H> {
    reading: Reading<D>,
    handler: H,
}

impl<D: Decode, H> Handling<D, H> {
    /// Makes an effect of what the handler gives.
    pub fn make<E>(self, effect: E) -> Pipeline<D, H, E>
    where
        E: Effect,
        H: for<'a> Fn(&Incoming<'a, D::Value>) -> Result<E::Output, Failure> + Send + Sync,
    {
        let Reading { name, topic, payload } = self.reading;
        Pipeline {
            topics: Topics {
                retry: format!("{topic}.{name}.retry"),
                dead_letters: format!("{topic}.{name}.dead-letters"),
                effects: effect.topics().into_iter().map(str::to_owned).collect(),
                source: topic,
            },
            name,
            payload,
            handler: self.handler,
            effect,
            guarantee: Guarantee::AtLeastOnce,
            transactional_id: None,
            config: Config {
                write_pause: Duration::from_secs(1),
                ..Config::default()
            },
            window: WindowLimits::default(),
            drain: DRAIN,
            workers: WORKERS,
            consumer: Vec::new(),
            producer: Vec::new(),
        }
    }
}

/// A whole pipeline: at-least-once, with retries and dead letters, unless it is told otherwise.
#[derive(Debug)]
#[must_use = "a pipeline does nothing before it is planned and run"]
pub struct Pipeline<D, H, E> {
    pub(super) name: String,
    pub(super) topics: Topics,
    pub(super) payload: D,
    pub(super) handler: H,
    pub(super) effect: E,
    pub(super) guarantee: Guarantee,
    pub(super) transactional_id: Option<String>,
    pub(super) config: Config,
    pub(super) window: WindowLimits,
    pub(super) drain: Duration,
    pub(super) workers: usize,
    pub(super) consumer: Vec<(String, String)>,
    pub(super) producer: Vec<(String, String)>,
}

impl Pipeline<(), (), ()> {
    /// Begins with a name. It is the consumer group, and a part of the names of the retry and dead-letter topics.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Named {
        Named { name: name.into() }
    }
}

impl<D, H, E> Pipeline<D, H, E>
where
    D: Decode,
    E: Effect,
    H: for<'a> Fn(&Incoming<'a, D::Value>) -> Result<E::Output, Failure> + Send + Sync,
{
    /// Makes the effect of each record once. `id` names this process among those of the pipeline: two that share it
    /// fence each other, one that is started again under it takes over what it left open.
    pub fn exactly_once(mut self, id: impl Into<String>) -> Self
    where
        E: Transactional,
    {
        self.guarantee = E::GUARANTEE;
        self.transactional_id = Some(id.into());
        self
    }

    /// What may run at the same time. Default: one record of each key.
    pub fn ordering(mut self, ordering: Ordering) -> Self {
        self.config.ordering = ordering;
        self
    }

    /// How much of each partition is held before it is paused.
    pub fn intake(mut self, limits: IntakeLimits) -> Self {
        self.config.intake = limits;
        self
    }

    /// Attempts and pauses.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.config.retry = policy;
        self
    }

    /// When dead letters pause a partition.
    pub fn cap(mut self, limits: CapLimits) -> Self {
        self.config.cap = limits;
        self
    }

    /// When windows close.
    pub fn window(mut self, limits: WindowLimits) -> Self {
        self.window = limits;
        self
    }

    /// How long a revoked partition may take to finish. Default: 20 seconds.
    pub fn drain(mut self, budget: Duration) -> Self {
        self.drain = budget;
        self
    }

    /// How many handlers run at the same time, each on a thread of its own. Default: 8; at least one.
    pub fn workers(mut self, threads: usize) -> Self {
        self.workers = threads.max(1);
        self
    }

    /// Addresses to begin with, `host:port` with commas between: `bootstrap.servers` of all clients.
    pub fn brokers(mut self, addresses: impl Into<String>) -> Self {
        let addresses = addresses.into();
        self.consumer
            .push(("bootstrap.servers".to_owned(), addresses.clone()));
        self.producer.push(("bootstrap.servers".to_owned(), addresses));
        self
    }

    /// `client.id` of all clients: tells the instances of a pipeline apart in logs, metrics, quotas and histories of
    /// brokers. Default: the name of the pipeline, and of the process where it has one.
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        let id = id.into();
        self.consumer.push(("client.id".to_owned(), id.clone()));
        self.producer.push(("client.id".to_owned(), id));
        self
    }

    /// The retry topic; with as many partitions as the source. Default: `<source>.<name>.retry`.
    pub fn retry_topic(mut self, topic: impl Into<String>) -> Self {
        self.topics.retry = topic.into();
        self
    }

    /// The topic of dead letters. Default: `<source>.<name>.dead-letters`.
    pub fn dead_letters(mut self, topic: impl Into<String>) -> Self {
        self.topics.dead_letters = topic.into();
        self
    }

    /// A setting of librdkafka's consumer.
    pub fn consumer_setting(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.consumer.push((key.into(), value.into()));
        self
    }

    /// A setting of librdkafka's producer.
    pub fn producer_setting(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.producer.push((key.into(), value.into()));
        self
    }

    /// Checks everything that can be checked before anything connects.
    ///
    /// # Errors
    ///
    /// A name or a setting is wrong, or breaks what the pipeline promises.
    pub fn plan(self) -> Result<Plan<D, H, E>, PlanError> {
        Plan::check(self)
    }
}
