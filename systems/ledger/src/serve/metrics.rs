//! Counters, and the page for Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::delay::Delay;

/// What is counted. Times are in microseconds.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) done: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) not_done: AtomicU64,
    pub(crate) unknown: AtomicU64,
    pub(crate) redirected: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) legs: AtomicU64,
    pub(crate) committed: AtomicU64,
    pub(crate) aborted: AtomicU64,
    pub(crate) fenced: AtomicU64,
    pub(crate) commit_us: AtomicU64,
    pub(crate) projected: AtomicU64,
    pub(crate) projection_delay: Delay,
    pub(crate) replayed: AtomicU64,
    pub(crate) replay_us: AtomicU64,
}

/// What is read off at the moment of the scrape.
pub(crate) struct Now {
    pub(crate) open: usize,
    pub(crate) blocked: usize,
    pub(crate) stuck: usize,
    pub(crate) generation: u64,
}

pub(crate) fn add(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Relaxed);
}

pub(crate) fn add_time(counter: &AtomicU64, time: Duration) {
    counter.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Relaxed);
}

impl Metrics {
    /// The page.
    pub(crate) fn page(&self, now: &Now) -> String {
        let mut page = String::new();
        let mut family = |name: &str, kind: &str, help: &str, values: &[(&str, f64)]| {
            let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in values {
                let _ = writeln!(page, "{name}{labels} {value}");
            }
        };
        let count = |counter: &AtomicU64| value(counter.load(Relaxed));
        let seconds = |counter: &AtomicU64| value(counter.load(Relaxed)) / 1e6;
        family(
            "ledger_commands_total",
            "counter",
            "Commands by what their client was told.",
            &[
                ("{outcome=\"done\"}", count(&self.done)),
                ("{outcome=\"refused\"}", count(&self.refused)),
                ("{outcome=\"not-done\"}", count(&self.not_done)),
                ("{outcome=\"unknown\"}", count(&self.unknown)),
                ("{outcome=\"redirected\"}", count(&self.redirected)),
            ],
        );
        family(
            "ledger_events_total",
            "counter",
            "Events committed.",
            &[("", count(&self.events))],
        );
        family(
            "ledger_legs_total",
            "counter",
            "Steps of transfers taken.",
            &[("", count(&self.legs))],
        );
        family(
            "ledger_transactions_total",
            "counter",
            "Windows by how they ended.",
            &[
                ("{outcome=\"committed\"}", count(&self.committed)),
                ("{outcome=\"aborted\"}", count(&self.aborted)),
                ("{outcome=\"lost\"}", count(&self.fenced)),
            ],
        );
        family(
            "ledger_commit_seconds",
            "summary",
            "From the first record of a window to its commit.",
            &[
                ("_sum", seconds(&self.commit_us)),
                ("_count", count(&self.committed)),
            ],
        );
        family(
            "ledger_replayed_events_total",
            "counter",
            "Events read to take partitions over.",
            &[("", count(&self.replayed))],
        );
        family(
            "ledger_replay_seconds_total",
            "counter",
            "Time spent on that.",
            &[("", seconds(&self.replay_us))],
        );
        family(
            "ledger_projected_events_total",
            "counter",
            "Events that changed projections.",
            &[("", count(&self.projected))],
        );
        family(
            "ledger_partitions",
            "gauge",
            "Partitions of this instance.",
            &[
                ("{state=\"open\"}", value(now.open as u64)),
                ("{state=\"blocked\"}", value(now.blocked as u64)),
            ],
        );
        family(
            "ledger_projection_stuck_partitions",
            "gauge",
            "Partitions that are projected no further.",
            &[("", value(now.stuck as u64))],
        );
        family(
            "ledger_projection_generation",
            "gauge",
            "Which file of projections is read.",
            &[("", value(now.generation))],
        );
        self.projection_delay.write(&mut page);
        page
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus has no other numbers")]
fn value(count: u64) -> f64 {
    count as f64
}
