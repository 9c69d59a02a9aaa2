//! What must change nothing: other names for partitions, clients and producers, other clocks and step numbers, and
//! polls split or put together.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::story::{Story, poll, send};
use crate::Anomaly;
use crate::history::{
    Action, Edge, Finding, Isolation, Kind, LogStep, Options, Outcome, Partition, Process, Producer, Read,
    Step, What, check,
};

const PARTITIONS: u32 = 3;
const CLIENTS: u32 = 4;

/// Something that a client does: sends or polls, of a partition, values and offsets.
fn action() -> impl Strategy<Value = Action> {
    let record = || (0..PARTITIONS, 0u64..8, -1i64..9);
    prop_oneof![
        record().prop_map(send),
        proptest::collection::vec(record(), 0..4).prop_map(|records| poll(&records)),
    ]
}

fn operation() -> impl Strategy<Value = (u32, Kind, Outcome, Vec<Action>)> {
    let kind = prop_oneof![Just(Kind::Plain), Just(Kind::Transaction)];
    let outcome = prop_oneof![
        3 => Just(Outcome::Ok),
        1 => Just(Outcome::Failed),
        1 => Just(Outcome::Unknown)
    ];
    (
        0..CLIENTS,
        kind,
        outcome,
        proptest::collection::vec(action(), 0..4),
    )
}

/// A log: each offset has a record or a marker, of one of two producers or of none.
fn log() -> impl Strategy<Value = Vec<(u64, Option<i64>, bool, bool)>> {
    let producer = prop_oneof![Just(None), Just(Some(5)), Just(Some(6))];
    proptest::collection::vec((0u64..8, producer, any::<bool>(), any::<bool>()), 0..9)
}

/// Any history, most of them wrong in many ways.
fn story() -> impl Strategy<Value = Story> {
    let operations = proptest::collection::vec((operation(), 0u32..8), 1..14);
    let logs = proptest::collection::vec(proptest::option::of(log()), PARTITIONS as usize);
    (operations, logs).prop_map(|(operations, logs)| {
        let mut story = Story::default();
        for ((process, kind, outcome, actions), subscribes) in operations {
            if subscribes < PARTITIONS {
                story = story.what(What::Subscribed {
                    process: Process(process),
                    partitions: vec![Partition(subscribes)],
                    repositioned: false,
                });
            }
            story = story.operation(process, kind, outcome, actions);
        }
        for (partition, log) in (0u32..).zip(logs) {
            if let Some(log) = log {
                story = read_back(story, partition, &log);
            }
        }
        story
    })
}

fn read_back(mut story: Story, partition: u32, log: &[(u64, Option<i64>, bool, bool)]) -> Story {
    for (offset, (value, producer, marker, committed)) in (0i64..).zip(log) {
        match producer {
            Some(producer) if *marker => story = story.marker(partition, offset, *producer, *committed),
            _ => {
                story = story.raw((partition, *value, offset), *producer);
                if *committed {
                    story = story.committed((partition, *value, offset));
                }
            }
        }
    }
    story.end(partition, log.len() as i64)
}

/// Findings as they are compared: where one of several stories could be told, only what all have in common.
fn told(steps: &[Step]) -> Vec<Finding> {
    let options = Options {
        read_from_start: true,
        ..Options::default()
    };
    let mut findings = check(steps, options);
    for finding in &mut findings {
        match finding.anomaly {
            // One circle of a component.
            Anomaly::WriteCycle | Anomaly::InformationCycle => {
                *finding = Finding::new(finding.anomaly);
            }
            // One record that was seen, and one that was not.
            Anomaly::FracturedRead => {
                finding.records.clear();
                finding.steps.truncate(1);
            }
            _ => {}
        }
    }
    findings.sort();
    findings
}

/// Other names for partitions, clients and producers, and other numbers for steps.
#[derive(Debug)]
struct Renamed {
    partitions: Vec<u32>,
    processes: Vec<u32>,
    clock: i64,
    factor: u64,
}

impl Renamed {
    fn partition(&self, partition: &mut Partition) {
        partition.0 = self.partitions[partition.0 as usize];
    }

    fn process(&self, process: &mut Process) {
        process.0 = self.processes[process.0 as usize];
    }

    fn index(&self, index: &mut u64) {
        *index = *index * self.factor + 3;
    }

    fn producer(producer: &mut Producer) {
        producer.id = 1_000 - producer.id;
    }

