//! CreateTopics.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::Call;
use super::errors::ApiError;
use super::repeated::apart;
use crate::topic_config::TopicConfig;

/// "You decide", for partitions and replicas (KIP-464).
const DEFAULT: i32 = -1;

/// The number of replicas of a topic whose creator does not say.
const DEFAULT_REPLICAS: i16 = 1;

/// Where a setting comes from, in the protocol's numbers.
const SET_FOR_THIS_TOPIC: i8 = 1;
const DEFAULT_SOURCE: i8 = 5;

pub(super) fn create(call: &Call<'_>, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let (topics, repeated) = apart(request.topics, |topic| topic.name.clone());
    let refused = repeated.into_iter().map(|name| {
        let message = StrBytes::from_static_str("the topic is named twice");
        CreatableTopicResult::default()
            .with_name(name)
            .with_error_code(ResponseError::InvalidRequest.code())
            .with_error_message(Some(message))
            .with_configs(None)
    });
    let answered = topics.into_iter().map(|topic| {
        let name = topic.name.clone();
        match create_one(call, topic, request.validate_only) {
            Ok(created) => CreatableTopicResult::default()
                .with_name(name)
                .with_error_message(None)
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
    });
    CreateTopicsResponse::default().with_topics(refused.chain(answered).collect())
}

/// A topic as it was made, or would have been.
struct Created {
    /// One that nobody will meet again if the topic was only checked.
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
            id: Uuid::new_v4(),
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
    let left_open = topic.num_partitions == DEFAULT && i32::from(topic.replication_factor) == DEFAULT;
    if !left_open {
        let why = "assignments, and beside them a number of partitions or replicas that is not -1";
        return Err(ApiError::new(ResponseError::InvalidRequest, why));
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
