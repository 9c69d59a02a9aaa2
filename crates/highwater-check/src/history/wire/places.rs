use std::collections::HashMap;

use crate::history::{Names, Partition};

/// Partitions by topic and number, so that names are spelled once and not for every batch.
#[derive(Debug, Default)]
pub(super) struct Places {
    topics: HashMap<Box<str>, HashMap<i32, Partition>>,
}

impl Places {
    pub(super) fn partition(&mut self, names: &mut Names, topic: &str, number: i32) -> Partition {
        if let Some(partition) = self.topics.get(topic).and_then(|topic| topic.get(&number)) {
            return *partition;
        }
        let partition = names.partition(&format!("{topic}/{number}"));
        self.topics
            .entry(topic.into())
            .or_default()
            .insert(number, partition);
        partition
    }
}
