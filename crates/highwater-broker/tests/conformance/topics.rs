//! CreateTopics, CreatePartitions, DeleteTopics, Metadata.

use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest,
};
use uuid::Uuid;

use crate::arm::{Arm, error, poll};
use crate::ask::creatable;
use crate::batches::batch;
use crate::client::{fetch_request, text, topic};

fn assignment(partition: i32, brokers: &[i32]) -> CreatableReplicaAssignment {
    CreatableReplicaAssignment::default()
        .with_partition_index(partition)
        .with_broker_ids(brokers.iter().copied().map(BrokerId).collect())
}

impl Arm {
    fn see_create(&mut self, what: &str, wanted: Vec<CreatableTopic>, validate_only: bool) {
        let request = CreateTopicsRequest::default()
            .with_timeout_ms(10_000)
            .with_validate_only(validate_only)
            .with_topics(wanted);
        let answer = self.call(&request, 7);
        let mut seen: Vec<String> = answer
            .topics
            .iter()
            .map(|one| {
                format!(
                    "{} partitions={} replicas={} id={} message={} configs={}",
                    error(one.error_code),
                    one.num_partitions,
                    one.replication_factor,
                    !one.topic_id.is_nil(),
                    one.error_message.is_some(),
                    one.configs.as_ref().is_some_and(|configs| !configs.is_empty()),
                )
            })
            .collect();
        seen.sort();
        self.see(what, seen.join("; "));
    }

    fn see_partitions(&mut self, what: &str, wanted: Vec<CreatePartitionsTopic>, validate_only: bool) {
        let request = CreatePartitionsRequest::default()
            .with_timeout_ms(10_000)
            .with_validate_only(validate_only)
            .with_topics(wanted);
        let answer = self.call(&request, 3);
        let mut seen: Vec<String> = answer
            .results
            .iter()
            .map(|one| {
                format!(
                    "{} message={}",
                    error(one.error_code),
                    one.error_message.is_some()
                )
            })
            .collect();
        seen.sort();
        self.see(what, seen.join("; "));
    }

    fn see_delete_topic(&mut self, what: &str, wanted: Vec<DeleteTopicState>) {
        let request = DeleteTopicsRequest::default()
            .with_timeout_ms(10_000)
            .with_topics(wanted);
        let answer = self.call(&request, 6);
        let mut seen: Vec<String> = answer
            .responses
            .iter()
            .map(|one| {
                let name = one.name.as_ref().map_or("null", |name| name.0.as_str());
                format!("{} {name} id={}", error(one.error_code), !one.topic_id.is_nil())
            })
            .collect();
        seen.sort();
        self.see(what, seen.join("; "));
    }

    fn see_metadata(&mut self, what: &str, wanted: MetadataRequestTopic) {
        let request = MetadataRequest::default()
            .with_topics(Some(vec![wanted]))
            .with_allow_auto_topic_creation(false);
        let answer = self.call(&request, 12);
        let Some(one) = answer.topics.first() else {
            return self.see(what, "nothing");
        };
        let partitions: Vec<String> = one
            .partitions
            .iter()
            .map(|one| {
                format!(
                    "{} epoch={} replicas={} in sync={} offline={}",
                    error(one.error_code),
                    one.leader_epoch,
                    one.replica_nodes.len(),
                    one.isr_nodes.len(),
                    one.offline_replicas.len()
                )
            })
            .collect();
        let seen = format!(
            "{} {} id={} internal={} operations={} {partitions:?}",
            error(one.error_code),
            one.name.as_ref().map_or("null", |name| name.0.as_str()),
            !one.topic_id.is_nil(),
            one.is_internal,
            one.topic_authorized_operations,
        );
        self.see(what, seen);
    }
}

