//! A slow and plain judge of all small histories: two transactions, two partitions, at most four operations each.
//!
//! ```text
//!  each transaction: writes to one partition or both, reads one record of the other or none, is told ok, failed or
//!  nothing; of each record the log says committed, aborted, or has nothing
//! ```
//!
//! Invariant: it judges by the definitions alone, from what was put into the history, and shares no code with checkers.

use std::collections::BTreeSet;

use highwater_check::Anomaly;
use highwater_check::history::{
    Action, Isolation, Kind, LogRecord, LogStep, Operation, Outcome, Partition, Process, Producer, Read,
    Step, Value, What,
};

use crate::matrix::Judge;
use crate::plant::Named;

/// What the brute-force oracle said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OracleRow {
    /// Histories judged by both.
    pub histories: u64,
    /// Which histories those are, in words.
    pub space: &'static str,
    /// Histories of which the checkers and the oracle think differently, in words.
    pub disagreements: Vec<String>,
}

/// What the log says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Committed,
    Aborted,
    Missing,
}

#[derive(Debug, Clone)]
struct Small {
    /// By transaction and partition; none if it does not write there.
    written: [[Option<Stands>; 2]; 2],
    outcomes: [Outcome; 2],
    /// By transaction: the partition of the other's record that it reads.
    reads: [Option<usize>; 2],
    /// Which transaction stands first in both logs.
    first: usize,
}

const SPACE: &str = "all of two transactions on two partitions with at most four operations each";
const OUTCOMES: [Outcome; 3] = [Outcome::Ok, Outcome::Failed, Outcome::Unknown];
const STANDS: [Option<Stands>; 4] = [
    None,
    Some(Stands::Committed),
    Some(Stands::Aborted),
    Some(Stands::Missing),
];
const READS: [Option<usize>; 3] = [None, Some(0), Some(1)];
const MOST_TOLD: usize = 20;

/// Judges all small histories twice.
pub fn ask_oracle(judge: Judge<'_>) -> OracleRow {
    let mut row = OracleRow {
        histories: 0,
        space: SPACE,
        disagreements: Vec::new(),
    };
    each_small(&mut |small| {
        row.histories += 1;
        let found: BTreeSet<(Anomaly, BTreeSet<Named>)> = judge(&small.steps())
            .into_iter()
            .filter(|finding| !matches!(finding.anomaly, Anomaly::WriteCycle | Anomaly::IntSendSkip))
            .map(|finding| {
                let records = finding.records.iter();
                let named = records.map(|record| (record.partition, None, record.value));
                (finding.anomaly, named.collect())
            })
            .collect();
        let by_definition = small.judged();
        if found != by_definition && row.disagreements.len() < MOST_TOLD {
            row.disagreements.push(format!(
                "{small:?}: by definition {by_definition:?}, found {found:?}"
            ));
        }
    });
    row
}

fn each_small(tell: &mut dyn FnMut(&Small)) {
    let pairs: Vec<[Option<Stands>; 2]> = STANDS
        .iter()
        .flat_map(|one| STANDS.iter().map(|other| [*one, *other]))
        .filter(|pair| pair.iter().any(Option::is_some))
        .collect();
    for one in &pairs {
        for other in &pairs {
            let written = [*one, *other];
            for outcomes in OUTCOMES
                .iter()
                .flat_map(|one| OUTCOMES.map(|other| [*one, other]))
            {
                for reads in READS.iter().flat_map(|one| READS.map(|other| [*one, other])) {
                    let there = |reader: usize| {
                        reads[reader].is_none_or(|partition| written[1 - reader][partition].is_some())
                    };
                    if !there(0) || !there(1) {
                        continue;
                    }
                    for first in [0, 1] {
                        tell(&Small {
                            written,
                            outcomes,
                            reads,
                            first,
                        });
                    }
                }
            }
        }
    }
}

impl Small {
    fn value(transaction: usize, partition: usize) -> Value {
        Value((transaction * 2 + partition) as u64 + 1)
    }

    fn name(transaction: usize, partition: usize) -> Named {
        (
            Partition(partition as u32),
            None,
            Some(Self::value(transaction, partition)),
        )
    }

    /// Records and markers take turns; what is missing leaves a hole.
    fn offset(&self, transaction: usize) -> i64 {
        if transaction == self.first { 0 } else { 2 }
    }

    fn stands(&self, transaction: usize, wanted: Stands) -> Vec<usize> {
        (0..2)
            .filter(|partition| self.written[transaction][*partition] == Some(wanted))
            .collect()
    }

    fn is_read(&self, transaction: usize, partition: usize) -> bool {
        self.reads[1 - transaction] == Some(partition)
    }

    /// Whether it was aborted: the log says so everywhere, or the client where the log says both or nothing.
    fn is_aborted(&self, transaction: usize) -> bool {
        let committed = !self.stands(transaction, Stands::Committed).is_empty();
        let aborted = !self.stands(transaction, Stands::Aborted).is_empty();
        match (committed, aborted) {
            (true, false) => false,
            (false, true) => true,
            _ => self.outcomes[transaction] == Outcome::Failed,
        }
    }

