use highwater_check::history::{
    Action, GroupStep, Isolation, LogRecord, LogStep, Operation, Partition, Process, Read, Step, Value, What,
};

/// A history that is being changed.
pub(super) struct Edit {
    pub(super) steps: Vec<Step>,
}

impl Edit {
    pub(super) fn new(steps: &[Step]) -> Self {
        Self {
            steps: steps.to_vec(),
        }
    }

    /// Puts a step behind the one at a place; numbers go on ascending.
    pub(super) fn insert_behind(&mut self, at: usize, what: What) {
        let before = &self.steps[at];
        let (index, at_ns) = (before.index + 1, before.at_ns);
        debug_assert!(self.steps.get(at + 1).is_none_or(|next| next.index > index));
        self.steps.insert(at + 1, Step { index, at_ns, what });
    }

    /// Puts a step right behind the one at a place, in front of what was put there before.
    pub(super) fn insert_behind_and_shift(&mut self, at: usize, what: What) {
        let before = &self.steps[at];
        let (mut index, at_ns) = (before.index + 1, before.at_ns);
        self.steps.insert(at + 1, Step { index, at_ns, what });
        for step in &mut self.steps[at + 2..] {
            if step.index > index {
                break;
            }
            step.index = index + 1;
            index += 1;
        }
    }

    pub(super) fn operation(&mut self, at: usize) -> Option<&mut Operation> {
        match &mut self.steps[at].what {
            What::Operation(operation) => Some(operation),
            _ => None,
        }
    }

    /// Position of the step with that number.
    pub(super) fn position(&self, index: u64) -> usize {
        self.steps.partition_point(|step| step.index < index)
    }

    pub(super) fn logs(&mut self, partition: Partition) -> impl Iterator<Item = &mut LogStep> {
        self.steps
            .iter_mut()
            .filter_map(move |step| match &mut step.what {
                What::Log(log) if partition_of(log) == partition => Some(log),
                _ => None,
            })
    }

    /// Nobody ever reads it, and it is not in the log.
    pub(super) fn forget(&mut self, partition: Partition, offset: i64) {
        self.forget_in_log(partition, offset);
        self.unread(partition, None, |read| read.offset != offset);
    }

    /// It is not in the log at the end.
    pub(super) fn forget_in_log(&mut self, partition: Partition, offset: i64) {
        self.steps.retain(|step| match &step.what {
            What::Log(
                LogStep::Record(LogRecord {
                    partition: of,
                    offset: at,
                    ..
                })
                | LogStep::Committed {
                    partition: of,
                    offset: at,
                    ..
                },
            ) => (*of, *at) != (partition, offset),
            _ => true,
        });
    }

    /// Takes reads away, also from what groups tell.
    pub(super) fn unread(
        &mut self,
        partition: Partition,
        of_isolation: Option<Isolation>,
        keep: impl Fn(&Read) -> bool,
    ) {
        let mut at = 0;
        while at < self.steps.len() {
            let mut left: Option<Vec<Read>> = None;
            if let What::Operation(operation) = &mut self.steps[at].what {
                for action in &mut operation.actions {
                    if let Action::Poll { reads, isolation } = action
                        && of_isolation.is_none_or(|wanted| wanted == *isolation)
                    {
                        for (_, reads) in reads.iter_mut().filter(|(of, _)| *of == partition) {
                            reads.retain(&keep);
                            left.get_or_insert_default().extend_from_slice(reads);
                        }
                        reads.retain(|(_, reads)| !reads.is_empty());
                    }
                }
            }
            if let Some(left) = left {
                self.delivered_anew(at, partition, &left);
            }
            at += 1;
        }
    }

    /// What a group tells of the poll at a place.
    pub(super) fn delivered_anew(&mut self, poll: usize, partition: Partition, left: &[Read]) {
        let mut at = poll + 1;
        while let Some(Step {
            what:
                What::Group(GroupStep::Delivered {
                    partition: of,
                    first,
                    last,
                    ..
                }),
            ..
        }) = self.steps.get_mut(at)
        {
            if *of == partition {
                match (left.first(), left.last()) {
                    (Some(from), Some(to)) => (*first, *last) = (from.offset, to.offset),
                    _ => {
                        self.steps.remove(at);
                        return;
                    }
                }
            }
            at += 1;
        }
    }

    /// Offset after the last record of a partition.
    pub(super) fn end(&mut self, partition: Partition) -> i64 {
        self.logs(partition)
            .find_map(|log| match log {
                LogStep::End { high_watermark, .. } => Some(*high_watermark),
                _ => None,
            })
            .unwrap_or(0)
    }

    pub(super) fn set_end(&mut self, partition: Partition, offset: i64) {
        for log in self.logs(partition) {
            if let LogStep::End {
                high_watermark,
                last_stable_offset,
                ..
            } = log
            {
                (*high_watermark, *last_stable_offset) = (offset, offset);
            }
        }
    }

