//! Who is measured, where, and what comes of it.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::{by_hand, with_library};
use crate::bench::error::BenchError;
use crate::bench::process;

/// Work of each record, and workers, where lanes are measured.
pub(super) const WORK: Duration = Duration::from_millis(2);
pub(super) const WORKERS: usize = 16;
/// Records with work; reading them is a small part of it.
pub(super) const WORKED: u64 = 20_000;
/// How long a transaction is open.
pub(super) const WINDOW: Duration = Duration::from_millis(100);

/// One side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    RawLoop,
    Tracked,
    IdealLanes,
    Lanes,
    RawCopy,
    Copy,
    NoneFails,
    SomeFail,
}

/// Where it works.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) bootstrap: String,
    pub(super) topic: String,
    pub(super) group: String,
    pub(super) records: u64,
}

/// What it needed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Figures {
    records: u64,
    seconds: f64,
    /// Of the whole process, connecting and leaving included.
    pub(super) cpu_s_per_million: f64,
}

impl Place {
    pub(super) fn output(&self) -> String {
        format!("{}.out", self.group)
    }

    pub(super) fn retry(&self) -> String {
        format!("{}.retry", self.group)
    }

    pub(super) fn dead_letters(&self) -> String {
        format!("{}.dead-letters", self.group)
    }

    pub(super) fn json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

impl Figures {
    pub(super) fn per_s(&self) -> f64 {
        self.records as f64 / self.seconds
    }

    pub(super) fn json(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

impl Subject {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RawLoop => "a loop that polls",
            Self::Tracked => "pipeline, each record tracked",
            Self::IdealLanes => "work ÷ workers (computed)",
            Self::Lanes => "pipeline, keys in lanes",
            Self::RawCopy => "a loop with transactions",
            Self::Copy => "pipeline, exactly once",
            Self::NoneFails => "pipeline, no failures",
            Self::SomeFail => "pipeline, 1 % of keys fail",
        }
    }

    /// Runs it in this process.
    pub(super) fn measure(self, place: &Place) -> Result<Figures, BenchError> {
        let (records, took) = match self {
            Self::RawLoop => by_hand::polls(place)?,
            Self::RawCopy => by_hand::copies(place)?,
            Self::IdealLanes => (WORKED, WORK.mul_f64(WORKED as f64 / WORKERS as f64)),
            Self::Tracked => with_library::tracks(place)?,
            Self::Lanes => with_library::works(place)?,
            Self::Copy => with_library::copies(place)?,
            Self::NoneFails => with_library::fails(place, false)?,
            Self::SomeFail => with_library::fails(place, true)?,
        };
        let cpu_s = process::cpu_seconds_of(std::process::id()).unwrap_or_default();
        Ok(Figures {
            records,
            seconds: took.as_secs_f64(),
            cpu_s_per_million: cpu_s / records as f64 * 1e6,
        })
    }
}
