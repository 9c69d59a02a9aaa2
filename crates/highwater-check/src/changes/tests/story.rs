//! A small database with a connector behind it, played from a seed.

use std::collections::BTreeMap;

use highwater_model::RecordId;

use crate::changes::{
    At, ChangeAccount, ChangeEnd, ChangeEvent, ChangeSummary, Field, Flushed, Interruption, Observed,
    Operation, Position, Row, RowChange, RowHistory, Window,
};
use crate::{Contract, Findings, PartitionEnd};

pub(super) const PARTITIONS: u64 = 3;
pub(super) const TABLE: &str = "videos";
/// Milliseconds from one record to the next.
pub(super) const STEP_MS: i64 = 10;

/// Numbers from a seed: what the tests need is spread, not quality.
pub(super) struct Numbers(u64);

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit.max(1)
    }
}

/// One record of a topic.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) observed: Observed,
    pub(super) at_ms: i64,
}

/// What happened, and what was read.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) changes: Vec<RowChange>,
    pub(super) rolled_back: Vec<(Field, u64)>,
    pub(super) partitions: BTreeMap<i32, Vec<Entry>>,
    pub(super) window: Window,
    pub(super) contract: &'static str,
    pub(super) whole: bool,
    /// Where the write-ahead log was when the connector came.
    pub(super) made_at: u64,
}

pub(super) fn partition_of(key: i64) -> i32 {
    (key.unsigned_abs() % PARTITIONS) as i32
}

pub(super) fn row(key: i64, revision: i64) -> Row {
    BTreeMap::from([
        ("id".to_owned(), Field::Integer(key)),
        ("revision".to_owned(), Field::Integer(revision)),
        ("title".to_owned(), Field::Text(format!("title {}", revision % 3))),
    ])
}

/// The event of a change.
pub(super) fn event_of(change: &RowChange) -> ChangeEvent {
    ChangeEvent {
        table: change.table.clone(),
        key: change.key.clone(),
        operation: change.operation,
        before: change.before.clone(),
        after: change.after.clone(),
        wal_position: Some(change.wal_position),
        position: Some(Position {
            committed: change.transaction,
            change: change.wal_position,
        }),
        transaction: Some(change.transaction),
    }
}

pub(super) fn number(key: &Field) -> i64 {
    match key {
        Field::Integer(key) => *key,
        other => panic!("keys are numbers here: {other:?}"),
    }
}

impl Story {
    /// `transactions` transactions of one to three changes over a few keys; the connector comes after a third of
    /// them and takes its snapshot there.
    pub(super) fn play(seed: u64, transactions: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        let mut rows: BTreeMap<i64, Row> = BTreeMap::new();
        let (mut changes, mut rolled_back) = (Vec::new(), Vec::new());
        let (mut wal, mut revision) = (1_000_u64, 0_i64);
        let mut story = Self {
            changes: Vec::new(),
            rolled_back: Vec::new(),
            partitions: (0..PARTITIONS as i32)
                .map(|partition| (partition, Vec::new()))
                .collect(),
            window: Window::default(),
            contract: "at-least-once, ordered-per-key",
            whole: true,
            made_at: 0,
        };
        let mut at_ms = 1_000_000;
        for transaction in 100..100 + transactions {
            if transaction == 100 + transactions / 3 {
                story.made_at = wal + 5;
                wal += 10;
                for (key, row) in &rows {
                    at_ms += STEP_MS;
                    story.push(*key, at_ms, read(*key, row, wal));
                }
                wal += 10;
            }
            let streamed = transaction >= 100 + transactions / 3;
            if numbers.below(8) == 0 {
                rolled_back.push((Field::Integer(numbers.below(12) as i64), transaction));
                continue;
            }
            for _ in 0..=numbers.below(3) {
                wal += 1 + numbers.below(40);
                revision += 1;
                let key = numbers.below(12) as i64;
                let before = rows.get(&key).cloned();
                let (operation, after) = match (&before, numbers.below(4)) {
                    (None, _) => (Operation::Create, Some(row(key, revision))),
                    (Some(_), 0) => (Operation::Delete, None),
                    (Some(_), _) => (Operation::Update, Some(row(key, revision))),
                };
                match &after {
                    Some(row) => rows.insert(key, row.clone()),
                    None => rows.remove(&key),
                };
                let change = RowChange {
                    table: TABLE.to_owned(),
                    key: Field::Integer(key),
                    operation,
                    before,
                    after,
                    transaction,
                    wal_position: wal,
                    record: RecordId {
                        producer: 0,
                        sequence: changes.len() as u64,
                    },
                };
                if streamed {
                    at_ms += STEP_MS;
                    story.push(key, at_ms, event_of(&change));
                }
                changes.push(change);
            }
        }
        story.changes = changes;
        story.rolled_back = rolled_back;
        story
    }

