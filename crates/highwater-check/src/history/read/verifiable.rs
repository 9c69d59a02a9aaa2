//! Lines of Kafka's `VerifiableProducer` and `VerifiableConsumer`, of one of them or of several one after the other.
//!
//! ```text
//!  startup_complete                      another client begins
//!  producer_send_success                 a send that happened
//!  producer_send_error                   a send of which nobody knows; refused ones certainly did not happen
//!  record_data (with --verbose)          records, handed over with the next records_consumed
//!  records_consumed                      without --verbose: offsets, the records are those acknowledged there
//!  offsets_committed, partitions_assigned, partitions_revoked
//! ```
//!
//! A failed send names no partition: it is taken as sent to every partition of its topic that the lines name. Values
//! tell records apart: two producers of one topic need a `--value-prefix` each.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use serde::Deserialize;

use super::error::excerpt;
use super::{ReadError, Tally};
use crate::history::{
    Action, GroupStep, Isolation, Kind, Names, Operation, Outcome, Partition, Process, Read, Step, Value,
    What,
};

/// Reads lines. `isolation` is what the consumers may see.
///
/// # Errors
/// Lines that are no JSON, and fields that are missing.
pub fn verifiable(
    input: &mut impl BufRead,
    isolation: Isolation,
    names: &mut Names,
    each: &mut dyn FnMut(Step),
) -> Result<Tally, ReadError> {
    let mut reader = Reader {
        isolation,
        each,
        clients: 0,
        process: names.process("client 1"),
        names,
        line: 0,
        at_ns: -1,
        records: Vec::new(),
        owned: BTreeSet::new(),
        failed: Vec::new(),
        partitions: BTreeMap::new(),
        acknowledged: BTreeMap::new(),
        late: Vec::new(),
        tally: Tally::default(),
    };
    let mut text = Vec::new();
    loop {
        text.clear();
        let line = reader.line + 1;
        let read = read_line(input, line, &mut text)?;
        if !read {
            break;
        }
        reader.line = line;
        let text = text.trim_ascii();
        if !text.is_empty() {
            reader.entry(text)?;
        }
    }
    reader.end();
    Ok(reader.tally)
}

/// Bytes of a line at most.
const LARGEST: usize = 64 << 20;

