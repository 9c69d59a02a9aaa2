//! Processor time that a hypervisor gave to others. Nothing is judged here.

use procfs::{CurrentSI, KernelStats};

/// Processor time of all processors since the machine started, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessorTime {
    total: u64,
    stolen: u64,
}

impl ProcessorTime {
    /// What the kernel says now; none where it does not count what is stolen.
    #[must_use]
    pub fn now() -> Option<Self> {
        let total = KernelStats::current().ok()?.total;
        let stolen = total.steal?;
        let rest = [
            total.user,
            total.nice,
            total.system,
            total.idle,
            total.iowait.unwrap_or(0),
            total.irq.unwrap_or(0),
            total.softirq.unwrap_or(0),
        ];
        Some(Self {
            total: rest.into_iter().fold(stolen, u64::saturating_add),
            stolen,
        })
    }

    /// Share that was stolen since an earlier reading; none if no tick has passed.
    #[must_use]
    pub fn stolen_since(self, earlier: Self) -> Option<f64> {
        let total = self.total.checked_sub(earlier.total).filter(|ticks| *ticks > 0)?;
        let stolen = self.stolen.saturating_sub(earlier.stolen);
        Some(stolen as f64 / total as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_what_passed_between_two_readings() {
        let reading = |total, stolen| ProcessorTime { total, stolen };
        assert_eq!(reading(200, 20).stolen_since(reading(100, 10)), Some(0.1));
        assert_eq!(reading(100, 10).stolen_since(reading(100, 10)), None);
    }
}
