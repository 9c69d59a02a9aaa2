use std::collections::{BTreeMap, BTreeSet};

use highwater_model::{AnomalyExample, RecordId};

use crate::MOST_EXAMPLES;

/// What a member did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It was given partitions.
    Assigned(Vec<i32>),
    /// It gave partitions back, or heard that it had lost them.
    Revoked(Vec<i32>),
    /// It processed a record.
    Processed(Delivered),
    /// The cluster confirmed its commit.
    Committed {
        /// Partition.
        partition: i32,
        /// The offset to go on from.
        next: i64,
    },
    /// It is gone, killed or ended: it does nothing any more.
    Gone,
}

/// A record as a member got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Which record; none if it is none of the run.
    pub record: Option<RecordId>,
}

/// An acknowledged record, which the group must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Which.
    pub record: RecordId,
    /// Partition it was acknowledged in.
    pub partition: i32,
    /// Offset it was acknowledged at, if that was told.
    pub offset: Option<i64>,
}

/// What is known of a group while its story is told, in the order of its clock.
#[derive(Debug)]
pub struct GroupAccount {
    topic: String,
    /// Confirmed commits of each partition, each with when and by whom; offsets ascend.
    commits: BTreeMap<i32, Vec<Commit>>,
    /// The assignments that are open, by member and partition.
    open: BTreeMap<(String, i32), Assignment>,
    /// The farthest processed offset of each partition, and one more.
    reached: BTreeMap<i32, i64>,
    /// Processed offsets of each partition.
    offsets: BTreeMap<i32, BTreeSet<i64>>,
    records: BTreeSet<RecordId>,
    findings: GroupFindings,
}

#[derive(Debug, Clone)]
struct Commit {
    at_ns: u64,
    next: i64,
    member: String,
}

/// A partition in the hands of a member.
#[derive(Debug, Clone)]
struct Assignment {
    /// The last commit when it was given: nothing before it may come again.
    floor: i64,
    /// The offset behind the last record it brought.
    next: Option<i64>,
    /// Another member was given the partition, and this one has not heard of it.
    superseded: bool,
    /// What it brought again.
    again: u64,
}

/// What a group did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupFindings {
    /// Distinct records of the run that it processed.
    pub received: u64,
    /// Records that it processed, repetitions included.
    pub deliveries: u64,
    /// Deliveries of what had been processed before, inside the window since the last commit.
    pub redelivered: u64,
    /// The most that came again after one change of owners.
    pub widest_window: u64,
    /// Deliveries to a member that had lost the partition while it was halted.
    pub by_halted: u64,
    /// Deliveries of what had been committed before the member was given the partition.
    pub outside_window: u64,
    /// The first of them.
    pub outside_examples: Vec<AnomalyExample>,
    /// Acknowledged records that it never processed, and went on behind.
    pub skipped: u64,
    /// The first of them.
    pub skipped_examples: Vec<AnomalyExample>,
    /// Acknowledged records that it had not come to.
    pub behind: u64,
    /// Confirmed commits.
    pub commits: u64,
    /// How often partitions were given to members.
    pub rebalances: u64,
}

