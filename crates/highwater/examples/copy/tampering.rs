//! From records to outputs: a plain copy, or what the defects make of it that need no fault.

use std::collections::BTreeMap;

use rdkafka::message::{Message as _, OwnedMessage};

use crate::arguments::Arguments;
use crate::batch::Batch;
use crate::defect::Defect;
use crate::writing::Output;

/// One record in so many is left out; the first early, so that it also shows in a short run.
const DROPPED: (u64, u64) = (1_000, 100);
/// One invention for so many records.
const INVENTED: (u64, u64) = (500, 50);
/// One batch in so many has two records swapped.
const SWAPPED: u64 = 10;

/// Makes outputs, and remembers what it needs for the next ones.
pub(crate) struct Tampering<'a> {
    arguments: &'a Arguments,
    records: u64,
    batches_with_pairs: u64,
    /// The key that moves: the first one seen.
    moving: Option<Vec<u8>>,
    /// Partitions of the input that were seen: the moving key takes turns among them.
    partitions: Vec<i32>,
    turn: usize,
}

impl<'a> Tampering<'a> {
    pub(crate) fn new(arguments: &'a Arguments) -> Self {
        Self {
            arguments,
            records: 0,
            batches_with_pairs: 0,
            moving: None,
            partitions: Vec::new(),
            turn: 0,
        }
    }

    /// What is to be written for this batch, in order.
    pub(crate) fn outputs(&mut self, batch: &Batch) -> Vec<Output> {
        let mut outputs = Vec::with_capacity(batch.records.len());
        if self.arguments.has(Defect::NeverProduces) {
            return outputs;
        }
        for record in &batch.records {
            self.records += 1;
            let every = |(of, first): (u64, u64)| self.records % of == first;
            if self.arguments.has(Defect::DropSome) && every(DROPPED) {
                continue;
            }
            let invents = self.arguments.has(Defect::Invents) && every(INVENTED);
            let mut output = copied(record);
            if self.arguments.has(Defect::MovesKeys) {
                self.moves(&mut output);
            }
            if invents {
                outputs.push(self.invented(record));
            }
            outputs.push(output);
        }
        if self.arguments.has(Defect::Reorders) {
            self.reorder(&mut outputs);
        }
        outputs
    }

    fn moves(&mut self, output: &mut Output) {
        if !self.partitions.contains(&output.partition) {
            self.partitions.push(output.partition);
        }
        if output.key.is_none() || self.partitions.len() < 2 {
            return;
        }
        if self.moving.is_none() {
            self.moving.clone_from(&output.key);
        }
        if self.moving == output.key {
            self.turn += 1;
            output.partition = self.partitions[self.turn % self.partitions.len()];
        }
    }

    fn invented(&self, beside: &OwnedMessage) -> Output {
        let text = format!("invented {} of {}", self.records, self.arguments.instance);
        Output {
            key: Some(text.clone().into_bytes()),
            value: Some(text.into_bytes()),
            headers: None,
            timestamp_ms: None,
            partition: beside.partition(),
        }
    }

    /// Swaps the first two different records of one key and partition.
    fn reorder(&mut self, outputs: &mut [Output]) {
        let mut last: BTreeMap<(i32, &Option<Vec<u8>>), usize> = BTreeMap::new();
        let pair = outputs.iter().enumerate().find_map(|(place, output)| {
            let before = last.insert((output.partition, &output.key), place)?;
            (outputs[before].value != output.value).then_some((before, place))
        });
        if let Some((before, after)) = pair {
            self.batches_with_pairs += 1;
            if self.batches_with_pairs % SWAPPED == 1 {
                outputs.swap(before, after);
            }
        }
    }
}

/// The record as it came.
pub(crate) fn copied(record: &OwnedMessage) -> Output {
    Output {
        key: record.key().map(<[u8]>::to_vec),
        value: record.payload().map(<[u8]>::to_vec),
        headers: record.headers().cloned(),
        timestamp_ms: record.timestamp().to_millis(),
        partition: record.partition(),
    }
}