pub(crate) fn created(arm: &mut Arm) {
    let names: Vec<String> = (0..8).map(|at| arm.name(&format!("t{at}"))).collect();
    arm.see_create("plain", vec![creatable(&names[0], 2, &[])], false);
    arm.see_create("again", vec![creatable(&names[0], 2, &[])], false);
    let default = creatable(&names[1], -1, &[]).with_replication_factor(-1);
    arm.see_create("defaults", vec![default], false);
    let assigned = creatable(&names[2], -1, &[])
        .with_replication_factor(-1)
        .with_assignments(vec![assignment(0, &[1]), assignment(1, &[1])]);
    arm.see_create("assigned", vec![assigned], false);
    arm.see_create("only checked", vec![creatable(&names[3], 3, &[])], true);
    arm.see_create("checked, is there", vec![creatable(&names[0], 3, &[])], true);
    let twice = vec![creatable(&names[4], 1, &[]), creatable(&names[4], 1, &[])];
    arm.see_create("twice in one request", twice, false);
    let mixed = vec![creatable(&names[5], 1, &[]), creatable(&names[0], 1, &[])];
    arm.see_create("one good, one not", mixed, false);
    let configured = creatable(
        &names[6],
        1,
        &[("retention.ms", "1000"), ("cleanup.policy", "compact,delete")],
    );
    arm.see_create("configured", vec![configured], false);
    let dots = arm.name("a.b");
    arm.see_create("with a dot", vec![creatable(&dots, 1, &[])], false);
    arm.see_create(
        "the same with an underscore",
        vec![creatable(&dots.replace("a.b", "a_b"), 1, &[])],
        false,
    );
}

pub(crate) fn creations_refused(arm: &mut Arm) {
    let name = arm.name("t");
    for (what, bad) in [
        ("no name", ""),
        ("a dot", "."),
        ("two dots", ".."),
        ("a slash", "a/b"),
        ("a space", "a b"),
        ("250 characters", &"x".repeat(250)),
        ("an internal one", "__consumer_offsets"),
    ] {
        // The internal one may be there already.
        if bad.starts_with("__") {
            arm.coordinated(crate::ask::GROUP, "g");
        }
        arm.see_create(what, vec![creatable(bad, 1, &[])], false);
    }
    for partitions in [0, -2] {
        arm.see_create(
            &format!("{partitions} partitions"),
            vec![creatable(&name, partitions, &[])],
            false,
        );
    }
    for replicas in [0, -2, 3] {
        let wanted = creatable(&name, 1, &[]).with_replication_factor(replicas);
        arm.see_create(&format!("{replicas} replicas"), vec![wanted], false);
    }
    let assigned = |assignments: Vec<CreatableReplicaAssignment>| {
        vec![
            creatable(&name, -1, &[])
                .with_replication_factor(-1)
                .with_assignments(assignments),
        ]
    };
    arm.see_create("assigned to nobody", assigned(vec![assignment(0, &[])]), false);
    arm.see_create(
        "assigned to an unknown broker",
        assigned(vec![assignment(0, &[99])]),
        false,
    );
    arm.see_create(
        "assigned twice to one",
        assigned(vec![assignment(0, &[1, 1])]),
        false,
    );
    arm.see_create("assigned from 1", assigned(vec![assignment(1, &[1])]), false);
    arm.see_create(
        "assigned the same",
        assigned(vec![assignment(0, &[1]), assignment(0, &[1])]),
        false,
    );
    let both = creatable(&name, 2, &[]).with_assignments(vec![assignment(0, &[1])]);
    arm.see_create("a count and assignments", vec![both], false);
    for (what, setting, value) in [
        ("an unknown setting", "no.such.thing", "1"),
        ("a word for a number", "retention.ms", "long"),
        ("out of range", "max.message.bytes", "-1"),
        ("an unknown policy", "cleanup.policy", "shred"),
        ("an unknown time", "message.timestamp.type", "Whenever"),
        ("a yes", "preallocate", "yes"),
    ] {
        arm.see_create(what, vec![creatable(&name, 1, &[(setting, value)])], false);
    }
    let null = CreatableTopicConfig::default()
        .with_name(text("retention.ms"))
        .with_value(None);
    let wanted = creatable(&name, 1, &[]).with_configs(vec![null]);
    arm.see_create("a setting of null", vec![wanted], false);
}

