use std::collections::{BTreeMap, HashMap};

use super::build::Extent;
use super::table::{NONE, Table};
use super::{Order, Seen};
use crate::history::{Finding, Options, Outcome, Partition, Process, Value};

/// A record of the history, numbered by an [`Index`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordNumber(pub(super) u32);

/// An operation, without what it did.
#[derive(Debug, Clone, Copy)]
pub struct Operated {
    /// Step at which it ended.
    pub index: u64,
    /// Step at which it began.
    pub began: u64,
    /// Who.
    pub process: Process,
    /// How it ended, as the client was told.
    pub outcome: Outcome,
    /// All or nothing.
    pub transaction: bool,
    pub(super) first_send: u32,
    pub(super) first_read: u32,
}

/// A place where a record was seen.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Offset.
    pub offset: i64,
    /// In which ways.
    pub seen: Seen,
}

/// The end of a partition, as it was read back.
#[derive(Debug, Clone, Copy)]
pub struct PartitionEnd {
    /// First offset that is still there.
    pub log_start: i64,
    /// Offset after the last record.
    pub high_watermark: i64,
    /// Offset after the last record that no open transaction holds back.
    pub last_stable_offset: i64,
    /// Whether only the newest value of each key is kept.
    pub compacted: bool,
    /// Whether it was read to its end at both isolation levels.
    pub whole: bool,
}

/// How a transaction ended, after all that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Committed: a marker, the client's word, or a reader of committed records shows it.
    Committed,
    /// Aborted: a marker or the client's word says so.
    Aborted,
    /// Nobody knows.
    Unknown,
}

/// What a history says of its log.
#[derive(Debug)]
pub struct Index {
    pub(super) options: Options,
    pub(super) table: Table,
    pub(super) operations: Vec<Operated>,
    pub(super) sends: Vec<u32>,
    pub(super) reads: Vec<u32>,
    pub(super) elsewhere: BTreeMap<(u32, i64), Seen>,
    pub(super) writers: HashMap<u32, Vec<u32>>,
    pub(super) ends: BTreeMap<Partition, PartitionEnd>,
    pub(super) kept: Vec<(u64, Process, Vec<Partition>)>,
    pub(super) extents: BTreeMap<Partition, Extent>,
    pub(super) fates: Vec<Fate>,
    pub(super) orders: BTreeMap<Partition, Order>,
    pub(super) conflicts: Vec<(Partition, i64, Vec<RecordNumber>)>,
    pub(super) reused: Vec<(Partition, i64, Vec<RecordNumber>)>,
}

impl Index {
    /// How the history is to be understood.
    pub fn options(&self) -> Options {
        self.options
    }

    /// All records, in the order in which they were first mentioned.
    pub fn records(&self) -> impl Iterator<Item = RecordNumber> + use<> {
        (0..self.table.records.len() as u32).map(RecordNumber)
    }

    /// The number of a record, if the history mentions it.
    pub fn find(&self, partition: Partition, value: Value) -> Option<RecordNumber> {
        self.table.find(partition, value).map(RecordNumber)
    }

    /// Where it belongs, and what it is known by.
    pub fn name(&self, record: RecordNumber) -> (Partition, Value) {
        let kept = &self.table.records[record.0 as usize];
        (kept.partition, kept.value)
    }

    /// Where it was seen: acknowledged, read or read back. Offsets of failed sends are no places.
    pub fn places(&self, record: RecordNumber) -> impl Iterator<Item = Place> {
        let kept = &self.table.records[record.0 as usize];
        let first = (!kept.seen.is_empty()).then_some(Place {
            offset: kept.offset,
            seen: kept.seen,
        });
        let others = kept.elsewhere.then(|| {
            self.elsewhere
                .range((record.0, i64::MIN)..=(record.0, i64::MAX))
                .map(|((_, offset), seen)| Place {
                    offset: *offset,
                    seen: *seen,
                })
        });
        first.into_iter().chain(others.into_iter().flatten())
    }

    /// Operations that sent it, first one first.
    pub fn writers(&self, record: RecordNumber) -> impl Iterator<Item = u32> {
        let first = Some(self.table.records[record.0 as usize].writer).filter(|writer| *writer != NONE);
        let others = self.writers.get(&record.0).into_iter().flatten().copied();
        first.into_iter().chain(others)
    }

    /// The first operation that read it as committed.
    pub fn reader(&self, record: RecordNumber) -> Option<u32> {
        Some(self.table.records[record.0 as usize].reader).filter(|reader| *reader != NONE)
    }

    /// Whether any reader got it.
    pub fn was_read(&self, record: RecordNumber) -> bool {
        self.table.records[record.0 as usize].read
    }

    /// All operations, by number.
    pub fn operations(&self) -> &[Operated] {
        &self.operations
    }

