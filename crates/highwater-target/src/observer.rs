//! How a target tells of itself while it works.

use std::sync::Arc;

use highwater_model::{NoticeLevel, ProcessState};

/// Something that happened at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetEvent {
    /// A process changed its state.
    Process {
        /// Name of the process in the run.
        process: String,
        /// Process id, while it has one.
        pid: Option<u32>,
        /// New state.
        state: ProcessState,
        /// More, for people.
        detail: String,
    },
    /// Something a person should know.
    Notice {
        /// How grave.
        level: NoticeLevel,
        /// A sentence.
        text: String,
    },
}

/// Receives [`TargetEvent`]s while the target is called, on that thread or, for several brokers, on one for each.
/// It must not call the target.
pub type Observer = Arc<dyn Fn(TargetEvent) + Send + Sync>;

pub(crate) fn tell(observer: &Observer, process: &str, pid: Option<u32>, state: ProcessState, detail: &str) {
    observer(TargetEvent::Process {
        process: process.to_owned(),
        pid,
        state,
        detail: detail.to_owned(),
    });
}

pub(crate) fn notice(observer: &Observer, level: NoticeLevel, text: &str) {
    observer(TargetEvent::Notice {
        level,
        text: text.to_owned(),
    });
}
