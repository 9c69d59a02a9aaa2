//! Positions of readers: `poll-skip`, `int-poll-skip`, `nonmonotonic-poll`, `int-nonmonotonic-poll`.
//!
//! Invariant: what a reader got of a partition is kept as runs of adjacent offsets, and only the ends of runs are
//! compared, so that a reader costs the same whether it lags or not. A position moves only with operations that
//! happened: after an abort, or a crash, reading goes on where the last one ended.

use std::collections::BTreeMap;

use super::fractured::Fractured;
use super::index::Index;
use super::{
    Action, Checker, Finding, Isolation, Operation, Options, Outcome, Partition, Process, Step, What, skipped,
};
use crate::Anomaly;

/// Adjacent offsets that a reader got one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) first: i64,
    pub(super) last: i64,
    first_step: u64,
    last_step: u64,
    isolation: Isolation,
    /// The operation happened: the position moved.
    moves: bool,
    /// The position may have jumped before it.
    fresh: bool,
}

#[derive(Debug, Default)]
pub(super) struct Position {
    pub(super) runs: Vec<Run>,
    fresh: bool,
}

/// What a client read, by partition.
pub(super) type Positions = BTreeMap<Partition, Position>;

/// Says where readers jumped.
pub(super) struct Polls {
    subscribe_repositions: bool,
    processes: BTreeMap<Process, Positions>,
}

impl Polls {
    pub(super) fn new(options: Options) -> Self {
        Self {
            subscribe_repositions: options.subscribe_repositions,
            processes: BTreeMap::new(),
        }
    }

    fn operation(&mut self, step: u64, operation: &Operation) {
        let repositioned = |partition: Partition| {
            operation.actions.iter().any(|action| {
                matches!(action, Action::Repositioned { partitions } if partitions.contains(&partition))
            })
        };
        let moves = operation.outcome == Outcome::Ok;
        for action in &operation.actions {
            let Action::Poll { isolation, reads } = action else {
                continue;
            };
            let positions = self.processes.entry(operation.process).or_default();
            for (partition, reads) in reads {
                let jumps = repositioned(*partition);
                let position = positions.entry(*partition).or_default();
                for read in reads.iter().filter(|read| read.offset >= 0) {
                    position.read(read.offset, step, *isolation, moves, jumps);
                }
            }
        }
    }

    fn subscribed(&mut self, process: Process, partitions: &[Partition], repositioned: bool) {
        let all = repositioned || self.subscribe_repositions;
        for (partition, position) in self.processes.entry(process).or_default() {
            position.fresh |= all || !partitions.contains(partition);
        }
    }
}

impl Position {
    fn read(&mut self, offset: i64, step: u64, isolation: Isolation, moves: bool, jumps: bool) {
        let fresh = std::mem::take(&mut self.fresh) || jumps;
        if let Some(run) = self.runs.last_mut()
            && run.last + 1 == offset
            && run.isolation == isolation
            && run.moves == moves
            && (moves || run.last_step == step)
            && !fresh
        {
            (run.last, run.last_step) = (offset, step);
            return;
        }
        self.runs.push(Run {
            first: offset,
            last: offset,
            first_step: step,
            last_step: step,
            isolation,
            moves,
            fresh,
        });
    }
}

impl Checker for Polls {
    fn step(&mut self, step: &Step) {
        match &step.what {
            What::Operation(operation) => self.operation(step.index, operation),
            What::Subscribed {
                process,
                partitions,
                repositioned,
            } => self.subscribed(*process, partitions, *repositioned),
            _ => {}
        }
    }

    fn finish(self: Box<Self>, index: &Index, found: &mut dyn FnMut(Finding)) {
        for (process, positions) in &self.processes {
            let mut fractured = Fractured::new(*process, positions);
            for (partition, position) in positions {
                for jump in jumps(&position.runs) {
                    if let Some(finding) = judge(index, *process, *partition, jump) {
                        fractured.skipped(index, &finding, found);
                        found(finding);
                    }
                }
            }
        }
    }
}

/// A reader went from one offset to another that is not the next.
#[derive(Clone, Copy)]
struct Jump {
    from: (i64, u64),
    to: (i64, u64),
    isolation: Isolation,
}

fn jumps(runs: &[Run]) -> impl Iterator<Item = Jump> {
    let mut before: Option<&Run> = None;
    let mut position: Option<(i64, u64)> = None;
    runs.iter().filter_map(move |run| {
        let within = before.filter(|before| before.last_step == run.first_step);
        let from = match within {
            _ if run.fresh => {
                position = None;
                None
            }
            Some(before) => Some((before.last, before.last_step)),
            None => position,
        };
        before = Some(run);
        if run.moves {
            position = Some((run.last, run.last_step));
        }
        Some(Jump {
            from: from?,
            to: (run.first, run.first_step),
            isolation: run.isolation,
        })
    })
}

fn judge(index: &Index, process: Process, partition: Partition, jump: Jump) -> Option<Finding> {
    let order = index.order(partition)?;
    let ((from, from_step), (to, to_step)) = (jump.from, jump.to);
    let within = from_step == to_step;
    let (anomaly, delta) = if to <= from {
        let anomaly = match within {
            true => Anomaly::IntNonmonotonicPoll,
            false => Anomaly::NonmonotonicPoll,
        };
        let delta = order.before(jump.isolation, to) - order.before(jump.isolation, from);
        (anomaly, delta)
    } else {
        let end = index.end(partition);
        if end.is_some_and(|end| end.compacted) {
            return None;
        }
        // What was deleted by age is not skipped.
        let from = end.map_or(from, |end| from.max(end.log_start - 1));
        let passed = order.between(jump.isolation, from, to);
        if passed == 0 {
            return None;
        }
        let anomaly = match within {
            true => Anomaly::IntPollSkip,
            false => Anomaly::PollSkip,
        };
        (anomaly, passed + 1)
    };
    let value = |offset| order.at(offset).map(|record| index.name(record).1);
    let mut finding = Finding::new(anomaly)
        .record(partition, Some(from), value(from))
        .record(partition, Some(to), value(to));
    finding.delta = Some(delta);
    finding.processes.push(process);
    finding.steps.push(from_step);
    if !within {
        finding.steps.push(to_step);
    }
    if delta > 1 {
        finding.skipped = skipped(index, partition, jump.isolation, from, to);
    }
    Some(finding)
}
