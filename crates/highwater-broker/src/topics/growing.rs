//! More partitions for a topic that is there.
//!
//! Invariant: the directories are there before the topic's file says so, and the file says so before
//! anybody sees the partitions; a death in between leaves directories that are moved aside when the
//! topic grows again.

use std::fs;
use std::sync::{Arc, PoisonError};

use super::{MAX_PARTITIONS, Topic, TopicError, TopicFile, Topics};
use crate::data_dir::{create_dir, read_json, write_json};
use crate::lock::LockExt;

/// Files with records; the others beside them are indexes.
const SEGMENT_EXTENSION: &str = "log";

impl Topics {
    /// Makes `count` partitions of those that are there, with these replicas or dealt round robin;
    /// `Ok(false)` when there is no such topic.
    pub(crate) fn grow(
        &self,
        name: &str,
        count: i32,
        replicas: Option<Vec<Vec<i32>>>,
        validate_only: bool,
    ) -> Result<bool, TopicError> {
        let _changing = self.changing.guard();
        let Some(topic) = self.get(name) else {
            return Ok(false);
        };
        let replicas = self.check_growth(&topic, count, replicas)?;
        let path = self.file_of(name);
        let file = read_json::<TopicFile>(&path)?;
        let Some(mut file) = file.filter(|_| !validate_only) else {
            return Ok(true);
        };
        for turn in file.placements.len()..topic.partitions.len() {
            file.placements.push(self.roster.found(self.roster.deal(turn, 1)));
        }
        for (partition, replicas) in (file.partitions..).zip(replicas) {
            let dir = self.partition_dir(name, partition);
            self.move_orphan_aside(&dir)?;
            create_dir(&dir)?;
            file.placements.push(self.roster.found(replicas));
        }
        file.partitions = count;
        write_json(&path, &file, self.durability())?;
        let mut partitions = topic.partitions.clone();
        for turn in topic.partitions.len()..file.placements.len() {
            partitions.push(self.open_partition(&topic.name, turn, &file, &[])?);
        }
        let grown = Arc::new(Topic {
            name: Arc::clone(&topic.name),
            id: topic.id,
            config: topic.config.clone(),
            partitions,
        });
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        tables.partitions += grown.partitions.len() - topic.partitions.len();
        tables.by_name.insert(Arc::clone(&grown.name), Arc::clone(&grown));
        tables.by_id.insert(grown.id, grown);
        Ok(true)
    }

    /// Gives the replicas of the new partitions.
    fn check_growth(
        &self,
        topic: &Topic,
        count: i32,
        replicas: Option<Vec<Vec<i32>>>,
    ) -> Result<Vec<Vec<i32>>, TopicError> {
        let before = topic.partitions.len();
        let wanted = usize::try_from(count).unwrap_or(0);
        if wanted <= before {
            return Err(TopicError::NoGrowth {
                topic: topic.name.to_string(),
                before,
                wanted: count,
            });
        }
        let more = wanted - before;
        if self.tables().partitions.saturating_add(more) > MAX_PARTITIONS {
            return Err(TopicError::Partitions(i64::from(count)));
        }
        let factor = topic
            .partitions
            .first()
            .map_or(1, |first| first.leadership().replicas.len());
        let Some(replicas) = replicas else {
            let factor = i16::try_from(factor).unwrap_or(1);
            return Ok((before..wanted)
                .map(|turn| self.roster.deal(turn, factor))
                .collect());
        };
        if replicas.len() != more {
            return Err(TopicError::Assignments(format!(
                "{more} more partitions and replicas for {}",
                replicas.len()
            )));
        }
        for list in &replicas {
            self.roster
                .check_replicas(list)
                .map_err(|error| TopicError::Assignments(error.to_string()))?;
            if list.len() != factor {
                return Err(TopicError::Assignments(format!(
                    "{} replicas, the other partitions have {factor}",
                    list.len()
                )));
            }
        }
        Ok(replicas)
    }

    /// Bytes of a partition's segment files. Files that go away meanwhile count as nothing.
    pub(crate) fn size_on_disk(&self, name: &str, partition: i32) -> u64 {
        let Ok(entries) = fs::read_dir(self.partition_dir(name, partition)) else {
            return 0;
        };
        entries
            .filter_map(Result::ok)
            .filter(|entry| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|found| found == SEGMENT_EXTENSION)
            })
            .filter_map(|entry| entry.metadata().ok())
            .map(|metadata| metadata.len())
            .sum()
    }
}
