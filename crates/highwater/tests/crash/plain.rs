//! Idempotent producers: each record is in the log once, at the offset that was acknowledged.

use bytes::Bytes;
use highwater_wire::BatchBuilder;

use crate::client::{Client, Producer, SEGMENT_BYTES};
use crate::read;
use crate::worker::{Stop, Worker, wrong};

pub(crate) const TOPIC: &str = "plain";
const PRODUCERS: i32 = 2;
const RECORDS_OF_A_BATCH: i32 = 3;

/// One producer, with a partition of its own.
struct Plain {
    topic: String,
    partition: i32,
    producer: Producer,
    /// Base offset of each acknowledged batch.
    acknowledged: Vec<i64>,
    /// Whether a batch was sent whose answer did not come.
    unanswered: bool,
}

pub(crate) fn hire(client: &mut Client, prefix: &str) -> Result<Vec<Box<dyn Worker>>, Stop> {
    let topic = format!("{prefix}-{TOPIC}");
    client.create_topic(&topic, PRODUCERS, &[SEGMENT_BYTES])?;
    let mut workers: Vec<Box<dyn Worker>> = Vec::new();
    for partition in 0..PRODUCERS {
        let producer = match client.init_producer(None)? {
            Ok(producer) => producer,
            Err(error) => return wrong(format!("no producer id: {error:?}")),
        };
        workers.push(Box::new(Plain {
            topic: topic.clone(),
            partition,
            producer,
            acknowledged: Vec::new(),
            unanswered: false,
        }));
    }
    Ok(workers)
}

/// Long enough that a set of rounds fills several segments.
fn value(batch: usize, record: i32) -> String {
    format!("{:>400}", format!("{batch}.{record}"))
}

fn shown((offset, value): &(i64, String)) -> String {
    format!("record {} at {offset}", value.trim_start())
}

impl Plain {
    fn batch(&self, number: usize) -> Bytes {
        let sequence = number as i32 * RECORDS_OF_A_BATCH;
        let builder = BatchBuilder::new().producer(self.producer.id, self.producer.epoch, sequence);
        (0..RECORDS_OF_A_BATCH)
            .fold(builder, |builder, record| {
                builder.record(None, Some(value(number, record).as_bytes()))
            })
            .build()
    }

    /// Sends the next batch, or once more the one without an answer.
    fn send(&mut self, client: &mut Client) -> Result<(), Stop> {
        let number = self.acknowledged.len();
        self.unanswered = true;
        match client.produce(&self.topic, self.partition, None, self.batch(number))? {
            Ok(offset) => {
                self.acknowledged.push(offset);
                self.unanswered = false;
                Ok(())
            }
            Err(error) => wrong(format!(
                "{}-{}: batch {number} is refused: {error:?}; something before it was lost or kept twice",
                self.topic, self.partition
            )),
        }
    }
}

impl Worker for Plain {
    fn name(&self) -> &'static str {
        "batches of idempotent producers"
    }

    fn settle(&mut self, client: &mut Client) -> Result<(), Stop> {
        // As if the last answer had not arrived: the crash must not make the broker forget what it has.
        if let Some(number) = self.acknowledged.len().checked_sub(1) {
            let again = client.produce(&self.topic, self.partition, None, self.batch(number))?;
            if again != Ok(self.acknowledged[number]) {
                return wrong(format!(
                    "{}-{}: a retry of batch {number} at {} is answered with {again:?}: lost, or there twice",
                    self.topic, self.partition, self.acknowledged[number]
                ));
            }
        }
        if self.unanswered {
            return self.send(client);
        }
        Ok(())
    }

    fn check(&mut self, client: &mut Client) -> Result<(), Stop> {
        let contents = read::all(client, &self.topic, self.partition, false)?;
        let expected: Vec<(i64, String)> = self
            .acknowledged
            .iter()
            .enumerate()
            .flat_map(|(number, base)| {
                (0..RECORDS_OF_A_BATCH).map(move |record| (base + i64::from(record), value(number, record)))
            })
            .collect();
        let found: Vec<(i64, String)> = contents
            .records
            .into_iter()
            .map(|record| (record.offset, record.value.unwrap_or_default()))
            .collect();
        let (topic, partition) = (&self.topic, self.partition);
        if let Some(record) = expected
            .iter()
            .find(|record| found.binary_search(record).is_err())
        {
            return wrong(format!(
                "{topic}-{partition}: {} was acknowledged and is lost",
                shown(record)
            ));
        }
        if let Some(record) = found
            .iter()
            .find(|record| expected.binary_search(record).is_err())
        {
            return wrong(format!(
                "{topic}-{partition}: {} is there twice, or was never sent",
                shown(record)
            ));
        }
        Ok(())
    }

    fn step(&mut self, client: &mut Client) -> Result<(), Stop> {
        self.send(client)
    }

    fn done(&self) -> u64 {
        self.acknowledged.len() as u64
    }
}
