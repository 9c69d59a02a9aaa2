//! A set of APIs, small enough to be asked for every frame.

/// APIs by number. Kafka's numbers are below 128; higher ones are never in the set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ApiSet(u128);

impl ApiSet {
    pub(crate) const ALL: Self = Self(u128::MAX);

    pub(crate) const fn of(keys: &[i16]) -> Self {
        let mut set = 0;
        let mut at = 0;
        while at < keys.len() {
            set |= 1 << keys[at];
            at += 1;
        }
        Self(set)
    }

    pub(crate) fn insert(&mut self, api_key: i16) {
        if let Ok(shift @ 0..128) = u32::try_from(api_key) {
            self.0 |= 1 << shift;
        }
    }

    pub(crate) fn contains(self, api_key: i16) -> bool {
        u32::try_from(api_key).is_ok_and(|shift| shift < 128 && self.0 >> shift & 1 == 1)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
