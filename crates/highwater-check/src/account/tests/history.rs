//! A ledger and a log in memory, and the account of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use highwater_model::{AnomalyExample, Outcome, RecordId};

use crate::{Account, Attempt, Attempts, Contract, Findings, Found, Observed, PartitionEnd};

pub(super) const TOPIC: &str = "test-7f3a91";

/// Anomaly, producer and sequence.
pub(super) type Named = (String, RecordId);

pub(super) fn id(producer: u32, sequence: u64) -> RecordId {
    RecordId { producer, sequence }
}

pub(super) fn acknowledged(partition: i32, offset: i64) -> Attempt {
    Attempt {
        outcome: Outcome::Acknowledged,
        partition,
        offset: Some(offset),
        acknowledged_at_ns: Some(15_001_000_000),
        handed_over: true,
    }
}

pub(super) fn without_answer(outcome: Outcome, partition: i32, handed_over: bool) -> Attempt {
    Attempt {
        outcome,
        partition,
        offset: None,
        acknowledged_at_ns: None,
        handed_over,
    }
}

/// What was attempted, and what every partition holds.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    pub(super) attempts: BTreeMap<RecordId, Attempt>,
    pub(super) logs: BTreeMap<i32, BTreeMap<i64, Observed>>,
    pub(super) ends: Vec<PartitionEnd>,
}

impl History {
    /// Records of two producers dealt out to partitions, all acknowledged at their place.
    pub(super) fn clean(partitions: i32, records_each: i64) -> Self {
        let mut history = Self::default();
        for partition in 0..partitions {
            for offset in 0..records_each {
                let sequence = (offset / 2 * i64::from(partitions) + i64::from(partition)) as u64;
                let record = id((offset % 2) as u32, sequence);
                history.attempts.insert(record, acknowledged(partition, offset));
                history.put(partition, offset, Observed::Record(record));
            }
        }
        history
    }

    pub(super) fn put(&mut self, partition: i32, offset: i64, observed: Observed) {
        self.logs.entry(partition).or_default().insert(offset, observed);
    }

    pub(super) fn take(&mut self, partition: i32, offset: i64) -> Observed {
        self.logs.get_mut(&partition).unwrap().remove(&offset).unwrap()
    }

    pub(super) fn record_at(&self, partition: i32, offset: i64) -> RecordId {
        match self.logs[&partition][&offset] {
            Observed::Record(record) => record,
            other => panic!("{other:?} at {partition}/{offset}"),
        }
    }

    /// One past the last record.
    pub(super) fn end_of(&self, partition: i32) -> i64 {
        let log = self.logs.get(&partition);
        log.and_then(|log| log.last_key_value())
            .map_or(0, |(offset, _)| offset + 1)
    }

    /// The bounds of every partition, read to the end.
    pub(super) fn read_to_the_end(&mut self) -> &mut Self {
        self.ends = self
            .logs
            .keys()
            .map(|partition| {
                let end = self.end_of(*partition);
                PartitionEnd {
                    partition: *partition,
                    log_start: 0,
                    high_watermark: end,
                    last_stable_offset: end,
                    read_to: end,
                }
            })
            .collect();
        self
    }

    /// The account, which must be the same whether or not the ledger keeps first places.
    pub(super) fn account(&self, contract: &str) -> (Findings, Vec<(String, AnomalyExample)>) {
        let account = self.account_with(contract, true);
        assert_eq!(account, self.account_with(contract, false));
        account
    }

    fn account_with(&self, contract: &str, keeps_first: bool) -> (Findings, Vec<(String, AnomalyExample)>) {
        let ledger = Ledger {
            attempts: &self.attempts,
            found: Mutex::default(),
            keeps_first,
        };
        let mut account = Account::new(TOPIC, &ledger, Contract::parse(contract).unwrap());
        for (partition, log) in &self.logs {
            for (offset, observed) in log {
                account.observe(*partition, *offset, *observed);
            }
        }
        let mut listed = Vec::new();
        let findings = account.finish(&self.ends, &mut |name, example| {
            listed.push((name.to_owned(), example.clone()));
        });
        (findings, listed)
    }

    /// Anomalies by name and record, after checking that counts, examples and the list agree.
    pub(super) fn anomalies(&self, contract: &str) -> (Findings, BTreeSet<Named>) {
        let (findings, listed) = self.account(contract);
        for report in &findings.anomalies {
            let all: Vec<_> = listed.iter().filter(|(name, _)| *name == report.name).collect();
            assert_eq!(report.count, all.len() as u64, "{}", report.name);
            let first: Vec<_> = all
                .iter()
                .take(crate::MOST_EXAMPLES)
                .map(|(_, example)| example.clone())
                .collect();
            assert_eq!(report.examples, first, "{}", report.name);
        }
        assert!(findings.anomalies.is_sorted_by_key(|report| !report.violation));
        let total: u64 = findings.anomalies.iter().map(|report| report.count).sum();
        assert_eq!(total, listed.len() as u64);
        let named = listed
            .into_iter()
            .map(|(name, example)| (name, example.record))
            .collect();
        (findings, named)
    }
}

struct Ledger<'a> {
    attempts: &'a BTreeMap<RecordId, Attempt>,
    found: Mutex<BTreeMap<RecordId, (u32, i32, i64)>>,
    /// Whether it tells where a record with an acknowledged offset was found first.
    keeps_first: bool,
}

impl Ledger<'_> {
    fn keeps(&self, id: RecordId) -> bool {
        let promised = self
            .attempts
            .get(&id)
            .is_some_and(|attempt| attempt.offset.is_some());
        self.keeps_first || !promised
    }
}

impl Attempts for Ledger<'_> {
    fn attempt(&self, id: RecordId) -> Option<Attempt> {
        self.attempts.get(&id).copied()
    }

    fn mark_found(&self, id: RecordId, partition: i32, offset: i64) -> Found {
        let mut found = self.found.lock().unwrap();
        let row = found.entry(id).or_insert((0, partition, offset));
        row.0 += 1;
        Found {
            times_before: row.0 - 1,
            first_offset: self.keeps(id).then_some(row.2),
            first_partition: row.1,
        }
    }

    fn for_each(&self, visit: &mut dyn FnMut(RecordId, Attempt, u32)) {
        let found = self.found.lock().unwrap();
        for (id, attempt) in self.attempts {
            visit(*id, *attempt, found.get(id).map_or(0, |row| row.0));
        }
    }
}

/// Takes in every partition twice.
pub(super) fn read_again(history: &History, check: impl FnOnce(&Findings)) {
    let ledger = Ledger {
        attempts: &history.attempts,
        found: Mutex::default(),
        keeps_first: true,
    };
    let mut account = Account::new(TOPIC, &ledger, Contract::parse("exactly-once").unwrap());
    for _ in 0..2 {
        for (partition, log) in &history.logs {
            for (offset, observed) in log {
                account.observe(*partition, *offset, *observed);
            }
        }
    }
    check(&account.finish(&[], &mut |_, _| ()));
}