pub(crate) fn partitions_added(arm: &mut Arm) {
    let name = arm.topic("t");
    let nowhere = arm.name("nowhere");
    let wanted = |name: &str, count: i32| {
        CreatePartitionsTopic::default()
            .with_name(topic(name))
            .with_count(count)
            .with_assignments(None)
    };
    arm.see_partitions("only checked", vec![wanted(&name, 3)], true);
    arm.see_partitions("three", vec![wanted(&name, 3)], false);
    arm.await_partitions(&name, 3);
    arm.see_partitions("three again", vec![wanted(&name, 3)], false);
    arm.see_partitions("fewer", vec![wanted(&name, 2)], false);
    arm.see_partitions("none", vec![wanted(&name, 0)], false);
    arm.see_partitions("negative", vec![wanted(&name, -1)], false);
    arm.see_partitions("unknown topic", vec![wanted(&nowhere, 3)], false);
    arm.see_partitions("twice", vec![wanted(&name, 4), wanted(&name, 5)], false);
    let assigned = |brokers: &[i32]| {
        let brokers = brokers.iter().copied().map(BrokerId).collect();
        let one = CreatePartitionsAssignment::default().with_broker_ids(brokers);
        vec![wanted(&name, 4).with_assignments(Some(vec![one]))]
    };
    arm.see_partitions("assigned to an unknown broker", assigned(&[99]), false);
    arm.see_partitions("assigned to nobody", assigned(&[]), false);
    arm.see_partitions("assigned", assigned(&[1]), false);
    let short = wanted(&name, 7).with_assignments(Some(vec![]));
    arm.see_partitions("too few assignments", vec![short], false);
    arm.await_partitions(&name, 4);
    arm.see_metadata(
        "described",
        MetadataRequestTopic::default().with_name(Some(topic(&name))),
    );
}

pub(crate) fn deleted(arm: &mut Arm) {
    let [name, other] = ["t", "other"].map(|suffix| arm.topic(suffix));
    arm.fill(&name, batch(&["a"]));
    let id = arm.topic_id(&name);
    let by_name = |name: &str| DeleteTopicState::default().with_name(Some(topic(name)));
    let by_id = |id: Uuid| DeleteTopicState::default().with_topic_id(id);
    arm.see_delete_topic("unknown name", vec![by_name(&arm.name("nowhere"))]);
    arm.see_delete_topic("unknown id", vec![by_id(Uuid::from_u128(77))]);
    arm.see_delete_topic("no name, no id", vec![by_id(Uuid::nil())]);
    arm.see_delete_topic("name and id", vec![by_name(&name).with_topic_id(id)]);
    arm.see_delete_topic("by name and by id", vec![by_name(&name), by_id(id)]);
    arm.see_delete_topic("twice", vec![by_name(&other), by_name(&other)]);
    arm.see_delete_topic("by name", vec![by_name(&name)]);
    poll("the end of the topic", || {
        (arm.fetch(&fetch_request(&name, 0, 0)).error_code != 0).then_some(())
    });
    arm.see_delete_topic("again", vec![by_name(&name)]);
    arm.see_metadata(
        "described by name",
        MetadataRequestTopic::default().with_name(Some(topic(&name))),
    );
    let wanted = MetadataRequestTopic::default().with_name(None).with_topic_id(id);
    arm.see_metadata("described by id", wanted);
    let id = arm.topic_id(&other);
    arm.see_delete_topic("by id", vec![by_id(id)]);
}

pub(crate) fn described(arm: &mut Arm) {
    let name = arm.topic_with("t", 2, &[]);
    let id = arm.topic_id(&name);
    let by_name = |name: &str| MetadataRequestTopic::default().with_name(Some(topic(name)));
    let by_id = |id: Uuid| MetadataRequestTopic::default().with_name(None).with_topic_id(id);
    arm.see_metadata("by name", by_name(&name));
    arm.see_metadata("by id", by_id(id));
    arm.see_metadata("unknown name", by_name(&arm.name("nowhere")));
    arm.see_metadata("unknown id", by_id(Uuid::from_u128(77)));
    arm.see_metadata("nil", by_id(Uuid::nil()));
    arm.see_metadata("a bad name", by_name("a/b"));
    arm.see_metadata("no name", by_name(""));
    for version in 0..=13 {
        let request = MetadataRequest::default()
            .with_topics(Some(vec![by_name(&name)]))
            .with_allow_auto_topic_creation(true);
        let answer = arm.call(&request, version);
        let seen = format!(
            "brokers={} controller={} cluster={} topics={} partitions={}",
            answer.brokers.len(),
            answer.controller_id.0,
            answer.cluster_id.is_some(),
            answer.topics.len(),
            answer.topics[0].partitions.len()
        );
        arm.see(format!("version {version}"), seen);
    }
    let none = MetadataRequest::default().with_topics(Some(vec![]));
    let answer = arm.call(&none, 12);
    arm.see("none asked for", answer.topics.len());
    let all = MetadataRequest::default().with_topics(None);
    let answer = arm.call(&all, 12);
    let mine = answer
        .topics
        .iter()
        .any(|one| one.name.as_ref().is_some_and(|one| one.0.as_str() == name));
    arm.see("all asked for", mine);
}
