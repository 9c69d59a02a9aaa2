//! Budgets in bytes for what clients make the broker hold.
//!
//! Invariant: whoever waits for room holds none of the same budget, so that those who hold it always
//! come to an end. What is longer than a whole budget takes all of it: it is served alone.
//!
//! What is read and written without a pause in between is not counted: there is one such at a time for
//! each thread.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted in: a semaphore takes 32 bits at a time.
const UNIT_BYTES: usize = 1 << 10;

/// The part of what is free that [`Budget::share`] gives at most, so that the next one finds some, too.
const SHARES: usize = 4;

/// Room for a number of bytes that many share.
#[derive(Debug)]
pub(crate) struct Budget {
    free: Arc<Semaphore>,
    units: u32,
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    permit: OwnedSemaphorePermit,
    budget: Arc<Semaphore>,
    /// Of the whole budget.
    units: u32,
}

impl Budget {
    /// At least one unit.
    pub(crate) fn new(bytes: usize) -> Self {
        let units = u32::try_from(bytes / UNIT_BYTES).unwrap_or(u32::MAX).max(1);
        Self {
            free: Arc::new(Semaphore::new(units as usize)),
            units,
        }
    }

    /// Waits, in the order of asking, for room for this many bytes; `None` never happens while the
    /// broker lives.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Room> {
        let units = units_of(bytes).min(self.units);
        let permit = Arc::clone(&self.free).acquire_many_owned(units).await.ok()?;
        Some(self.room(permit))
    }

    /// Room for this many bytes or for fewer, if any is left.
    pub(crate) fn share(&self, bytes: usize) -> Option<Room> {
        let most = self.free.available_permits().div_ceil(SHARES).max(1);
        let units = units_of(bytes).min(u32::try_from(most).unwrap_or(u32::MAX));
        let permit = Arc::clone(&self.free).try_acquire_many_owned(units).ok()?;
        Some(self.room(permit))
    }

    fn room(&self, permit: OwnedSemaphorePermit) -> Room {
        Room {
            permit,
            budget: Arc::clone(&self.free),
            units: self.units,
        }
    }
}

impl Room {
    /// How much there is.
    pub(crate) fn bytes(&self) -> usize {
        self.permit.num_permits() * UNIT_BYTES
    }

    /// Makes it as large as what is held; false if there is not enough, and nothing has changed then.
    pub(crate) fn fit(&mut self, bytes: usize) -> bool {
        let wanted = units_of(bytes).min(self.units) as usize;
        let held = self.permit.num_permits();
        if wanted <= held {
            drop(self.permit.split(held - wanted));
            return true;
        }
        let more = u32::try_from(wanted - held).unwrap_or(u32::MAX);
        match Arc::clone(&self.budget).try_acquire_many_owned(more) {
            Ok(permit) => {
                self.permit.merge(permit);
                true
            }
            Err(_) => false,
        }
    }
}

fn units_of(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Budget;

    const KIB: usize = 1 << 10;

    #[test]
    fn a_share_leaves_some_for_the_next_until_nothing_is_left() {
        let budget = Budget::new(16 * KIB);
        let mut rooms = Vec::new();
        while let Some(room) = budget.share(100 * KIB) {
            rooms.push(room);
        }
        let sizes: Vec<usize> = rooms.iter().map(|room| room.bytes() / KIB).collect();
        assert_eq!(sizes, [4, 3, 3, 2, 1, 1, 1, 1]);
        drop(rooms);
        assert_eq!(budget.share(1).expect("free again").bytes(), KIB);
    }

    #[test]
    fn room_grows_and_shrinks_to_what_is_held_and_no_further_than_the_budget() {
        let budget = Budget::new(16 * KIB);
        let mut room = budget.share(16 * KIB).expect("free");
        assert!(room.fit(KIB + 1));
        assert_eq!(room.bytes(), 2 * KIB);
        let other = budget.share(KIB).expect("free");
        assert!(!room.fit(16 * KIB), "one is taken");
        assert_eq!(room.bytes(), 2 * KIB);
        drop(other);
        assert!(room.fit(1_000 * KIB), "what is longer takes all");
        assert!(budget.share(1).is_none());
    }
}
