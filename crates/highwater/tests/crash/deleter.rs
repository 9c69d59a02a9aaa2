//! DeleteRecords while records come: what is before the start is gone, what is behind it stays.

use highwater_wire::BatchBuilder;

use crate::client::{Client, SEGMENT_BYTES};
use crate::read;
use crate::worker::{Stop, Worker, wrong};

pub(crate) const TOPIC: &str = "deleted";
/// Batches between two deletions, and how many records stay.
const BATCHES: u64 = 40;
const KEPT: i64 = 25;

struct Deleter {
    topic: String,
    /// Offset of each acknowledged record, which is also its value.
    last_acknowledged: Option<i64>,
    /// The start as last acknowledged, and as last asked for.
    start: i64,
    asked: i64,
    sent: u64,
    deletions: u64,
}

pub(crate) fn hire(client: &mut Client, prefix: &str) -> Result<Vec<Box<dyn Worker>>, Stop> {
    let topic = format!("{prefix}-{TOPIC}");
    client.create_topic(&topic, 1, &[SEGMENT_BYTES])?;
    Ok(vec![Box::new(Deleter {
        topic,
        last_acknowledged: None,
        start: 0,
        asked: 0,
        sent: 0,
        deletions: 0,
    })])
}

impl Worker for Deleter {
    fn name(&self) -> &'static str {
        "deletions of records"
    }

    fn settle(&mut self, _: &mut Client) -> Result<(), Stop> {
        Ok(())
    }

    fn check(&mut self, client: &mut Client) -> Result<(), Stop> {
        let contents = read::all(client, &self.topic, 0, false)?;
        let (topic, start) = (&self.topic, contents.start);
        if !(self.start..=self.asked).contains(&start) {
            return wrong(format!(
                "{topic}: it starts at {start}; {} was acknowledged, {} asked for: records were lost or came back",
                self.start, self.asked
            ));
        }
        let end = self.last_acknowledged.map_or(0, |last| last + 1);
        let found: Vec<i64> = contents.records.iter().map(|record| record.offset).collect();
        let first = found.first().copied().unwrap_or(contents.high_watermark);
        if first != start || contents.high_watermark < end {
            return wrong(format!(
                "{topic}: starts at {start}, its first record is {first}, ends at {}; acknowledged up to {end}: lost",
                contents.high_watermark
            ));
        }
        if found != (start..contents.high_watermark).collect::<Vec<_>>() {
            return wrong(format!("{topic}: records between {start} and {end} are lost"));
        }
        Ok(())
    }

    fn step(&mut self, client: &mut Client) -> Result<(), Stop> {
        let batch = BatchBuilder::new().record(None, Some(&[b'x'; 4_000])).build();
        match client.produce(&self.topic, 0, None, batch)? {
            Ok(offset) => self.last_acknowledged = Some(offset),
            Err(error) => return wrong(format!("{}: refused: {error:?}", self.topic)),
        }
        self.sent += 1;
        let before = self.last_acknowledged.unwrap_or(0) - KEPT;
        if !self.sent.is_multiple_of(BATCHES) || before <= self.asked {
            return Ok(());
        }
        self.asked = before;
        match client.delete_records(&self.topic, 0, before)? {
            Ok(start) if start == before => {
                self.start = start;
                self.deletions += 1;
                Ok(())
            }
            other => wrong(format!(
                "{}: DeleteRecords before {before}: {other:?}",
                self.topic
            )),
        }
    }

    fn done(&self) -> u64 {
        self.deletions
    }
}
