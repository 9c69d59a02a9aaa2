//! What a contract says about each anomaly: one table.

use crate::{Anomaly, Contract, Delivery};

/// What a contract says about an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// The contract forbids it.
    Violation,
    /// The contract allows it; it is counted, and bounded where there is a bound.
    Expected,
}

impl Anomaly {
    /// What the contract says about it.
    #[must_use]
    pub fn standing(self, contract: Contract) -> Standing {
        use Anomaly as A;
        let delivery = contract.delivery;
        let forbidden = match self {
            // Something is missing.
            A::LostWrite
            | A::PipelineLoss
            | A::GroupSkip
            | A::OffsetsWithoutOutputs
            | A::CommitAhead
            | A::PollSkip
            | A::IntPollSkip => delivery != Delivery::AtMostOnce,
            // Something is there again, or may come again.
            A::Duplicate
            | A::PipelineDuplicate
            | A::OutputsWithoutOffsets
            | A::CommitRegression
            | A::NonmonotonicPoll
            | A::IntNonmonotonicPoll => delivery != Delivery::AtLeastOnce,
            // Something is in another order.
            A::NonmonotonicSend | A::IntNonmonotonicSend => contract.ordered_per_partition,
            A::PipelineReorder => contract.ordered_per_key || contract.ordered_per_partition,
            A::KeyMoved => contract.ordered_per_key,
            // The cluster breaks its word, whatever the pipeline promises.
            A::CorruptPayload
            | A::InconsistentOffsets
            | A::ReusedOffset
            | A::AbortedRead
            | A::TornTransaction
            | A::PrecommittedRead
            | A::FracturedRead
            | A::InformationCycle
            | A::FencingViolation
            | A::HangingTransaction
            | A::DualOwnership
            | A::LeaderEpochRegression
            | A::StaleCompaction
            | A::Phantom
            | A::PipelinePhantom
            | A::RedeliveryOutsideWindow => true,
            // Allowed by Kafka, and told.
            A::WriteCycle | A::IntSendSkip | A::ClientMisclassification => false,
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

    /// Why it is or is not a violation, in a sentence.
    #[must_use]
    pub fn explanation(self, contract: Contract) -> String {
        use Anomaly as A;
        let delivery = contract.delivery.name();
        match (self, self.violates(contract)) {
            (A::LostWrite, true) => {
                format!("{delivery} promises that an acknowledged record can be read")
            }
            (A::LostWrite, false) => {
                format!("{delivery} allows an acknowledged record to be missing; counted")
            }
            (A::Duplicate, true) => format!("{delivery} promises that no record is in the log twice"),
            (A::Duplicate, false) => format!("{delivery} allows a retry to write a record again; counted"),
            (A::PipelineLoss | A::GroupSkip | A::PollSkip | A::IntPollSkip, true) => {
                format!("{delivery} promises that every record is processed")
            }
            (A::PipelineLoss | A::GroupSkip | A::PollSkip | A::IntPollSkip, false) => {
                format!("{delivery} allows a record to be left out; counted")
            }
            (A::OffsetsWithoutOutputs | A::CommitAhead, true) => {
                format!("{delivery} promises that an input counts as done only when its outputs are written")
            }
            (A::OffsetsWithoutOutputs | A::CommitAhead, false) => {
                format!("{delivery} allows an input to count as done before its outputs are written; counted")
            }
            (A::PipelineDuplicate | A::OutputsWithoutOffsets | A::CommitRegression, true) => {
                format!("{delivery} promises that no record is processed twice")
            }
            (A::PipelineDuplicate | A::OutputsWithoutOffsets | A::CommitRegression, false) => {
                format!("{delivery} allows records to be processed again after a failure; counted")
            }
            (A::NonmonotonicPoll | A::IntNonmonotonicPoll, true) => {
                format!("{delivery} promises that a reader does not get a record twice")
            }
            (A::NonmonotonicPoll | A::IntNonmonotonicPoll, false) => {
                format!("{delivery} allows a reader to get records again; counted")
            }
            (A::NonmonotonicSend | A::IntNonmonotonicSend, true) => {
                "ordered-per-partition promises that records of one producer keep their order in a partition"
                    .to_owned()
            }
            (A::PipelineReorder, true) => {
                "the contract promises that outputs keep the order of their inputs".to_owned()
            }
            (A::KeyMoved, true) => "ordered-per-key promises that a key stays in one partition".to_owned(),
            (A::NonmonotonicSend | A::IntNonmonotonicSend | A::PipelineReorder | A::KeyMoved, false) => {
                "the contract promises no order; counted".to_owned()
            }
            (A::CorruptPayload, _) => {
                "every contract promises that a record is read as it was sent".to_owned()
            }
            (A::InconsistentOffsets | A::ReusedOffset, _) => {
                "an acknowledgement promises the offset it names, under every contract".to_owned()
            }
            (A::Phantom, _) => {
                "the topic belongs to this run, and no contract allows records that nobody sent".to_owned()
            }
            (A::PipelinePhantom, _) => "no contract allows outputs that no input asked for".to_owned(),
            (A::AbortedRead | A::PrecommittedRead | A::FracturedRead | A::InformationCycle, _) => {
                "read_committed promises whole, committed transactions, under every contract".to_owned()
            }
            (A::TornTransaction, _) => {
                "a transaction ends the same way in all of its partitions, under every contract".to_owned()
            }
            (A::FencingViolation, _) => {
                "the cluster promises that an old epoch or generation is refused, under every contract"
                    .to_owned()
            }
            (A::HangingTransaction, _) => {
                "a transaction ends at the latest with its timeout; until then committed readers stand still"
                    .to_owned()
            }
            (A::DualOwnership, _) => {
                "a group promises one owner for each partition and generation".to_owned()
            }
            (A::LeaderEpochRegression, _) => "leader epochs only go up in a log".to_owned(),
            (A::StaleCompaction, _) => "compaction promises to keep the newest value of every key".to_owned(),
            (A::RedeliveryOutsideWindow, _) => {
                "records may come again only after a failure or a rebalance, and only since the last commit"
                    .to_owned()
            }
            (A::WriteCycle | A::IntSendSkip, _) => {
                "Kafka promises nothing about how the writes of two transactions interleave; counted"
                    .to_owned()
            }
            (A::ClientMisclassification, _) => {
                "the cluster kept the record; the client was wrong to report it as certainly not written"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let missing = "lost-write pipeline-loss group-skip offsets-without-outputs commit-ahead poll-skip int-poll-skip";
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
    }
}
