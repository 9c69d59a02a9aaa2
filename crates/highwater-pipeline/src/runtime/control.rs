//! What others may say to a running pipeline, and ask of it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

use super::numbers::Numbers;
use super::wake::Wake;

/// A handle on a pipeline that runs: stop it, resume what was halted, ask how it does.
///
/// The library listens to no signal by itself. Whoever does, calls [`Control::stop`]:
///
/// ```no_run
/// # fn on_sigterm(_: impl FnOnce()) {}
/// let control = highwater_pipeline::runtime::Control::new();
/// let handle = control.clone();
/// on_sigterm(move || handle.stop());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    resume: AtomicBool,
    ready: AtomicBool,
    numbers: Mutex<Numbers>,
    wake: Wake,
}

impl Control {
    /// A handle; give a reference to it to [`Plan::run`](crate::pipeline::Plan::run).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the pipeline in order: nothing new is begun, what runs may end within the budget, what is done is
    /// committed, and the group is left.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
        self.0.wake.now();
    }

    /// Goes on with partitions that were halted because too many records became dead letters.
    pub fn resume(&self) {
        self.0.resume.store(true, Ordering::SeqCst);
        self.0.wake.now();
    }

    /// Whether it is a member of its group, has seen its first assignment (which may be empty), and neither halts nor
    /// ends.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.0.ready.load(Ordering::SeqCst)
    }

    /// Counters and gauges, at most a second old.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        self.0
            .numbers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn stopping(&self) -> bool {
        self.0.stop.load(Ordering::SeqCst)
    }

    pub(super) fn take_resume(&self) -> bool {
        self.0.resume.swap(false, Ordering::SeqCst)
    }

    pub(super) fn tell(&self, ready: bool, numbers: Numbers) {
        self.0.ready.store(ready, Ordering::SeqCst);
        *self.0.numbers.lock().unwrap_or_else(PoisonError::into_inner) = numbers;
    }

    pub(super) fn wake(&self) -> &Wake {
        &self.0.wake
    }
}
