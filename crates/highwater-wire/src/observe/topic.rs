//! Names of topics, where requests carry only their ids (KIP-516).

use std::collections::HashMap;

use bytes::Bytes;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};
use uuid::Uuid;

use super::dispatch::answer;
use crate::error::WireError;

/// What the one who looks knows about topics.
pub trait TopicNames {
    /// The name of the topic with this id, if it was seen. Without one, facts carry the id with hyphens.
    fn name(&self, id: Uuid) -> Option<String>;
}

impl TopicNames for HashMap<Uuid, String> {
    fn name(&self, id: Uuid) -> Option<String> {
        self.get(&id).cloned()
    }
}

/// Longest name of a topic that Kafka creates, in bytes. Facts repeat the name for every partition, so a
/// longer one would make more of the bytes than they are.
const MAX_NAME_BYTES: usize = 249;

/// The name of a topic that is given by its name.
pub(super) fn by_name(name: &str) -> Result<String, WireError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(WireError::Malformed { field: "topic name" });
    }
    Ok(name.to_owned())
}

/// The name of a topic that is given by its id.
pub(super) fn by_id(id: Uuid, names: &dyn TopicNames) -> String {
    names.name(id).unwrap_or_else(|| id.hyphenated().to_string())
}

/// The name of a topic that is given by its name, or by its id with an empty name.
pub(super) fn either(name: &TopicName, id: Uuid, names: &dyn TopicNames) -> Result<String, WireError> {
    if name.is_empty() {
        Ok(by_id(id, names))
    } else {
        by_name(name)
    }
}

/// Ids and names of the topics in a Metadata answer: the content of its frame, with its header. Empty below
/// version 10, which has no ids.
///
/// # Errors
/// [`WireError::Decode`].
pub fn topic_names(api_version: i16, metadata_response: Bytes) -> Result<Vec<(Uuid, String)>, WireError> {
    let metadata: MetadataResponse = answer::<MetadataRequest>(metadata_response, api_version)?;
    Ok(metadata
        .topics
        .into_iter()
        .filter(|topic| !topic.topic_id.is_nil())
        .filter_map(|topic| Some((topic.topic_id, by_name(&topic.name?).ok()?)))
        .collect())
}
