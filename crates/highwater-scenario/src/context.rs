//! What every scenario of a run shares.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use highwater_load::Clock;
use highwater_model::RunId;

use crate::events::EventStream;

/// Shared by everything that drives a scenario.
pub(crate) struct Context<'a> {
    pub(crate) events: &'a EventStream,
    pub(crate) clock: Clock,
    pub(crate) run: RunId,
    pub(crate) seed: u64,
    /// Place of the scenario in the run: salt for its seeds.
    pub(crate) index: u32,
    pub(crate) directory: &'a Path,
    /// This executable, which members of groups run.
    pub(crate) highwater: &'a Path,
    /// The user's commands for faults, by their names.
    pub(crate) hooks: &'a BTreeMap<String, String>,
    pub(crate) interrupted: &'a AtomicBool,
}

impl Context<'_> {
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// The seed of one producer: the run's seed, salted by scenario and producer.
    pub(crate) fn seed_for(&self, producer: u32) -> u64 {
        salted(self.seed, u64::from(self.index) << 32 | u64::from(producer))
    }
}

/// A child seed: the finaliser of SplitMix64 over seed and salt.
pub(crate) fn salted(seed: u64, salt: u64) -> u64 {
    let mut mixed = seed ^ salt.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
