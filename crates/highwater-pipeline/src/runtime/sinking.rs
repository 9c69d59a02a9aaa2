//! Rows and places into a database, in one transaction of it.
//!
//! Invariant: what the database has as a place is what counts. After an error it is read again, and every partition
//! starts there; the commit to Kafka follows, for those who look at lag.

use std::collections::BTreeMap;
use std::time::Duration;

use super::database::{AnyRow, DatabaseError, Place, Sink, Step, WriteError};
use super::pool::Job;
use super::shell::Shell;
use crate::offset::{CommitPoint, Resume};
use crate::pipeline::Failure;

/// A database that failed is left alone for so long.
const PAUSE: Duration = Duration::from_secs(1);
/// Places move at least this often, also without rows.
const IDLE: Duration = Duration::from_secs(1);

/// The database, and what waits for its next transaction.
pub(super) struct Sinking<'a> {
    sink: Box<dyn Sink + 'a>,
    waiting: Vec<Row>,
    stored: BTreeMap<(String, i32), Place>,
    last: Duration,
    /// For Kafka: what the database has already.
    told: BTreeMap<i32, CommitPoint>,
    telling: bool,
}

/// A row, and the record and assignment that it is of. Its record is done as far as its lane is concerned.
struct Row {
    partition: i32,
    assignment: u64,
    offset: i64,
    row: AnyRow,
}

impl<'a> Sinking<'a> {
    pub(super) fn new(sink: Box<dyn Sink + 'a>) -> Self {
        Self {
            sink,
            waiting: Vec::new(),
            stored: BTreeMap::new(),
            last: Duration::ZERO,
            told: BTreeMap::new(),
            telling: false,
        }
    }

    /// Whether rows wait.
    pub(super) fn is_busy(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Rows of partitions that were gone back in come again.
    pub(super) fn forget(&mut self, partitions: &[i32]) {
        self.waiting.retain(|row| !partitions.contains(&row.partition));
    }

    /// Reads all places again.
    pub(super) fn refresh(&mut self) -> Result<(), DatabaseError> {
        self.stored = self
            .sink
            .places()?
            .into_iter()
            .map(|place| ((place.topic.clone(), place.partition), place))
            .collect();
        Ok(())
    }

    /// Where a partition goes on; nothing: the database has never seen it.
    pub(super) fn place(&self, topic: &str, partition: i32) -> Option<Resume> {
        let place = self.stored.get(&(topic.to_owned(), partition))?;
        let (resume, odd) = Resume::committed(place.offset, &place.metadata);
        if let Some(odd) = odd.filter(|_| !place.metadata.is_empty()) {
            tracing::warn!(topic, partition, "{odd}");
        }
        Some(resume)
    }
}

impl Shell<'_> {
    /// Writes what waits, when it is time.
    pub(super) fn sink(&mut self, now: Duration) {
        let Some(sinking) = &mut self.sinking else { return };
        let since = now.saturating_sub(sinking.last);
        let limits = self.facts.window;
        let over = sinking.is_busy() && since >= limits.open;
        if over || since >= IDLE {
            self.write_rows(now);
        }
        self.tell_kafka();
    }

    /// A row goes into the next transaction, together with the completion of its record: the next one of its key runs.
    pub(super) fn put_row(&mut self, job: Job, row: AnyRow, now: Duration) {
        let (partition, assignment, offset) = (job.partition, job.assignment, job.work.offset);
        self.done(job, now);
        let Some(sinking) = &mut self.sinking else { return };
        sinking.waiting.push(Row {
            partition,
            assignment,
            offset,
            row,
        });
        if sinking.waiting.len() >= self.facts.window.records.max(1) {
            self.write_rows(now);
        }
    }

    /// One transaction. False: it did not happen, or nobody knows; every partition goes back.
    pub(super) fn write_rows(&mut self, now: Duration) -> bool {
        let Some(sinking) = &mut self.sinking else {
            return true;
        };
        sinking.last = now;
        let (mut rows, mut whose) = (Vec::new(), Vec::new());
        for waiting in std::mem::take(&mut sinking.waiting) {
            let part = self.parts.get(&waiting.partition);
            if part.is_some_and(|part| part.id == waiting.assignment && !part.astray) {
                whose.push((waiting.partition, waiting.offset));
                rows.push(waiting.row);
            } else {
                self.numbers.stale += 1;
            }
        }
        let mut steps = Vec::new();
        let (mut points, mut left_out) = (BTreeMap::new(), 0);
        let Some(sinking) = &mut self.sinking else {
            return true;
        };
        for (partition, part) in self.parts.iter_mut().filter(|(_, part)| !part.astray) {
            let commit = part.core.take_commit();
            let both = [
                (&self.facts.topics.source, &commit.source),
                (&self.facts.topics.retry, &commit.retry),
            ];
            for (topic, point) in both {
                let Some(point) = point else { continue };
                left_out += point.left_out;
                steps.push(Step {
                    before: sinking.stored.get(&(topic.clone(), *partition)).cloned(),
                    after: Place {
                        topic: topic.clone(),
                        partition: *partition,
                        offset: point.offset,
                        metadata: point.metadata.clone(),
                    },
                });
            }
            points.extend(commit.source.map(|point| (*partition, point)));
        }
        if steps.is_empty() && rows.is_empty() {
            return true;
        }
        let written = if left_out > 0 {
            Err(WriteError::Database(
                "completions did not fit into the place".into(),
            ))
        } else {
            sinking.sink.write(rows, &steps)
        };
        match written {
            Ok(()) => {
                for Step { after, .. } in steps {
                    sinking
                        .stored
                        .insert((after.topic.clone(), after.partition), after);
                }
                sinking.told.append(&mut points);
                self.numbers.commits += 1;
                true
            }
            Err(error) => {
                self.numbers.failed_commits += 1;
                self.not_written(error, &whose, now);
                false
            }
        }
    }

    fn not_written(&mut self, error: WriteError, whose: &[(i32, i64)], now: Duration) {
        match error {
            WriteError::Row { index, source } => {
                tracing::warn!(index, %source, "a row is refused");
                if let Some((partition, offset)) = whose.get(index)
                    && let Some(part) = self.parts.get_mut(partition)
                {
                    part.doomed.insert(*offset, Failure::poison(source));
                }
            }
            WriteError::Database(source) => {
                tracing::warn!(%source, "rows not written");
                self.back_not_before = now + PAUSE;
            }
        }
        for part in self.parts.values_mut() {
            part.astray = true;
        }
    }

    fn tell_kafka(&mut self) {
        let Some(sinking) = &mut self.sinking else { return };
        for result in self.reader.commits() {
            sinking.telling = false;
            if let Err(error) = result {
                tracing::warn!(%error, "offsets not committed; the database has them");
            }
        }
        if !sinking.telling && !sinking.told.is_empty() {
            sinking.telling = self.reader.commit(&std::mem::take(&mut sinking.told)).is_ok();
        }
    }
}
