//! The kinds of anomalies, and what a contract says about each.
//!
//! Names follow Jepsen's checker for Kafka where it has one.

use highwater_measure::quantity::count;

use crate::{Contract, Delivery};

/// A kind of anomaly. The order is the order of gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anomaly {
    /// Acknowledged, and not readable anywhere.
    LostWrite,
    /// In the log with a stamp or a payload that is not what was sent.
    CorruptPayload,
    /// Readable, but not at the offset it was acknowledged as.
    InconsistentOffsets,
    /// In the log without ever having been sent by this run.
    Phantom,
    /// In the log more than once.
    Duplicate,
    /// Behind a later record of the same producer in the same partition.
    NonmonotonicSend,
    /// Reported as failed by the client, and yet in the log.
    ClientMisclassification,
}

impl Anomaly {
    /// All of them, gravest first.
    pub const ALL: [Self; 7] = [
        Self::LostWrite,
        Self::CorruptPayload,
        Self::InconsistentOffsets,
        Self::Phantom,
        Self::Duplicate,
        Self::NonmonotonicSend,
        Self::ClientMisclassification,
    ];

    /// The name in reports and in `anomalies.jsonl`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LostWrite => "lost-write",
            Self::CorruptPayload => "corrupt-payload",
            Self::InconsistentOffsets => "inconsistent-offsets",
            Self::Phantom => "phantom",
            Self::Duplicate => "duplicate",
            Self::NonmonotonicSend => "nonmonotonic-send",
            Self::ClientMisclassification => "client-misclassification",
        }
    }

    /// The anomaly of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|anomaly| anomaly.name() == name)
    }

    /// Whether the contract forbids it.
    #[must_use]
    pub fn violates(self, contract: Contract) -> bool {
        match self {
            Self::LostWrite => contract.delivery != Delivery::AtMostOnce,
            Self::Duplicate => contract.delivery != Delivery::AtLeastOnce,
            Self::NonmonotonicSend => contract.ordered_per_partition,
            Self::CorruptPayload | Self::InconsistentOffsets | Self::Phantom => true,
            Self::ClientMisclassification => false,
        }
    }

    /// Why it is or is not a violation, in a sentence.
    #[must_use]
    pub fn explanation(self, contract: Contract) -> String {
        let delivery = contract.delivery.name();
        match (self, self.violates(contract)) {
            (Self::LostWrite, true) => {
                format!("{delivery} promises that an acknowledged record can be read")
            }
            (Self::LostWrite, false) => {
                format!("{delivery} allows an acknowledged record to be missing; counted")
            }
            (Self::Duplicate, true) => {
                format!("{delivery} promises that no record is in the log twice")
            }
            (Self::Duplicate, false) => {
                format!("{delivery} allows a retry to write a record again; counted")
            }
            (Self::NonmonotonicSend, true) => {
                "ordered-per-partition promises that records of one producer keep their order in a partition"
                    .to_owned()
            }
            (Self::NonmonotonicSend, false) => "the contract promises no order; counted".to_owned(),
            (Self::CorruptPayload, _) => {
                "every contract promises that a record is read as it was sent".to_owned()
            }
            (Self::InconsistentOffsets, _) => {
                "an acknowledgement promises the offset it names, under every contract".to_owned()
            }
            (Self::Phantom, _) => {
                "the topic belongs to this run, and no contract allows records that nobody sent".to_owned()
            }
            (Self::ClientMisclassification, _) => {
                "the cluster kept the record; the client was wrong to report it as certainly not written"
                    .to_owned()
            }
        }
    }

    /// The headline for that many records.
    #[must_use]
    pub fn headline(self, records: u64) -> String {
        let one = records == 1;
        let number = count(records);
        let say = |singular: &str, plural: &str| format!("{number} {}", if one { singular } else { plural });
        match self {
            Self::LostWrite => say(
                "acknowledged record cannot be read",
                "acknowledged records cannot be read",
            ),
            Self::CorruptPayload => say("record is damaged", "records are damaged"),
            Self::InconsistentOffsets => say(
                "record is not at the offset it was acknowledged as",
                "records are not at the offsets they were acknowledged as",
            ),
            Self::Phantom => say(
                "record is in the log that this run never sent",
                "records are in the log that this run never sent",
            ),
            Self::Duplicate => say(
                "record is in the log more than once",
                "records are in the log more than once",
            ),
            Self::NonmonotonicSend => say(
                "record stands behind a later one of the same producer",
                "records stand behind later ones of the same producer",
            ),
            Self::ClientMisclassification => say(
                "record that the client reported as failed is in the log",
                "records that the client reported as failed are in the log",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_contract_forbids() {
        let forbidden = |contract: &str| {
            let contract = Contract::parse(contract).unwrap();
            Anomaly::ALL
                .into_iter()
                .filter(|anomaly| anomaly.violates(contract))
                .map(Anomaly::name)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let always = "corrupt-payload inconsistent-offsets phantom";
        assert_eq!(forbidden("at-most-once"), format!("{always} duplicate"));
        assert_eq!(forbidden("at-least-once"), format!("lost-write {always}"));
        assert_eq!(
            forbidden("exactly-once"),
            format!("lost-write {always} duplicate")
        );
        assert_eq!(
            forbidden("at-least-once, ordered-per-partition"),
            format!("lost-write {always} nonmonotonic-send")
        );
    }

    #[test]
    fn names_lead_back_to_the_anomaly() {
        for anomaly in Anomaly::ALL {
            assert_eq!(Anomaly::named(anomaly.name()), Some(anomaly));
        }
        assert_eq!(Anomaly::named("loss"), None);
    }
}
