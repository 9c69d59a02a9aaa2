//! The switches that make the broker break a promise on purpose.

use std::fmt;
use std::str::FromStr;

/// A planted defect. Each writes what it harmed to `bugs.jsonl` in the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bug {
    /// Produce is answered, and readers see the batch, before it is written; a stop in between loses it.
    AckBeforeAppend,
    /// Recovery cuts one good batch from the end of every partition.
    ForgetLastBatchOnRestart,
    /// A retry that a right broker recognises by its sequence is appended a second time.
    AppendRetryTwice,
    /// The last two batches of every partition change places when the broker starts.
    ReassignOffsetsOnRestart,
    /// Some batches are answered with offset 0, wherever they are.
    SpuriousOffsetZero,
    /// A reader that is far behind is not shown some batches.
    HideFromLaggingReaders,
    /// Batches are appended whatever their sequence.
    IgnoreSequences,
    /// The last stable offset is one too high.
    LastStableOffsetOffByOne,
    /// Committed readers are not told which transactions were aborted.
    ServeAbortedBatches,
    /// A producer that was fenced goes on writing.
    IgnoreProducerEpoch,
    /// An end of a transaction is applied to another one.
    EndTransactionOfAnother,
    /// A transaction is ended in its first partition only.
    MarkerInOnePartitionOnly,
    /// Compaction keeps a value of a key that is not the last.
    CompactionKeepsOlder,
    /// Commits of consumers whose generation is over are kept.
    IgnoreGeneration,
    /// Some partitions' newest committed offset is not there after a start.
    ForgetCommittedOffset,
    /// The first answer after a start is an older offset than the one committed.
    RegressCommittedOffset,
}

impl Bug {
    /// Every bug, in the order they are listed to people.
    pub const ALL: [Self; 16] = [
        Self::AckBeforeAppend,
        Self::ForgetLastBatchOnRestart,
        Self::AppendRetryTwice,
        Self::ReassignOffsetsOnRestart,
        Self::SpuriousOffsetZero,
        Self::HideFromLaggingReaders,
        Self::IgnoreSequences,
        Self::LastStableOffsetOffByOne,
        Self::ServeAbortedBatches,
        Self::IgnoreProducerEpoch,
        Self::EndTransactionOfAnother,
        Self::MarkerInOnePartitionOnly,
        Self::CompactionKeepsOlder,
        Self::IgnoreGeneration,
        Self::ForgetCommittedOffset,
        Self::RegressCommittedOffset,
    ];

    /// The name on the command line and in the journal.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AckBeforeAppend => "ack-before-append",
            Self::ForgetLastBatchOnRestart => "forget-last-batch-on-restart",
            Self::AppendRetryTwice => "append-retry-twice",
            Self::ReassignOffsetsOnRestart => "reassign-offsets-on-restart",
            Self::SpuriousOffsetZero => "spurious-offset-zero",
            Self::HideFromLaggingReaders => "hide-from-lagging-readers",
            Self::IgnoreSequences => "ignore-sequences",
            Self::LastStableOffsetOffByOne => "last-stable-offset-off-by-one",
            Self::ServeAbortedBatches => "serve-aborted-batches",
            Self::IgnoreProducerEpoch => "ignore-producer-epoch",
            Self::EndTransactionOfAnother => "end-transaction-of-another",
            Self::MarkerInOnePartitionOnly => "marker-in-one-partition-only",
            Self::CompactionKeepsOlder => "compaction-keeps-older",
            Self::IgnoreGeneration => "ignore-generation",
            Self::ForgetCommittedOffset => "forget-committed-offset",
            Self::RegressCommittedOffset => "regress-committed-offset",
        }
    }

    /// One line for people.
    pub const fn description(self) -> &'static str {
        match self {
            Self::AckBeforeAppend => {
                "acknowledge a batch 100 ms before it is written; any stop in between loses it"
            }
            Self::ForgetLastBatchOnRestart => {
                "cut one good batch from the end of every partition when the broker starts"
            }
            Self::AppendRetryTwice => {
                "append an idempotent producer's retry a second time, every 100th batch"
            }
            Self::ReassignOffsetsOnRestart => {
                "let the last two batches of every partition change places when the broker starts"
            }
            Self::SpuriousOffsetZero => "answer every 100th batch with offset 0, wherever it is",
            Self::HideFromLaggingReaders => {
                "leave a batch out of every 10th answer to a reader that is 1,000 records behind"
            }
            Self::IgnoreSequences => "append retries once more, and batches behind a gap",
            Self::LastStableOffsetOffByOne => {
                "show committed readers the first batch of a transaction that is still open"
            }
            Self::ServeAbortedBatches => "do not tell committed readers which transactions were aborted",
            Self::IgnoreProducerEpoch => "append batches of producers that were fenced",
            Self::EndTransactionOfAnother => {
                "apply the 3rd end of a transaction, and every 20th after it, to another open one"
            }
            Self::MarkerInOnePartitionOnly => {
                "end the 3rd transaction, and every 20th after it, in the first of its partitions only"
            }
            Self::CompactionKeepsOlder => {
                "keep the value before the last one of a key in each pass of compaction"
            }
            Self::IgnoreGeneration => {
                "keep offsets that consumers commit after their group has gone on without them"
            }
            Self::ForgetCommittedOffset => {
                "forget the newest committed offset of every 3rd partition when the broker starts"
            }
            Self::RegressCommittedOffset => {
                "answer the first question for a committed offset after a start with half of it"
            }
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The name of a bug that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown bug '{0}', known are {known}", known = Bug::ALL.map(Bug::name).join(", "))]
pub struct UnknownBug(String);

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        Self::ALL
            .into_iter()
            .find(|bug| bug.name() == name)
            .ok_or_else(|| UnknownBug(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for bug in Bug::ALL {
            assert_eq!(bug.to_string().parse(), Ok(bug));
        }
        let error = "ack-after-append".parse::<Bug>().expect_err("no such bug");
        assert!(error.to_string().contains("append-retry-twice"), "{error}");
    }
}
