use std::ops::{BitOr, BitOrAssign};

/// In which ways a record was seen at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen(u16);

impl Seen {
    /// Acknowledged there, by an operation that happened.
    pub const ACKNOWLEDGED: Self = Self(1);
    /// Acknowledged there, by an operation of which nobody knows whether it happened.
    pub const PERHAPS: Self = Self(1 << 1);
    /// Read by a reader of committed records.
    pub const READ: Self = Self(1 << 2);
    /// Read by a reader of everything.
    pub const READ_UNCOMMITTED: Self = Self(1 << 3);
    /// Read back, at the level that shows everything.
    pub const LOG: Self = Self(1 << 4);
    /// Read back, at the level that shows what is committed.
    pub const LOG_COMMITTED: Self = Self(1 << 5);
    /// Part of a transaction, as the log says.
    pub const TRANSACTIONAL: Self = Self(1 << 6);
    /// A marker in the log says that its transaction was committed.
    pub const COMMITTED: Self = Self(1 << 7);
    /// A marker in the log says that its transaction was aborted.
    pub const ABORTED: Self = Self(1 << 8);
    /// Its bytes are not what was sent.
    pub const DAMAGED: Self = Self(1 << 9);

    /// Whether it was seen in any of these ways.
    pub fn any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    /// What is left without these ways.
    #[must_use]
    pub fn without(self, of: Self) -> Self {
        Self(self.0 & !of.0)
    }

    /// Whether it was not seen at all.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Seen {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Seen {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