    fn judged(&self) -> BTreeSet<(Anomaly, BTreeSet<Named>)> {
        let mut found = BTreeSet::new();
        for transaction in 0..2 {
            self.judge_one(transaction, &mut found);
        }
        // Each got a record of the other, and neither was aborted.
        if let [Some(of_other), Some(of_one)] = self.reads
            && !self.is_aborted(0)
            && !self.is_aborted(1)
        {
            let records = [Self::name(1, of_other), Self::name(0, of_one)];
            found.insert((Anomaly::InformationCycle, records.into()));
        }
        found
    }

    fn judge_one(&self, transaction: usize, found: &mut BTreeSet<(Anomaly, BTreeSet<Named>)>) {
        let outcome = self.outcomes[transaction];
        let aborted = self.is_aborted(transaction);
        let visible = self.stands(transaction, Stands::Committed);
        // Of what is missing, only what was told or read is known to have been there.
        let known = |partition: &usize| outcome == Outcome::Ok || self.is_read(transaction, *partition);
        let mut gone = self.stands(transaction, Stands::Aborted);
        gone.extend(
            self.stands(transaction, Stands::Missing)
                .into_iter()
                .filter(known),
        );
        let some_read = (0..2).any(|partition| self.is_read(transaction, partition));
        let mut about = |anomaly, partitions: &[usize]| {
            let records = partitions
                .iter()
                .map(|partition| Self::name(transaction, *partition));
            found.insert((anomaly, records.collect()));
        };
        if !visible.is_empty() && !gone.is_empty() {
            about(Anomaly::TornTransaction, if aborted { &visible } else { &gone });
        }
        for partition in 0..2 {
            let Some(stands) = self.written[transaction][partition] else {
                continue;
            };
            let seen = stands == Stands::Committed || self.is_read(transaction, partition);
            if aborted && seen {
                about(Anomaly::AbortedRead, &[partition]);
            }
            if outcome == Outcome::Failed && !aborted && seen {
                about(Anomaly::ClientMisclassification, &[partition]);
            }
            // Acknowledged; or its commit was seen, whatever its client was told.
            let promised = match outcome {
                Outcome::Ok => true,
                Outcome::Unknown | Outcome::Failed => !aborted && (!visible.is_empty() || some_read),
            };
            if promised && gone.contains(&partition) {
                about(Anomaly::LostWrite, &[partition]);
            }
        }
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut tell = |what| {
            let index = steps.len() as u64 + 10;
            steps.push(Step {
                index,
                at_ns: index as i64,
                what,
            });
        };
        for transaction in 0..2 {
            tell(What::Operation(self.operation(transaction)));
        }
        for partition in 0..2 {
            self.read_back(partition, &mut tell);
        }
        steps
    }

    fn operation(&self, transaction: usize) -> Operation {
        let outcome = self.outcomes[transaction];
        let mut actions = Vec::new();
        for partition in 0..2 {
            let Some(stands) = self.written[transaction][partition] else {
                continue;
            };
            let told = outcome == Outcome::Ok || stands != Stands::Missing;
            actions.push(Action::Send {
                partition: Partition(partition as u32),
                value: Self::value(transaction, partition),
                offset: told.then(|| self.offset(transaction)),
                key: None,
            });
        }
        if let Some(partition) = self.reads[transaction] {
            let read = Read {
                offset: self.offset(1 - transaction),
                value: Self::value(1 - transaction, partition),
            };
            actions.push(Action::Poll {
                isolation: Isolation::Committed,
                reads: vec![(Partition(partition as u32), vec![read])],
            });
        }
        Operation {
            began: transaction as u64,
            process: Process(transaction as u32),
            outcome,
            kind: Kind::Transaction,
            producer: Some(Self::producer(transaction)),
            actions,
        }
    }

    fn producer(transaction: usize) -> Producer {
        Producer {
            id: transaction as i64 + 1,
            epoch: 0,
        }
    }

    fn read_back(&self, number: usize, tell: &mut dyn FnMut(What)) {
        let partition = Partition(number as u32);
        let in_order = [self.first, 1 - self.first];
        let there = || {
            in_order.into_iter().filter_map(|transaction| {
                let stands = self.written[transaction][number]?;
                (stands != Stands::Missing).then_some((transaction, stands))
            })
        };
        for (transaction, stands) in there() {
            let (offset, producer) = (self.offset(transaction), Self::producer(transaction));
            tell(What::Log(LogStep::Record(LogRecord {
                partition,
                offset,
                value: Self::value(transaction, number),
                key: None,
                producer: Some(producer),
                sequence: 0,
                transactional: true,
                leader_epoch: 0,
                intact: true,
            })));
            tell(What::Log(LogStep::Marker {
                partition,
                offset: offset + 1,
                producer,
                commit: stands == Stands::Committed,
                leader_epoch: 0,
            }));
        }
        for (transaction, _) in there().filter(|(_, stands)| *stands == Stands::Committed) {
            tell(What::Log(LogStep::Committed {
                partition,
                offset: self.offset(transaction),
                value: Self::value(transaction, number),
            }));
        }
        tell(What::Log(LogStep::End {
            partition,
            log_start: 0,
            high_watermark: 4,
            last_stable_offset: 4,
            compacted: false,
            whole: true,
        }));
    }
}
