//! DescribeConfigs, AlterConfigs, IncrementalAlterConfigs.

use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, IncrementalAlterConfigsRequest, alter_configs_request,
    incremental_alter_configs_request,
};
use kafka_protocol::protocol::StrBytes;

use crate::arm::{Arm, error, poll};
use crate::ask::nullable;
use crate::batches::batch;
use crate::client::text;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

impl Arm {
    fn configs(&mut self, kind: i8, name: &str, keys: Option<&[&str]>) -> (String, Vec<String>) {
        let keys: Option<Vec<StrBytes>> = keys.map(|keys| keys.iter().map(|key| text(key)).collect());
        let resource = DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(keys);
        let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
        let answer = self.call(&request, 4);
        let mut seen: Vec<String> = answer.results[0]
            .configs
            .iter()
            .map(|one| {
                format!(
                    "{}={} source={} type={} read only={} sensitive={}",
                    one.name,
                    nullable(one.value.as_ref()),
                    one.config_source,
                    one.config_type,
                    one.read_only,
                    one.is_sensitive
                )
            })
            .collect();
        seen.sort();
        (error(answer.results[0].error_code), seen)
    }

    fn see_configs(&mut self, what: &str, kind: i8, name: &str, keys: &[&str]) {
        let (code, seen) = self.configs(kind, name, Some(keys));
        self.see(what, format!("{code} {seen:?}"));
    }

    fn alter(&mut self, name: &str, changes: &[(i8, &str, Option<&str>)], validate_only: bool) -> String {
        self.alter_resource(TOPIC, name, changes, validate_only)
    }

    fn alter_resource(
        &mut self,
        kind: i8,
        name: &str,
        changes: &[(i8, &str, Option<&str>)],
        validate_only: bool,
    ) -> String {
        use incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
        let changes = changes.iter().map(|(operation, key, value)| {
            AlterableConfig::default()
                .with_config_operation(*operation)
                .with_name(text(key))
                .with_value(value.map(text))
        });
        let resource = AlterConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configs(changes.collect());
        let request = IncrementalAlterConfigsRequest::default()
            .with_validate_only(validate_only)
            .with_resources(vec![resource]);
        let answer = self.call(&request, 1);
        let one = &answer.responses[0];
        format!(
            "{} message={}",
            error(one.error_code),
            one.error_message.is_some()
        )
    }

    fn see_alter(&mut self, what: &str, name: &str, changes: &[(i8, &str, Option<&str>)]) {
        let seen = self.alter(name, changes, false);
        self.see(what, seen);
    }

    /// Waits until what was altered has reached the broker.
    fn await_config(&mut self, name: &str, key: &str, value: &str) {
        let wanted = format!("{key}=\"{value}\"");
        poll(key, || {
            let (_, seen) = self.configs(TOPIC, name, Some(&[key]));
            seen[0].starts_with(&wanted).then_some(())
        });
    }
}

pub(crate) fn described(arm: &mut Arm) {
    let name = arm.topic_with("t", 1, &[("retention.ms", "86400000")]);
    arm.see_configs("two", TOPIC, &name, &["retention.ms", "cleanup.policy"]);
    arm.see_configs("unknown setting", TOPIC, &name, &["no.such.thing"]);
    let (code, all) = arm.configs(TOPIC, &name, Some(&[]));
    arm.see("no setting", format!("{code} {}", all.len() > 10));
    for one in [
        "max.message.bytes",
        "message.timestamp.type",
        "min.insync.replicas",
        "segment.bytes",
        "retention.bytes",
        "compression.type",
        "delete.retention.ms",
        "min.cleanable.dirty.ratio",
        "message.timestamp.after.max.ms",
    ] {
        arm.see_configs(one, TOPIC, &name, &[one]);
    }
    let nowhere = arm.name("nowhere");
    arm.see_configs("unknown topic", TOPIC, &nowhere, &["retention.ms"]);
    arm.see_configs("a bad name", TOPIC, "a/b", &["retention.ms"]);
    arm.see_configs("an unknown broker", BROKER, "99", &["log.retention.ms"]);
    arm.see_configs("a broker that is no number", BROKER, "x", &["log.retention.ms"]);
    arm.see_configs("an unknown kind", 77, "x", &["a"]);
    let (code, all) = arm.configs(TOPIC, &name, None);
    arm.see("all", format!("{code} {}", all.len() > 10));
    let (code, all) = arm.configs(BROKER, "1", None);
    arm.see("all of the broker", format!("{code} {}", !all.is_empty()));
}

