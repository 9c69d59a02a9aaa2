//! The broker's settings under the names that Kafka gives them, to be looked at.
//!
//! Invariant: what is listed is what is used; a setting of Kafka's that is missing here has no meaning
//! for the dev broker.

use std::path::Path;

use crate::config::BrokerConfig;
use crate::coordination::Coordination;
use crate::topic_config::Kind;

/// A setting of the broker as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BrokerSetting {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// Whether it was given when the broker was started.
    pub(crate) is_set: bool,
    pub(crate) kind: Kind,
    pub(crate) documentation: &'static str,
}

/// Every setting, in order of name.
pub(crate) fn known(config: &BrokerConfig, node: i32, root: &Path) -> Vec<BrokerSetting> {
    let default = BrokerConfig::new(config.listen, root);
    let setting = |name, kind, value: &dyn ToString, usual: &dyn ToString, documentation| {
        let (value, usual) = (value.to_string(), usual.to_string());
        BrokerSetting {
            name,
            is_set: value != usual,
            value,
            kind,
            documentation,
        }
    };
    let delay = |config: &BrokerConfig| config.group_initial_rebalance_delay.as_millis();
    let session = |config: &BrokerConfig| config.min_session_timeout.as_millis();
    let coordination = Coordination::PARTITIONS;
    vec![
        setting(
            "auto.create.topics.enable",
            Kind::Boolean,
            &config.auto_create_topics,
            &default.auto_create_topics,
            "Whether asking for a topic makes it",
        ),
        setting(
            "group.initial.rebalance.delay.ms",
            Kind::Int,
            &delay(config),
            &delay(&default),
            "How long an empty group waits for more members after its first",
        ),
        setting(
            "group.max.size",
            Kind::Int,
            &config.group_max_size,
            &default.group_max_size,
            "Members of one group at most",
        ),
        setting(
            "group.min.session.timeout.ms",
            Kind::Int,
            &session(config),
            &session(&default),
            "Shortest session timeout that a member may ask for",
        ),
        setting(
            "log.dirs",
            Kind::String,
            &root.display(),
            &"",
            "The data directory",
        ),
        setting(
            "log.segment.bytes",
            Kind::Int,
            &config.segment_bytes,
            &default.segment_bytes,
            "Size at which a new segment begins",
        ),
        setting(
            "message.max.bytes",
            Kind::Int,
            &config.max_message_bytes,
            &default.max_message_bytes,
            "Largest record batch taken",
        ),
        setting("node.id", Kind::Int, &node, &"", "The id of this node"),
        setting(
            "num.partitions",
            Kind::Int,
            &config.default_partitions,
            &default.default_partitions,
            "Partitions of a topic whose creator does not say",
        ),
        setting(
            "offsets.topic.num.partitions",
            Kind::Int,
            &coordination,
            &coordination,
            "Partitions that the coordination of groups is spread over",
        ),
        setting(
            "transaction.partition.verification.enable",
            Kind::Boolean,
            &config.transaction_partition_verification,
            &default.transaction_partition_verification,
            "Whether a transactional batch is taken only if its partition is in an open transaction",
        ),
        setting(
            "transaction.state.log.num.partitions",
            Kind::Int,
            &coordination,
            &coordination,
            "Partitions that the coordination of transactions is spread over",
        ),
    ]
}

/// What Kafka calls the broker's default of a topic's setting.
pub(crate) fn name_of_default(topic_setting: &str) -> String {
    let special = match topic_setting {
        "max.message.bytes" => "message.max.bytes",
        "segment.ms" => "log.roll.ms",
        "segment.jitter.ms" => "log.roll.jitter.ms",
        "flush.messages" => "log.flush.interval.messages",
        "flush.ms" => "log.flush.interval.ms",
        "file.delete.delay.ms" => "log.segment.delete.delay.ms",
        "delete.retention.ms" => "log.cleaner.delete.retention.ms",
        "min.compaction.lag.ms" => "log.cleaner.min.compaction.lag.ms",
        "max.compaction.lag.ms" => "log.cleaner.max.compaction.lag.ms",
        "min.cleanable.dirty.ratio" => "log.cleaner.min.cleanable.ratio",
        "compression.type" | "min.insync.replicas" | "unclean.leader.election.enable" => topic_setting,
        _ => return format!("log.{topic_setting}"),
    };
    special.to_owned()
}
