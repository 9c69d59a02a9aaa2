//! The few requests that `cluster` needs, to one broker; in KRaft each of them forwards what is not its own.

use std::net::ToSocketAddrs;
use std::time::Duration;

use highwater_model::ExitCode;
use highwater_wire::{Connection, WireError};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::{Request, StrBytes};

use crate::failure::Failure;

/// For a connection and for every answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Has topic ids, is spoken by Kafka 2.8 to 4.x.
const METADATA_VERSION: i16 = 10;

pub(super) struct Client {
    connection: Connection,
    bootstrap: String,
}

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// An error code as Kafka's documentation spells it.
fn spelled(code: i16) -> String {
    let error = match ResponseError::try_from_code(code) {
        None | Some(ResponseError::Unknown(_)) => return format!("error {code}"),
        Some(error) => error,
    };
    let mut name = String::new();
    for letter in format!("{error:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

impl Client {
    pub(super) fn open(bootstrap: &str) -> Result<Self, Failure> {
        let usage = |why: String| {
            Failure::new(ExitCode::Usage, format!("--bootstrap {bootstrap}: {why}"))
                .help("give a broker as HOST:PORT, e.g. 127.0.0.1:9092")
        };
        let address = bootstrap
            .to_socket_addrs()
            .map_err(|error| usage(error.to_string()))?
            .next()
            .ok_or_else(|| usage("no such host".to_owned()))?;
        let connection = Connection::open(address, ANSWER_LIMIT).map_err(|error| {
            unreachable_broker(bootstrap, &error)
                .help("start one with `highwater broker --brokers 3`, or give another with --bootstrap")
        })?;
        Ok(Self {
            connection,
            bootstrap: bootstrap.to_owned(),
        })
    }

    pub(super) fn call<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, Failure> {
        self.connection
            .call(request, version)
            .map_err(|error| unreachable_broker(&self.bootstrap, &error))
    }

    /// All topics, or one, which is not made by that.
    pub(super) fn metadata(&mut self, topic: Option<&str>) -> Result<MetadataResponse, Failure> {
        let wanted =
            topic.map(|name| vec![MetadataRequestTopic::default().with_name(Some(TopicName(text(name))))]);
        let request = MetadataRequest::default()
            .with_topics(wanted)
            .with_allow_auto_topic_creation(false);
        self.call(&request, METADATA_VERSION)
    }

    /// The nodes, and no topic.
    pub(super) fn nodes(&mut self) -> Result<MetadataResponse, Failure> {
        let request = MetadataRequest::default()
            .with_topics(Some(Vec::new()))
            .with_allow_auto_topic_creation(false);
        self.call(&request, METADATA_VERSION)
    }

    /// One topic, which must be there.
    pub(super) fn topic(&mut self, name: &str) -> Result<MetadataResponseTopic, Failure> {
        let topic = self
            .metadata(Some(name))?
            .topics
            .into_iter()
            .next()
            .unwrap_or_default();
        match topic.error_code {
            0 => Ok(topic),
            code => Err(
                Failure::new(ExitCode::Usage, format!("topic {name}: {}", spelled(code)))
                    .help("`highwater cluster show` lists the topics there are"),
            ),
        }
    }

    /// One partition, which must be there.
    pub(super) fn partition(
        &mut self,
        topic: &str,
        index: i32,
    ) -> Result<MetadataResponsePartition, Failure> {
        let found = self.topic(topic)?;
        let count = found.partitions.len();
        let mut partitions = found.partitions.into_iter();
        partitions
            .find(|partition| partition.partition_index == index)
            .ok_or_else(|| {
                let why = format!("topic {topic} has {count} partitions, and none with the number {index}");
                Failure::new(ExitCode::Usage, why).help("partitions are counted from 0")
            })
    }
}

/// What a broker refuses, in Kafka's words.
pub(super) fn refused(what: &str, code: i16, message: Option<&StrBytes>) -> Failure {
    let why = message.map(|message| format!(": {message}")).unwrap_or_default();
    Failure::new(
        ExitCode::Infrastructure,
        format!("{what}: {}{why}", spelled(code)),
    )
}

fn unreachable_broker(bootstrap: &str, error: &WireError) -> Failure {
    let cause = match error {
        WireError::Connect { source, .. } | WireError::Io { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    Failure::new(
        ExitCode::Infrastructure,
        format!("no answer from {bootstrap}: {cause}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_spelled_as_in_kafka() {
        assert_eq!(spelled(6), "NOT_LEADER_OR_FOLLOWER");
        assert_eq!(spelled(9_999), "error 9999");
    }
}
