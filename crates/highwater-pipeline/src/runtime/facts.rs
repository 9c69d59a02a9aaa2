//! What the loop knows of a plan. Handler and effect are the pool's.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::partition::Config;
use crate::pipeline::Topics;
use crate::transaction::WindowLimits;

#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) name: String,
    pub(super) topics: Topics,
    pub(super) config: Config,
    pub(super) window: WindowLimits,
    pub(super) drain: Duration,
    pub(super) exactly_once: bool,
    pub(super) consumer: BTreeMap<String, String>,
    pub(super) producer: BTreeMap<String, String>,
    pub(super) letter_partitions: i32,
    pub(super) retry_partitions: i32,
}

impl Facts {
    /// The group that the places in the retry topic are committed for. It is never joined: who has a partition of
    /// the source has the one of the retry topic with the same number.
    pub(super) fn retry_group(&self) -> String {
        format!("{}-retry", self.name)
    }

    /// Settings of the reader of the retry topic.
    pub(super) fn retry_consumer(&self) -> BTreeMap<String, String> {
        let mut settings = self.consumer.clone();
        settings.remove("partition.assignment.strategy");
        settings.remove("group.instance.id");
        settings.insert("group.id".to_owned(), self.retry_group());
        settings
            .entry("client.id".to_owned())
            .and_modify(|id| id.push_str("-retry"));
        settings.insert("auto.offset.reset".to_owned(), "earliest".to_owned());
        settings
    }

    /// After this time a broker may end a transaction by itself.
    pub(super) fn transaction_timeout(&self) -> Duration {
        let told = self.producer.get("transaction.timeout.ms");
        Duration::from_millis(told.and_then(|told| told.parse().ok()).unwrap_or(60_000))
    }
}
