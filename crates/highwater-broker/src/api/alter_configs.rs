//! IncrementalAlterConfigs and AlterConfigs: settings of topics are changed.
//!
//! Invariant: the settings of a topic change all together or not at all, and are checked as they would
//! be afterwards.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse as IncrementalResponse;
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::describe_configs::{BROKER, TOPIC, no_settings};
use super::errors::ApiError;
use crate::topic_config::TopicConfig;

/// What to do with one setting, in the protocol's numbers.
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn invalid_request(message: impl Into<String>) -> ApiError {
    ApiError::new(ResponseError::InvalidRequest, message)
}

/// What Kafka does with a resource that is named twice: refuses every mention.
struct Repeated(BTreeSet<(i8, StrBytes)>);

impl Repeated {
    fn among(resources: impl Iterator<Item = (i8, StrBytes)>) -> Self {
        let mut seen = BTreeSet::new();
        Self(
            resources
                .filter(|resource| !seen.insert(resource.clone()))
                .collect(),
        )
    }

    fn check(&self, kind: i8, name: &StrBytes) -> Result<(), ApiError> {
        if self.0.contains(&(kind, name.clone())) {
            return Err(invalid_request("each resource must appear at most once"));
        }
        Ok(())
    }
}

/// Changes some settings and leaves the others as they are.
pub(super) fn incremental(
    call: &Call<'_>,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let named = request.resources.iter();
    let repeated =
        Repeated::among(named.map(|resource| (resource.resource_type, resource.resource_name.clone())));
    let responses = request
        .resources
        .into_iter()
        .map(|resource| {
            let altered = repeated
                .check(resource.resource_type, &resource.resource_name)
                .and_then(|()| alter(call, &resource, request.validate_only));
            let response = IncrementalResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(resource.resource_name);
            match altered {
                Ok(()) => response.with_error_message(None),
                Err(error) => response
                    .with_error_code(error.code())
                    .with_error_message(error.text()),
            }
        })
        .collect();
    IncrementalAlterConfigsResponse::default().with_responses(responses)
}

fn alter(call: &Call<'_>, resource: &AlterConfigsResource, validate_only: bool) -> Result<(), ApiError> {
    let deletes = |change: &AlterableConfig| change.config_operation == DELETE;
    if resource.resource_type == BROKER && resource.configs.iter().all(deletes) {
        // Nothing is ever set for a broker, and Kafka's tools take throttles away that are not there.
        return Ok(());
    }
    let before = current(call, resource.resource_type, &resource.resource_name)?;
    let mut names = BTreeSet::new();
    if !resource.configs.iter().all(|change| names.insert(&change.name)) {
        return Err(invalid_request("a setting is changed twice"));
    }
    let mut lists = before.clone();
    let mut after: BTreeMap<String, String> = BTreeMap::new();
    for change in &resource.configs {
        change_list(&mut lists, change)?;
    }
    after.extend(
        lists
            .given()
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    for change in &resource.configs {
        match (change.config_operation, &change.value) {
            (SET, Some(value)) => {
                after.insert(change.name.to_string(), value.to_string());
            }
            (DELETE, _) => {
                after.remove(&*change.name);
            }
            _ => {}
        }
    }
    finish(call, &resource.resource_name, after, validate_only)
}

/// Appends and subtracts; checks that everything else makes sense.
fn change_list(config: &mut TopicConfig, change: &AlterableConfig) -> Result<(), ApiError> {
    let name = &change.name;
    match (change.config_operation, &change.value) {
        (DELETE, _) | (SET, Some(_)) => Ok(()),
        (APPEND, Some(value)) => Ok(config.append(name, value)?),
        (SUBTRACT, Some(value)) => Ok(config.subtract(name, value)?),
        (SET | APPEND | SUBTRACT, None) => Err(invalid_request(format!("no value for {}", &**name))),
        (other, _) => Err(invalid_request(format!("unknown operation {other}"))),
    }
}

/// Replaces all settings.
pub(super) fn replace(call: &Call<'_>, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let named = request.resources.iter();
    let repeated =
        Repeated::among(named.map(|resource| (resource.resource_type, resource.resource_name.clone())));
    let responses = request
        .resources
        .into_iter()
        .map(|resource| {
            let name = resource.resource_name;
            let replaced = repeated
                .check(resource.resource_type, &name)
                .and_then(|()| current(call, resource.resource_type, &name))
                .and_then(|_| {
                    let given = resource.configs.into_iter().map(|config| match config.value {
                        Some(value) => Ok((config.name.to_string(), value.to_string())),
                        None => Err(invalid_request(format!("no value for {}", &*config.name))),
                    });
                    finish(
                        call,
                        &name,
                        given.collect::<Result<_, _>>()?,
                        request.validate_only,
                    )
                });
            let response = AlterConfigsResourceResponse::default()
                .with_resource_type(resource.resource_type)
                .with_resource_name(name);
            match replaced {
                Ok(()) => response.with_error_message(None),
                Err(error) => response
                    .with_error_code(error.code())
                    .with_error_message(error.text()),
            }
        })
        .collect();
    AlterConfigsResponse::default().with_responses(responses)
}

fn current(call: &Call<'_>, kind: i8, name: &str) -> Result<TopicConfig, ApiError> {
    match kind {
        TOPIC if name.is_empty() => Err(invalid_request("there are no settings of all topics")),
        TOPIC => {
            let topic = call.cluster.topics.get(name);
            let topic = topic.ok_or_else(|| {
                let message = format!("the topic '{name}' does not exist");
                ApiError::new(ResponseError::UnknownTopicOrPartition, message)
            })?;
            Ok(topic.config.clone())
        }
        BROKER => Err(invalid_request(
            "the settings of the dev broker are given when it is started; set them for a topic instead",
        )),
        other => Err(no_settings(other)),
    }
}

fn finish(
    call: &Call<'_>,
    topic: &str,
    settings: BTreeMap<String, String>,
    validate_only: bool,
) -> Result<(), ApiError> {
    let config = TopicConfig::parse(settings)?;
    if validate_only {
        return Ok(());
    }
    match call.cluster.topics.configure(topic, config)? {
        Some(_) => Ok(()),
        None => Err(ApiError::unknown_partition()),
    }
}