    /// Puts a record at the end of its partition, committed if so; its offset.
    pub(super) fn append(&mut self, mut record: LogRecord, committed: bool) -> i64 {
        let partition = record.partition;
        let offset = self.end(partition);
        record.offset = offset;
        record.leader_epoch = self.leader_epoch(partition).max(record.leader_epoch);
        self.insert_into_log(LogStep::Record(record), partition);
        if committed {
            self.commit_record(partition, offset, record.value);
        }
        self.set_end(partition, offset + 1);
        offset
    }

    /// Shows a record to readers of committed records, at its place.
    pub(super) fn commit_record(&mut self, partition: Partition, offset: i64, value: Value) {
        let behind = self.steps.iter().position(|step| match &step.what {
            What::Log(LogStep::Committed {
                partition: of,
                offset: at,
                ..
            }) => *of == partition && *at > offset,
            What::Log(LogStep::End { partition: of, .. }) => *of == partition,
            _ => false,
        });
        let what = What::Log(LogStep::Committed {
            partition,
            offset,
            value,
        });
        if let Some(behind) = behind {
            self.insert_before(behind, what);
        }
    }

    /// Hides a record from readers of committed records.
    pub(super) fn uncommit_record(&mut self, partition: Partition, offset: i64) {
        self.steps.retain(|step| match &step.what {
            What::Log(LogStep::Committed {
                partition: of,
                offset: at,
                ..
            }) => (*of, *at) != (partition, offset),
            _ => true,
        });
    }

    pub(super) fn leader_epoch(&mut self, partition: Partition) -> i32 {
        self.logs(partition)
            .filter_map(|log| match log {
                LogStep::Record(record) => Some(record.leader_epoch),
                LogStep::Marker { leader_epoch, .. } => Some(*leader_epoch),
                LogStep::Committed { .. } | LogStep::End { .. } => None,
            })
            .max()
            .unwrap_or(-1)
    }

    /// Puts a record or a marker behind all others of its partition.
    pub(super) fn insert_into_log(&mut self, log: LogStep, partition: Partition) {
        let behind = self.steps.iter().position(|step| {
            matches!(&step.what,
                What::Log(LogStep::Committed { partition: of, .. } | LogStep::End { partition: of, .. })
                    if *of == partition)
        });
        if let Some(behind) = behind {
            self.insert_before(behind, What::Log(log));
        }
    }

    /// The read-back has no numbers that anybody names: it is numbered anew.
    fn insert_before(&mut self, at: usize, what: What) {
        let next = &self.steps[at];
        let (index, at_ns) = (next.index, next.at_ns);
        self.steps.insert(at, Step { index, at_ns, what });
        for step in &mut self.steps[at + 1..] {
            step.index += 1;
        }
    }

    /// A client that does not occur yet.
    pub(super) fn new_process(&self) -> Process {
        let most = self.steps.iter().filter_map(|step| match &step.what {
            What::Operation(operation) => Some(operation.process.0),
            What::Subscribed { process, .. } => Some(process.0),
            _ => None,
        });
        Process(most.max().unwrap_or(0) + 1)
    }

    /// Two records change places, in the log and for readers; what acknowledgements say stays.
    pub(super) fn swap(&mut self, first: LogRecord, second: LogRecord) {
        let partition = first.partition;
        for log in self.logs(partition) {
            match log {
                LogStep::Record(record) if record.offset == first.offset => {
                    *record = placed(second, record);
                }
                LogStep::Record(record) if record.offset == second.offset => {
                    *record = placed(first, record);
                }
                LogStep::Committed { offset, value, .. } if *offset == first.offset => *value = second.value,
                LogStep::Committed { offset, value, .. } if *offset == second.offset => *value = first.value,
                _ => {}
            }
        }
        for at in 0..self.steps.len() {
            let Some(operation) = self.operation(at) else {
                continue;
            };
            for action in &mut operation.actions {
                let Action::Poll { reads, .. } = action else {
                    continue;
                };
                for (_, reads) in reads.iter_mut().filter(|(of, _)| *of == partition) {
                    for read in reads {
                        if read.offset == first.offset {
                            read.value = second.value;
                        } else if read.offset == second.offset {
                            read.value = first.value;
                        }
                    }
                }
            }
        }
    }
}

/// A record in the place of another one.
fn placed(record: LogRecord, place: &LogRecord) -> LogRecord {
    LogRecord {
        offset: place.offset,
        leader_epoch: place.leader_epoch,
        ..record
    }
}

fn partition_of(log: &LogStep) -> Partition {
    match log {
        LogStep::Record(record) => record.partition,
        LogStep::Marker { partition, .. }
        | LogStep::Committed { partition, .. }
        | LogStep::End { partition, .. } => *partition,
    }
}
