//! A topic's settings: those that have an effect here, and those whose only value here is Kafka's
//! default. Anything else is refused, so that nobody relies on a setting that does nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::BrokerConfig;

/// Settings of one topic, as given and as understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TopicConfig {
    given: BTreeMap<String, String>,
}

/// Why a setting is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TopicConfigError {
    #[error("unknown topic setting '{0}', or one that the dev broker does not have yet")]
    Unknown(String),
    #[error("topic setting {name} is '{value}', the dev broker takes {expected}")]
    Value {
        name: String,
        value: String,
        expected: &'static str,
    },
}

/// Nothing is ever deleted, so that any retention is kept, only longer than asked for.
const KEPT_LONGER: [&str; 4] = [
    "retention.ms",
    "retention.bytes",
    "delete.retention.ms",
    "file.delete.delay.ms",
];

const ONE_VALUE: [(&str, &str); 5] = [
    ("cleanup.policy", "delete"),
    ("compression.type", "producer"),
    ("message.timestamp.type", "CreateTime"),
    ("min.insync.replicas", "1"),
    ("unclean.leader.election.enable", "false"),
];

impl TopicConfig {
    /// Checks settings as a CreateTopics request gives them.
    pub(crate) fn parse(given: impl IntoIterator<Item = (String, String)>) -> Result<Self, TopicConfigError> {
        let given: BTreeMap<_, _> = given.into_iter().collect();
        for (name, value) in &given {
            check(name, value)?;
        }
        Ok(Self { given })
    }

    /// The settings that were given, in order of name.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.given.get(name).and_then(|value| value.parse().ok())
    }

    /// Longest batch taken, in bytes.
    pub(crate) fn max_message_bytes(&self, broker: &BrokerConfig) -> usize {
        self.number("max.message.bytes")
            .and_then(|value| usize::try_from(value).ok())
            .unwrap_or(broker.max_message_bytes)
    }

    /// Size at which a segment is closed, in bytes.
    pub(crate) fn segment_bytes(&self, broker: &BrokerConfig) -> u64 {
        self.number("segment.bytes").unwrap_or(broker.segment_bytes)
    }
}

fn check(name: &str, value: &str) -> Result<(), TopicConfigError> {
    let refused = |expected| TopicConfigError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        expected,
    };
    let number = value.parse::<i64>();
    match name {
        "max.message.bytes" => match number {
            Ok(0..=33_554_432) => Ok(()),
            _ => Err(refused("0 to 33554432")),
        },
        "segment.bytes" => match number {
            Ok(1_048_576..=2_147_483_647) => Ok(()),
            _ => Err(refused("1048576 to 2147483647")),
        },
        _ if KEPT_LONGER.contains(&name) => number.map(|_| ()).map_err(|_| refused("a number")),
        _ => match ONE_VALUE.iter().find(|(known, _)| *known == name) {
            Some((_, only)) if *only == value => Ok(()),
            Some((_, only)) => Err(refused(only)),
            None => Err(TopicConfigError::Unknown(name.to_owned())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_take_effect_or_are_refused() {
        let cases = [
            ("max.message.bytes", "2000", true),
            ("max.message.bytes", "-1", false),
            ("segment.bytes", "12", false),
            ("retention.ms", "-1", true),
            ("retention.ms", "soon", false),
            ("cleanup.policy", "delete", true),
            ("cleanup.policy", "compact", false),
            ("min.insync.replicas", "2", false),
            ("no.such.setting", "1", false),
        ];
        for (name, value, accepted) in cases {
            let parsed = TopicConfig::parse([(name.to_owned(), value.to_owned())]);
            assert_eq!(parsed.is_ok(), accepted, "{name}={value}: {parsed:?}");
        }
    }

    #[test]
    fn the_broker_decides_what_the_topic_leaves_open() {
        let broker = BrokerConfig::new(([127, 0, 0, 1], 0).into(), "unused");
        let open = TopicConfig::default();
        assert_eq!(open.max_message_bytes(&broker), broker.max_message_bytes);
        let own = TopicConfig::parse([("max.message.bytes".to_owned(), "77".to_owned())]).expect("valid");
        assert_eq!(own.max_message_bytes(&broker), 77);
    }
}
