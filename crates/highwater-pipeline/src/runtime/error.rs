//! Why a pipeline does not start, or stops before it was asked to.

use rdkafka::error::KafkaError;
use thiserror::Error;

use crate::transaction::StopReason;

/// Why a pipeline ended by itself. What was not committed is read again by whoever comes next.
#[derive(Debug, Error)]
pub enum RunError {
    /// Nobody said where the brokers are.
    #[error("no brokers; give the pipeline `.brokers(\"host:port\")`")]
    NoBrokers,
    /// The effect is rows, and there is no database here.
    #[error("the effect is rows for a database, and `run` has none; use an effect on Kafka or `InHandler`")]
    NoDatabase,
    /// librdkafka does not take the settings.
    #[error("cannot make the {client}; check its settings")]
    Client {
        /// Which client.
        client: &'static str,
        /// What librdkafka says.
        source: KafkaError,
    },
    /// A topic is not there, and cannot be made.
    #[error("topic `{topic}` ({role}) cannot be used: {reason}; make it, or let this pipeline make it")]
    Topic {
        /// The topic.
        topic: String,
        /// What it is for.
        role: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Parked records stay in the partition of their source.
    #[error(
        "the retry topic `{retry}` has {has} partitions and `{source_topic}` has {needs}: a parked record keeps its \
         partition; add partitions to the retry topic"
    )]
    Partitions {
        /// The retry topic.
        retry: String,
        /// Its partitions.
        has: i32,
        /// The topic that is read.
        source_topic: String,
        /// Its partitions.
        needs: i32,
    },
    /// The handler said that nothing will work.
    #[error("the handler stopped the pipeline at {topic}/{partition} offset {offset}: {message}")]
    Handler {
        /// The topic of the record.
        topic: String,
        /// Its partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// The handler's error.
        message: String,
    },
    /// Windows of transactions cannot go on.
    #[error(transparent)]
    Transaction(#[from] StopReason),
    /// The consumer can do nothing any more.
    #[error("the consumer failed for good")]
    Consumer {
        /// What librdkafka says.
        source: KafkaError,
    },
    /// No thread for a handler.
    #[error("cannot start a thread")]
    Thread(#[from] std::io::Error),
}