pub(crate) fn altered(arm: &mut Arm) {
    let name = arm.topic("t");
    arm.see_alter("set", &name, &[(SET, "retention.ms", Some("1000000"))]);
    arm.await_config(&name, "retention.ms", "1000000");
    arm.see_configs("after set", TOPIC, &name, &["retention.ms"]);
    let seen = arm.alter(&name, &[(SET, "retention.ms", Some("5"))], true);
    arm.see("only checked", seen);
    arm.see_configs("after the check", TOPIC, &name, &["retention.ms"]);
    arm.see_alter("delete", &name, &[(DELETE, "retention.ms", None)]);
    arm.await_config(&name, "retention.ms", "604800000");
    arm.see_configs("after delete", TOPIC, &name, &["retention.ms"]);
    arm.see_alter("append", &name, &[(APPEND, "cleanup.policy", Some("compact"))]);
    arm.await_config(&name, "cleanup.policy", "delete,compact");
    arm.see_configs("after append", TOPIC, &name, &["cleanup.policy"]);
    arm.see_alter("subtract", &name, &[(SUBTRACT, "cleanup.policy", Some("delete"))]);
    arm.await_config(&name, "cleanup.policy", "compact");
    arm.see_configs("after subtract", TOPIC, &name, &["cleanup.policy"]);
    arm.see_produce("it is compacted now", &name, batch(&["no key"]));
    arm.see_alter(
        "a smaller limit",
        &name,
        &[(SET, "max.message.bytes", Some("40"))],
    );
    arm.await_config(&name, "max.message.bytes", "40");
    arm.see_produce("too large now", &name, batch(&["something longer"]));
}

pub(crate) fn alterations_refused(arm: &mut Arm) {
    let name = arm.topic("t");
    let nowhere = arm.name("nowhere");
    for (what, change) in [
        ("unknown setting", (SET, "no.such.thing", Some("1"))),
        ("a word for a number", (SET, "retention.ms", Some("long"))),
        ("out of range", (SET, "segment.bytes", Some("1"))),
        ("a value of null", (SET, "retention.ms", None)),
        ("an unknown policy", (SET, "cleanup.policy", Some("shred"))),
        ("append to a number", (APPEND, "retention.ms", Some("1"))),
        ("append what is there", (APPEND, "cleanup.policy", Some("delete"))),
        (
            "subtract what is not there",
            (SUBTRACT, "cleanup.policy", Some("compact")),
        ),
        ("delete what was not set", (DELETE, "retention.ms", None)),
        ("an unknown operation", (9, "retention.ms", Some("1"))),
    ] {
        arm.see_alter(what, &name, &[change]);
    }
    let twice = [
        (SET, "retention.ms", Some("1000000")),
        (SET, "retention.ms", Some("2000000")),
    ];
    arm.see_alter("a setting twice", &name, &twice);
    let half = [
        (SET, "retention.ms", Some("1000000")),
        (SET, "no.such.thing", Some("2")),
    ];
    arm.see_alter("one good, one not", &name, &half);
    arm.see_configs("nothing of it", TOPIC, &name, &["retention.ms"]);
    arm.see_alter("unknown topic", &nowhere, &[(SET, "retention.ms", Some("1"))]);
    arm.see_alter("no topic", "", &[(SET, "retention.ms", Some("1"))]);
    let seen = arm.alter_resource(77, "x", &[(SET, "a", Some("1"))], false);
    arm.see("an unknown kind", seen);
    let seen = arm.alter_resource(BROKER, "99", &[(SET, "log.retention.ms", Some("1"))], false);
    arm.see("an unknown broker", seen);
}

pub(crate) fn replaced_in_the_old_way(arm: &mut Arm) {
    use alter_configs_request::{AlterConfigsResource, AlterableConfig};
    let name = arm.topic_with(
        "t",
        1,
        &[("retention.ms", "1000000"), ("segment.bytes", "2000000")],
    );
    let mut replace = |what: &str, settings: &[(&str, &str)], validate_only: bool| {
        let settings = settings.iter().map(|(key, value)| {
            AlterableConfig::default()
                .with_name(text(key))
                .with_value(Some(text(value)))
        });
        let resource = AlterConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(text(&name))
            .with_configs(settings.collect());
        let request = AlterConfigsRequest::default()
            .with_validate_only(validate_only)
            .with_resources(vec![resource]);
        let answer = arm.call(&request, 2);
        arm.see(what, error(answer.responses[0].error_code));
    };
    replace("only checked", &[("segment.bytes", "3000000")], true);
    replace("unknown", &[("no.such.thing", "1")], false);
    replace("one of two", &[("segment.bytes", "4000000")], false);
    arm.await_config(&name, "segment.bytes", "4000000");
    arm.see_configs("after it", TOPIC, &name, &["retention.ms", "segment.bytes"]);
}