fn read_line(input: &mut impl BufRead, line: u64, text: &mut Vec<u8>) -> Result<bool, ReadError> {
    loop {
        let bytes = input
            .fill_buf()
            .map_err(|source| ReadError::Io { line, source })?;
        if bytes.is_empty() {
            return Ok(!text.is_empty());
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(bytes.len(), |end| end + 1);
        text.extend_from_slice(&bytes[..used]);
        input.consume(used);
        if text.len() > LARGEST {
            return Err(ReadError::TooLarge {
                line,
                limit_mib: LARGEST >> 20,
            });
        }
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    timestamp: Option<i64>,
    #[serde(borrow)]
    value: Option<Cow<'a, str>>,
    #[serde(borrow)]
    topic: Option<Cow<'a, str>>,
    partition: Option<i32>,
    offset: Option<i64>,
    #[serde(borrow)]
    exception: Option<Cow<'a, str>>,
    success: Option<bool>,
    partitions: Option<Vec<Part>>,
    offsets: Option<Vec<Part>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    topic: String,
    partition: i32,
    offset: Option<i64>,
    min_offset: Option<i64>,
    max_offset: Option<i64>,
}

/// A send that failed, and the topic it was for.
struct FailedSend {
    line: u64,
    at_ns: i64,
    process: Process,
    outcome: Outcome,
    topic: String,
    value: Value,
}

/// Offsets that a consumer got without saying what was there.
struct Range {
    line: u64,
    at_ns: i64,
    process: Process,
    parts: Vec<(Partition, i64, i64)>,
}

enum Late {
    Range(Range),
    Step(Step),
}

struct Reader<'a> {
    isolation: Isolation,
    names: &'a mut Names,
    each: &'a mut dyn FnMut(Step),
    clients: u64,
    process: Process,
    line: u64,
    at_ns: i64,
    /// Records of the poll under way.
    records: Vec<(Partition, Read)>,
    owned: BTreeSet<Partition>,
    failed: Vec<FailedSend>,
    /// By topic.
    partitions: BTreeMap<String, BTreeSet<Partition>>,
    acknowledged: BTreeMap<(Partition, i64), Value>,
    /// What consumers did since the first range, in order: ranges wait for acknowledgements.
    late: Vec<Late>,
    tally: Tally,
}

const LINES: &str = "give the output of kafka-verifiable-producer.sh and kafka-verifiable-consumer.sh";

/// Errors after which a record is certainly not in the log: it was refused before it was sent, or by the broker.
const REFUSED: [&str; 6] = [
    "RecordTooLargeException",
    "SerializationException",
    "InvalidTopicException",
    "TopicAuthorizationException",
    "ClusterAuthorizationException",
    "UnsupportedVersionException",
];

impl Reader<'_> {
    fn entry(&mut self, text: &[u8]) -> Result<(), ReadError> {
        let line: Line<'_> = serde_json::from_slice(text).map_err(|error| {
            let text = String::from_utf8_lossy(text);
            ReadError::malformed(self.line, format!("{} ({error})", excerpt(&text)), LINES)
        })?;
        self.at_ns = line.timestamp.map_or(-1, |ms| ms.saturating_mul(1_000_000));
        match &*line.name {
            "startup_complete" => {
                self.clients += 1;
                self.process = self.names.process(&format!("client {}", self.clients));
                self.owned.clear();
            }
            "producer_send_success" => self.sent(&line)?,
            "producer_send_error" => self.send_failed(&line)?,
            "record_data" => {
                let (partition, offset) = self.place(&line)?;
                let value = self.value(&line)?;
                self.records.push((partition, Read { offset, value }));
            }
            "records_consumed" => self.consumed(&line.partitions.unwrap_or_default()),
            "partitions_assigned" => self.assigned(&line.partitions.unwrap_or_default()),
            "partitions_revoked" => {
                let revoked = self.all(&line.partitions.unwrap_or_default());
                self.owned.retain(|partition| !revoked.contains(partition));
                self.subscribed();
            }
            "offsets_committed" => self.committed(line.success, line.offsets.unwrap_or_default()),
            _ => self.tally.passed_over += 1,
        }
        Ok(())
    }

    fn missing(&self, field: &str) -> ReadError {
        ReadError::malformed(self.line, format!("no {field}"), LINES)
    }

    fn place(&mut self, line: &Line<'_>) -> Result<(Partition, i64), ReadError> {
        let topic = line.topic.as_deref().ok_or_else(|| self.missing("topic"))?;
        let partition = line.partition.ok_or_else(|| self.missing("partition"))?;
        let offset = line.offset.ok_or_else(|| self.missing("offset"))?;
        Ok((self.partition(topic, partition), offset))
    }

    fn partition(&mut self, topic: &str, partition: i32) -> Partition {
        let number = self.names.partition(&format!("{topic}/{partition}"));
        match self.partitions.get_mut(topic) {
            Some(known) => known.insert(number),
            None => self
                .partitions
                .entry(topic.to_owned())
                .or_default()
                .insert(number),
        };
        number
    }

    fn value(&mut self, line: &Line<'_>) -> Result<Value, ReadError> {
        let word = line.value.as_deref().ok_or_else(|| self.missing("value"))?;
        let number = word.parse::<u64>().ok().filter(|number| *number < 1 << 63);
        Ok(match number {
            Some(number) if number.to_string() == word => Value(number),
            _ => self.names.value(word),
        })
    }

    fn sent(&mut self, line: &Line<'_>) -> Result<(), ReadError> {
        let (partition, offset) = self.place(line)?;
        let value = self.value(line)?;
        self.acknowledged.insert((partition, offset), value);
        let action = Action::Send {
            partition,
            value,
            offset: Some(offset).filter(|offset| *offset >= 0),
            key: None,
        };
        self.operation(self.line, self.at_ns, (self.process, Outcome::Ok), vec![action]);
        Ok(())
    }

    fn send_failed(&mut self, line: &Line<'_>) -> Result<(), ReadError> {
        let topic = line.topic.as_deref().ok_or_else(|| self.missing("topic"))?;
        let exception = line.exception.as_deref().unwrap_or_default();
        let refused = REFUSED.iter().any(|refused| exception.ends_with(refused));
        let failed = FailedSend {
            line: self.line,
            at_ns: self.at_ns,
            process: self.process,
            outcome: if refused {
                Outcome::Failed
            } else {
                Outcome::Unknown
            },
            topic: topic.to_owned(),
            value: self.value(line)?,
        };
        self.failed.push(failed);
        Ok(())
    }

    fn consumed(&mut self, parts: &[Part]) {
        let records = std::mem::take(&mut self.records);
        if !records.is_empty() {
            let mut reads: Vec<(Partition, Vec<Read>)> = Vec::new();
            for (partition, read) in records {
                match reads.last_mut() {
                    Some((last, of)) if *last == partition => of.push(read),
                    _ => reads.push((partition, vec![read])),
                }
            }
            self.polled(self.line, self.at_ns, self.process, reads);
            return;
        }
        let parts = parts
            .iter()
            .filter_map(|part| {
                let partition = self.partition(&part.topic, part.partition);
                Some((partition, part.min_offset?, part.max_offset?))
            })
            .collect();
        self.late.push(Late::Range(Range {
            line: self.line,
            at_ns: self.at_ns,
            process: self.process,
            parts,
        }));
    }

    fn polled(&mut self, line: u64, at_ns: i64, process: Process, reads: Vec<(Partition, Vec<Read>)>) {
        let poll = Action::Poll {
            isolation: self.isolation,
            reads,
        };
        self.operation(line, at_ns, (process, Outcome::Ok), vec![poll]);
    }

    fn all(&mut self, parts: &[Part]) -> BTreeSet<Partition> {
        parts
            .iter()
            .map(|part| self.partition(&part.topic, part.partition))
            .collect()
    }

    fn assigned(&mut self, parts: &[Part]) {
        let assigned = self.all(parts);
        // What it had before and gets again, it begins anew.
        self.owned.retain(|partition| !assigned.contains(partition));
        self.subscribed();
        self.owned.extend(assigned);
        self.subscribed();
    }

    fn subscribed(&mut self) {
        let subscribed = What::Subscribed {
            process: self.process,
            partitions: self.owned.iter().copied().collect(),
            repositioned: false,
        };
        self.step(self.line, self.at_ns, subscribed);
    }

    fn committed(&mut self, success: Option<bool>, offsets: Vec<Part>) {
        let group = self.names.group("verifiable consumers");
        let name = self.names.of_process(self.process).to_owned();
        let member = Some(self.names.member(&name));
        for part in offsets {
            let Some(offset) = part.offset else { continue };
            let committed = GroupStep::Committed {
                group,
                member,
                generation: -1,
                partition: self.partition(&part.topic, part.partition),
                offset,
                outcome: match success {
                    Some(true) => Outcome::Ok,
                    _ => Outcome::Unknown,
                },
            };
            self.step(self.line, self.at_ns, What::Group(committed));
        }
    }

    fn step(&mut self, index: u64, at_ns: i64, what: What) {
        let step = Step { index, at_ns, what };
        let sends = |action: &Action| matches!(action, Action::Send { .. });
        match &step.what {
            What::Operation(operation) if operation.actions.iter().any(sends) => self.told(step),
            _ if self.late.is_empty() => self.told(step),
            _ => self.late.push(Late::Step(step)),
        }
    }

    fn told(&mut self, step: Step) {
        self.tally.steps += 1;
        (self.each)(step);
    }

    fn operation(
        &mut self,
        line: u64,
        at_ns: i64,
        (process, outcome): (Process, Outcome),
        actions: Vec<Action>,
    ) {
        let operation = Operation {
            began: line,
            process,
            outcome,
            kind: Kind::Plain,
            producer: None,
            actions,
        };
        self.step(line, at_ns, What::Operation(operation));
    }

    fn end(&mut self) {
        if !self.records.is_empty() {
            self.consumed(&[]);
        }
        for failed in std::mem::take(&mut self.failed) {
            let partitions = self.partitions.get(&failed.topic).cloned().unwrap_or_default();
            for partition in partitions {
                let action = Action::Send {
                    partition,
                    value: failed.value,
                    offset: None,
                    key: None,
                };
                let told = (failed.process, failed.outcome);
                self.operation(failed.line, failed.at_ns, told, vec![action]);
            }
        }
        for late in std::mem::take(&mut self.late) {
            match late {
                Late::Step(step) => self.told(step),
                Late::Range(range) => self.read_range(&range),
            }
        }
    }

    fn read_range(&mut self, range: &Range) {
        let reads = range
            .parts
            .iter()
            .map(|(partition, first, last)| (*partition, self.known(*partition, *first, *last)))
            .filter(|(_, reads)| !reads.is_empty())
            .collect::<Vec<_>>();
        if !reads.is_empty() {
            self.polled(range.line, range.at_ns, range.process, reads);
        }
    }

    /// The records acknowledged in a range of offsets.
    fn known(&self, partition: Partition, first: i64, last: i64) -> Vec<Read> {
        if first > last {
            return Vec::new();
        }
        self.acknowledged
            .range((partition, first)..=(partition, last))
            .map(|((_, offset), value)| Read {
                offset: *offset,
                value: *value,
            })
            .collect()
    }
}
