//! Settings are described and changed.

use highwater_wire::Connection;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_configs_request::{
    AlterConfigsResource as WholeResource, AlterableConfig as WholeConfig,
};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::{AlterConfigsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest};

use crate::client::*;
use crate::running::{config, start, start_with};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const BROKER_LOGGER: i8 = 8;

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn describe(connection: &mut Connection, kind: i8, name: &str, keys: &[&str]) -> DescribeConfigsResult {
    let wanted = DescribeConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configuration_keys(Some(keys.iter().map(|key| text(key)).collect()));
    let request = DescribeConfigsRequest::default()
        .with_resources(vec![wanted])
        .with_include_synonyms(true)
        .with_include_documentation(true);
    let response = connection.call(&request, 4).expect("DescribeConfigs");
    response.results[0].clone()
}

fn setting(connection: &mut Connection, name: &str) -> DescribeConfigsResourceResult {
    describe(connection, TOPIC, "t", &[name]).configs[0].clone()
}

fn value(connection: &mut Connection, name: &str) -> String {
    setting(connection, name).value.expect("a value").to_string()
}

type Change<'a> = (&'a str, i8, Option<&'a str>);

fn alter(
    connection: &mut Connection,
    kind: i8,
    name: &str,
    changes: &[Change<'_>],
    validate_only: bool,
) -> Option<ResponseError> {
    let changes = changes.iter().map(|(name, operation, value)| {
        AlterableConfig::default()
            .with_name(text(name))
            .with_config_operation(*operation)
            .with_value(value.map(text))
    });
    let resource = AlterConfigsResource::default()
        .with_resource_type(kind)
        .with_resource_name(text(name))
        .with_configs(changes.collect());
    let request = IncrementalAlterConfigsRequest::default()
        .with_resources(vec![resource])
        .with_validate_only(validate_only);
    let response = connection.call(&request, 1).expect("IncrementalAlterConfigs");
    let result = &response.responses[0];
    assert_eq!(
        result.error_code == 0,
        result.error_message.is_none(),
        "{result:?}"
    );
    ResponseError::try_from_code(result.error_code)
}

fn change(connection: &mut Connection, changes: &[Change<'_>]) -> Option<ResponseError> {
    alter(connection, TOPIC, "t", changes, false)
}

#[test]
fn a_setting_is_changed_takes_effect_and_stays() {
    let dir = tempfile::tempdir().expect("dir");
    let large = "x".repeat(500);
    {
        let broker = start(dir.path());
        let mut connection = broker.connect();
        create_topic(&mut connection, "t", 1);
        let before = setting(&mut connection, "max.message.bytes");
        assert_eq!((before.value, before.config_source), (Some(text("1048588")), 5));
        assert_eq!(before.synonyms.len(), 1);
        assert!(before.documentation.is_some());
        let limit = [("max.message.bytes", SET, Some("300"))];
        assert_eq!(alter(&mut connection, TOPIC, "t", &limit, true), None);
        assert_eq!(
            value(&mut connection, "max.message.bytes"),
            "1048588",
            "only checked"
        );
        assert_eq!(change(&mut connection, &limit), None);
        let refused = produce(&mut connection, "t", 0, batch(&[&large])).error_code;
        assert_eq!(refused, ResponseError::MessageTooLarge.code());
    }
    let broker = start(dir.path());
    let mut connection = broker.connect();
    let after = setting(&mut connection, "max.message.bytes");
    assert_eq!((after.value, after.config_source), (Some(text("300")), 1));
    let names: Vec<_> = after.synonyms.iter().map(|synonym| &*synonym.name).collect();
    assert_eq!(names, ["max.message.bytes", "message.max.bytes"]);
    assert_eq!(
        change(&mut connection, &[("max.message.bytes", DELETE, None)]),
        None
    );
    assert_eq!(produce(&mut connection, "t", 0, batch(&[&large])).error_code, 0);
}

#[test]
fn lists_are_added_to_and_taken_from() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let policy = "cleanup.policy";
    assert_eq!(
        change(&mut connection, &[(policy, APPEND, Some("compact"))]),
        None
    );
    assert_eq!(value(&mut connection, policy), "delete,compact");
    assert_eq!(
        change(&mut connection, &[(policy, SUBTRACT, Some("delete"))]),
        None
    );
    assert_eq!(value(&mut connection, policy), "compact");
    let number = change(&mut connection, &[("retention.ms", APPEND, Some("1"))]);
    assert_eq!(number, Some(ResponseError::InvalidConfig));
}

#[test]
fn changes_that_make_no_sense_change_nothing() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    let cases: [(&str, &[Change<'_>], ResponseError); 6] = [
        (
            "no number",
            &[("retention.ms", SET, Some("soon"))],
            ResponseError::InvalidConfig,
        ),
        (
            "no setting",
            &[("x.y", SET, Some("1"))],
            ResponseError::InvalidConfig,
        ),
        (
            "no value",
            &[("retention.ms", SET, None)],
            ResponseError::InvalidRequest,
        ),
        (
            "no operation",
            &[("retention.ms", 9, Some("1"))],
            ResponseError::InvalidRequest,
        ),
        (
            "twice",
            &[("retention.ms", SET, Some("1")), ("retention.ms", DELETE, None)],
            ResponseError::InvalidRequest,
        ),
        (
            "one of two",
            &[
                ("retention.ms", SET, Some("1")),
                ("retention.bytes", SET, Some("much")),
            ],
            ResponseError::InvalidConfig,
        ),
    ];
    for (name, changes, expected) in cases {
        assert_eq!(change(&mut connection, changes), Some(expected), "{name}");
        assert_eq!(value(&mut connection, "retention.ms"), "604800000", "{name}");
    }
    let unset = change(&mut connection, &[("x.y", DELETE, None)]);
    assert_eq!(unset, None, "what is not there can be taken away");
    let unknown = alter(&mut connection, TOPIC, "nowhere", &[], false);
    assert_eq!(unknown, Some(ResponseError::UnknownTopicOrPartition));
    let throttle = [("leader.replication.throttled.rate", DELETE, None)];
    assert_eq!(alter(&mut connection, BROKER, "1", &throttle, false), None);
    let broker_setting = alter(&mut connection, BROKER, "1", &[("x", SET, Some("1"))], false);
    assert_eq!(broker_setting, Some(ResponseError::InvalidRequest));
}

#[test]
fn all_settings_can_be_replaced_at_once() {
    let dir = tempfile::tempdir().expect("dir");
    let broker = start(dir.path());
    let mut connection = broker.connect();
    create_topic(&mut connection, "t", 1);
    assert_eq!(
        change(&mut connection, &[("retention.ms", SET, Some("1000"))]),
        None
    );
    let config = WholeConfig::default()
        .with_name(text("segment.bytes"))
        .with_value(Some(text("2097152")));
    let resource = WholeResource::default()
        .with_resource_type(TOPIC)
        .with_resource_name(text("t"))
        .with_configs(vec![config]);
    let request = AlterConfigsRequest::default().with_resources(vec![resource]);
    let response = connection.call(&request, 2).expect("AlterConfigs");
    assert_eq!(response.responses[0].error_code, 0);
    assert_eq!(value(&mut connection, "segment.bytes"), "2097152");
    assert_eq!(value(&mut connection, "retention.ms"), "604800000");
}

#[test]
fn the_broker_shows_its_own_settings_and_keeps_them() {
    let dir = tempfile::tempdir().expect("dir");
    let mut config = config(dir.path());
    config.default_partitions = 4;
    let broker = start_with(config).expect("starts");
    let mut connection = broker.connect();
    let shown = describe(
        &mut connection,
        BROKER,
        "1",
        &["num.partitions", "group.max.size"],
    );
    let shown: Vec<_> = shown
        .configs
        .iter()
        .map(|config| {
            (
                &*config.name,
                config.value.as_deref(),
                config.config_source,
                config.read_only,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("group.max.size", Some("1000"), 5, true),
            ("num.partitions", Some("4"), 4, true)
        ]
    );
    assert!(describe(&mut connection, BROKER, "", &[]).configs.is_empty());
    for (kind, name) in [(BROKER, "7"), (BROKER_LOGGER, "1"), (0, "x")] {
        let refused = describe(&mut connection, kind, name, &[]);
        let invalid = Some(ResponseError::InvalidRequest);
        assert_eq!(
            ResponseError::try_from_code(refused.error_code),
            invalid,
            "{kind} {name}"
        );
        assert!(refused.error_message.is_some());
    }
}
