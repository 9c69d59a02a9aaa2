//! Where partitions begin, and going back there.

use std::collections::BTreeMap;
use std::time::Duration;

use super::database::DatabaseError;
use super::shell::{CALL, Shell};
use crate::offset::Resume;

/// Where a partition begins.
pub(super) struct Place {
    /// Nothing: it was never committed.
    pub(super) source: Option<Resume>,
    pub(super) retry: Resume,
    pub(super) retry_end: i64,
}

impl Shell<'_> {
    /// Asks where partitions were committed, and only then where their retry topics end: what the owner before wrote
    /// is in front of that end, since it cannot commit any more.
    pub(super) fn places(&mut self, partitions: &[i32]) -> Result<BTreeMap<i32, Place>, DatabaseError> {
        if self.sinking.is_some() {
            return self.places_of_database(partitions);
        }
        let mut source = self.reader.committed(partitions, CALL)?;
        let mut retry = self.parked.committed(partitions, CALL)?;
        let mut places = BTreeMap::new();
        for partition in partitions {
            let (low, end) = self.topography.ends(&self.facts.topics.retry, *partition)?;
            let committed = retry.remove(partition).flatten();
            places.insert(
                *partition,
                Place {
                    source: source.remove(partition).flatten(),
                    // Below the first record there is nothing to wait for.
                    retry: committed
                        .filter(|committed| committed.offset() >= low)
                        .unwrap_or_else(|| Resume::at(low)),
                    retry_end: end,
                },
            );
        }
        Ok(places)
    }

    /// What the database has counts, and nothing that Kafka has: one that is new begins at the start of the log.
    fn places_of_database(&mut self, partitions: &[i32]) -> Result<BTreeMap<i32, Place>, DatabaseError> {
        let Some(sinking) = &mut self.sinking else {
            return Ok(BTreeMap::new());
        };
        sinking.refresh()?;
        let (source_topic, retry_topic) = (&self.facts.topics.source, &self.facts.topics.retry);
        let mut places = BTreeMap::new();
        for partition in partitions {
            let (first, _) = self.topography.ends(source_topic, *partition)?;
            let (low, end) = self.topography.ends(retry_topic, *partition)?;
            let source = sinking.place(source_topic, *partition);
            let retry = sinking.place(retry_topic, *partition);
            places.insert(
                *partition,
                Place {
                    source: Some(source.unwrap_or_else(|| Resume::at(first))),
                    retry: retry
                        .filter(|retry| retry.offset() >= low)
                        .unwrap_or_else(|| Resume::at(low)),
                    retry_end: end,
                },
            );
        }
        Ok(places)
    }

    /// Starts partitions again where they were committed, as after an abort. What was fetched, and what runs, does
    /// not count any more. An error: nothing has changed, try again.
    pub(super) fn go_back(&mut self, partitions: &[i32]) -> Result<(), DatabaseError> {
        if partitions.is_empty() {
            return Ok(());
        }
        for partition in partitions {
            if let Some(part) = self.parts.get_mut(partition) {
                part.astray = true;
            }
        }
        let mut places = self.places(partitions)?;
        for (partition, place) in &mut places {
            // Never committed: back to the first record that came. None came: it is there already.
            let begin = self.parts.get(partition).and_then(|part| part.begin);
            place.source = place.source.take().or_else(|| begin.map(Resume::at));
        }
        let source = places
            .iter()
            .filter_map(|(partition, place)| Some((*partition, Some(place.source.as_ref()?.offset()))))
            .collect();
        let retry = places
            .iter()
            .map(|(partition, place)| (*partition, Some(place.retry.offset())))
            .collect();
        self.reader.seek(&source, CALL)?;
        self.parked.seek(&retry, CALL)?;
        if let Some(sinking) = &mut self.sinking {
            sinking.forget(partitions);
        }
        for (partition, place) in places {
            if let Some(part) = self.parts.get_mut(&partition) {
                part.core.rewind(
                    place.source.unwrap_or_else(Resume::fresh),
                    place.retry,
                    place.retry_end,
                );
                part.failures.clear();
                part.astray = false;
            }
        }
        Ok(())
    }

    /// Looks at where the client is in partitions whose end it told of: behind markers that are no records.
    pub(super) fn pass_ends(&mut self, now: Duration) {
        const EVERY: Duration = Duration::from_millis(20);
        if !(self.ends.source || self.ends.retry) || now.saturating_sub(self.ends.looked) < EVERY {
            return;
        }
        self.ends.looked = now;
        if std::mem::take(&mut self.ends.source) {
            for (partition, next) in self.reader.positions().unwrap_or_default() {
                if let Some(part) = self.parts.get_mut(&partition)
                    && !part.astray
                    && !part.leaving
                {
                    if next < part.core.offset() {
                        let committed = part.core.offset();
                        tracing::error!(
                            partition,
                            next,
                            committed,
                            "the log ends in front of what was read: it was cut, or the topic was made anew"
                        );
                    }
                    part.core.pass(next);
                }
            }
        }
        if std::mem::take(&mut self.ends.retry) {
            for (partition, next) in self.parked.positions().unwrap_or_default() {
                if let Some(part) = self.parts.get_mut(&partition)
                    && !part.astray
                    && !part.leaving
                {
                    part.core.pass_parked(next);
                }
            }
        }
    }
}
