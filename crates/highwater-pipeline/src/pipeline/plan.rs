//! A pipeline that was checked, and what it does with one record.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use thiserror::Error;

use super::builder::Pipeline;
use super::effect::{Effect, Made};
use super::failure::Failure;
use super::payload::Decode;
use crate::partition::Config;
use crate::settings::{self, Checked, Client, Guarantee, Refusal};
use crate::transaction::WindowLimits;

/// Kafka's limit for names of topics.
const TOPIC_LIMIT_BYTES: usize = 249;

/// A record as a handler sees it.
#[derive(Debug)]
pub struct Incoming<'a, V> {
    /// Its decoded value.
    pub value: V,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its partition of the source topic.
    pub partition: i32,
    /// Its offset there. The same record has the same offset in every attempt.
    pub offset: i64,
    /// Attempts that have failed.
    pub failed_attempts: u32,
}

/// The topics of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Where it reads.
    pub source: String,
    /// Where its effects go.
    pub effects: Vec<String>,
    /// Where records wait for their next attempt.
    pub retry: String,
    /// Where records end that are given up.
    pub dead_letters: String,
}

/// A pipeline that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The name of the pipeline or of the process is empty.
    #[error("the {what} is empty; give it a name that stays the same across restarts")]
    Unnamed {
        /// Which name.
        what: &'static str,
    },
    /// Kafka has no such topics.
    #[error(
        "`{topic}` ({role}) is not a name of a topic: {TOPIC_LIMIT_BYTES} letters, digits, `.`, `_` and `-` at most"
    )]
    NoTopic {
        /// The name.
        topic: String,
        /// What the topic is for.
        role: &'static str,
    },
    /// The pipeline would read what it writes.
    #[error("`{topic}` is both {role} and {other}: records would go round for ever; use two topics")]
    Loop {
        /// The topic.
        topic: String,
        /// What it is for.
        role: &'static str,
        /// What it is for too.
        other: &'static str,
    },
    /// A setting cannot be.
    #[error(transparent)]
    Setting(#[from] Refusal),
}

/// A pipeline that was checked.
pub struct Plan<D, H, E> {
    name: String,
    topics: Topics,
    payload: D,
    handler: H,
    effect: E,
    guarantee: Guarantee,
    config: Config,
    window: WindowLimits,
    drain: Duration,
    workers: usize,
    consumer: Checked,
    producer: Checked,
}

/// Without the handler, which has nothing to show.
impl<D, H, E> std::fmt::Debug for Plan<D, H, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("name", &self.name)
            .field("topics", &self.topics)
            .field("guarantee", &self.guarantee)
            .finish_non_exhaustive()
    }
}

impl<D, H, E> Plan<D, H, E>
where
    D: Decode,
    E: Effect,
    H: for<'a> Fn(&Incoming<'a, D::Value>) -> Result<E::Output, Failure> + Send + Sync,
{
    pub(super) fn check(pipeline: Pipeline<D, H, E>) -> Result<Self, PlanError> {
        let Pipeline {
            name,
            topics,
            payload,
            handler,
            effect,
            guarantee,
            transactional_id,
            config,
            window,
            drain,
            workers,
            mut consumer,
            mut producer,
        } = pipeline;
        if name.is_empty() {
            return Err(PlanError::Unnamed {
                what: "name of the pipeline",
            });
        }
        topics.check()?;
        consumer.push(("group.id".to_owned(), name.clone()));
        let client_id = match &transactional_id {
            Some(id) => format!("{name}-{id}"),
            None => name.clone(),
        };
        for settings in [&mut consumer, &mut producer] {
            if !settings.iter().any(|(key, _)| key == "client.id") {
                settings.push(("client.id".to_owned(), client_id.clone()));
            }
        }
        match (guarantee, transactional_id) {
            (_, Some(id)) if id.is_empty() => {
                return Err(PlanError::Unnamed {
                    what: "name of the process",
                });
            }
            (Guarantee::ExactlyOnceKafka, Some(id)) => {
                producer.push(("transactional.id".to_owned(), format!("{name}-{id}")));
            }
            _ => {}
        }
        let check = |client, overrides: &[(String, String)]| {
            let overrides = overrides
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str()));
            settings::check(client, guarantee, overrides, drain)
        };
        Ok(Self {
            consumer: check(Client::Consumer, &consumer)?,
            producer: check(Client::Producer, &producer)?,
            name,
            topics,
            payload,
            handler,
            effect,
            guarantee,
            config,
            window,
            drain,
            workers,
        })
    }

    /// Decodes a record's value, handles it, and prepares its effect. The process survives a panic
    /// in any of it.
    ///
    /// # Errors
    ///
    /// What cannot be decoded or encoded is poison; otherwise what the handler says.
    pub fn process(&self, value: Option<&[u8]>, record: &Incoming<'_, ()>) -> Result<Made<E::Rows>, Failure> {
        catch_unwind(AssertUnwindSafe(|| self.run_once(value, record)))
            .unwrap_or_else(|panic| Err(Failure::panicked(&*panic)))
    }

    fn run_once(&self, value: Option<&[u8]>, record: &Incoming<'_, ()>) -> Result<Made<E::Rows>, Failure> {
        let value = self.payload.decode(value).map_err(Failure::poison)?;
        let Incoming {
            key,
            partition,
            offset,
            failed_attempts,
            ..
        } = *record;
        let record = Incoming {
            value,
            key,
            partition,
            offset,
            failed_attempts,
        };
        let output = (self.handler)(&record)?;
        self.effect.prepare(output).map_err(Failure::poison)
    }

    /// The name: the consumer group.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The topics.
    #[must_use]
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// What is promised.
    #[must_use]
    pub fn guarantee(&self) -> Guarantee {
        self.guarantee
    }

    /// How each partition is run.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// When windows close.
    #[must_use]
    pub fn window(&self) -> WindowLimits {
        self.window
    }

    /// How long a revoked partition may take to finish.
    #[must_use]
    pub fn drain(&self) -> Duration {
        self.drain
    }

    /// How many handlers run at the same time.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// Settings of the consumer, and of the producer.
    #[must_use]
    pub fn settings(&self) -> (&BTreeMap<String, String>, &BTreeMap<String, String>) {
        (&self.consumer.settings, &self.producer.settings)
    }

    /// What is allowed and worth a line in the log.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.consumer
            .warnings
            .iter()
            .chain(&self.producer.warnings)
            .map(String::as_str)
    }
}

impl Topics {
    fn check(&self) -> Result<(), PlanError> {
        let roles: Vec<(&str, &'static str)> = [
            (self.source.as_str(), "the source"),
            (self.retry.as_str(), "the retry topic"),
            (self.dead_letters.as_str(), "the topic of dead letters"),
        ]
        .into_iter()
        .chain(
            self.effects
                .iter()
                .map(|topic| (topic.as_str(), "the topic of an effect")),
        )
        .collect();
        for (place, (topic, role)) in roles.iter().enumerate() {
            let valid = !matches!(*topic, "" | "." | "..")
                && topic.len() <= TOPIC_LIMIT_BYTES
                && topic
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            if !valid {
                return Err(PlanError::NoTopic {
                    topic: (*topic).to_owned(),
                    role,
                });
            }
            // Two effects may go to one topic; nothing else is two things.
            let twice = roles[..place]
                .iter()
                .find(|(other, other_role)| other == topic && other_role != role);
            if let Some((_, other)) = twice {
                return Err(PlanError::Loop {
                    topic: (*topic).to_owned(),
                    role: other,
                    other: role,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