    /// What an operation sent, in order.
    pub fn sends(&self, operation: u32) -> impl DoubleEndedIterator<Item = RecordNumber> {
        let end = self
            .operations
            .get(operation as usize + 1)
            .map_or(self.sends.len(), |next| next.first_send as usize);
        let first = self.operations[operation as usize].first_send as usize;
        self.sends[first..end].iter().copied().map(RecordNumber)
    }

    /// What a transaction that also sent something read as committed, in order.
    pub fn reads(&self, operation: u32) -> impl Iterator<Item = RecordNumber> {
        let end = self
            .operations
            .get(operation as usize + 1)
            .map_or(self.reads.len(), |next| next.first_read as usize);
        let first = self.operations[operation as usize].first_read as usize;
        self.reads[first..end].iter().copied().map(RecordNumber)
    }

    /// How an operation ended, after all that is known.
    pub fn fate(&self, operation: u32) -> Fate {
        self.fates[operation as usize]
    }

    /// Whether a send of a record certainly happened: acknowledged, or shown by what was read.
    pub fn happened(&self, operation: u32, record: RecordNumber) -> bool {
        let operated = &self.operations[operation as usize];
        match operated.outcome {
            Outcome::Unknown if !operated.transaction => {
                self.was_read(record) || self.places(record).any(|place| self.shown(place))
            }
            _ => self.fate(operation) == Fate::Committed,
        }
    }

    /// Whether all who sent it were transactions that were aborted.
    pub fn aborted(&self, record: RecordNumber) -> bool {
        let mut writers = self.writers(record).peekable();
        writers.peek().is_some()
            && writers.all(|writer| {
                self.operations[writer as usize].transaction && self.fate(writer) == Fate::Aborted
            })
    }

    /// Whether a copy of the record stands at a place, for those who read what is committed. Where the partition was
    /// read back, an acknowledgement alone is not enough.
    pub fn stands(&self, record: RecordNumber, place: Place) -> bool {
        let committed = Seen::READ | Seen::LOG_COMMITTED | Seen::COMMITTED;
        if place.seen.any(Seen::ABORTED | Seen::TRANSACTIONAL) && !place.seen.any(committed) {
            return false;
        }
        if self.shown(place) {
            return true;
        }
        let counts = place.seen.any(Seen::ACKNOWLEDGED)
            || self.writers(record).any(|writer| self.happened(writer, record));
        counts && self.whole(self.name(record).0).is_none()
    }

    /// The lowest offset at which a copy of the record stands.
    pub fn offset(&self, record: RecordNumber) -> Option<i64> {
        self.places(record)
            .filter(|place| self.stands(record, *place))
            .map(|place| place.offset)
            .min()
    }

    /// Step at which an operation ended.
    pub fn step(&self, operation: u32) -> u64 {
        self.operations[operation as usize].index
    }

    /// Whether a place was shown by the log or a reader, not only by an acknowledgement.
    pub fn shown(&self, place: Place) -> bool {
        place
            .seen
            .any(Seen::READ | Seen::READ_UNCOMMITTED | Seen::LOG | Seen::LOG_COMMITTED)
    }

    /// The records of a partition by offset.
    pub fn order(&self, partition: Partition) -> Option<&Order> {
        self.orders.get(&partition)
    }

    /// All partitions of which records are known.
    pub fn partitions(&self) -> impl Iterator<Item = Partition> {
        self.orders.keys().copied()
    }

    /// How a partition ended, if it was read back.
    pub fn end(&self, partition: Partition) -> Option<PartitionEnd> {
        self.ends.get(&partition).copied()
    }

    /// How a partition ended, if it was read back to its end.
    pub fn whole(&self, partition: Partition) -> Option<PartitionEnd> {
        self.end(partition).filter(|end| end.whole)
    }

    /// What readers got of a partition.
    pub fn extent(&self, partition: Partition) -> Option<Extent> {
        self.extents.get(&partition).copied()
    }

    /// Whether a record may be gone for a good reason: deleted by age, or replaced by a newer value of its key.
    pub fn may_be_gone(&self, partition: Partition, offset: i64) -> bool {
        self.end(partition)
            .is_some_and(|end| end.compacted || offset < end.log_start)
    }

    /// Offsets that hold several records.
    pub fn conflicts(&self) -> &[(Partition, i64, Vec<RecordNumber>)] {
        &self.conflicts
    }

    /// Offsets that several records were acknowledged as.
    pub fn reused(&self) -> &[(Partition, i64, Vec<RecordNumber>)] {
        &self.reused
    }

    /// Steps at which a client chose its partitions, in order.
    pub fn kept(&self) -> &[(u64, Process, Vec<Partition>)] {
        &self.kept
    }

    /// The finding with a record and, if one is known, its first place.
    pub fn told(&self, finding: Finding, record: RecordNumber) -> Finding {
        let (partition, value) = self.name(record);
        let offset = self.places(record).map(|place| place.offset).min();
        finding.record(partition, offset, Some(value))
    }
}
