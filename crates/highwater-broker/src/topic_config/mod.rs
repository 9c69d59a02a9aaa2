//! A topic's settings: those that have an effect here, and those whose only value here is Kafka's
//! default. Anything else is refused, so that nobody relies on a setting that does nothing.

mod settings;

use std::collections::BTreeMap;

use highwater_wire::batch::Codec;
use serde::{Deserialize, Serialize};

pub(crate) use self::settings::Kind;
use self::settings::{SETTINGS, Setting, Values};
use crate::config::BrokerConfig;
use crate::log::LogConfig;

const MAX_MESSAGE_BYTES: &str = "max.message.bytes";
const SEGMENT_BYTES: &str = "segment.bytes";

/// Settings of one topic, as given and as understood.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TopicConfig {
    given: BTreeMap<String, String>,
}

/// A setting as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    /// What it is while it is not set.
    pub(crate) default: String,
    pub(crate) is_set: bool,
    /// Only its default is taken.
    pub(crate) read_only: bool,
    pub(crate) kind: Kind,
    pub(crate) documentation: &'static str,
}

/// Why a setting is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TopicConfigError {
    #[error("unknown topic setting '{0}', or one that the dev broker does not have")]
    Unknown(String),
    #[error("topic setting {name} is '{value}', the dev broker takes {expected}")]
    Value {
        name: String,
        value: String,
        expected: String,
    },
    #[error("topic setting {0} is not a list, so nothing can be added to it or taken from it")]
    NotAList(String),
    #[error("min.compaction.lag.ms is {min}, more than max.compaction.lag.ms, which is {max}")]
    Lags { min: i64, max: i64 },
}

impl TopicConfig {
    /// Checks settings as a CreateTopics request gives them.
    pub(crate) fn parse(given: impl IntoIterator<Item = (String, String)>) -> Result<Self, TopicConfigError> {
        let mut config = Self::default();
        for (name, value) in given {
            check(&name, &value)?;
            config.given.insert(name, value);
        }
        config.check_lags()?;
        Ok(config)
    }

    /// The settings that were given, in order of name.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every setting there is, in order of name.
    pub(crate) fn known(&self, broker: &BrokerConfig) -> Vec<Known> {
        SETTINGS
            .iter()
            .map(|setting| {
                let default = match setting.name {
                    MAX_MESSAGE_BYTES => broker.max_message_bytes.to_string(),
                    SEGMENT_BYTES => broker.segment_bytes.to_string(),
                    _ => setting.default.to_owned(),
                };
                let given = self.given.get(setting.name);
                Known {
                    name: setting.name,
                    value: given.cloned().unwrap_or_else(|| default.clone()),
                    default,
                    is_set: given.is_some(),
                    read_only: matches!(setting.values, Values::Fixed(_)),
                    kind: setting.kind,
                    documentation: setting.documentation,
                }
            })
            .collect()
    }

    fn value(&self, setting: &Setting) -> &str {
        self.given
            .get(setting.name)
            .map_or(setting.default, String::as_str)
    }

    fn text(&self, name: &str) -> &str {
        settings::find(name).map_or("", |setting| self.value(setting))
    }

    /// Settings were checked when they were given, so that a number is always one.
    fn number(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(i64::MAX)
    }

    fn check_lags(&self) -> Result<(), TopicConfigError> {
        let min = self.number("min.compaction.lag.ms");
        let max = self.number("max.compaction.lag.ms");
        if min > max {
            return Err(TopicConfigError::Lags { min, max });
        }
        Ok(())
    }

    /// Longest batch taken, in bytes.
    pub(crate) fn max_message_bytes(&self, broker: &BrokerConfig) -> usize {
        self.given
            .get(MAX_MESSAGE_BYTES)
            .and_then(|value| value.parse().ok())
            .unwrap_or(broker.max_message_bytes)
    }

