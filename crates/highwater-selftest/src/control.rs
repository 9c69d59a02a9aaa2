//! Inverted controls: the same history told in another way. Nothing may change.
//!
//! Invariant: what is done here leaves every promise kept or broken as it was.

use highwater_check::history::{
    Action, GroupStep, Kind, LogStep, Operation, Partition, Producer, Step, What,
};

/// A way to tell the same history otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Partitions have other numbers.
    RelabelPartitions,
    /// All clocks go differently.
    ShiftClocks,
    /// Two sends of two clients that overlap are told in the other order.
    PermuteOperations,
    /// A poll is told as several.
    SplitPolls,
    /// Polls of a reader, one behind the other, are told as one.
    MergePolls,
    /// Producers have other ids.
    RenumberProducers,
    /// Between any two offsets there is one more that holds nothing.
    AddGaps,
}

impl Control {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::RelabelPartitions,
        Self::ShiftClocks,
        Self::PermuteOperations,
        Self::SplitPolls,
        Self::MergePolls,
        Self::RenumberProducers,
        Self::AddGaps,
    ];

    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RelabelPartitions => "partitions relabelled",
            Self::ShiftClocks => "clocks shifted",
            Self::PermuteOperations => "independent operations permuted",
            Self::SplitPolls => "polls split",
            Self::MergePolls => "polls merged",
            Self::RenumberProducers => "producer ids renumbered",
            Self::AddGaps => "gaps added between offsets",
        }
    }

    /// The history, told otherwise.
    #[must_use]
    pub fn apply(self, steps: &[Step]) -> Vec<Step> {
        let mut steps = steps.to_vec();
        match self {
            Self::RelabelPartitions => each(&mut steps, &mut |place| {
                place.partition.0 = place.partition.0 * 7 + 3;
            }),
            Self::ShiftClocks => steps
                .iter_mut()
                .for_each(|step| step.at_ns = step.at_ns * 3 / 2 + 86_400_000_000_000),
            Self::PermuteOperations => permute(&mut steps),
            Self::SplitPolls => steps = split(steps),
            Self::MergePolls => steps = merged(steps),
            Self::RenumberProducers => producers(&mut steps),
            // Also of next offsets: behind n records there are 2n offsets.
            Self::AddGaps => each(&mut steps, &mut |place| {
                for offset in place.offsets.iter_mut().filter(|offset| ***offset > 0) {
                    **offset *= 2;
                }
            }),
        }
        steps
    }
}

/// A partition and what is said of offsets in it.
struct Place<'a> {
    partition: &'a mut Partition,
    offsets: Vec<&'a mut i64>,
}

fn each(steps: &mut [Step], change: &mut dyn FnMut(&mut Place<'_>)) {
    let mut change = |partition, offsets| change(&mut Place { partition, offsets });
    for step in steps {
        match &mut step.what {
            What::Operation(operation) => operation.actions.iter_mut().for_each(|action| match action {
                Action::Send {
                    partition, offset, ..
                } => change(partition, offset.as_mut().into_iter().collect()),
                Action::Poll { reads, .. } => {
                    for (partition, reads) in reads {
                        change(partition, reads.iter_mut().map(|read| &mut read.offset).collect());
                    }
                }
                Action::Repositioned { partitions } => {
                    partitions
                        .iter_mut()
                        .for_each(|partition| change(partition, Vec::new()));
                }
                Action::Commit {
                    partition, offset, ..
                } => change(partition, vec![offset]),
            }),
            What::Subscribed { partitions, .. } | What::Group(GroupStep::Assigned { partitions, .. }) => {
                partitions
                    .iter_mut()
                    .for_each(|partition| change(partition, Vec::new()));
            }
            What::Group(
                GroupStep::Positioned {
                    partition, offset, ..
                }
                | GroupStep::Committed {
                    partition, offset, ..
                },
            ) => change(partition, vec![offset]),
            What::Group(GroupStep::Delivered {
                partition,
                first,
                last,
                ..
            }) => change(partition, vec![first, last]),
            What::Log(log) => match log {
                LogStep::Record(record) => change(&mut record.partition, vec![&mut record.offset]),
                LogStep::Marker {
                    partition, offset, ..
                }
                | LogStep::Committed {
                    partition, offset, ..
                } => {
                    change(partition, vec![offset]);
                }
                LogStep::End {
                    partition,
                    log_start,
                    high_watermark,
                    last_stable_offset,
                    ..
                } => change(partition, vec![log_start, high_watermark, last_stable_offset]),
            },
            What::Initialised { .. } | What::Group(GroupStep::Left { .. }) | What::Disturbed => {}
        }
    }
}

fn sends_alone(step: &Step) -> Option<&Operation> {
    match &step.what {
        What::Operation(operation)
            if operation.kind == Kind::Plain
                && operation
                    .actions
                    .iter()
                    .all(|action| matches!(action, Action::Send { .. })) =>
        {
            Some(operation)
        }
        _ => None,
    }
}

/// Numbers and moments stay where they are; what happened at them changes places.
fn permute(steps: &mut [Step]) {
    let mut at = 0;
    while at + 1 < steps.len() {
        let overlap = match (sends_alone(&steps[at]), sends_alone(&steps[at + 1])) {
            (Some(one), Some(other)) => one.process != other.process && other.began < steps[at].index,
            _ => false,
        };
        if overlap {
            let (before, behind) = steps.split_at_mut(at + 1);
            std::mem::swap(&mut before[at].what, &mut behind[0].what);
            at += 1;
        }
        at += 1;
    }
}

/// A poll of a reader of its own; members of groups are told in ranges too.
fn only_poll(step: &Step) -> Option<&Operation> {
    match &step.what {
        What::Operation(operation) if operation.kind == Kind::Plain => {
            matches!(operation.actions[..], [Action::Poll { .. }]).then_some(operation)
        }
        _ => None,
    }
}

fn split(steps: Vec<Step>) -> Vec<Step> {
    let mut all = Vec::with_capacity(steps.len());
    for step in steps {
        let several = only_poll(&step).and_then(|operation| match &operation.actions[..] {
            [Action::Poll { isolation, reads }] if reads.len() > 1 => {
                Some((operation.clone(), *isolation, reads.clone()))
            }
            _ => None,
        });
        let Some((operation, isolation, reads)) = several else {
            all.push(step);
            continue;
        };
        for (number, read) in (0..).zip(reads) {
            all.push(Step {
                index: step.index + number,
                at_ns: step.at_ns,
                what: What::Operation(Operation {
                    actions: vec![Action::Poll {
                        isolation,
                        reads: vec![read],
                    }],
                    ..operation.clone()
                }),
            });
        }
    }
    all
}

fn merged(steps: Vec<Step>) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        let joins = match (all.last().and_then(only_poll), only_poll(&step)) {
            (Some(before), Some(now)) => before.process == now.process,
            _ => false,
        };
        let (Some(before), true) = (all.last_mut(), joins) else {
            all.push(step);
            continue;
        };
        if let (What::Operation(before), What::Operation(now)) = (&mut before.what, step.what) {
            before.actions.extend(now.actions);
        }
    }
    all
}

fn producers(steps: &mut [Step]) {
    let renumber = |producer: &mut Producer| producer.id = producer.id * 3 + 17;
    for step in steps {
        match &mut step.what {
            What::Operation(operation) => operation.producer.iter_mut().for_each(renumber),
            What::Initialised { producer } | What::Log(LogStep::Marker { producer, .. }) => {
                renumber(producer);
            }
            What::Log(LogStep::Record(record)) => record.producer.iter_mut().for_each(renumber),
            _ => {}
        }
    }
}
