//! Committed offsets, in one file of JSON lines.
//!
//! Invariant: a commit is in the file (one write(2)) before it is answered; the newest line of a group,
//! topic and partition counts. Offsets of open transactions are in the file too, with their producer id,
//! and count from the line on that says that the transaction was committed. The file is rewritten, in
//! one piece, when most of its lines are old: a few milliseconds for ten thousand lines.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::pending::Pending;
use crate::data_dir::Durability;
use crate::error::BrokerError;
use crate::line_file::LineFile;

/// Lines below which rewriting is not worth it.
const MIN_LINES_TO_REWRITE: usize = 10_000;

/// Topic and partition.
pub(crate) type OffsetKey = (String, i32);

/// A committed offset and what was committed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    group: String,
    topic: String,
    partition: i32,
    /// `None`: the offset was removed with its topic.
    #[serde(default)]
    committed: Option<Committed>,
    /// Of an open transaction of this producer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    producer_id: Option<i64>,
}

/// The end of a producer's transaction in one group.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndedLine {
    group: String,
    producer_id: i64,
    /// `true` if committed, `false` if aborted.
    ended: bool,
}

/// The newest generation that a group has given partitions out in.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GenerationLine {
    group: String,
    generation: i32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum AnyLine {
    Ended(EndedLine),
    Generation(GenerationLine),
    Offset(Line),
}

#[derive(Debug)]
pub(crate) struct Offsets {
    file: LineFile,
    by_group: BTreeMap<String, BTreeMap<OffsetKey, Committed>>,
    generations: BTreeMap<String, i32>,
    pending: Pending,
    /// What the newest commit of each partition took the place of, while somebody wants to know.
    replaced: Option<BTreeMap<(String, OffsetKey), Committed>>,
    live: usize,
}

impl Offsets {
    /// Reads the file; a line that a dying process left incomplete is cut off. On request it remembers
    /// what the newest commits took the place of.
    pub(crate) fn open(
        root: &Path,
        durability: Durability,
        keep_replaced: bool,
    ) -> Result<Self, BrokerError> {
        let mut lines: Vec<AnyLine> = Vec::new();
        let file = LineFile::open(root.join("group-offsets.jsonl"), durability, |line| {
            serde_json::from_slice(line).map(|line| lines.push(line))
        })?;
        let mut offsets = Self {
            file,
            by_group: BTreeMap::new(),
            generations: BTreeMap::new(),
            pending: Pending::default(),
            replaced: keep_replaced.then(BTreeMap::new),
            live: 0,
        };
        for line in lines {
            offsets.apply(line);
        }
        Ok(offsets)
    }

    fn apply(&mut self, line: AnyLine) {
        match line {
            AnyLine::Offset(line) => self.apply_offset(line),
            AnyLine::Generation(line) => {
                let known = self.generations.insert(line.group, line.generation);
                self.live += usize::from(known.is_none());
            }
            AnyLine::Ended(line) => {
                let offsets = self.pending.take(&line.group, line.producer_id);
                for (key, committed) in offsets.into_iter().filter(|_| line.ended) {
                    self.take_on(line.group.clone(), key, committed);
                }
            }
        }
    }

    fn take_on(&mut self, group: String, key: OffsetKey, committed: Committed) {
        let offsets = self.by_group.entry(group.clone()).or_default();
        match (offsets.insert(key.clone(), committed), &mut self.replaced) {
            (None, _) => self.live += 1,
            (Some(before), Some(replaced)) => {
                replaced.insert((group, key), before);
            }
            (Some(_), None) => {}
        }
    }

    fn apply_offset(&mut self, line: Line) {
        let key = (line.topic, line.partition);
        match (line.committed, line.producer_id) {
            (Some(committed), Some(producer_id)) => {
                self.pending.insert(line.group, producer_id, key, committed);
            }
            (Some(committed), None) => {
                self.pending.supersede(&line.group, &key);
                self.take_on(line.group, key, committed);
            }
            (None, _) => {
                self.pending.remove(&line.group, &key);
                if let Some(group) = self.by_group.get_mut(&line.group)
                    && group.remove(&key).is_some()
                {
                    self.live -= 1;
                    if group.is_empty() {
                        self.by_group.remove(&line.group);
                    }
                }
            }
        }
    }

