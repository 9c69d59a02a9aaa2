//! A compacted topic: the latest value of every key is there, and no record ever changes its offset.

use std::collections::BTreeMap;

use highwater_wire::BatchBuilder;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::client::{Client, Producer, SEGMENT_BYTES};
use crate::read;
use crate::worker::{Stop, Worker, wrong};

pub(crate) const TOPIC: &str = "compacted";
/// Keys that come again and again, and those whose latest value is soon in a segment that is compacted.
const HOT_KEYS: u32 = 5;
const KEYS: u32 = 45;
const HOT: f64 = 0.8;
/// With values of 4 kB a set of rounds closes several segments.
const SETTINGS: [(&str, &str); 4] = [
    ("cleanup.policy", "compact"),
    SEGMENT_BYTES,
    ("min.cleanable.dirty.ratio", "0.01"),
    ("delete.retention.ms", "600000"),
];

/// What is known of a key: the number in its value, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Latest {
    number: u64,
    offset: i64,
}

struct Compacted {
    topic: String,
    producer: Producer,
    random: ChaCha8Rng,
    latest: BTreeMap<u32, Latest>,
    /// Offset of every acknowledged number.
    offsets: Vec<i64>,
    unanswered: Option<u32>,
    /// Records that compaction has removed, as last seen.
    removed: u64,
}

pub(crate) fn hire(client: &mut Client, prefix: &str, salt: u64) -> Result<Vec<Box<dyn Worker>>, Stop> {
    let topic = format!("{prefix}-{TOPIC}");
    client.create_topic(&topic, 1, &SETTINGS)?;
    let producer = match client.init_producer(None)? {
        Ok(producer) => producer,
        Err(error) => return wrong(format!("no producer id: {error:?}")),
    };
    Ok(vec![Box::new(Compacted {
        topic,
        producer,
        random: ChaCha8Rng::seed_from_u64(salt),
        latest: BTreeMap::new(),
        offsets: Vec::new(),
        unanswered: None,
        removed: 0,
    })])
}

impl Compacted {
    fn send(&mut self, client: &mut Client, key: u32) -> Result<(), Stop> {
        self.unanswered = Some(key);
        let number = self.offsets.len();
        let batch = BatchBuilder::new()
            .producer(self.producer.id, self.producer.epoch, number as i32)
            .timestamp(1_000)
            .record(
                Some(key.to_string().as_bytes()),
                Some(format!("{number:0>4000}").as_bytes()),
            )
            .build();
        match client.produce(&self.topic, 0, None, batch)? {
            Ok(offset) => {
                let number = number as u64;
                self.latest.insert(key, Latest { number, offset });
                self.offsets.push(offset);
                self.unanswered = None;
                Ok(())
            }
            Err(error) => wrong(format!(
                "{}: number {number} is refused: {error:?}; lost before it",
                self.topic
            )),
        }
    }
}

impl Worker for Compacted {
    fn name(&self) -> &'static str {
        "records removed by compaction"
    }

    fn settle(&mut self, client: &mut Client) -> Result<(), Stop> {
        match self.unanswered {
            Some(key) => self.send(client, key),
            None => Ok(()),
        }
    }

    fn check(&mut self, client: &mut Client) -> Result<(), Stop> {
        let contents = read::all(client, &self.topic, 0, false)?;
        let topic = &self.topic;
        let mut found: BTreeMap<u32, Latest> = BTreeMap::new();
        for record in &contents.records {
            let text = |text: &Option<String>| text.as_deref().unwrap_or_default().to_owned();
            let (Ok(key), Ok(number)) = (text(&record.key).parse(), text(&record.value).parse::<u64>())
            else {
                return wrong(format!("{topic}: {record:?} was never sent"));
            };
            let offset = record.offset;
            if self.offsets.get(number as usize) != Some(&offset) {
                return wrong(format!(
                    "{topic}: number {number} is at {offset}, where it was not acknowledged"
                ));
            }
            found.insert(key, Latest { number, offset });
        }
        for (key, latest) in &self.latest {
            if found.get(key) != Some(latest) {
                let instead = found.get(key);
                return wrong(format!(
                    "{topic}: the latest value of key {key}, {latest:?}, is lost: {instead:?}"
                ));
            }
        }
        self.removed = (self.offsets.len() - contents.records.len()) as u64;
        Ok(())
    }

    fn step(&mut self, client: &mut Client) -> Result<(), Stop> {
        let keys = if self.random.random_bool(HOT) {
            0..HOT_KEYS
        } else {
            HOT_KEYS..KEYS
        };
        let key = self.random.random_range(keys);
        self.send(client, key)
    }

    fn done(&self) -> u64 {
        self.removed
    }
}
