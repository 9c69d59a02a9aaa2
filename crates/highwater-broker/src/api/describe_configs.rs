//! DescribeConfigs: the settings of topics, and those of the broker.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use kafka_protocol::protocol::StrBytes;

use super::Call;
use super::errors::ApiError;
use crate::broker_settings::{self, BrokerSetting};
use crate::topic_config::Known;
use crate::topics::is_topic_name;

/// Kinds of resources, in the protocol's numbers.
pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

/// Where a value comes from, in the protocol's numbers.
const SET_FOR_THIS_TOPIC: i8 = 1;
const SET_AT_THE_START: i8 = 4;
const DEFAULT: i8 = 5;

/// First version that can ask for documentation, and whose answers have types.
const TYPES_VERSION: i16 = 3;

/// What the client wants to know beyond the values.
#[derive(Clone, Copy)]
struct Wanted {
    synonyms: bool,
    documentation: bool,
    types: bool,
}

pub(super) fn describe(call: &Call<'_>, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let wanted = Wanted {
        synonyms: request.include_synonyms,
        documentation: request.include_documentation,
        types: call.version >= TYPES_VERSION,
    };
    let results = request
        .resources
        .into_iter()
        .map(|resource| {
            let result = DescribeConfigsResult::default().with_resource_type(resource.resource_type);
            match describe_one(call, &resource, wanted) {
                Ok(configs) => result.with_error_message(None).with_configs(
                    configs
                        .into_iter()
                        .filter(|config| asked_for(&resource, config))
                        .collect(),
                ),
                Err(error) => result
                    .with_error_code(error.code())
                    .with_error_message(error.text()),
            }
            .with_resource_name(resource.resource_name)
        })
        .collect();
    DescribeConfigsResponse::default().with_results(results)
}

/// No names, or none at all, stand for every name.
fn asked_for(resource: &DescribeConfigsResource, config: &DescribeConfigsResourceResult) -> bool {
    match &resource.configuration_keys {
        Some(names) if !names.is_empty() => names.contains(&config.name),
        _ => true,
    }
}

fn describe_one(
    call: &Call<'_>,
    resource: &DescribeConfigsResource,
    wanted: Wanted,
) -> Result<Vec<DescribeConfigsResourceResult>, ApiError> {
    let name: &str = &resource.resource_name;
    let config = &call.cluster.config;
    match resource.resource_type {
        TOPIC if !is_topic_name(name) => Err(ApiError::new(
            ResponseError::InvalidTopicException,
            format!("'{name}' cannot be the name of a topic"),
        )),
        TOPIC => {
            let topic = call
                .cluster
                .topics
                .get(name)
                .ok_or_else(ApiError::unknown_partition)?;
            let known = topic.config.known(config).into_iter();
            Ok(known.map(|setting| of_topic(setting, wanted)).collect())
        }
        // The settings of all brokers together, which Kafka keeps apart from each one's: none were made.
        BROKER if name.is_empty() => Ok(Vec::new()),
        BROKER => {
            check_node(call, name)?;
            let known = broker_settings::known(config, call.node.id, &call.cluster.data_dir.root).into_iter();
            Ok(known.map(|setting| of_broker(setting, wanted)).collect())
        }
        CLIENT_METRICS if !name.is_empty() => Ok(Vec::new()),
        other => Err(no_settings(other)),
    }
}

/// Kafka answers for itself only, too.
pub(super) fn check_node(call: &Call<'_>, name: &str) -> Result<(), ApiError> {
    let id = call.node.id;
    if name.parse() == Ok(id) {
        return Ok(());
    }
    Err(ApiError::new(
        ResponseError::InvalidRequest,
        format!("unexpected broker id, expected {id} or an empty string, but received {name}"),
    ))
}

pub(super) fn no_settings(resource_type: i8) -> ApiError {
    let reason = match resource_type {
        BROKER_LOGGER => "the dev broker has no loggers with a level of their own",
        CLIENT_METRICS => "the dev broker takes no metrics from clients",
        GROUP => {
            "groups have settings in the newer consumer protocol only, which the dev broker does not serve"
        }
        _ => "there is no such kind of resource",
    };
    ApiError::new(ResponseError::InvalidRequest, reason)
}

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn synonym(name: String, value: String, source: i8) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym::default()
        .with_name(StrBytes::from_string(name))
        .with_value(Some(StrBytes::from_string(value)))
        .with_source(source)
}

fn of_topic(setting: Known, wanted: Wanted) -> DescribeConfigsResourceResult {
    let (source, mut synonyms) = if setting.is_set {
        let own = synonym(setting.name.to_owned(), setting.value.clone(), SET_FOR_THIS_TOPIC);
        (SET_FOR_THIS_TOPIC, vec![own])
    } else {
        (DEFAULT, Vec::new())
    };
    synonyms.push(synonym(
        broker_settings::name_of_default(setting.name),
        setting.default,
        DEFAULT,
    ));
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(setting.name))
        .with_value(Some(StrBytes::from_string(setting.value)))
        .with_read_only(setting.read_only)
        .with_config_source(source)
        .with_synonyms(if wanted.synonyms { synonyms } else { Vec::new() })
        .with_config_type(if wanted.types { setting.kind as i8 } else { 0 })
        .with_documentation(wanted.documentation.then(|| text(setting.documentation)))
}

fn of_broker(setting: BrokerSetting, wanted: Wanted) -> DescribeConfigsResourceResult {
    let source = if setting.is_set { SET_AT_THE_START } else { DEFAULT };
    let own = synonym(setting.name.to_owned(), setting.value.clone(), source);
    DescribeConfigsResourceResult::default()
        .with_name(StrBytes::from_static_str(setting.name))
        .with_value(Some(StrBytes::from_string(setting.value)))
        .with_read_only(true)
        .with_config_source(source)
        .with_synonyms(if wanted.synonyms { vec![own] } else { Vec::new() })
        .with_config_type(if wanted.types { setting.kind as i8 } else { 0 })
        .with_documentation(wanted.documentation.then(|| text(setting.documentation)))
}