    /// Keeps offsets of one group: in the file first, then in memory.
    pub(crate) fn commit(&mut self, group: &str, offsets: Vec<(OffsetKey, Committed)>) -> io::Result<()> {
        let lines = offsets
            .into_iter()
            .map(|((topic, partition), committed)| Line {
                group: group.to_owned(),
                topic,
                partition,
                committed: Some(committed),
                producer_id: None,
            })
            .collect();
        self.write_offsets(lines)
    }

    /// Keeps the generation that a group gives partitions out in, so that a member of it is refused by a later one also
    /// when the broker was started again in between.
    pub(crate) fn note_generation(&mut self, group: &str, generation: i32) -> io::Result<()> {
        if self.generation(group) >= generation {
            return Ok(());
        }
        self.write(vec![AnyLine::Generation(GenerationLine {
            group: group.to_owned(),
            generation,
        })])
    }

    /// The newest generation of a group; 0 if it never had one.
    pub(crate) fn generation(&self, group: &str) -> i32 {
        self.generations.get(group).copied().unwrap_or(0)
    }

    /// Keeps offsets of an open transaction.
    pub(crate) fn commit_pending(
        &mut self,
        group: &str,
        producer_id: i64,
        offsets: Vec<(OffsetKey, Committed)>,
    ) -> io::Result<()> {
        let lines = offsets
            .into_iter()
            .map(|((topic, partition), committed)| Line {
                group: group.to_owned(),
                topic,
                partition,
                committed: Some(committed),
                producer_id: Some(producer_id),
            })
            .collect();
        self.write_offsets(lines)
    }

    /// Ends a producer's transaction in those of its groups that `wanted` names.
    pub(crate) fn end_transaction(
        &mut self,
        producer_id: i64,
        ended: bool,
        wanted: impl Fn(&str) -> bool,
    ) -> io::Result<()> {
        let lines = self
            .pending
            .groups_of(producer_id)
            .into_iter()
            .filter(|group| wanted(group))
            .map(|group| {
                AnyLine::Ended(EndedLine {
                    group,
                    producer_id,
                    ended,
                })
            })
            .collect();
        self.write(lines)
    }

    /// Forgets some offsets of a group; those that are not there are no matter.
    pub(crate) fn remove(&mut self, group: &str, keys: Vec<OffsetKey>) -> io::Result<()> {
        let lines = keys
            .into_iter()
            .filter(|(topic, partition)| {
                self.get(group, topic, *partition).is_some() || self.is_pending(group, topic, *partition)
            })
            .map(|(topic, partition)| Line {
                group: group.to_owned(),
                topic,
                partition,
                committed: None,
                producer_id: None,
            })
            .collect();
        self.write_offsets(lines)
    }

    /// Every offset of every group.
    pub(super) fn all(&self) -> BTreeMap<(String, OffsetKey), Committed> {
        let groups = self.by_group.iter();
        groups
            .flat_map(|(group, offsets)| {
                let one = move |(key, committed): (&OffsetKey, &Committed)| {
                    ((group.clone(), key.clone()), committed.clone())
                };
                offsets.iter().map(one)
            })
            .collect()
    }

    /// What the newest commits took the place of, if that was asked for; it is not kept any longer.
    pub(super) fn take_replaced(&mut self) -> BTreeMap<(String, OffsetKey), Committed> {
        self.replaced.take().unwrap_or_default()
    }

    /// Puts an older commit, or none, in the place of the newest one, in memory only: for a bug switch.
    pub(super) fn forget(&mut self, group: &str, key: &OffsetKey, before: Option<Committed>) {
        let Some(offsets) = self.by_group.get_mut(group) else {
            return;
        };
        match before {
            Some(before) => {
                offsets.insert(key.clone(), before);
            }
            None => {
                if offsets.remove(key).is_some() {
                    self.live -= 1;
                }
            }
        }
        if offsets.is_empty() {
            self.by_group.remove(group);
        }
    }

