//! Histories in few words.

use crate::history::{
    Action, Finding, Isolation, Kind, LogRecord, LogStep, Operation, Options, Outcome, Partition, Process,
    Producer, Read, Step, Value, What, check,
};

/// Steps under way, numbered as they come.
#[derive(Debug, Clone, Default)]
pub(in crate::history) struct Story {
    pub(in crate::history) steps: Vec<Step>,
}

/// A record: partition, value, offset (-1: not told).
pub(in crate::history) type Told = (u32, u64, i64);

pub(in crate::history) fn send((partition, value, offset): Told) -> Action {
    Action::Send {
        partition: Partition(partition),
        value: Value(value),
        offset: Some(offset).filter(|offset| *offset >= 0),
        key: None,
    }
}

pub(in crate::history) fn poll(records: &[Told]) -> Action {
    let mut reads: Vec<(Partition, Vec<Read>)> = Vec::new();
    for (partition, value, offset) in records {
        let read = Read {
            offset: *offset,
            value: Value(*value),
        };
        match reads.iter_mut().find(|(known, _)| known.0 == *partition) {
            Some((_, of)) => of.push(read),
            None => reads.push((Partition(*partition), vec![read])),
        }
    }
    Action::Poll {
        isolation: Isolation::Committed,
        reads,
    }
}

impl Story {
    pub(in crate::history) fn what(mut self, what: What) -> Self {
        let index = self.steps.len() as u64;
        self.steps.push(Step {
            index,
            at_ns: index as i64,
            what,
        });
        self
    }

    pub(in crate::history) fn operation(
        self,
        process: u32,
        kind: Kind,
        outcome: Outcome,
        actions: Vec<Action>,
    ) -> Self {
        let began = self.steps.len() as u64;
        self.what(What::Operation(Operation {
            began,
            process: Process(process),
            outcome,
            kind,
            producer: None,
            actions,
        }))
    }

    pub(in crate::history) fn sends(self, process: u32, outcome: Outcome, records: &[Told]) -> Self {
        self.operation(
            process,
            Kind::Plain,
            outcome,
            records.iter().copied().map(send).collect(),
        )
    }

    pub(in crate::history) fn transaction(self, process: u32, outcome: Outcome, records: &[Told]) -> Self {
        self.operation(
            process,
            Kind::Transaction,
            outcome,
            records.iter().copied().map(send).collect(),
        )
    }

    pub(in crate::history) fn polls(self, process: u32, records: &[Told]) -> Self {
        self.operation(process, Kind::Plain, Outcome::Ok, vec![poll(records)])
    }

    /// Plain records, as both levels of the read-back show them.
    pub(in crate::history) fn logs(mut self, records: &[Told]) -> Self {
        for told in records {
            self = self.raw(*told, None).committed(*told);
        }
        self
    }

    pub(in crate::history) fn raw(self, (partition, value, offset): Told, producer: Option<i64>) -> Self {
        self.what(What::Log(LogStep::Record(LogRecord {
            partition: Partition(partition),
            offset,
            value: Value(value),
            key: None,
            producer: producer.map(|id| Producer { id, epoch: 0 }),
            sequence: -1,
            transactional: producer.is_some(),
            leader_epoch: 0,
            intact: true,
        })))
    }

    pub(in crate::history) fn committed(self, (partition, value, offset): Told) -> Self {
        self.what(What::Log(LogStep::Committed {
            partition: Partition(partition),
            offset,
            value: Value(value),
        }))
    }

    pub(in crate::history) fn marker(self, partition: u32, offset: i64, producer: i64, commit: bool) -> Self {
        self.what(What::Log(LogStep::Marker {
            partition: Partition(partition),
            offset,
            producer: Producer {
                id: producer,
                epoch: 0,
            },
            commit,
            leader_epoch: 0,
        }))
    }

    pub(in crate::history) fn end(self, partition: u32, high_watermark: i64) -> Self {
        self.open_end(partition, high_watermark, high_watermark)
    }

    /// The end of a partition in which a transaction is open.
    pub(in crate::history) fn open_end(
        self,
        partition: u32,
        high_watermark: i64,
        last_stable_offset: i64,
    ) -> Self {
        self.what(What::Log(LogStep::End {
            partition: Partition(partition),
            log_start: 0,
            high_watermark,
            last_stable_offset,
            compacted: false,
            whole: true,
        }))
    }

    pub(in crate::history) fn findings(&self, options: Options) -> Vec<Finding> {
        check(&self.steps, options)
    }

    /// What was found, a word for each: `duplicate 0:7@1,3`.
    pub(in crate::history) fn found(&self) -> Vec<String> {
        self.findings(Options::default()).iter().map(words).collect()
    }
}

/// Name, records (partition:value@offset), passed over.
pub(in crate::history) fn words(finding: &Finding) -> String {
    let mut words = finding.anomaly.name().to_owned();
    for record in &finding.records {
        let value = record
            .value
            .map_or_else(|| "?".to_owned(), |value| value.0.to_string());
        let offset = record
            .offset
            .map_or_else(|| "?".to_owned(), |offset| offset.to_string());
        words.push_str(&format!(" {}:{value}@{offset}", record.partition.0));
    }
    if !finding.skipped.is_empty() {
        let skipped: Vec<_> = finding.skipped.iter().map(|value| value.0.to_string()).collect();
        words.push_str(&format!(" skipping {}", skipped.join(",")));
    }
    words
}
