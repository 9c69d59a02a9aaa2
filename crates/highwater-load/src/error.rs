//! What can go wrong while a load is set up or its topic is looked at.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// An error with what it was about. What happens to single records is not an error but an outcome.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The client library does not know a setting or refuses its value.
    #[error("client setting {name} = {value:?}: {detail}")]
    Setting {
        /// Name of the setting.
        name: String,
        /// The value as given.
        value: String,
        /// What the library says.
        detail: String,
    },
    /// The client library refuses the settings as a whole.
    #[error("the client settings don't fit together: {detail}")]
    Settings {
        /// What the library says.
        detail: String,
    },
    /// Figures of a producer that can't be offered.
    #[error("producer {producer}: {detail}")]
    Producer {
        /// Index of the producer.
        producer: u32,
        /// What is wrong.
        detail: String,
    },
    /// No broker answered.
    #[error("no broker answers at {bootstrap} within {} s: {detail}", timeout.as_secs_f64())]
    Unreachable {
        /// The address asked.
        bootstrap: String,
        /// How long it was tried.
        timeout: Duration,
        /// What the library says.
        detail: String,
    },
    /// A broker is there, and does not let this client in, or is not trusted by it.
    #[error("{bootstrap} can't be used: {detail}")]
    NotAdmitted {
        /// The address asked.
        bootstrap: String,
        /// What the library says.
        detail: String,
    },
    /// A topic of that name is there already.
    #[error(
        "topic {topic} exists already at {bootstrap}; it is not touched: run with another --seed, or delete it"
    )]
    TopicExists {
        /// Name of the topic.
        topic: String,
        /// The address asked.
        bootstrap: String,
    },
    /// There is no such topic.
    #[error("topic {topic} does not exist at {bootstrap}")]
    TopicMissing {
        /// Name of the topic.
        topic: String,
        /// The address asked.
        bootstrap: String,
    },
    /// A request about a topic failed.
    #[error("{action} of topic {topic}: {source}")]
    Topic {
        /// What was asked for, as a noun.
        action: &'static str,
        /// Name of the topic.
        topic: String,
        /// What the library says.
        source: KafkaError,
    },
    /// A broker refused a request about a topic.
    #[error("{action} of topic {topic}: refused with {code}")]
    TopicRefused {
        /// What was asked for, as a noun.
        action: &'static str,
        /// Name of the topic.
        topic: String,
        /// The code of the refusal.
        code: RDKafkaErrorCode,
    },
    /// A broker refused to remove a group.
    #[error("removal of group {group}: refused with {code}")]
    GroupRefused {
        /// Name of the group.
        group: String,
        /// The code of the refusal.
        code: RDKafkaErrorCode,
    },
    /// A partition of the topic has no usable leader in time.
    #[error("topic {topic} has {ready} of {partitions} partitions with a leader after {} s", timeout.as_secs_f64())]
    NotReady {
        /// Name of the topic.
        topic: String,
        /// Partitions with a leader.
        ready: usize,
        /// Partitions asked for.
        partitions: usize,
        /// How long it was waited.
        timeout: Duration,
    },
    /// Nothing more came out of a partition although its log goes on.
    #[error(
        "reading {topic}/{partition}: nothing for {} s at offset {offset} of {high_watermark}", silence.as_secs_f64()
    )]
    ReadStalled {
        /// Name of the topic.
        topic: String,
        /// Partition that did not get to its end.
        partition: i32,
        /// Next offset to read.
        offset: i64,
        /// Where it should have got to.
        high_watermark: i64,
        /// How long nothing came.
        silence: Duration,
    },
    /// The read-back was interrupted.
    #[error("interrupted after {read} records")]
    Interrupted {
        /// Records read until then.
        read: u64,
    },
    /// A question over the protocol was not answered, or refused.
    #[error(transparent)]
    Log(#[from] crate::log::LogError),
    /// A letter could not be sent to where it came from.
    #[error("{topic}/{partition} at offset {offset} could not be sent to {to}")]
    NotRedriven {
        /// The dead-letter topic.
        topic: String,
        /// Its partition.
        partition: i32,
        /// The letter.
        offset: i64,
        /// Where it was to go.
        to: String,
        /// What the client says.
        #[source]
        source: KafkaError,
    },
    /// What was done can't be written down.
    #[error("writing the record of what is done")]
    Journal(#[source] std::io::Error),
    /// A thread could not be started.
    #[error("starting a thread")]
    Thread(#[source] std::io::Error),
}

impl LoadError {
    /// What a person can do about it, where the message does not say it.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let (Self::TopicRefused { topic, code, .. } | Self::GroupRefused { group: topic, code }) = self
        else {
            return None;
        };
        let begin = topic.split_inclusive('-').next().unwrap_or(topic);
        let text = match code {
            RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::GroupAuthorizationFailed => format!(
                "the user needs rights on topics and groups whose names begin with {begin}: `kafka-acls.sh --bootstrap-server \
                 HOST:PORT --add --allow-principal User:NAME --operation All --topic {begin} --group {begin} \
                 --resource-pattern-type prefixed`"
            ),
            RDKafkaErrorCode::InvalidReplicationFactor => {
                "the cluster has fewer brokers than copies were asked for: set topic.replication lower".to_owned()
            }
            RDKafkaErrorCode::PolicyViolation => {
                "a policy of the cluster (create.topic.policy.class.name) refuses such a topic: set topic.partitions, \
                 topic.replication and topic.settings as it wants them"
                    .to_owned()
            }
            _ => return None,
        };
        Some(text)
    }

    /// Sorts out what the client library says about settings.
    pub(crate) fn of_client(error: KafkaError) -> Self {
        match error {
            KafkaError::ClientConfig(_, detail, name, value) => Self::Setting {
                // It may be a password or a key.
                value: match name.starts_with("sasl.") || name.starts_with("ssl.") {
                    true => "…".to_owned(),
                    false => value,
                },
                name,
                detail: detail.trim().to_owned(),
            },
            KafkaError::ClientCreation(detail) => Self::Settings { detail },
            other => Self::Settings {
                detail: other.to_string(),
            },
        }
    }
}
