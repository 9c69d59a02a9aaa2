//! Back-pressure of one partition: when to stop taking records in, and when to go on.

/// How much of one partition may be held. Passing it pauses this partition and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntakeLimits {
    /// Records held, running ones included. Default: 4,096.
    pub records: usize,
    /// Their size in bytes. Default: 16 MiB.
    pub bytes: usize,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self {
            records: 4_096,
            bytes: 16 * 1_024 * 1_024,
        }
    }
}

/// Says when a partition pauses. It pauses at a limit and goes on at half of it: a client that pauses throws away
/// what it has fetched, so pausing with every record would fetch the log again and again.
#[derive(Debug, Clone, Copy)]
pub struct Intake {
    limits: IntakeLimits,
    paused: bool,
}

impl Intake {
    /// Not paused.
    #[must_use]
    pub fn new(limits: IntakeLimits) -> Self {
        Self {
            limits,
            paused: false,
        }
    }

    /// Whether the partition is to be paused, with this much held. `other` is any other reason to pause it.
    pub fn paused(&mut self, records: usize, bytes: usize, other: bool) -> bool {
        let share = if self.paused { 2 } else { 1 };
        self.paused = other || records >= self.limits.records / share || bytes >= self.limits.bytes / share;
        self.paused
    }
}
