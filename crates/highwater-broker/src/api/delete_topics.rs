//! DeleteTopics, by name or by id.
//!
//! Invariant: a topic that is asked for more than once, also once by name and once by id, stays.

use std::sync::Arc;

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::Call;
use super::errors::{ApiError, log_storage_error};
use super::repeated::apart;
use crate::topics::Topic;

/// First version that names topics by id too.
const DELETE_BY_ID_VERSION: i16 = 6;

pub(super) fn delete(call: &Call<'_>, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let wanted: Vec<DeleteTopicState> = if call.version >= DELETE_BY_ID_VERSION {
        request.topics
    } else {
        request
            .topic_names
            .into_iter()
            .map(|name| DeleteTopicState::default().with_name(Some(name)))
            .collect()
    };
    let mut responses = Vec::new();
    let (wanted, repeated) = apart(wanted, |topic| (topic.name.clone(), topic.topic_id));
    for (name, id) in repeated {
        responses.push(refused(name, id, &invalid("the topic is named twice")));
    }
    let mut found = Vec::new();
    for one in wanted {
        match find(call, &one) {
            Ok(topic) => found.push(topic),
            Err(error) => responses.push(refused(one.name, one.topic_id, &error)),
        }
    }
    let (found, repeated) = apart(found, |topic| (name_of(topic), topic.id));
    for (name, id) in repeated {
        let error = invalid("the topic is asked for by name and by id");
        responses.push(refused(Some(name), id, &error));
    }
    for topic in found {
        let name = name_of(&topic);
        responses.push(match delete_one(call, &topic) {
            Ok(()) => DeletableTopicResult::default()
                .with_name(Some(name))
                .with_topic_id(topic.id),
            Err(error) => refused(Some(name), topic.id, &error),
        });
    }
    DeleteTopicsResponse::default().with_responses(responses)
}

fn invalid(why: &str) -> ApiError {
    ApiError::new(ResponseError::InvalidRequest, why)
}

fn refused(name: Option<TopicName>, id: Uuid, error: &ApiError) -> DeletableTopicResult {
    DeletableTopicResult::default()
        .with_name(name)
        .with_topic_id(id)
        .with_error_code(error.code())
        .with_error_message(error.text())
}

fn name_of(topic: &Arc<Topic>) -> TopicName {
    TopicName(StrBytes::from_string(topic.name.to_string()))
}

fn find(call: &Call<'_>, wanted: &DeleteTopicState) -> Result<Arc<Topic>, ApiError> {
    let topics = &call.cluster.topics;
    let id = Some(wanted.topic_id).filter(|id| !id.is_nil());
    match (&wanted.name, id) {
        (None, None) => Err(invalid("neither a name nor an id")),
        (Some(name), None) => topics.get(name).ok_or_else(ApiError::unknown_partition),
        (Some(_), Some(_)) => Err(invalid("both a name and an id")),
        (None, Some(id)) => topics
            .get_by_id(id)
            .ok_or_else(|| ApiError::new(ResponseError::UnknownTopicId, "no topic with this id")),
    }
}

fn forget_offsets(call: &Call<'_>, topic: &Topic) -> Result<(), ApiError> {
    call.cluster.groups.remove_topic(&topic.name).map_err(|error| {
        log_storage_error(&error);
        ApiError::new(ResponseError::KafkaStorageError, error.to_string())
    })
}

fn delete_one(call: &Call<'_>, topic: &Topic) -> Result<(), ApiError> {
    // Before, so that a death in between leaves no offsets for the next topic of this name, and after, for
    // those that were committed meanwhile.
    forget_offsets(call, topic)?;
    if !call.cluster.topics.delete(&topic.name)? {
        return Err(ApiError::unknown_partition());
    }
    forget_offsets(call, topic)
}
