//! A cluster as Metadata answers first described it.

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{ApiKey, MetadataResponse, TopicName};
use uuid::Uuid;

use super::{alter, known_version};
use crate::error::WireError;

/// Brokers and topics as they were when they were first seen.
///
/// It goes by topics and not by answers, since clients ask for other sets of topics in other versions all the
/// time. Topics in an answer with an error are not seen.
#[derive(Debug, Default)]
pub struct SeenMetadata {
    brokers: Vec<MetadataResponseBroker>,
    topics: HashMap<TopicName, Topic>,
}

#[derive(Debug)]
struct Topic {
    /// Nil if the answer was of a version without ids.
    id: Uuid,
    partitions: Vec<MetadataResponsePartition>,
}

impl SeenMetadata {
    /// A Metadata answer that says of everything seen before what was said first, be it gone by now. What is new
    /// goes through and is kept, up to `most` topics.
    ///
    /// # Errors
    /// [`WireError::UnknownVersion`], [`WireError::Decode`].
    pub fn older(&mut self, api_version: i16, frame: Bytes, most: usize) -> Result<Bytes, WireError> {
        let version = known_version(ApiKey::Metadata as i16, api_version)?;
        alter(version, frame, |answer: &mut MetadataResponse| {
            if self.brokers.is_empty() {
                self.brokers.clone_from(&answer.brokers);
            } else {
                answer.brokers.clone_from(&self.brokers);
            }
            for topic in &mut answer.topics {
                self.age(topic, most);
            }
        })
    }

    fn age(&mut self, topic: &mut MetadataResponseTopic, most: usize) {
        let Some(name) = &topic.name else { return };
        if let Some(first) = self.topics.get(name) {
            topic.error_code = 0;
            topic.partitions.clone_from(&first.partitions);
            if !first.id.is_nil() {
                topic.topic_id = first.id;
            }
        } else if topic.error_code == 0 && self.topics.len() < most {
            let first = Topic {
                id: topic.topic_id,
                partitions: topic.partitions.clone(),
            };
            self.topics.insert(name.clone(), first);
        }
    }
}
