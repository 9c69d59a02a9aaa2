//! The defects that can be planted: what each breaks, and under which fault it shows.
//!
//! One of them is not alone: a random transactional.id by itself would only hold readers up until the transaction of
//! the last life times out, as the coordinator of the group refuses members that were thrown out. So it comes with what
//! goes with it in programs that trust in the id: offsets without a member. The good twin of each is the program
//! without `--defect` under the promise that is judged: exactly-once for `not-idempotent-sink` and `no-idempotence`.

use std::fmt;

use crate::arguments::Guarantee;

/// One thing done wrongly. Each is found in real programs, or is what a checker must not miss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    CommitBeforeProcessing,
    AutoCommitWithWorkers,
    NoIdempotence,
    ReadUncommitted,
    RandomTransactionalId,
    OffsetsWithoutGroupMetadata,
    OffsetsOutsideTransaction,
    NoRewindAfterAbort,
    AbortAfterCommitTimeout,
    NotIdempotentSink,
    DropSome,
    MovesKeys,
    Reorders,
    Invents,
    ExitsAtOnce,
    NeverJoins,
    NeverProduces,
    ReadsAnotherTopic,
    BypassesProxy,
    IgnoresSigterm,
    PrintsGigabytes,
}

/// What is to be known about a defect: name, the guarantee that it is built into, what it does, what shows it.
struct Entry(Defect, &'static str, Guarantee, &'static str, &'static str);

const HEADINGS: [(usize, &str); 3] = [
    (
        0,
        "Defects of real pipelines (what they are built into), and the fault that shows each",
    ),
    (10, "Defects that show without any fault"),
    (14, "Programs that can't be judged"),
];

use Defect as D;
use Guarantee::{AtLeastOnce as ALO, ExactlyOnce as EO};

const ALL: [Entry; 21] = [
    Entry(
        D::CommitBeforeProcessing,
        "commit-before-processing",
        ALO,
        "commits a batch, then works on it and writes it: pipeline-loss",
        "SIGKILL while commits are ahead of the outputs",
    ),
    Entry(
        D::AutoCommitWithWorkers,
        "auto-commit-with-workers",
        ALO,
        "auto-commit every 0.5 s while workers need a second for each record: pipeline-loss",
        "SIGKILL while commits are ahead of the outputs, so nearly any",
    ),
    Entry(
        D::NoIdempotence,
        "no-idempotence",
        ALO,
        "retries, five small requests in flight, no idempotence: pipeline-duplicate, pipeline-reorder",
        "lost answer to Produce (duplicate); Produce refused with an error that is retried (reorder)",
    ),
    Entry(
        D::ReadUncommitted,
        "read-uncommitted",
        EO,
        "reads records of open and aborted transactions: pipeline-phantom",
        "aborted transactions in the input; no fault is needed",
    ),
    Entry(
        D::RandomTransactionalId,
        "random-transactional-id",
        EO,
        "a new transactional.id at every start, and no member with the offsets: nothing fences it: pipeline-duplicate",
        "SIGSTOP past the session timeout, another instance takes over, SIGCONT",
    ),
    Entry(
        D::OffsetsWithoutGroupMetadata,
        "offsets-without-group-metadata",
        EO,
        "sends offsets with generation -1 and no member, so that a zombie is not refused: pipeline-duplicate",
        "SIGSTOP past the session timeout, another instance takes over, SIGCONT",
    ),
    Entry(
        D::OffsetsOutsideTransaction,
        "offsets-outside-transaction",
        EO,
        "commits offsets on their own, after the transaction: pipeline-duplicate",
        "SIGKILL between EndTxn and OffsetCommit; lost answer to EndTxn",
    ),
    Entry(
        D::NoRewindAfterAbort,
        "no-rewind-after-abort",
        EO,
        "goes on reading behind what was aborted: pipeline-loss",
        "an abort without a rebalance: TxnOffsetCommit refused, no answer to Produce for 4 s (silence, outage)",
    ),
    Entry(
        D::AbortAfterCommitTimeout,
        "abort-after-commit-timeout",
        EO,
        "takes a commit without an answer within 0.5 s for an abort, and copies the batch again: pipeline-duplicate",
        "lost or held answer to EndTxn, black hole in that moment",
    ),
    Entry(
        D::NotIdempotentSink,
        "not-idempotent-sink",
        ALO,
        "says that it skips what it has written, but remembers it in memory only: pipeline-duplicate",
        "SIGKILL between outputs and commit (a violation of exactly-once only)",
    ),
    Entry(
        D::DropSome,
        "drop-some",
        EO,
        "leaves out one record in 1,000: pipeline-loss",
        "none",
    ),
    Entry(
        D::MovesKeys,
        "moves-keys",
        EO,
        "writes one key to two partitions in turn: key-moved (needs two partitions)",
        "none",
    ),
    Entry(
        D::Reorders,
        "reorders",
        EO,
        "swaps two records of a key in one batch of ten: pipeline-reorder",
        "none",
    ),
    Entry(
        D::Invents,
        "invents",
        EO,
        "writes a record of its own for every 500 read: pipeline-phantom",
        "none",
    ),
    Entry(
        D::ExitsAtOnce,
        "exits-at-once",
        EO,
        "ends with exit code 1",
        "none",
    ),
    Entry(
        D::NeverJoins,
        "never-joins",
        EO,
        "connects, and never joins the group",
        "none",
    ),
    Entry(
        D::NeverProduces,
        "never-produces",
        ALO,
        "reads and commits, and writes nothing",
        "none",
    ),
    Entry(
        D::ReadsAnotherTopic,
        "reads-another-topic",
        EO,
        "reads INPUT-other instead of INPUT",
        "none",
    ),
    Entry(
        D::BypassesProxy,
        "bypasses-proxy",
        EO,
        "writes straight to --direct HOST:PORT",
        "none",
    ),
    Entry(
        D::IgnoresSigterm,
        "ignores-sigterm",
        EO,
        "goes on after SIGTERM",
        "none",
    ),
    Entry(
        D::PrintsGigabytes,
        "prints-gigabytes",
        EO,
        "prints without end while it works",
        "none",
    ),
];

impl Defect {
    fn entry(self) -> &'static Entry {
        ALL.iter().find(|entry| entry.0 == self).unwrap_or(&ALL[0])
    }

    /// The guarantee of the pipeline that it is built into, if none is named.
    pub(crate) fn guarantee(self) -> Guarantee {
        self.entry().2
    }

    /// The table for `--help`.
    pub(crate) fn table() -> String {
        let mut text = String::new();
        for (place, Entry(_, name, guarantee, does, shows)) in ALL.iter().enumerate() {
            if let Some((_, heading)) = HEADINGS.iter().find(|(first, _)| *first == place) {
                text.push_str(&format!("{}{heading}:\n", if place == 0 { "" } else { "\n" }));
            }
            text.push_str(&format!("  {name} ({guarantee})\n"));
            text.push_str(&format!("      {does}\n"));
            if *shows != "none" {
                text.push_str(&format!("      shows with: {shows}\n"));
            }
        }
        text
    }
}

impl clap::ValueEnum for Defect {
    fn value_variants<'a>() -> &'a [Self] {
        const VARIANTS: [Defect; ALL.len()] = {
            let mut variants = [Defect::DropSome; ALL.len()];
            let mut place = 0;
            while place < ALL.len() {
                variants[place] = ALL[place].0;
                place += 1;
            }
            variants
        };
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.entry().1))
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().1)
    }
}
