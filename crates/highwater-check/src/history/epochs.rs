//! `leader-epoch-regression`: the leader epoch goes back inside of a partition.

use std::collections::BTreeMap;

use super::index::Index;
use super::{Checker, Finding, LogStep, Partition, Step, Value, What};
use crate::Anomaly;

#[derive(Debug, Clone, Copy)]
struct Seen {
    offset: i64,
    value: Option<Value>,
    epoch: i32,
}

/// Says where epochs go back.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    last: BTreeMap<Partition, Seen>,
    back: Vec<(Partition, Seen, Seen, u64)>,
}

impl Checker for Epochs {
    fn step(&mut self, step: &Step) {
        let (partition, now) = match step.what {
            What::Log(LogStep::Record(record)) => (
                record.partition,
                Seen {
                    offset: record.offset,
                    value: Some(record.value),
                    epoch: record.leader_epoch,
                },
            ),
            What::Log(LogStep::Marker {
                partition,
                offset,
                leader_epoch,
                ..
            }) => (
                partition,
                Seen {
                    offset,
                    value: None,
                    epoch: leader_epoch,
                },
            ),
            _ => return,
        };
        if now.epoch < 0 {
            return;
        }
        if let Some(before) = self.last.insert(partition, now)
            && before.epoch > now.epoch
        {
            self.back.push((partition, before, now, step.index));
        }
    }

    fn finish(self: Box<Self>, _index: &Index, found: &mut dyn FnMut(Finding)) {
        for (partition, before, now, step) in self.back {
            let mut finding = Finding::new(Anomaly::LeaderEpochRegression)
                .record(partition, Some(before.offset), before.value)
                .record(partition, Some(now.offset), now.value)
                .steps([step]);
            finding.delta = Some(i64::from(now.epoch) - i64::from(before.epoch));
            found(finding);
        }
    }
}