    /// Appends an event, and the tombstone behind a delete.
    pub(super) fn push(&mut self, key: i64, at_ms: i64, event: ChangeEvent) {
        let delete = event.operation == Operation::Delete;
        let records = self.partitions.entry(partition_of(key)).or_default();
        let table = event.table.clone();
        let key = event.key.clone();
        records.push(Entry {
            observed: Observed::Change(Box::new(event)),
            at_ms,
        });
        if delete {
            records.push(Entry {
                observed: Observed::Tombstone { table, key },
                at_ms,
            });
        }
    }

    /// The connector goes back: the last `records` of every partition are sent again after a restart, the position
    /// in front of them having been flushed.
    pub(super) fn rewind(&mut self, records: usize) {
        let now = self.last_ms() + 1_000;
        let mut oldest = Position {
            committed: u64::MAX,
            change: u64::MAX,
        };
        for entries in self.partitions.values_mut() {
            let from = entries.len().saturating_sub(records);
            // A snapshot is repeated as a whole or not at all: its rows stay what they are here.
            let again: Vec<Entry> = entries[from..]
                .iter()
                .skip_while(|entry| is_read(entry))
                .map(|entry| Entry {
                    at_ms: now,
                    ..entry.clone()
                })
                .collect();
            let positions = again.iter().filter_map(position);
            oldest = positions.fold(oldest, Position::min);
            entries.extend(again);
        }
        self.window.interruptions.push(Interruption {
            from_ms: now - 500,
            until_ms: now + 500,
        });
        self.window.flushed.push(Flushed {
            at_ms: now - 600,
            position: oldest,
        });
    }

    pub(super) fn last_ms(&self) -> i64 {
        let all = self.partitions.values().flatten();
        all.map(|entry| entry.at_ms).max().unwrap_or(0)
    }

    /// Places of the records that are events of this kind: partition and index.
    pub(super) fn places(&self, wanted: impl Fn(&ChangeEvent) -> bool) -> Vec<(i32, usize)> {
        let all = self.partitions.iter().flat_map(|(partition, entries)| {
            entries
                .iter()
                .enumerate()
                .map(move |(index, entry)| (*partition, index, entry))
        });
        all.filter(|(_, _, entry)| matches!(&entry.observed, Observed::Change(event) if wanted(event)))
            .map(|(partition, index, _)| (partition, index))
            .collect()
    }

    pub(super) fn event_mut(&mut self, (partition, index): (i32, usize)) -> &mut ChangeEvent {
        match &mut self.partitions.get_mut(&partition).expect("it is there")[index].observed {
            Observed::Change(event) => event,
            other => panic!("no event: {other:?}"),
        }
    }

    pub(super) fn judge(&self) -> (Findings, ChangeSummary) {
        let mut history = RowHistory::new(self.changes.clone());
        for (key, transaction) in &self.rolled_back {
            history.note_rolled_back(TABLE, key.clone(), *transaction);
        }
        let contract = Contract::parse(self.contract).expect("a contract");
        let mut account = ChangeAccount::new(&history, contract, self.window.clone()).made_at(self.made_at);
        for (partition, entries) in &self.partitions {
            for (offset, entry) in (0_i64..).zip(entries) {
                let at = At {
                    topic: "t.videos",
                    partition: *partition,
                    offset,
                    at_ms: entry.at_ms,
                };
                account.observe(at, &entry.observed);
            }
        }
        let ends: Vec<ChangeEnd> = self
            .partitions
            .iter()
            .map(|(partition, entries)| ChangeEnd {
                topic: "t.videos".to_owned(),
                end: PartitionEnd {
                    partition: *partition,
                    log_start: 0,
                    high_watermark: entries.len() as i64 + i64::from(!self.whole),
                    last_stable_offset: entries.len() as i64,
                    read_to: entries.len() as i64,
                },
            })
            .collect();
        account.finish(&ends, &|table| format!("t.{table}"), &mut |_, _| {})
    }

    /// Names of the anomalies that the contract forbids, with how many.
    pub(super) fn violations(&self) -> Vec<(String, u64)> {
        let (findings, _) = self.judge();
        findings
            .violations()
            .map(|anomaly| (anomaly.name.clone(), anomaly.count))
            .collect()
    }
}

pub(super) fn read(key: i64, row: &Row, wal: u64) -> ChangeEvent {
    ChangeEvent {
        table: TABLE.to_owned(),
        key: Field::Integer(key),
        operation: Operation::Read,
        before: None,
        after: Some(row.clone()),
        wal_position: Some(wal),
        position: None,
        transaction: Some(7),
    }
}

fn is_read(entry: &Entry) -> bool {
    matches!(&entry.observed, Observed::Change(event) if event.operation == Operation::Read)
}

fn position(entry: &Entry) -> Option<Position> {
    match &entry.observed {
        Observed::Change(event) => event.position,
        _ => None,
    }
}
