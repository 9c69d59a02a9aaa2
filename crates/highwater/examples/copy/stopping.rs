//! The way out: SIGTERM and SIGINT are noted, and the loops look at the note.
//!
//! Invariant: a signal ends the program within [`PATIENCE`], also while no broker answers. What is cut off then is an
//! open transaction or an uncommitted batch, and both are made good by the next start.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::saying;

/// From a signal to the end of the program, at most.
const PATIENCE: Duration = Duration::from_secs(15);
const GLANCE: Duration = Duration::from_millis(100);

/// Whether it is time to leave.
#[derive(Clone, Default)]
pub(crate) struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// Listens to SIGINT, and to SIGTERM unless it is to be ignored.
    pub(crate) fn on_signals(ignore_term: bool) -> io::Result<Self> {
        let stopping = Self::default();
        let term = if ignore_term {
            Arc::default()
        } else {
            Arc::clone(&stopping.0)
        };
        signal_hook::flag::register(SIGTERM, term)?;
        signal_hook::flag::register(SIGINT, Arc::clone(&stopping.0))?;
        let watched = stopping.clone();
        thread::spawn(move || watched.insist());
        Ok(stopping)
    }

    /// True after a signal.
    pub(crate) fn now(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits that long, or until a signal.
    pub(crate) fn pause(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.now() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(GLANCE));
        }
    }

    fn insist(&self) {
        while !self.now() {
            thread::sleep(GLANCE);
        }
        thread::sleep(PATIENCE);
        saying::line(format_args!("no orderly end within {PATIENCE:?}, leaving"));
        process::exit(1);
    }
}
