//! Defects of the order in which a producer's records stand.

use highwater_check::Anomaly;
use highwater_check::history::Action;

use super::log::{named, plain};
use super::view::{View, Written};
use super::{Defect, Expected, ORDERED, Spot, defect};

pub(super) fn defects() -> Vec<Defect> {
    vec![
        Defect {
            contract: ORDERED,
            ..defect(
                "reorder inside one producer",
                &[Anomaly::NonmonotonicSend],
                reordered,
            )
        },
        Defect {
            contract: ORDERED,
            ..defect(
                "reorder inside one batch",
                &[Anomaly::IntNonmonotonicSend],
                reordered_batch,
            )
        },
    ]
}

fn reordered(view: &View<'_>) -> Vec<Spot> {
    neighbours(view, Anomaly::NonmonotonicSend, |one, other| one.at != other.at)
}

fn reordered_batch(view: &View<'_>) -> Vec<Spot> {
    neighbours(view, Anomaly::IntNonmonotonicSend, |one, other| {
        one.at == other.at
    })
}

/// Two records of a producer, one right behind the other, change places; acknowledgements and readers agree with that.
fn neighbours(view: &View<'_>, anomaly: Anomaly, wanted: impl Fn(&Written, &Written) -> bool) -> Vec<Spot> {
    let plain = plain(view);
    let pairs = plain.iter().filter_map(|one| {
        let next = (one.record.partition, one.record.offset + 1);
        let other = plain
            .iter()
            .find(|other| (other.record.partition, other.record.offset) == next)?;
        (other.process == one.process && wanted(one, other)).then_some((*one, *other))
    });
    pairs
        .map(|(one, other)| {
            let (first, second) = (one.record, other.record);
            let mut late = first;
            late.offset = second.offset;
            let mut early = second;
            early.offset = first.offset;
            Spot {
                at: one.at,
                context: view.context(one.at),
                plant: Box::new(move |edit| {
                    edit.swap(first, second);
                    for at in 0..edit.steps.len() {
                        let Some(operation) = edit.operation(at) else {
                            continue;
                        };
                        for action in &mut operation.actions {
                            if let Action::Send {
                                partition,
                                value,
                                offset,
                                ..
                            } = action
                                && *partition == first.partition
                            {
                                if *value == first.value {
                                    *offset = Some(second.offset);
                                } else if *value == second.value {
                                    *offset = Some(first.offset);
                                }
                            }
                        }
                    }
                }),
                expected: vec![Expected::new(anomaly, [named(&late), named(&early)])],
            }
        })
        .collect()
}
