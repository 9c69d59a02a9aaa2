//! A pipeline that keeps its contract, whatever happens to it.

use std::collections::{BTreeMap, BTreeSet};

use highwater_check::pipeline::{Place, Windows};
use highwater_check::{Anomaly, Contract, Delivery};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Contracts for which there are clean pipelines.
pub const PIPELINE_CONTRACTS: [&str; 5] = [
    "at-most-once",
    "at-least-once",
    "at-least-once, ordered-per-key",
    "exactly-once",
    "exactly-once, ordered-per-key, ordered-per-partition",
];

/// Rules by which outputs name their inputs.
const RULES: [&str; 5] = [
    "same",
    "json:/id",
    "regex:\"id\":\"([0-9]+)\"",
    "header:input,filter",
    "header:input,fan-out=2",
];

/// An input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fed {
    /// Where it stands.
    pub place: Place,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Vec<u8>,
    /// What outputs name it by.
    pub id: String,
    /// Not of an aborted transaction.
    pub committed: bool,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// Where it stands.
    pub place: Place,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Vec<u8>,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Number of its input; none for one that has none.
    pub input: Option<usize>,
}

/// What went into a pipeline and what came out of it.
#[derive(Debug, Clone)]
pub struct Run {
    /// What it keeps.
    pub contract: Contract,
    /// How outputs name their inputs.
    pub rule: &'static str,
    /// In the order of each partition.
    pub inputs: Vec<Fed>,
    /// In the order of each partition.
    pub outputs: Vec<Put>,
    /// Inputs that may be processed again.
    pub windows: Vec<(i32, i64, i64)>,
    /// What the contract allows and did happen.
    pub allowed: BTreeSet<Anomaly>,
    pub(super) output_partitions: i32,
}

impl Run {
    /// Whether an input may be processed again.
    #[must_use]
    pub fn in_window(&self, place: Place) -> bool {
        self.windows.iter().any(|(partition, from, to)| {
            *partition == place.partition && (*from..*to).contains(&place.offset)
        })
    }

    /// The windows, for the check.
    #[must_use]
    pub fn windows(&self) -> Windows {
        let mut windows = Windows::default();
        for (partition, from, to) in &self.windows {
            windows.add(0, *partition, *from, *to);
        }
        windows
    }

    pub(super) fn fans_out(&self) -> bool {
        self.rule.contains("fan-out")
    }

    pub(super) fn filters(&self) -> bool {
        self.rule.contains("filter")
    }

    /// Offset after the last output of a partition.
    pub(super) fn end(&self, partition: i32) -> i64 {
        let of = self.outputs.iter().filter(|put| put.place.partition == partition);
        of.map(|put| put.place.offset + 1).max().unwrap_or(0)
    }

    /// What comes out of an input.
    pub(super) fn made_of(&self, input: usize, branch: usize) -> Put {
        let fed = &self.inputs[input];
        let value = match self.rule {
            "same" => fed.value.clone(),
            _ => format!("{{\"id\":\"{}\",\"branch\":{branch}}}", fed.id).into_bytes(),
        };
        Put {
            place: Place {
                topic: 0,
                partition: 0,
                offset: 0,
            },
            key: fed.key.clone(),
            value,
            headers: vec![("input".to_owned(), fed.id.clone().into_bytes())],
            input: Some(input),
        }
    }
}

/// A pipeline that is right under its contract. The same seed gives the same run.
///
/// # Panics
/// Never: every range that is drawn from holds something.
#[must_use]
pub fn clean_run(seed: u64, contract: Contract) -> Run {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let partitions = random.random_range(2..=4);
    let mut run = Run {
        contract,
        rule: RULES[random.random_range(0..RULES.len())],
        inputs: Vec::new(),
        outputs: Vec::new(),
        windows: Vec::new(),
        allowed: BTreeSet::new(),
        output_partitions: random.random_range(2..=4),
    };
    feed(&mut run, partitions, &mut random);
    let mut worker = Worker {
        random,
        position: BTreeMap::new(),
        committed: BTreeMap::new(),
        processed: BTreeSet::new(),
        pending: Vec::new(),
    };
    worker.work(&mut run, partitions);
    run.outputs.sort_by_key(|put| put.place);
    run
}

fn feed(run: &mut Run, partitions: i32, random: &mut ChaCha8Rng) {
    let mut ends = BTreeMap::new();
    for number in 0..random.random_range(24..80) {
        let key: Option<i32> = (random.random_range(0..6) > 0).then(|| random.random_range(0..6));
        let partition = key.map_or_else(|| random.random_range(0..partitions), |key| key % partitions);
        let end = ends.entry(partition).or_insert(0_i64);
        let offset = *end;
        // Markers, and what compaction took.
        *end += if random.random_range(0..5) == 0 { 2 } else { 1 };
        run.inputs.push(Fed {
            place: Place {
                topic: 0,
                partition,
                offset,
            },
            key: key.map(|key| format!("key-{key}").into_bytes()),
            value: format!("{{\"id\":\"{number}\"}}").into_bytes(),
            id: number.to_string(),
            committed: random.random_range(0..12) > 0,
        });
    }
}