    /// Every group that has offsets, in order of name.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &str> {
        self.by_group.keys().map(String::as_str)
    }

    /// Whether a group has offsets.
    pub(crate) fn has_group(&self, group: &str) -> bool {
        self.by_group.contains_key(group)
    }

    /// Whether the partition's offset may change with the end of a transaction.
    pub(crate) fn is_pending(&self, group: &str, topic: &str, partition: i32) -> bool {
        self.pending.contains(group, topic, partition)
    }

    /// Partitions of a group whose offset may change with the end of a transaction.
    pub(crate) fn pending_of_group(&self, group: &str) -> Vec<OffsetKey> {
        self.pending.of_group(group)
    }

    /// Forgets the offsets of a topic that was deleted.
    pub(crate) fn remove_topic(&mut self, topic: &str) -> io::Result<()> {
        let committed = self.by_group.iter();
        let committed = committed.flat_map(|(group, offsets)| offsets.keys().map(move |key| (group, key)));
        let pending = self.pending.all().map(|(group, _, key, _, _)| (group, key));
        let lines = committed
            .chain(pending)
            .filter(|(_, (name, _))| name == topic)
            .map(|(group, (name, partition))| Line {
                group: group.clone(),
                topic: name.clone(),
                partition: *partition,
                committed: None,
                producer_id: None,
            })
            .collect();
        self.write_offsets(lines)
    }

    fn write_offsets(&mut self, lines: Vec<Line>) -> io::Result<()> {
        self.write(lines.into_iter().map(AnyLine::Offset).collect())
    }

    fn write(&mut self, lines: Vec<AnyLine>) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for line in &lines {
            serde_json::to_writer(&mut bytes, line)?;
            bytes.push(b'\n');
        }
        self.file.append(&bytes, lines.len())?;
        for line in lines {
            self.apply(line);
        }
        // Counting what is pending takes a while, and is seldom needed.
        let is_mostly_old = |live| self.file.is_mostly_old(live, MIN_LINES_TO_REWRITE);
        if is_mostly_old(self.live)
            && is_mostly_old(self.live + self.pending.len())
            && let Err(error) = self.rewrite()
        {
            // What was asked for is in the file; only the old lines are still there too.
            tracing::warn!(%error, "could not rewrite the committed offsets");
        }
        Ok(())
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        // What a plain commit has superseded comes before that commit, the rest of it behind.
        let pending = |wanted: bool| self.pending.all().filter(move |entry| entry.4 == wanted);
        for (group, producer_id, key, committed, _) in pending(true) {
            put_line(&mut bytes, group, key, committed, Some(producer_id))?;
        }
        for (group, generation) in &self.generations {
            let line = GenerationLine {
                group: group.clone(),
                generation: *generation,
            };
            serde_json::to_writer(&mut bytes, &line)?;
            bytes.push(b'\n');
        }
        for (group, offsets) in &self.by_group {
            for (key, committed) in offsets {
                put_line(&mut bytes, group, key, committed, None)?;
            }
        }
        for (group, producer_id, key, committed, _) in pending(false) {
            put_line(&mut bytes, group, key, committed, Some(producer_id))?;
        }
        self.file.replace(&bytes, self.live + self.pending.len())
    }

    /// The offset of one partition.
    pub(crate) fn get(&self, group: &str, topic: &str, partition: i32) -> Option<&Committed> {
        self.by_group.get(group)?.get(&(topic.to_owned(), partition))
    }

    /// All offsets of a group.
    pub(crate) fn of_group(&self, group: &str) -> BTreeMap<OffsetKey, Committed> {
        self.by_group.get(group).cloned().unwrap_or_default()
    }
}

fn put_line(
    into: &mut Vec<u8>,
    group: &str,
    (topic, partition): &OffsetKey,
    committed: &Committed,
    producer_id: Option<i64>,
) -> io::Result<()> {
    let line = Line {
        group: group.to_owned(),
        topic: topic.clone(),
        partition: *partition,
        committed: Some(committed.clone()),
        producer_id,
    };
    serde_json::to_writer(&mut *into, &line)?;
    into.push(b'\n');
    Ok(())
}

#[cfg(test)]
#[path = "offsets_tests.rs"]
mod tests;