impl GroupAccount {
    /// Opens the account of a group on a topic.
    #[must_use]
    pub fn new(topic: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            commits: BTreeMap::new(),
            open: BTreeMap::new(),
            reached: BTreeMap::new(),
            offsets: BTreeMap::new(),
            records: BTreeSet::new(),
            findings: GroupFindings::default(),
        }
    }

    /// Takes in one step of a member. A member that is started again has a new name.
    pub fn observe(&mut self, at_ns: u64, member: &str, step: &Step) {
        match step {
            Step::Assigned(partitions) => self.assigned(member, partitions),
            Step::Revoked(partitions) => {
                for partition in partitions {
                    self.open.remove(&(member.to_owned(), *partition));
                }
            }
            Step::Processed(delivered) => self.processed(at_ns, member, *delivered),
            Step::Committed { partition, next } => {
                self.findings.commits += 1;
                let commits = self.commits.entry(*partition).or_default();
                if commits.last().is_none_or(|last| last.next < *next) {
                    commits.push(Commit {
                        at_ns,
                        next: *next,
                        member: member.to_owned(),
                    });
                }
            }
            Step::Gone => self.open.retain(|(of, _), _| of != member),
        }
    }

    /// Distinct records processed so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.records.len() as u64
    }

    /// Distinct offsets processed so far, by partition.
    #[must_use]
    pub fn consumed(&self) -> BTreeMap<i32, u64> {
        let counts = self.offsets.iter();
        counts
            .map(|(partition, all)| (*partition, all.len() as u64))
            .collect()
    }

    /// The partitions that a member has in its hands.
    #[must_use]
    pub fn owned_by(&self, member: &str) -> Vec<i32> {
        let mine = self.open.keys().filter(|(of, _)| of == member);
        mine.map(|(_, partition)| *partition).collect()
    }

    /// How many partitions have an owner.
    #[must_use]
    pub fn owned(&self) -> usize {
        let all: BTreeSet<i32> = self.open.keys().map(|(_, partition)| *partition).collect();
        all.len()
    }

    /// The last confirmed commit of a partition.
    #[must_use]
    pub fn committed(&self, partition: i32) -> Option<i64> {
        self.commits
            .get(&partition)
            .and_then(|all| all.last())
            .map(|last| last.next)
    }

    /// Closes the account against everything that was acknowledged.
    #[must_use]
    pub fn finish(mut self, expected: impl Iterator<Item = Expected>) -> GroupFindings {
        self.findings.received = self.received();
        let widest = self.open.values().map(|one| one.again).max().unwrap_or(0);
        self.findings.widest_window = self.findings.widest_window.max(widest);
        for one in expected.filter(|one| !self.records.contains(&one.record)) {
            let passed = one.offset.is_none_or(|offset| {
                self.reached
                    .get(&one.partition)
                    .is_some_and(|next| *next > offset)
            }) || one.offset < self.committed(one.partition);
            if !passed {
                self.findings.behind += 1;
                continue;
            }
            self.findings.skipped += 1;
            if self.findings.skipped_examples.len() < MOST_EXAMPLES {
                let example = self.skipped(one);
                self.findings.skipped_examples.push(example);
            }
        }
        self.findings
    }

    fn skipped(&self, one: Expected) -> AnomalyExample {
        let commits = self.commits.get(&one.partition).into_iter().flatten();
        let past = one
            .offset
            .and_then(|offset| commits.into_iter().find(|commit| commit.next > offset));
        let detail = match past {
            Some(Commit { at_ns, next, member }) => format!(
                "member {member} committed {next} at {:.3} s, and nobody processed it",
                *at_ns as f64 / 1e9
            ),
            None => "members went on behind it, and nobody processed it".to_owned(),
        };
        AnomalyExample {
            topic: self.topic.clone(),
            partition: one.partition,
            offset: one.offset,
            record: one.record,
            detail,
        }
    }

    fn assigned(&mut self, member: &str, partitions: &[i32]) {
        if !partitions.is_empty() {
            self.findings.rebalances += 1;
        }
        for partition in partitions {
            for ((of, its), assignment) in &mut self.open {
                if of != member && its == partition {
                    assignment.superseded = true;
                }
            }
            let floor = self.committed(*partition).unwrap_or(0);
            let assignment = Assignment {
                floor,
                next: None,
                superseded: false,
                again: 0,
            };
            self.open.insert((member.to_owned(), *partition), assignment);
        }
    }

    fn processed(&mut self, at_ns: u64, member: &str, delivered: Delivered) {
        let Delivered {
            partition,
            offset,
            record,
        } = delivered;
        self.findings.deliveries += 1;
        self.records.extend(record);
        let again = !self.offsets.entry(partition).or_default().insert(offset);
        let reached = self.reached.entry(partition).or_insert(0);
        *reached = (*reached).max(offset + 1);
        let commit = self.commits.get(&partition).and_then(|all| all.last()).cloned();
        let Some(assignment) = self.open.get_mut(&(member.to_owned(), partition)) else {
            // It gave the partition back in the middle of its work.
            self.findings.by_halted += u64::from(again);
            return;
        };
        let before = assignment.next;
        assignment.next = Some(offset + 1);
        if !again {
            return;
        }
        if assignment.superseded {
            self.findings.by_halted += 1;
            return;
        }
        if offset >= assignment.floor && before.is_none_or(|next| offset >= next) {
            assignment.again += 1;
            self.findings.redelivered += 1;
            self.findings.widest_window = self.findings.widest_window.max(assignment.again);
            return;
        }
        let floor = assignment.floor;
        self.findings.outside_window += 1;
        if self.findings.outside_examples.len() < MOST_EXAMPLES {
            let why = match (before, commit) {
                (Some(next), _) if offset < next => format!("after {} in the same hands", next - 1),
                (_, Some(commit)) => format!(
                    "though {} had committed {} at {:.3} s",
                    commit.member,
                    commit.next,
                    commit.at_ns as f64 / 1e9
                ),
                (_, None) => format!("though {floor} was committed"),
            };
            self.findings.outside_examples.push(AnomalyExample {
                topic: self.topic.clone(),
                partition,
                offset: Some(offset),
                record: record.unwrap_or(RecordId::UNSTAMPED),
                detail: format!("{member} got it again at {:.3} s, {why}", at_ns as f64 / 1e9),
            });
        }
    }
}
