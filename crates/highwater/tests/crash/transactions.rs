//! Transactional producers over two topics and the offsets of a group: all of it or nothing.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use highwater_wire::BatchBuilder;
use kafka_protocol::error::ResponseError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::client::{Client, Producer, SEGMENT_BYTES};
use crate::read;
use crate::worker::{Stop, Worker, wrong};

pub(crate) const TOPICS: [&str; 2] = ["one", "two"];
const PRODUCERS: u64 = 2;
/// Records that a transaction writes to each topic.
const RECORDS: [i32; 2] = [2, 3];
/// Share of transactions that their producer aborts.
const ABORTED: f64 = 0.3;
/// How long a coordinator may be busy with the transaction before.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    Aborted,
    /// The commit was sent, and no answer came.
    Unknown,
}

struct Transactional {
    id: String,
    group: String,
    topics: [String; 2],
    producer: Option<Producer>,
    sequences: [i32; 2],
    random: ChaCha8Rng,
    fates: Vec<Fate>,
    ended: u64,
}

pub(crate) fn hire(client: &mut Client, prefix: &str, salt: u64) -> Result<Vec<Box<dyn Worker>>, Stop> {
    let topics = TOPICS.map(|topic| format!("{prefix}-{topic}"));
    for topic in &topics {
        client.create_topic(topic, 1, &[SEGMENT_BYTES])?;
    }
    let mut workers: Vec<Box<dyn Worker>> = Vec::new();
    for index in 0..PRODUCERS {
        let mut worker = Transactional {
            id: format!("{prefix}-producer-{index}"),
            group: format!("{prefix}-transactions-{index}"),
            topics: topics.clone(),
            producer: None,
            sequences: [0; 2],
            random: ChaCha8Rng::seed_from_u64(salt.wrapping_add(index << 32)),
            fates: Vec::new(),
            ended: 0,
        };
        worker.settle(client)?;
        workers.push(Box::new(worker));
    }
    Ok(workers)
}

/// Asks again while the coordinator is busy with what came before.
fn patiently<T>(mut ask: impl FnMut() -> Result<Result<T, ResponseError>, Stop>) -> Result<T, Stop> {
    let end = Instant::now() + PATIENCE;
    loop {
        match ask()? {
            Ok(answer) => return Ok(answer),
            Err(ResponseError::ConcurrentTransactions | ResponseError::CoordinatorLoadInProgress)
                if Instant::now() < end =>
            {
                thread::sleep(PAUSE);
            }
            Err(error) => return wrong(format!("{error:?}")),
        }
    }
}

fn none_or(error: Option<ResponseError>) -> Result<(), ResponseError> {
    error.map_or(Ok(()), Err)
}

impl Transactional {
    fn value(&self, number: usize, record: i32) -> String {
        format!("{}.{number}.{record}", self.id)
    }

    fn batch(&self, producer: Producer, number: usize, topic: usize) -> Bytes {
        let builder =
            BatchBuilder::new()
                .transactional()
                .producer(producer.id, producer.epoch, self.sequences[topic]);
        (0..RECORDS[topic])
            .fold(builder, |builder, record| {
                builder.record(None, Some(self.value(number, record).as_bytes()))
            })
            .build()
    }

    fn transaction(&mut self, client: &mut Client, producer: Producer) -> Result<(), Stop> {
        let number = self.fates.len();
        // Until a commit is sent there is nothing that could be visible.
        self.fates.push(Fate::Aborted);
        let id = self.id.clone();
        let names = [self.topics[0].as_str(), self.topics[1].as_str()];
        patiently(|| Ok(none_or(client.add_partitions(&id, producer, &names)?)))?;
        for (topic, records) in RECORDS.into_iter().enumerate() {
            let batch = self.batch(producer, number, topic);
            if let Err(error) = client.produce(&self.topics[topic], 0, Some(&id), batch)? {
                return wrong(format!("produce: {error:?}"));
            }
            self.sequences[topic] += records;
        }
        let offset = number as i64 + 1;
        patiently(|| Ok(none_or(client.add_offsets(&id, producer, &self.group)?)))?;
        patiently(|| {
            let error = client.commit_in_transaction(&id, producer, &self.group, &self.topics[0], offset)?;
            Ok(none_or(error))
        })?;
        let commit = !self.random.random_bool(ABORTED);
        if commit {
            self.fates[number] = Fate::Unknown;
        }
        patiently(|| Ok(none_or(client.end_transaction(&id, producer, commit)?)))?;
        if commit {
            self.fates[number] = Fate::Committed;
        }
        self.ended += 1;
        Ok(())
    }

