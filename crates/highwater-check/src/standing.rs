//! What a contract says about each anomaly: one table, from which verdicts, explanations, `highwater contracts` and
//! `docs/contracts.md` are made.
//!
//! Invariant: an anomaly has one row, and all that is said about it comes from that row.

mod row;
mod table;

pub use row::{Promise, Row};

use crate::{Anomaly, Contract, Delivery};

/// What a contract says about an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// The contract forbids it.
    Violation,
    /// The contract allows it; it is counted, and bounded.
    Expected,
    /// The contract does not speak of it; it is told if it is seen, and changes no verdict.
    NotApplicable,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Violation, Self::Expected, Self::NotApplicable];

    /// The word in tables and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Violation => "violation",
            Self::Expected => "expected",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl Anomaly {
    /// All that contracts say about it.
    #[must_use]
    pub fn row(self) -> &'static Row {
        table::row(self)
    }

    /// What the contract says about it.
    #[must_use]
    pub fn standing(self, contract: Contract) -> Standing {
        let delivery = contract.delivery;
        let cluster_alone = delivery == Delivery::NoAcknowledgedLoss;
        let row = self.row();
        let forbidden = match row.promise {
            Promise::Everything if cluster_alone && !row.acknowledged => return Standing::NotApplicable,
            Promise::Everything => delivery != Delivery::AtMostOnce,
            Promise::Once if cluster_alone => return Standing::NotApplicable,
            Promise::Once => delivery != Delivery::AtLeastOnce,
            Promise::Always => return forbidden_or_not_spoken_of(!cluster_alone || row.acknowledged),
            Promise::OrderInPartition => return forbidden_or_not_spoken_of(contract.ordered_per_partition),
            Promise::OrderOfKeys | Promise::PlaceOfKeys if cluster_alone => return Standing::NotApplicable,
            Promise::OrderOfKeys => {
                return forbidden_or_not_spoken_of(
                    contract.ordered_per_key || contract.ordered_per_partition,
                );
            }
            Promise::PlaceOfKeys => return forbidden_or_not_spoken_of(contract.ordered_per_key),
            Promise::Nothing => return Standing::NotApplicable,
        };
        if forbidden {
            Standing::Violation
        } else {
            Standing::Expected
        }
    }

    /// Whether the contract forbids it.
    #[must_use]
    pub fn violates(self, contract: Contract) -> bool {
        self.standing(contract) == Standing::Violation
    }

    /// What bounds it, where the contract expects it.
    #[must_use]
    pub fn bounded_by(self, contract: Contract) -> Option<&'static str> {
        (self.standing(contract) == Standing::Expected).then_some(self.row().bounded_by)
    }

    /// Why it is or is not a violation, in a sentence.
    #[must_use]
    pub fn explanation(self, contract: Contract) -> String {
        let row = self.row();
        let delivery = contract.delivery.name();
        match (row.promise, self.standing(contract)) {
            (Promise::Everything | Promise::Once, Standing::Violation) => {
                format!("{delivery} promises that {}", row.promised)
            }
            (Promise::Everything | Promise::Once, Standing::Expected) => {
                format!("{delivery} allows {}; counted", row.allowed)
            }
            (
                Promise::OrderInPartition | Promise::OrderOfKeys | Promise::PlaceOfKeys,
                Standing::Expected | Standing::NotApplicable,
            ) => format!("the contract promises no {}; counted", row.allowed),
            (Promise::Everything | Promise::Once | Promise::Always, Standing::NotApplicable) => {
                format!("{delivery} is about acknowledged records alone; counted")
            }
            _ => row.promised.to_owned(),
        }
    }
}

fn forbidden_or_not_spoken_of(forbidden: bool) -> Standing {
    if forbidden {
        Standing::Violation
    } else {
        Standing::NotApplicable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(contract: &str, standing: Standing) -> String {
        let contract = Contract::parse(contract).unwrap();
        Anomaly::ALL
            .into_iter()
            .filter(|anomaly| anomaly.standing(contract) == standing)
            .map(Anomaly::name)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn every_anomaly_has_its_own_row() {
        for anomaly in Anomaly::ALL {
            assert_eq!(anomaly.row().anomaly, anomaly);
        }
        assert_eq!(table::rows().len(), Anomaly::ALL.len());
    }

    #[test]
    fn what_changes_with_the_contract() {
        let told = |contract: &str| {
            let contract = Contract::parse(contract).unwrap();
            let always = Contract::parse("exactly-once, ordered-per-key, ordered-per-partition").unwrap();
            Anomaly::ALL
                .into_iter()
                .filter(|anomaly| anomaly.violates(always) && !anomaly.violates(contract))
                .map(Anomaly::name)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let missing = "lost-write pipeline-loss group-skip offsets-without-outputs commit-ahead poll-skip int-poll-skip \
                       fractured-read";
        let order = "nonmonotonic-send int-nonmonotonic-send pipeline-reorder key-moved";
        let again = "duplicate pipeline-duplicate outputs-without-offsets commit-regression nonmonotonic-poll \
                     int-nonmonotonic-poll";
        assert_eq!(told("at-most-once"), format!("{missing} {order}"));
        assert_eq!(told("at-least-once"), format!("{again} {order}"));
        assert_eq!(told("exactly-once"), order);
        assert_eq!(told("exactly-once, ordered-per-partition"), "key-moved");
        assert_eq!(
            told("exactly-once, ordered-per-key"),
            "nonmonotonic-send int-nonmonotonic-send"
        );
        assert_eq!(names("at-most-once", Standing::Expected), missing);
        assert_eq!(names("at-least-once", Standing::Expected), again);
        assert_eq!(names("exactly-once", Standing::Expected), "");
    }

    #[test]
    fn the_promise_of_the_cluster_is_about_acknowledged_records() {
        assert_eq!(
            names("no-acknowledged-loss", Standing::Violation),
            "lost-write corrupt-payload inconsistent-offsets reused-offset torn-transaction stale-compaction"
        );
        assert_eq!(names("no-acknowledged-loss", Standing::Expected), "");
    }

    #[test]
    fn what_is_expected_has_a_bound_and_every_cell_a_reason() {
        for delivery in Delivery::ALL {
            let contract = Contract::parse(delivery.name()).unwrap();
            for anomaly in Anomaly::ALL {
                let expected = anomaly.standing(contract) == Standing::Expected;
                let bound = anomaly.bounded_by(contract);
                assert_eq!(bound.is_some(), expected, "{anomaly:?}");
                assert!(bound.is_none_or(|bound| !bound.is_empty()), "{anomaly:?}");
                assert!(anomaly.explanation(contract).len() > 20, "{anomaly:?}");
            }
        }
    }
}