    fn step(&self, step: &mut Step) {
        self.index(&mut step.index);
        step.at_ns += self.clock;
        match &mut step.what {
            What::Operation(operation) => {
                self.index(&mut operation.began);
                self.process(&mut operation.process);
                for action in &mut operation.actions {
                    match action {
                        Action::Send { partition, .. } => self.partition(partition),
                        Action::Poll { reads, .. } => {
                            reads
                                .iter_mut()
                                .for_each(|(partition, _)| self.partition(partition));
                        }
                        _ => {}
                    }
                }
            }
            What::Subscribed {
                process, partitions, ..
            } => {
                self.process(process);
                partitions
                    .iter_mut()
                    .for_each(|partition| self.partition(partition));
            }
            What::Log(log) => match log {
                LogStep::Record(record) => {
                    self.partition(&mut record.partition);
                    record.producer.iter_mut().for_each(Self::producer);
                }
                LogStep::Marker {
                    partition, producer, ..
                } => {
                    self.partition(partition);
                    Self::producer(producer);
                }
                LogStep::Committed { partition, .. } | LogStep::End { partition, .. } => {
                    self.partition(partition);
                }
            },
            _ => {}
        }
    }

    fn finding(&self, finding: &mut Finding) {
        for record in &mut finding.records {
            self.partition(&mut record.partition);
        }
        finding.steps.iter_mut().for_each(|step| self.index(step));
        finding
            .processes
            .iter_mut()
            .for_each(|process| self.process(process));
        finding.producers.iter_mut().for_each(Self::producer);
        for edge in &mut finding.edges {
            match edge {
                Edge::WriteWrite(partition, ..) | Edge::WriteRead(partition, _) => self.partition(partition),
            }
        }
    }
}

fn renamed() -> impl Strategy<Value = Renamed> {
    (
        Just((0..PARTITIONS).collect::<Vec<_>>()).prop_shuffle(),
        Just((0..CLIENTS).collect::<Vec<_>>()).prop_shuffle(),
        -1_000_000i64..1_000_000,
        1u64..9,
    )
        .prop_map(|(partitions, processes, clock, factor)| Renamed {
            partitions,
            processes,
            clock,
            factor,
        })
}

/// Each record polled for itself.
fn split(actions: &[Action]) -> Vec<Action> {
    let mut split = Vec::new();
    for action in actions {
        match action {
            Action::Poll { isolation, reads } => {
                for (partition, reads) in reads {
                    for read in reads {
                        split.push(Action::Poll {
                            isolation: *isolation,
                            reads: vec![(*partition, vec![*read])],
                        });
                    }
                }
            }
            other => split.push(other.clone()),
        }
    }
    split
}

/// Polls between which nothing is sent are one.
fn merge(actions: &[Action]) -> Vec<Action> {
    fn close(open: &mut BTreeMap<Partition, Vec<Read>>, merged: &mut Vec<Action>) {
        if !open.is_empty() {
            merged.push(Action::Poll {
                isolation: Isolation::Committed,
                reads: std::mem::take(open).into_iter().collect(),
            });
        }
    }
    let (mut merged, mut open) = (Vec::new(), BTreeMap::<Partition, Vec<Read>>::new());
    for action in actions {
        match action {
            Action::Poll { reads, .. } => {
                for (partition, reads) in reads {
                    open.entry(*partition).or_default().extend(reads);
                }
            }
            other => {
                close(&mut open, &mut merged);
                merged.push(other.clone());
            }
        }
    }
    close(&mut open, &mut merged);
    merged
}

fn with_actions(story: &Story, change: fn(&[Action]) -> Vec<Action>) -> Vec<Step> {
    let mut steps = story.steps.clone();
    for step in &mut steps {
        if let What::Operation(operation) = &mut step.what {
            operation.actions = change(&operation.actions);
        }
    }
    steps
}

proptest! {
    #[test]
    fn other_names_clocks_and_numbers_change_nothing_but_names(story in story(), renamed in renamed()) {
        let mut expected = told(&story.steps);
        expected.iter_mut().for_each(|finding| renamed.finding(finding));
        expected.sort();
        let mut steps = story.steps;
        steps.iter_mut().for_each(|step| renamed.step(step));
        prop_assert_eq!(told(&steps), expected);
    }

    #[test]
    fn polls_that_are_split_or_put_together_change_nothing(story in story()) {
        let expected = told(&story.steps);
        prop_assert_eq!(&told(&with_actions(&story, split)), &expected);
        prop_assert_eq!(&told(&with_actions(&story, merge)), &expected);
    }
}

/// Otherwise the controls would control nothing.
#[test]
fn the_histories_are_wrong_in_many_ways() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut names = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let story = story().new_tree(&mut runner).unwrap().current();
        names.extend(told(&story.steps).iter().map(|finding| finding.anomaly.name()));
    }
    assert!(names.len() > 12, "{names:?}");
}
