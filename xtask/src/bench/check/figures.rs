//! What a case took, as the kernel counts it.
//!
//! Invariant: user CPU and the load of the machine stand beside the time on the clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a process took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    what: String,
    wall_s: f64,
    user_s: f64,
    system_s: f64,
    peak_mib: u64,
    /// Processes that ran or wanted to, on the average of the last minute.
    load: f64,
}

/// Over the rows.
pub(crate) const HEADINGS: &str = "history                                               wall s   user CPU s   system s   peak MiB   load average";

impl Figures {
    /// Of this process up to now.
    pub(crate) fn of_this_process(what: String, wall: Duration) -> Self {
        let (user_s, system_s) = cpu_seconds();
        Self {
            what,
            wall_s: wall.as_secs_f64(),
            user_s,
            system_s,
            peak_mib: peak_kib() / 1024,
            load: load_average(),
        }
    }

    /// For the process that asked.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As a process told them.
    pub(crate) fn told(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// Under the headings.
    pub(crate) fn row(&self) -> String {
        format!(
            "{:<52} {:>7.1} {:>12.2} {:>10.2} {:>10} {:>14.2}",
            self.what, self.wall_s, self.user_s, self.system_s, self.peak_mib, self.load
        )
    }

    /// How much more than a smaller history.
    pub(crate) fn against(&self, small: &Self) -> String {
        format!(
            "growth for ten times the records: user CPU {:.1}, wall {:.1}, memory {:.1}",
            self.user_s / small.user_s,
            self.wall_s / small.wall_s,
            self.peak_mib as f64 / small.peak_mib.max(1) as f64
        )
    }
}

/// CPU time of this process, user and system.
fn cpu_seconds() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15 of all, behind the name in brackets, in hundredths of a second.
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let mut ticks = behind_name
        .split_whitespace()
        .skip(11)
        .map(|ticks| ticks.parse::<f64>().unwrap_or(0.0) / 100.0);
    (ticks.next().unwrap_or(0.0), ticks.next().unwrap_or(0.0))
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn load_average() -> f64 {
    let average = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = average.split_whitespace().next();
    minute.and_then(|minute| minute.parse().ok()).unwrap_or(0.0)
}
