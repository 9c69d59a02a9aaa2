use std::collections::HashMap;

use highwater_model::history::{ExchangeId, FetchedPartition, PartitionResult, ProduceFacts, RecordFacts};

use crate::lint::tally::Spot;

/// Records that are remembered, inputs and outputs together: about 200 MB at most.
const MOST_RECORDS: usize = 600_000;
/// A shorter value, such as a small number, is equal to another by chance.
const VALUE_BYTES_AT_LEAST: u32 = 8;

/// An input and its only output.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) application: String,
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) read_at_ns: u64,
    pub(super) output_topic: String,
    pub(super) output_partition: i32,
    pub(super) acknowledged_at_ns: u64,
    pub(super) by_value: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Print {
    Value(u64),
    Key(u64),
}

/// A place, with names as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Input {
    topic: u32,
    partition: i32,
    offset: i64,
    read_at_ns: u64,
}

#[derive(Debug, Clone, Copy)]
struct Output {
    topic: u32,
    partition: i32,
    exchange: ExchangeId,
    sent_at_ns: u64,
    acknowledged_at_ns: Option<u64>,
}

#[derive(Debug, Default)]
struct Sightings {
    inputs: Vec<Input>,
    outputs: Vec<Output>,
}

/// What was read and what was written, by hash.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    names: HashMap<String, u32>,
    prints: HashMap<(u32, Print), Sightings>,
    /// Outputs that wait for their answer.
    waiting: HashMap<ExchangeId, Vec<(u32, Print)>>,
    records: usize,
}

impl Lineage {
    pub(super) fn read(&mut self, application: &str, at_ns: u64, partition: &FetchedPartition) {
        let application = self.number(application);
        let topic = self.number(&partition.topic);
        for batch in partition.batches.iter().filter(|batch| batch.marker.is_none()) {
            for record in &batch.records {
                let input = Input {
                    topic,
                    partition: partition.partition,
                    offset: batch.base_offset + i64::from(record.offset_delta),
                    read_at_ns: at_ns,
                };
                for print in prints(record) {
                    if let Some(sightings) = self.sightings((application, print)) {
                        note_input(&mut sightings.inputs, input);
                    }
                }
            }
        }
    }

    pub(super) fn sent(&mut self, application: &str, spot: Spot, produce: &ProduceFacts) {
        let application = self.number(application);
        let mut waiting = Vec::new();
        for partition in &produce.partitions {
            let topic = self.number(&partition.topic);
            let output = Output {
                topic,
                partition: partition.partition,
                exchange: spot.exchange,
                sent_at_ns: spot.at_ns,
                // Without acknowledgements, sent is all there is.
                acknowledged_at_ns: (produce.acks == 0).then_some(spot.at_ns),
            };
            for record in partition.batches.iter().flat_map(|batch| &batch.records) {
                for print in prints(record) {
                    if let Some(sightings) = self.sightings((application, print))
                        && sightings.outputs.len() < 3
                    {
                        sightings.outputs.push(output);
                        waiting.push((application, print));
                    }
                }
            }
        }
        if !waiting.is_empty() && produce.acks != 0 {
            self.waiting.insert(spot.exchange, waiting);
        }
    }

    pub(super) fn acknowledged(&mut self, exchange: ExchangeId, at_ns: u64, results: &[PartitionResult]) {
        for key in self.waiting.remove(&exchange).unwrap_or_default() {
            let Some(sightings) = self.prints.get_mut(&key) else {
                continue;
            };
            for output in sightings
                .outputs
                .iter_mut()
                .filter(|output| output.exchange == exchange)
            {
                let stored = results
                    .iter()
                    .find(|result| {
                        result.partition == output.partition
                            && self.names.get(&result.topic) == Some(&output.topic)
                    })
                    .is_some_and(|result| result.error == 0);
                if stored {
                    output.acknowledged_at_ns.get_or_insert(at_ns);
                }
            }
        }
    }

    /// The pairs that are certain. By value if there are any, as a key says less.
    pub(super) fn pairs(&self) -> Vec<Pair> {
        let by_value = self.pairs_by(true);
        if by_value.is_empty() {
            self.pairs_by(false)
        } else {
            by_value
        }
    }

    fn pairs_by(&self, value: bool) -> Vec<Pair> {
        let names: HashMap<u32, &str> = self
            .names
            .iter()
            .map(|(name, number)| (*number, name.as_str()))
            .collect();
        let name = |number: u32| names.get(&number).copied().unwrap_or_default().to_owned();
        let mut pairs: Vec<Pair> = self
            .prints
            .iter()
            .filter(|((_, print), _)| matches!(print, Print::Value(_)) == value)
            .filter_map(|((application, _), sightings)| {
                let [input] = sightings.inputs.as_slice() else {
                    return None;
                };
                let [output] = sightings.outputs.as_slice() else {
                    return None;
                };
                let acknowledged_at_ns = output.acknowledged_at_ns?;
                let follows = output.sent_at_ns >= input.read_at_ns && output.topic != input.topic;
                follows.then(|| Pair {
                    application: name(*application),
                    topic: name(input.topic),
                    partition: input.partition,
                    offset: input.offset,
                    read_at_ns: input.read_at_ns,
                    output_topic: name(output.topic),
                    output_partition: output.partition,
                    acknowledged_at_ns,
                    by_value: value,
                })
            })
            .collect();
        pairs.sort_by(|a, b| (&a.topic, a.partition, a.offset).cmp(&(&b.topic, b.partition, b.offset)));
        pairs
    }

    fn sightings(&mut self, key: (u32, Print)) -> Option<&mut Sightings> {
        if !self.prints.contains_key(&key) {
            if self.records >= MOST_RECORDS {
                return None;
            }
            self.records += 1;
        }
        Some(self.prints.entry(key).or_default())
    }

    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.insert(name.to_owned(), number);
        number
    }
}

/// A record that is read once more is the same input; of others it is enough to know that there are two.
fn note_input(inputs: &mut Vec<Input>, new: Input) {
    let same = |input: &Input| {
        (input.topic, input.partition, input.offset) == (new.topic, new.partition, new.offset)
    };
    if inputs.len() < 2 && !inputs.iter().any(same) {
        inputs.push(new);
    }
}

fn prints(record: &RecordFacts) -> impl Iterator<Item = Print> {
    let value = record
        .value
        .filter(|_| record.value_bytes >= VALUE_BYTES_AT_LEAST)
        .map(|hash| Print::Value(hash.0));
    let key = record.key.map(|hash| Print::Key(hash.0));
    value.into_iter().chain(key)
}
