//! Waiting for an event on the wire: the n-th request or answer in a scope.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::api_set::ApiSet;
use crate::rule::scope::{Matcher, Seen};
use crate::rule::spec::{RuleError, Watch};

/// Counts what is waited for.
#[derive(Debug)]
pub(crate) struct Watching {
    matcher: Matcher,
    nth: u64,
    answered: bool,
    count: AtomicU64,
    changed: Notify,
}

impl Watching {
    pub(crate) fn new(watch: &Watch, key: &str) -> Result<Self, RuleError> {
        if watch.scope.apis.is_empty() {
            return Err(RuleError::new(
                key,
                format!("`{key}` needs an `api`"),
                format!("e.g. {key} = {{ api = \"Produce\", nth = 1 }}"),
            ));
        }
        Ok(Self {
            matcher: Matcher::new(&watch.scope, ApiSet::default(), &format!("{key}.api"))?,
            nth: watch.nth.max(1),
            answered: watch.answered,
            count: AtomicU64::new(0),
            changed: Notify::new(),
        })
    }

    /// The APIs whose requests (or answers) it looks at.
    pub(crate) fn apis(&self, answered: bool) -> ApiSet {
        if self.answered == answered {
            self.matcher.apis
        } else {
            ApiSet::default()
        }
    }

    pub(crate) fn look(&self, seen: &Seen<'_>, answered: bool) {
        if self.answered == answered && self.matcher.matches(seen) {
            self.count.fetch_add(1, Ordering::Relaxed);
            self.changed.notify_waiters();
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Whether the event happened.
    pub(crate) fn happened(&self) -> bool {
        self.count() >= self.nth
    }

    /// Waits until the event has happened counted from `since`.
    pub(crate) async fn happens_after(&self, since: u64) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.count() >= since + self.nth {
                return;
            }
            changed.await;
        }
    }
}
