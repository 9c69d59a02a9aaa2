//! The linter behind the proxy's recorder.

use std::sync::{Arc, Mutex, PoisonError};

use highwater_check::lint::{Lint, LintOptions};
use highwater_model::LintReport;
use highwater_model::history::HistoryEvent;

/// Shared with the recorder's thread.
#[derive(Clone)]
pub(super) struct Observed(Arc<Mutex<Option<Lint>>>);

impl Observed {
    pub(super) fn new() -> Self {
        let options = LintOptions {
            one_application: true,
        };
        Self(Arc::new(Mutex::new(Some(Lint::new(options)))))
    }

    /// For the recorder.
    pub(super) fn observer(&self) -> Box<dyn FnMut(&HistoryEvent) + Send> {
        let shared = self.clone();
        Box::new(move |event| {
            shared.with(|lint| lint.observe(event));
        })
    }

    /// Work seen so far: see [`Lint::work`].
    pub(super) fn work(&self) -> u64 {
        self.with(|lint| lint.work()).unwrap_or(0)
    }

    /// What there is to say; nothing is observed after this.
    pub(super) fn finish(&self) -> LintReport {
        let lint = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        lint.unwrap_or_else(|| Lint::new(LintOptions::default())).finish()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Lint) -> T) -> Option<T> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
            .map(work)
    }
}
