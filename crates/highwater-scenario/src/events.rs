//! The one ordered event stream of a run: written to `events.jsonl` as it happens, and shown to the live view.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Mutex;

use highwater_load::Clock;
use highwater_model::{Event, EventBody, NoticeLevel};

/// Shown every event, in order.
pub type Observer = Box<dyn FnMut(&Event) + Send>;

/// Numbers events, writes them, and passes them on.
pub(crate) struct EventStream {
    clock: Clock,
    inner: Mutex<Inner>,
}

struct Inner {
    next: u64,
    file: File,
    observer: Observer,
    write_error: Option<String>,
    /// Length of the file up to its last whole line.
    whole_bytes: u64,
}

impl EventStream {
    /// Opens `events.jsonl` in a run directory; an existing one is not written over.
    ///
    /// # Errors
    /// The file can't be made.
    pub(crate) fn create(directory: &Path, clock: Clock, observer: Observer) -> std::io::Result<Self> {
        let file = File::create_new(directory.join("events.jsonl"))?;
        Ok(Self {
            clock,
            inner: Mutex::new(Inner {
                next: 0,
                file,
                observer,
                write_error: None,
                whole_bytes: 0,
            }),
        })
    }

    /// Adds an event that happens now.
    pub(crate) fn emit(&self, body: EventBody) {
        let mut inner = self
            .inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let event = Event {
            sequence: inner.next,
            at_ns: self.clock.now_ns(),
            body,
        };
        inner.next += 1;
        // One write for each line, so that a stream cut by SIGKILL is whole up to its last line.
        // After a write that failed half-way the next line would run into its remains.
        if inner.write_error.is_some() {
            return (inner.observer)(&event);
        }
        let written = serde_json::to_string(&event)
            .map_err(|error| error.to_string())
            .and_then(|line| {
                inner
                    .file
                    .write_all((line + "\n").as_bytes())
                    .map_err(|error| error.to_string())
            });
        match written {
            Ok(()) => inner.whole_bytes = inner.file.stream_position().unwrap_or(inner.whole_bytes),
            Err(error) => {
                // What can't be cut stays: a torn last line is forgiven when the stream is read.
                let _ = inner.file.set_len(inner.whole_bytes);
                inner.write_error = Some(error);
            }
        }
        (inner.observer)(&event);
    }

    /// Adds a notice.
    pub(crate) fn notice(&self, level: NoticeLevel, text: impl Into<String>) {
        self.emit(EventBody::Notice {
            level,
            text: text.into(),
        });
    }

    /// The first error in writing the file, if there was one.
    pub(crate) fn write_error(&self) -> Option<String> {
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .write_error
            .clone()
    }
}
