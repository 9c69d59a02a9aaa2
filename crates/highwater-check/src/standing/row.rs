use crate::Anomaly;

/// Which promise an anomaly would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// Nothing is left out: at-least-once and exactly-once give it; at-most-once does not.
    Everything,
    /// Nothing happens twice: at-most-once and exactly-once give it; at-least-once does not.
    Once,
    /// What the cluster owes under every contract.
    Always,
    /// Records of a producer keep their order in a partition: ordered-per-partition.
    OrderInPartition,
    /// Outputs of a key keep the order of its inputs: ordered-per-key and ordered-per-partition.
    OrderOfKeys,
    /// A key stays in its partition: ordered-per-key.
    PlaceOfKeys,
    /// None: Kafka allows it, or it is not about the cluster.
    Nothing,
}

impl Promise {
    /// All of them, as tables list them.
    pub const ALL: [Self; 7] = [
        Self::Everything,
        Self::Once,
        Self::Always,
        Self::OrderInPartition,
        Self::OrderOfKeys,
        Self::PlaceOfKeys,
        Self::Nothing,
    ];

    /// The heading over its anomalies.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Everything => "something is left out",
            Self::Once => "something happens twice",
            Self::Always => "the cluster breaks its word",
            Self::OrderInPartition => "order of a producer",
            Self::OrderOfKeys => "order of a key",
            Self::PlaceOfKeys => "place of a key",
            Self::Nothing => "nobody promised",
        }
    }

    /// The words of a contract that give it besides its delivery promise, if it takes such words.
    #[must_use]
    pub fn order_words(self) -> Option<&'static str> {
        match self {
            Self::OrderInPartition => Some("ordered-per-partition"),
            Self::OrderOfKeys => Some("ordered-per-key or ordered-per-partition"),
            Self::PlaceOfKeys => Some("ordered-per-key"),
            Self::Everything | Self::Once | Self::Always | Self::Nothing => None,
        }
    }
}

/// All that contracts say about an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub anomaly: Anomaly,
    /// Which promise it would break.
    pub promise: Promise,
    /// Whether it is about acknowledged records, so that `no-acknowledged-loss` forbids it.
    pub acknowledged: bool,
    /// What is promised; a whole sentence, except after "promises that" for [`Promise::Everything`] and
    /// [`Promise::Once`].
    pub promised: &'static str,
    /// What is allowed without the promise, as it stands after "allows" or "promises no"; may be empty.
    pub allowed: &'static str,
    /// What bounds it where it is expected; may be empty.
    pub bounded_by: &'static str,
}
