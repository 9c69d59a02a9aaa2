//! Commits without transactions: one on its way at a time, and the next when it was answered.

use std::collections::BTreeMap;
use std::time::Duration;

use super::shell::Shell;
use crate::offset::CommitPoint;

/// The pause between two commits.
const EVERY: Duration = Duration::from_millis(100);
/// A commit that is not answered within this time is made again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The commit that is on its way.
#[derive(Debug, Default)]
pub(super) struct Committing {
    since: Option<Duration>,
    source: Vec<i32>,
    retry: Vec<i32>,
    /// Answers that are still to come: of the source's group, and of the retry topic's.
    awaited: (bool, bool),
    last: Duration,
}

impl Shell<'_> {
    /// Commits what may be, when its time has come.
    pub(super) fn commits(&mut self, now: Duration) {
        if self.windows.is_some() || self.sinking.is_some() {
            return;
        }
        self.commit_answers(now);
        if self.committing.since.is_none()
            && self.leaving.is_none()
            && now.saturating_sub(self.committing.last) >= EVERY
        {
            self.commit_now(now, None);
        }
    }

    /// Commits these partitions, or all. False: there is nothing to commit.
    pub(super) fn commit_now(&mut self, now: Duration, only: Option<&[i32]>) -> bool {
        self.committing.last = now;
        let (mut source, mut retry) = (BTreeMap::<i32, CommitPoint>::new(), BTreeMap::new());
        for (partition, part) in &mut self.parts {
            if part.astray || only.is_some_and(|only| !only.contains(partition)) {
                continue;
            }
            let commit = part.core.take_commit();
            source.extend(commit.source.map(|point| (*partition, point)));
            retry.extend(commit.retry.map(|point| (*partition, point)));
        }
        if source.is_empty() && retry.is_empty() {
            return false;
        }
        self.committing.since = Some(now);
        self.committing.source = source.keys().copied().collect();
        self.committing.retry = retry.keys().copied().collect();
        self.committing.awaited = (!source.is_empty(), !retry.is_empty());
        let sent = if source.is_empty() {
            Ok(())
        } else {
            self.reader.commit(&source)
        };
        let sent = sent.and_then(|()| {
            if retry.is_empty() {
                Ok(())
            } else {
                self.parked.commit(&retry)
            }
        });
        if let Err(error) = sent {
            tracing::warn!(%error, "offsets not committed");
            self.commit_ended(false, now);
        }
        true
    }

    /// Whether a commit is on its way.
    pub(super) fn is_committing(&self) -> bool {
        self.committing.since.is_some()
    }

    pub(super) fn commit_answers(&mut self, now: Duration) {
        let (source, retry) = (self.reader.commits(), self.parked.commits());
        let Some(since) = self.committing.since else {
            return;
        };
        let mut failed = None;
        if let Some(result) = source.into_iter().next_back() {
            self.committing.awaited.0 = false;
            failed = result.err();
        }
        if let Some(result) = retry.into_iter().next_back() {
            self.committing.awaited.1 = false;
            failed = result.err().or(failed);
        }
        if let Some(error) = failed {
            tracing::warn!(%error, "offsets not committed");
            self.commit_ended(false, now);
        } else if self.committing.awaited == (false, false) {
            self.commit_ended(true, now);
        } else if now.saturating_sub(since) > PATIENCE {
            tracing::warn!("no answer to a commit of offsets");
            self.commit_ended(false, now);
        }
    }

    fn commit_ended(&mut self, well: bool, now: Duration) {
        self.committing.since = None;
        if well {
            self.numbers.commits += 1;
            return;
        }
        self.numbers.failed_commits += 1;
        let both = self.committing.source.iter().chain(&self.committing.retry);
        for partition in both {
            if let Some(part) = self.parts.get_mut(partition) {
                part.core.commit_failed();
            }
        }
        if let Some(leaving) = &mut self.leaving {
            leaving.departure.failed(now);
        }
    }
}