    /// What the logs of the topic's partitions need to know.
    pub(crate) fn log_config(&self, broker: &BrokerConfig) -> LogConfig {
        let policies = words_of(self.text("cleanup.policy"));
        let limit = |name: &str| u64::try_from(self.number(name)).ok();
        let segment_bytes = self.given.get(SEGMENT_BYTES).and_then(|value| value.parse().ok());
        LogConfig {
            segment_bytes: segment_bytes.unwrap_or(broker.segment_bytes),
            segment_ms: self.number("segment.ms"),
            delete: policies.iter().any(|policy| policy == "delete"),
            compact: policies.iter().any(|policy| policy == "compact"),
            retention_ms: limit("retention.ms"),
            retention_bytes: limit("retention.bytes"),
            delete_retention_ms: self.number("delete.retention.ms"),
            min_cleanable_dirty_ratio: self.text("min.cleanable.dirty.ratio").parse().unwrap_or(0.5),
            min_compaction_lag_ms: self.number("min.compaction.lag.ms"),
            max_compaction_lag_ms: self.number("max.compaction.lag.ms"),
            codec: match self.text("compression.type") {
                "uncompressed" => Some(Codec::None),
                "gzip" => Some(Codec::Gzip),
                "snappy" => Some(Codec::Snappy),
                "lz4" => Some(Codec::Lz4),
                "zstd" => Some(Codec::Zstd),
                _ => None,
            },
            log_append_time: self.text("message.timestamp.type") == "LogAppendTime",
            timestamp_before_max_ms: self.number("message.timestamp.before.max.ms"),
            timestamp_after_max_ms: self.number("message.timestamp.after.max.ms"),
            flush_messages: self.number("flush.messages"),
            fsync: broker.fsync,
        }
    }
}

impl TopicConfig {
    /// Sets one setting; on an error nothing changes.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), TopicConfigError> {
        check(name, value)?;
        let before = self.given.insert(name.to_owned(), value.to_owned());
        let checked = self.check_lags();
        if checked.is_err() {
            match before {
                Some(before) => self.given.insert(name.to_owned(), before),
                None => self.given.remove(name),
            };
        }
        checked
    }

    /// Adds the words of `value` to a list, at its end.
    pub(crate) fn append(&mut self, name: &str, value: &str) -> Result<(), TopicConfigError> {
        let mut words = self.list(name)?;
        for word in words_of(value) {
            if !words.contains(&word) {
                words.push(word);
            }
        }
        self.set(name, &words.join(","))
    }

    /// Takes the words of `value` out of a list.
    pub(crate) fn subtract(&mut self, name: &str, value: &str) -> Result<(), TopicConfigError> {
        let gone = words_of(value);
        let mut words = self.list(name)?;
        words.retain(|word| !gone.contains(word));
        self.set(name, &words.join(","))
    }

    fn list(&self, name: &str) -> Result<Vec<String>, TopicConfigError> {
        let setting = find(name)?;
        if setting.kind != Kind::List {
            return Err(TopicConfigError::NotAList(name.to_owned()));
        }
        Ok(words_of(self.value(setting)))
    }
}

fn find(name: &str) -> Result<&'static Setting, TopicConfigError> {
    settings::find(name).ok_or_else(|| TopicConfigError::Unknown(name.to_owned()))
}

fn words_of(value: &str) -> Vec<String> {
    let words = value.split(',').map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn check(name: &str, value: &str) -> Result<(), TopicConfigError> {
    let setting = find(name)?;
    let (accepted, expected) = match setting.values {
        Values::Number(min, max) => {
            let accepted = value
                .parse()
                .is_ok_and(|number: i64| (min..=max).contains(&number));
            (accepted, format!("{min} to {max}"))
        }
        Values::Ratio => {
            let accepted = value.parse().is_ok_and(|ratio: f64| (0.0..=1.0).contains(&ratio));
            (accepted, "0 to 1".to_owned())
        }
        Values::OneOf(words) => (words.contains(&value), words.join(" or ")),
        Values::ManyOf(words) => {
            let given = words_of(value);
            let accepted = !given.is_empty() && given.iter().all(|word| words.contains(&word.as_str()));
            (accepted, format!("any of {}", words.join(", ")))
        }
        Values::Fixed(_) => (value == setting.default, setting.default.to_owned()),
    };
    if accepted {
        return Ok(());
    }
    Err(TopicConfigError::Value {
        name: name.to_owned(),
        value: value.to_owned(),
        expected,
    })
}

#[cfg(test)]
mod tests;
