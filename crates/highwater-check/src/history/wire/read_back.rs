use highwater_model::history::{BatchFacts, FetchedPartition, Isolation, MarkerFact};

use super::aborted;
use super::fetches;
use super::identity::{self, Identity};
use super::out::Out;
use super::places::Places;
use crate::history::{LogRecord, LogStep, Names, Partition, Producer, Step, What};

/// Recognises the records of a history when they are read back from the log.
///
/// Of each partition: what was fetched at `ReadUncommitted` from its start to its end, then the same at
/// `ReadCommitted`, then [`ReadBack::end`].
#[derive(Debug)]
pub struct ReadBack {
    names: Names,
    places: Places,
    identity: Identity,
    next: u64,
    at_ns: i64,
}

/// Where a partition begins and ends, as far as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// First offset that is still there.
    pub log_start: i64,
    /// Offset after the last record.
    pub high_watermark: i64,
    /// Offset after the last record that no open transaction holds back.
    pub last_stable_offset: i64,
    /// Whether the topic is compacted.
    pub compacted: bool,
    /// Whether it was read to its end at both isolation levels.
    pub whole: bool,
}

impl ReadBack {
    pub(super) fn new(names: Names, places: Places, identity: Identity, next: u64, at_ns: i64) -> Self {
        Self {
            names,
            places,
            identity,
            next,
            at_ns,
        }
    }

    /// How what the steps call by number is called.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The same, when all was read.
    #[must_use]
    pub fn into_names(self) -> Names {
        self.names
    }

    /// The number of a partition in the steps.
    pub fn partition(&mut self, topic: &str, number: i32) -> Partition {
        self.places.partition(&mut self.names, topic, number)
    }

    /// Tells what an answer brought that was fetched from `from`: every record and marker at `ReadUncommitted`, the
    /// committed records at `ReadCommitted`. `intact` says of the batch with that base offset whether its checksum
    /// agrees with its bytes.
    pub fn fetched(
        &mut self,
        facts: &FetchedPartition,
        isolation: Isolation,
        from: i64,
        intact: &dyn Fn(i64) -> bool,
        steps: &mut dyn FnMut(Step),
    ) {
        let partition = self.partition(&facts.topic, facts.partition);
        let mut out = self.out(steps);
        match isolation {
            Isolation::ReadUncommitted => {
                for batch in &facts.batches {
                    let intact = intact(batch.base_offset);
                    batch_steps(partition, batch, from, intact, &mut self.identity, &mut out);
                }
            }
            Isolation::ReadCommitted => {
                for read in fetches::reads(facts, isolation, partition, from, &mut self.identity) {
                    out.push(What::Log(LogStep::Committed {
                        partition,
                        offset: read.offset,
                        value: read.value,
                    }));
                }
            }
        }
    }

    /// Tells where a partition ends.
    pub fn end(&mut self, topic: &str, number: i32, ends: Ends, steps: &mut dyn FnMut(Step)) {
        let partition = self.partition(topic, number);
        self.out(steps).push(What::Log(LogStep::End {
            partition,
            log_start: ends.log_start,
            high_watermark: ends.high_watermark,
            last_stable_offset: ends.last_stable_offset,
            compacted: ends.compacted,
            whole: ends.whole,
        }));
    }

    fn out<'a>(&mut self, steps: &'a mut dyn FnMut(Step)) -> Out<'a> {
        let index = self.next;
        self.next += 1;
        Out {
            index,
            at_ns: self.at_ns,
            steps,
        }
    }
}

fn batch_steps(
    partition: Partition,
    batch: &BatchFacts,
    from: i64,
    intact: bool,
    identity: &mut Identity,
    out: &mut Out<'_>,
) {
    let producer = (batch.producer_id >= 0).then_some(Producer {
        id: batch.producer_id,
        epoch: batch.producer_epoch,
    });
    if let Some(marker) = batch.marker {
        if let (MarkerFact::Commit | MarkerFact::Abort, Some(producer)) = (marker, producer)
            && aborted::last_offset(batch) >= from
        {
            out.push(What::Log(LogStep::Marker {
                partition,
                offset: batch.base_offset,
                producer,
                commit: marker == MarkerFact::Commit,
                leader_epoch: batch.leader_epoch,
            }));
        }
        return;
    }
    for (record, key) in batch.records.iter().zip(identity::keys(partition, batch)) {
        let offset = batch.base_offset.saturating_add(i64::from(record.offset_delta));
        if offset < from {
            continue;
        }
        out.push(What::Log(LogStep::Record(LogRecord {
            partition,
            offset,
            value: identity.at(key, offset, false),
            key: record.key.map(|key| key.0),
            producer,
            sequence: if batch.base_sequence < 0 {
                -1
            } else {
                batch.base_sequence.wrapping_add(record.offset_delta) & i32::MAX
            },
            transactional: batch.transactional,
            leader_epoch: batch.leader_epoch,
            intact,
        })));
    }
}