/// Reads inputs, writes outputs, commits, crashes.
struct Worker {
    random: ChaCha8Rng,
    /// By partition: how many of its inputs were read, and how many of them are committed.
    position: BTreeMap<i32, usize>,
    committed: BTreeMap<i32, usize>,
    processed: BTreeSet<usize>,
    /// Inputs whose outputs are still to be written.
    pending: Vec<usize>,
}

impl Worker {
    fn work(&mut self, run: &mut Run, partitions: i32) {
        let mut queues: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
        for (number, fed) in run.inputs.iter().enumerate().filter(|(_, fed)| fed.committed) {
            queues.entry(fed.place.partition).or_default().push(number);
        }
        loop {
            let partition = self.random.random_range(0..partitions);
            match self.random.random_range(0..40) {
                0 => self.crash(run, &queues),
                1..8 => self.commit(run, &queues, false),
                _ => self.process(run, partition, &queues),
            }
            let done = |(partition, queue): (&i32, &Vec<usize>)| {
                self.position.get(partition).copied().unwrap_or(0) == queue.len()
            };
            if queues.iter().all(done) {
                break;
            }
        }
        self.commit(run, &queues, true);
    }

    fn process(&mut self, run: &mut Run, partition: i32, queues: &BTreeMap<i32, Vec<usize>>) {
        let Some(queue) = queues.get(&partition) else {
            return;
        };
        let position = self.position.entry(partition).or_insert(0);
        let Some(input) = queue.get(*position).copied() else {
            return;
        };
        *position += 1;
        if run.contract.delivery == Delivery::AtMostOnce {
            // First the commit, then the work.
            self.committed.insert(partition, *position);
            if self.random.random_range(0..30) == 0 {
                if !run.filters() {
                    run.allowed.insert(Anomaly::PipelineLoss);
                }
                return;
            }
        }
        // Outputs of a transaction, or such as were not sent yet; those behind them wait, too.
        let waits = match run.contract.delivery {
            Delivery::ExactlyOnce => true,
            Delivery::AtLeastOnce => !self.pending.is_empty() || self.random.random_range(0..4) == 0,
            Delivery::AtMostOnce | Delivery::NoAcknowledgedLoss => false,
        };
        if waits {
            self.pending.push(input);
        } else {
            self.put(run, input);
        }
    }

    /// A rule of a filter: the same inputs every time.
    fn put(&mut self, run: &mut Run, input: usize) {
        if run.filters() && input.is_multiple_of(3) {
            return;
        }
        if !self.processed.insert(input) {
            run.allowed.insert(Anomaly::PipelineDuplicate);
        }
        for branch in 0..if run.fans_out() { 2 } else { 1 } {
            let mut put = run.made_of(input, branch);
            let partition = match &put.key {
                Some(key) => key.iter().map(|byte| i32::from(*byte)).sum::<i32>() % run.output_partitions,
                None => self.random.random_range(0..run.output_partitions),
            };
            let mut offset = run.end(partition);
            if self.random.random_range(0..8) == 0 {
                offset += 1;
            }
            put.place = Place {
                topic: 0,
                partition,
                offset,
            };
            run.outputs.push(put);
        }
    }

    fn commit(&mut self, run: &mut Run, queues: &BTreeMap<i32, Vec<usize>>, all: bool) {
        for input in std::mem::take(&mut self.pending) {
            self.put(run, input);
        }
        for partition in queues.keys() {
            if all || run.contract.delivery == Delivery::ExactlyOnce || self.random.random_range(0..2) == 0 {
                let position = self.position.get(partition).copied().unwrap_or(0);
                self.committed.insert(*partition, position);
            }
        }
    }

    /// Goes back to what was committed; what was read since may be processed again.
    fn crash(&mut self, run: &mut Run, queues: &BTreeMap<i32, Vec<usize>>) {
        self.pending.clear();
        for (partition, position) in &mut self.position {
            let committed = self.committed.get(partition).copied().unwrap_or(0);
            let queue = &queues[partition];
            if committed < *position {
                let first = run.inputs[queue[committed]].place.offset;
                let last = run.inputs[queue[*position - 1]].place.offset;
                run.windows.push((*partition, first, last + 1));
            }
            *position = committed;
        }
    }
}
