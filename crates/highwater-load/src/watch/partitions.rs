//! Leaders, epochs and in-sync replicas of the partitions of one topic, compared with what was seen before.

use std::collections::{BTreeMap, BTreeSet};

use highwater_model::PartitionsSample;
use kafka_protocol::messages::MetadataResponse;

use super::Seen;

/// Moments that are kept: a broken cluster may change each second.
const MOST_SAMPLES: usize = 10_000;
/// Changes told of one moment; the rest is counted.
const MOST_TOLD: usize = 12;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Partition {
    leader: i32,
    epoch: i32,
    in_sync: BTreeSet<i32>,
    replicas: usize,
}

/// What was seen last.
#[derive(Debug, Default)]
pub(super) struct Partitions {
    last: BTreeMap<i32, Partition>,
}

impl Partitions {
    pub(super) fn observe(&mut self, answer: &MetadataResponse, at_ns: u64, seen: &mut Seen) {
        let topics = answer.topics.iter();
        let now: BTreeMap<i32, Partition> = topics
            .flat_map(|topic| &topic.partitions)
            .map(|found| {
                let partition = Partition {
                    leader: found.leader_id.0,
                    epoch: found.leader_epoch,
                    in_sync: found.isr_nodes.iter().map(|node| node.0).collect(),
                    replicas: found.replica_nodes.len(),
                };
                (found.partition_index, partition)
            })
            .collect();
        // A broker that has just started knows of no topics yet; that is not a change of theirs.
        if now.is_empty() || now == self.last {
            return;
        }
        let mut changes = Vec::new();
        for (index, partition) in &now {
            let Some(before) = self.last.get(index) else {
                continue;
            };
            if partition.in_sync.len() < before.in_sync.len() {
                seen.isr_shrunk += 1;
            }
            if (partition.leader, partition.epoch) != (before.leader, before.epoch) {
                seen.leader_changed += 1;
            }
            changes.extend(told(*index, before, partition));
        }
        if changes.len() > MOST_TOLD {
            let more = changes.len() - MOST_TOLD;
            changes.truncate(MOST_TOLD);
            changes.push(format!("and {more} more"));
        }
        if seen.partitions.len() < MOST_SAMPLES {
            seen.partitions.push(sample(&now, at_ns, changes));
        }
        self.last = now;
    }
}

fn sample(now: &BTreeMap<i32, Partition>, at_ns: u64, changes: Vec<String>) -> PartitionsSample {
    let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let in_sync = || now.values().map(|partition| partition.in_sync.len());
    PartitionsSample {
        at_ns,
        in_sync: small(in_sync().sum()),
        in_sync_fewest: small(in_sync().min().unwrap_or(0)),
        replicas: small(now.values().map(|partition| partition.replicas).sum()),
        leaderless: small(now.values().filter(|partition| partition.leader < 0).count()),
        changes,
    }
}

fn told(index: i32, before: &Partition, now: &Partition) -> Option<String> {
    let mut parts = Vec::new();
    let leader = |id: i32| if id < 0 { "none".to_owned() } else { id.to_string() };
    if before.leader != now.leader {
        parts.push(format!(
            "leader {} → {}",
            leader(before.leader),
            leader(now.leader)
        ));
    }
    if before.epoch != now.epoch {
        parts.push(format!("epoch {} → {}", before.epoch, now.epoch));
    }
    if before.in_sync != now.in_sync {
        let nodes = |nodes: &BTreeSet<i32>| {
            let nodes: Vec<String> = nodes.iter().map(i32::to_string).collect();
            format!("[{}]", nodes.join(" "))
        };
        parts.push(format!(
            "in sync {} → {}",
            nodes(&before.in_sync),
            nodes(&now.in_sync)
        ));
    }
    (!parts.is_empty()).then(|| format!("partition {index}: {}", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::BrokerId;
    use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};

    use super::*;

    /// Partition, leader, epoch, in-sync replicas.
    type Row = (i32, i32, i32, &'static [i32]);

    fn answer(partitions: &[Row]) -> MetadataResponse {
        let partitions = partitions.iter().map(|(index, leader, epoch, in_sync)| {
            MetadataResponsePartition::default()
                .with_partition_index(*index)
                .with_leader_id(BrokerId(*leader))
                .with_leader_epoch(*epoch)
                .with_replica_nodes(vec![BrokerId(1), BrokerId(2), BrokerId(3)])
                .with_isr_nodes(in_sync.iter().map(|node| BrokerId(*node)).collect())
        });
        MetadataResponse::default().with_topics(vec![
            MetadataResponseTopic::default().with_partitions(partitions.collect()),
        ])
    }

    #[test]
    fn only_what_differs_is_kept_and_told() {
        let (mut partitions, mut seen) = (Partitions::default(), Seen::default());
        let whole: &'static [i32] = &[1, 2, 3];
        let steps: [&[Row]; 6] = [
            &[(0, 1, 0, whole), (1, 2, 0, whole)],
            &[(0, 1, 0, whole), (1, 2, 0, whole)],
            // One died: a leader changes, both lose a replica.
            &[(0, 2, 1, &[2, 3]), (1, 2, 0, &[2, 3])],
            &[],
            &[(0, -1, 2, &[2]), (1, 2, 0, &[2, 3])],
            &[(0, 1, 3, whole), (1, 2, 0, whole)],
        ];
        for (at, step) in steps.into_iter().enumerate() {
            partitions.observe(&answer(step), at as u64, &mut seen);
        }
        assert_eq!((seen.isr_shrunk, seen.leader_changed), (3, 3));
        let kept: Vec<_> = seen
            .partitions
            .iter()
            .map(|one| (one.at_ns, one.in_sync, one.in_sync_fewest, one.leaderless))
            .collect();
        assert_eq!(kept, [(0, 6, 3, 0), (2, 4, 2, 0), (4, 3, 1, 1), (5, 6, 3, 0)]);
        assert_eq!(
            seen.partitions[1].changes,
            [
                "partition 0: leader 1 → 2, epoch 0 → 1, in sync [1 2 3] → [2 3]",
                "partition 1: in sync [1 2 3] → [2 3]",
            ]
        );
        assert!(seen.partitions[2].changes[0].contains("leader 2 → none"));
    }
}
