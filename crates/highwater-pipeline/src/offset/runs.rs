//! Stretches of offsets that are done above the committed offset.

/// Offsets from `start` (included) to `end` (excluded), all of them done.
///
/// Offsets that the log does not have (markers of transactions, compacted records) may lie inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// The first offset that is done.
    pub start: i64,
    /// The first offset behind it that is not known to be done.
    pub end: i64,
}

impl Run {
    /// Whether this offset is done.
    #[must_use]
    pub fn contains(&self, offset: i64) -> bool {
        self.start <= offset && offset < self.end
    }
}

/// Adds a run behind all others, joined with the last one where they touch.
pub(crate) fn append(runs: &mut Vec<Run>, run: Run) {
    match runs.last_mut() {
        Some(last) if last.end >= run.start => last.end = last.end.max(run.end),
        _ => runs.push(run),
    }
}
