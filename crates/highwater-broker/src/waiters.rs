//! Fetches that wait for data, woken by appends.
//!
//! Invariant: a fetch that registered before it looked at the log is woken by every later append, so
//! nothing is missed between looking and sleeping. A registration ends with its guard.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::lock::LockExt;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Default)]
pub(crate) struct Waiters {
    waiting: Mutex<BTreeMap<u64, Arc<Notify>>>,
}

/// Keeps a fetch registered with one partition.
#[derive(Debug)]
pub(crate) struct Registration {
    waiters: Arc<Waiters>,
    id: u64,
}

impl Waiters {
    pub(crate) fn register(self: &Arc<Self>, notify: &Arc<Notify>) -> Registration {
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        self.waiting.guard().insert(id, Arc::clone(notify));
        Registration {
            waiters: Arc::clone(self),
            id,
        }
    }

    /// Wakes everyone; each looks for itself whether it has enough now.
    pub(crate) fn wake(&self) {
        for notify in self.waiting.guard().values() {
            notify.notify_one();
        }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.waiters.waiting.guard().remove(&self.id);
    }
}
