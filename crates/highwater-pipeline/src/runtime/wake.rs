//! Waking the loop: anybody may, and a waking that comes while it works is not lost.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Clone, Default)]
pub(super) struct Wake(Arc<(Mutex<bool>, Condvar)>);

impl Wake {
    /// There is something to do.
    pub(super) fn now(&self) {
        let (asked, changed) = &*self.0;
        *asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_one();
    }

    /// Waits until somebody wakes, at most that long.
    pub(super) fn wait(&self, limit: Duration) {
        let (asked, changed) = &*self.0;
        let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut asked, _) = changed
            .wait_timeout_while(asked, limit, |asked| !*asked)
            .unwrap_or_else(PoisonError::into_inner);
        *asked = false;
    }
}
