//! One group in one topic, through the client library, so that it can be asked wherever the library gets.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Offset, TopicPartitionList};

use crate::admin::Quiet;
use crate::read_back::{PartitionEnd, ends};
use crate::{LoadError, settings};

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(20);

/// One reading of a partition for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LagReading {
    /// Partition.
    pub partition: i32,
    /// The offset that the group would go on from; none if it never committed there.
    pub committed: Option<i64>,
    /// Where the partition begins and ends.
    pub end: PartitionEnd,
}

impl LagReading {
    /// Records that the group has not committed: from its offset, or from where the log begins, to the end.
    #[must_use]
    pub fn lag(&self) -> i64 {
        self.end.high_watermark - self.committed.unwrap_or(self.end.log_start)
    }
}

/// Reads what a group has committed in a topic, then where the topic ends.
///
/// # Errors
/// No broker in time, no such topic, a refusal.
pub fn group_lag(bootstrap: &str, group: &str, topic: &str) -> Result<Vec<LagReading>, LoadError> {
    // It asks as the group and never joins it.
    let client: BaseConsumer<Quiet> = settings::asker(bootstrap, "highwater-lag", "read_committed")
        .set("group.id", group)
        .create_with_context(Quiet)
        .map_err(LoadError::of_client)?;
    let mut asked = TopicPartitionList::new();
    for partition in crate::admin::partitions_of(&client, bootstrap, topic, ANSWER)? {
        asked.add_partition(topic, partition);
    }
    let failed = |source| LoadError::Topic {
        action: "reading of committed offsets",
        topic: topic.to_owned(),
        source,
    };
    let answer = client.committed_offsets(asked, ANSWER).map_err(failed)?;
    let committed: BTreeMap<i32, Option<i64>> = answer
        .elements()
        .iter()
        .map(|one| {
            let offset = match one.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            };
            (one.partition(), offset)
        })
        .collect();
    let ends = ends(bootstrap, topic, ANSWER)?;
    Ok(ends
        .into_iter()
        .map(|end| LagReading {
            partition: end.partition,
            committed: committed.get(&end.partition).copied().flatten(),
            end,
        })
        .collect())
}
