use crate::history::Outcome;

/// What a group may have committed of a partition.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Committed {
    /// The last commit that certainly landed, and its step.
    last: Option<(i64, u64)>,
    /// The lowest commit of which nobody knows: it may land late.
    lowest: Option<i64>,
}

impl Committed {
    /// Takes in a commit; gives the one before it, if that was higher.
    pub(super) fn commit(&mut self, offset: i64, outcome: Outcome, step: u64) -> Option<(i64, u64)> {
        match outcome {
            Outcome::Failed => None,
            Outcome::Unknown => {
                self.lowest = Some(self.lowest.map_or(offset, |lowest| lowest.min(offset)));
                None
            }
            Outcome::Ok => self
                .last
                .replace((offset, step))
                .filter(|(before, _)| offset < *before),
        }
    }

    /// Where a member must be told to begin at the earliest, and the commit that says so.
    pub(super) fn floor(&self) -> Option<(i64, u64)> {
        let (last, step) = self.last?;
        Some((self.lowest.map_or(last, |lowest| lowest.min(last)), step))
    }
}
