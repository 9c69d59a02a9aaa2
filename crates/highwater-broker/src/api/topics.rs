//! CreateTopics and DeleteTopics.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::Call;
use super::errors::{ApiError, log_storage_error};
use crate::topic_config::TopicConfig;

/// "You decide", for partitions and replicas (KIP-464).
const DEFAULT: i32 = -1;

/// The number of replicas of a topic whose creator does not say.
const DEFAULT_REPLICAS: i16 = 1;

/// Where a setting comes from, in the protocol's numbers.
const SET_FOR_THIS_TOPIC: i8 = 1;
const DEFAULT_SOURCE: i8 = 5;

/// First version that names topics by id too.
const DELETE_BY_ID_VERSION: i16 = 6;

pub(super) fn create(call: &Call<'_>, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let topics = request
        .topics
        .into_iter()
        .map(|topic| {
            let name = topic.name.clone();
            match create_one(call, topic, request.validate_only) {
                Ok(created) => CreatableTopicResult::default()
                    .with_name(name)
                    .with_topic_id(created.id)
                    .with_num_partitions(created.partitions)
                    .with_replication_factor(created.factor)
                    .with_configs(Some(describe_configs(call, &created.config))),
                Err(error) => CreatableTopicResult::default()
                    .with_name(name)
                    .with_error_code(error.code())
                    .with_error_message(error.text())
                    .with_configs(None),
            }
        })
        .collect();
    CreateTopicsResponse::default().with_topics(topics)
}

/// A topic as it was made, or would have been.
struct Created {
    id: Uuid,
    partitions: i32,
    /// Replicas of the first partition.
    factor: i16,
    config: TopicConfig,
}

/// Every setting, also those that were not given, as Kafka answers.
fn describe_configs(call: &Call<'_>, config: &TopicConfig) -> Vec<CreatableTopicConfigs> {
    let known = config.known(&call.cluster.config).into_iter();
    known
        .map(|setting| {
            let source = if setting.is_set {
                SET_FOR_THIS_TOPIC
            } else {
                DEFAULT_SOURCE
            };
            CreatableTopicConfigs::default()
                .with_name(StrBytes::from_static_str(setting.name))
                .with_value(Some(StrBytes::from_string(setting.value)))
                .with_read_only(setting.read_only)
                .with_config_source(source)
        })
        .collect()
}

fn create_one(call: &Call<'_>, topic: CreatableTopic, validate_only: bool) -> Result<Created, ApiError> {
    let replicas = place(call, &topic)?;
    let partitions = i32::try_from(replicas.len()).unwrap_or(i32::MAX);
    let factor = replicas.first().map_or(0, Vec::len);
    let factor = i16::try_from(factor).unwrap_or(i16::MAX);
    let given = topic.configs.into_iter().map(|entry| {
        let value = entry.value.unwrap_or_default();
        (entry.name.to_string(), value.to_string())
    });
    let config = TopicConfig::parse(given)?;
    if validate_only {
        call.cluster.topics.check_new(&topic.name, partitions)?;
        return Ok(Created {
            id: Uuid::nil(),
            partitions,
            factor,
            config,
        });
    }
    let made = call
        .cluster
        .topics
        .create_on(&topic.name, replicas, config.clone())?;
    Ok(Created {
        id: made.id,
        partitions,
        factor,
        config,
    })
}

/// The replicas of each partition: as the creator says, or dealt round robin.
fn place(call: &Call<'_>, topic: &CreatableTopic) -> Result<Vec<Vec<i32>>, ApiError> {
    let roster = &call.cluster.roster;
    if topic.assignments.is_empty() {
        let partitions = match topic.num_partitions {
            DEFAULT => call.cluster.config.default_partitions,
            count => count,
        };
        let factor = match i32::from(topic.replication_factor) {
            DEFAULT => DEFAULT_REPLICAS,
            _ => topic.replication_factor,
        };
        roster.check_factor(factor)?;
        return Ok(call.cluster.topics.deal(partitions, factor));
    }
    let invalid = |why: &str| ApiError::new(ResponseError::InvalidReplicaAssignment, why);
    let mut given: Vec<(i32, Vec<i32>)> = Vec::new();
    for assignment in &topic.assignments {
        let replicas: Vec<i32> = assignment.broker_ids.iter().map(|id| id.0).collect();
        roster.check_replicas(&replicas)?;
        given.push((assignment.partition_index, replicas));
    }
    given.sort_by_key(|(index, _)| *index);
    if !given
        .iter()
        .zip(0..)
        .all(|((index, _), expected)| *index == expected)
    {
        return Err(invalid("partitions are not numbered from 0 without gaps"));
    }
    if given
        .iter()
        .any(|(_, replicas)| replicas.len() != given[0].1.len())
    {
        return Err(invalid("partitions with different numbers of replicas"));
    }
    Ok(given.into_iter().map(|(_, replicas)| replicas).collect())
}

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
    let responses = wanted
        .into_iter()
        .map(|topic| {
            let answer = DeletableTopicResult::default();
            match delete_one(call, &topic) {
                Ok((name, id)) => answer.with_name(Some(name)).with_topic_id(id),
                Err(error) => answer
                    .with_name(topic.name)
                    .with_topic_id(topic.topic_id)
                    .with_error_code(error.code())
                    .with_error_message(error.text()),
            }
        })
        .collect();
    DeleteTopicsResponse::default().with_responses(responses)
}

fn delete_one(call: &Call<'_>, wanted: &DeleteTopicState) -> Result<(TopicName, Uuid), ApiError> {
    let topics = &call.cluster.topics;
    let topic = match &wanted.name {
        Some(name) => topics.get(name).ok_or_else(ApiError::unknown_partition)?,
        None => topics
            .get_by_id(wanted.topic_id)
            .ok_or_else(|| ApiError::new(ResponseError::UnknownTopicId, "no topic with this id"))?,
    };
    if !topics.delete(&topic.name)? {
        return Err(ApiError::unknown_partition());
    }
    if let Err(error) = call.cluster.groups.remove_topic(&topic.name) {
        // The topic is gone; offsets of a topic that is not there do no harm.
        log_storage_error(&error);
    }
    let name = TopicName(StrBytes::from_string(topic.name.to_string()));
    Ok((name, topic.id))
}