    /// How many records of each of its transactions a topic shows.
    fn visible(&self, client: &mut Client, topic: usize) -> Result<BTreeMap<usize, i32>, Stop> {
        let name = &self.topics[topic];
        let contents = read::all(client, name, 0, true)?;
        if contents.last_stable_offset != contents.high_watermark {
            return wrong(format!(
                "{name}: every transaction has ended, and the last stable offset {} is not the high watermark {}",
                contents.last_stable_offset, contents.high_watermark
            ));
        }
        let mut visible = BTreeMap::new();
        let mut last = None;
        for record in contents.records {
            let value = record.value.unwrap_or_default();
            let Some(rest) = value.strip_prefix(&format!("{}.", self.id)) else {
                continue;
            };
            let numbers = rest
                .split_once('.')
                .and_then(|(number, record)| Some((number.parse().ok()?, record.parse().ok()?)));
            let Some(numbers): Option<(usize, i32)> = numbers else {
                return wrong(format!("{name}: '{value}' was never sent"));
            };
            if last.is_some_and(|last| last >= numbers) {
                return wrong(format!("{name}: '{value}' is there twice or out of order"));
            }
            last = Some(numbers);
            *visible.entry(numbers.0).or_default() += 1;
        }
        Ok(visible)
    }
}

impl Worker for Transactional {
    fn name(&self) -> &'static str {
        "transactions that were ended"
    }

    fn settle(&mut self, client: &mut Client) -> Result<(), Stop> {
        let producer = patiently(|| client.init_producer(Some(&self.id)))?;
        let former = self.producer.replace(producer);
        if former.is_some_and(|former| former.id == producer.id && former.epoch >= producer.epoch) {
            return wrong(format!(
                "the epoch of {} went back: {former:?}, {producer:?}",
                self.id
            ));
        }
        self.sequences = [0; 2];
        Ok(())
    }

    fn check(&mut self, client: &mut Client) -> Result<(), Stop> {
        let visible = [self.visible(client, 0)?, self.visible(client, 1)?];
        let id = &self.id;
        for (number, fate) in self.fates.iter_mut().enumerate() {
            let counts = [0, 1].map(|topic| visible[topic].get(&number).copied().unwrap_or(0));
            let seen = match counts {
                RECORDS => Fate::Committed,
                [0, 0] => Fate::Aborted,
                _ => {
                    return wrong(format!(
                        "{id}: of transaction {number} {counts:?} of {RECORDS:?} records are there"
                    ));
                }
            };
            match *fate {
                // From now on it is what it is.
                Fate::Unknown => *fate = seen,
                fate if fate == seen => {}
                Fate::Committed => {
                    return wrong(format!("{id}: transaction {number} was committed and is lost"));
                }
                Fate::Aborted => {
                    return wrong(format!("{id}: transaction {number} was aborted and is visible"));
                }
            }
        }
        let last = self.fates.iter().rposition(|fate| *fate == Fate::Committed);
        let expected = last.map_or(-1, |number| number as i64 + 1);
        let committed = client.committed_offset(&self.group, &self.topics[0], 0)?;
        if committed != expected {
            return wrong(format!(
                "{id}: the offset committed in transactions is {committed}, the last committed transaction has {expected}"
            ));
        }
        Ok(())
    }

    fn step(&mut self, client: &mut Client) -> Result<(), Stop> {
        match self.producer {
            Some(producer) => self.transaction(client, producer),
            None => wrong("a producer without an id"),
        }
    }

    fn done(&self) -> u64 {
        self.ended
    }
}
