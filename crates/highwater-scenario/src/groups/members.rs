//! The processes of the groups, and what they have told so far.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use highwater_check::members::{Delivered, GroupAccount, Step};
use highwater_load::access;
use highwater_load::member::{Line, Tail, What, monotonic_ns};
use highwater_load::{Counts, group_lag};
use highwater_model::{EventBody, NoticeLevel, ProcessState, RecordId};
use highwater_target::{Application, ApplicationOptions};

use super::{GroupFacts, MemberFact, RestingLag, Told};
use crate::config::{Commit, Group};
use crate::context::Context;
use crate::session::described;

/// How long a member may take to leave; a commit and a farewell take some ten milliseconds.
const LEAVE_LIMIT: Duration = Duration::from_secs(15);
/// How long the members may take to own all partitions before the load begins.
const ASSIGN_LIMIT: Duration = Duration::from_secs(60);
/// Errors of members that are kept.
const MOST_TROUBLES: usize = 20;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// Between two looks at the lag of a group that has not told of everything.
const LAG_LOOK: Duration = Duration::from_secs(2);

/// The groups of a scenario.
pub(crate) struct Groups<'a> {
    pub(super) context: &'a Context<'a>,
    bootstrap: String,
    /// Past any proxy: what the run asks for itself is not put to the test.
    direct: String,
    topic: String,
    partitions: usize,
    directory: PathBuf,
    /// From the clock of the machine to that of the run.
    offset_ns: u64,
    pub(super) running: Mutex<Vec<Running>>,
}

/// A group with its processes.
pub(super) struct Running {
    pub(super) name: String,
    pub(super) group: Group,
    pub(super) members: Vec<Member>,
    pub(super) faults: Vec<MemberFact>,
    told: Vec<Told>,
    owned: BTreeMap<String, BTreeSet<i32>>,
    received: BTreeSet<RecordId>,
    lag: Vec<RestingLag>,
    troubles: Vec<String>,
}

/// A place in a group, and the process that fills it.
pub(super) struct Member {
    number: u32,
    incarnation: u32,
    pub(super) name: String,
    pub(super) process: Option<Application>,
    tail: Tail,
}

/// A group as the cluster knows it.
pub(crate) fn id(topic: &str, name: &str) -> String {
    format!("{topic}-{name}")
}

impl<'a> Groups<'a> {
    /// Starts every member of every group, and waits until each partition has an owner in each group.
    pub(crate) fn start(
        context: &'a Context<'a>,
        groups: &BTreeMap<String, Group>,
        partitions: i32,
        (bootstrap, direct, topic): (&str, &str, &str),
    ) -> Result<Option<Self>, String> {
        if groups.is_empty() {
            return Ok(None);
        }
        let directory = context.directory.join(format!("members-{}", context.index));
        std::fs::create_dir_all(&directory)
            .map_err(|error| format!("can't make {}: {error}", directory.display()))?;
        let started = Self {
            context,
            bootstrap: bootstrap.to_owned(),
            direct: direct.to_owned(),
            topic: topic.to_owned(),
            partitions: usize::try_from(partitions).unwrap_or(0),
            directory,
            offset_ns: monotonic_ns().saturating_sub(context.clock.now_ns()),
            running: Mutex::default(),
        };
        for (name, group) in groups {
            let mut running = Running {
                name: name.clone(),
                group: group.clone(),
                members: Vec::new(),
                faults: Vec::new(),
                told: Vec::new(),
                owned: BTreeMap::new(),
                received: BTreeSet::new(),
                lag: Vec::new(),
                troubles: Vec::new(),
            };
            for number in 1..=group.members {
                running.members.push(Member {
                    number,
                    incarnation: 0,
                    name: String::new(),
                    process: None,
                    tail: Tail::new(&started.directory),
                });
            }
            started.lock().push(running);
        }
        let mut running = started.lock();
        for running in running.iter_mut() {
            started.start_all(running)?;
        }
        drop(running);
        started.wait_for_owners()?;
        Ok(Some(started))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The group as the cluster knows it.
    fn id(&self, running: &Running) -> String {
        id(&self.topic, &running.name)
    }

    /// Starts the members that have no process.
    pub(super) fn start_all(&self, running: &mut Running) -> Result<(), String> {
        for at in 0..running.members.len() {
            if running.members[at].process.is_none() {
                self.start_member(running, at)?;
            }
        }
        Ok(())
    }

    /// Starts a process in a place.
    pub(super) fn start_member(&self, running: &mut Running, at: usize) -> Result<(), String> {
        let (id, group) = (self.id(running), running.group.clone());
        let Some(member) = running.members.get_mut(at) else {
            return Ok(());
        };
        member.incarnation += 1;
        member.name = match member.incarnation {
            1 => format!("{}-{}", running.name, member.number),
            again => format!("{}-{} (start {again})", running.name, member.number),
        };
        let file = format!("{}-{}-{}", running.name, member.number, member.incarnation);
        let told = self.directory.join(format!("{file}.told"));
        let commit = match group.commit {
            Commit::AfterProcessing => "after-processing",
            Commit::BeforeProcessing => "before-processing",
        };
        let pairs = [
            ("--bootstrap", self.bootstrap.clone()),
            ("--topic", self.topic.clone()),
            ("--group", id),
            (
                "--client-id",
                format!("highwater-member-{}-{}", running.name, member.number),
            ),
            ("--run", self.context.run.to_string()),
            ("--file", told.display().to_string()),
            ("--commit", commit.to_owned()),
            ("--commit-every-ms", group.commit_every.0.as_millis().to_string()),
            ("--work-us", group.work.0.as_micros().to_string()),
            (
                "--session-timeout-ms",
                group.session_timeout.0.as_millis().to_string(),
            ),
        ];
        let mut command = vec![self.context.highwater.as_os_str().to_owned(), "member".into()];
        for (flag, value) in pairs {
            command.push(flag.into());
            command.push(value.into());
        }
        if let Some(file) = access::file_of(&self.direct) {
            command.extend(["--kafka-config".into(), file.into_os_string()]);
            if self.bootstrap != self.direct {
                command.push("--without-tls".into());
            }
        }
        let options = ApplicationOptions {
            command,
            environment: Vec::new(),
            log: self.directory.join(format!("{file}.log")),
            highwater: self.context.highwater.to_owned(),
        };
        let process = Application::start(&options).map_err(|error| described(&error))?;
        self.tell(
            &member.name,
            Some(process.pid()),
            ProcessState::Starting,
            "member of a group",
        );
        member.process = Some(process);
        member.tail = Tail::new(&told);
        Ok(())
    }

    pub(super) fn tell(&self, member: &str, pid: Option<u32>, state: ProcessState, detail: &str) {
        self.context.events.emit(EventBody::Process {
            process: format!("member {member}"),
            pid,
            state,
            detail: detail.to_owned(),
        });
    }

    /// Takes in what the members have told since the last time; an error if one has ended by itself.
    pub(crate) fn read(&self) -> Result<(), String> {
        let mut all = self.lock();
        for running in all.iter_mut() {
            self.read_group(running)?;
        }
        Ok(())
    }

    /// The same, unless something is being done to the members at this moment.
    pub(crate) fn read_if_free(&self) -> Result<(), String> {
        let Ok(mut all) = self.running.try_lock() else {
            return Ok(());
        };
        all.iter_mut().try_for_each(|running| self.read_group(running))
    }

    fn read_group(&self, running: &mut Running) -> Result<(), String> {
        for at in 0..running.members.len() {
            let ended = match &mut running.members[at].process {
                Some(process) => process.ended().map_err(|error| described(&error))?,
                None => None,
            };
            self.read_member(running, at)?;
            if let Some(ended) = ended {
                let member = &running.members[at];
                let tail = member
                    .process
                    .as_ref()
                    .map(|process| process.log_tail().to_string());
                return Err(format!(
                    "member {} ended on its own: {} {}",
                    member.name,
                    ended.proof,
                    tail.unwrap_or_default()
                ));
            }
        }
        Ok(())
    }

    fn read_member(&self, running: &mut Running, at: usize) -> Result<(), String> {
        let mut lines = Vec::new();
        let member = &mut running.members[at];
        if member.process.is_none() {
            return Ok(());
        }
        let name = member.name.clone();
        member
            .tail
            .read(|line| lines.push(line))
            .map_err(|error| format!("what member {name} told can't be read: {error}"))?;
        for Line { at_ns, what } in lines {
            let at_ns = at_ns.saturating_sub(self.offset_ns);
            let step = match what {
                What::Assigned(partitions) => {
                    running.owned.entry(name.clone()).or_default().extend(&partitions);
                    Step::Assigned(partitions)
                }
                What::Revoked(partitions) => {
                    let owned = running.owned.entry(name.clone()).or_default();
                    owned.retain(|partition| !partitions.contains(partition));
                    Step::Revoked(partitions)
                }
                What::Processed {
                    partition,
                    offset,
                    record,
                } => {
                    running.received.extend(record);
                    Step::Processed(Delivered {
                        partition,
                        offset,
                        record,
                    })
                }
                What::Committed { partition, next } => Step::Committed { partition, next },
                What::Trouble(text) => {
                    if running.troubles.len() < MOST_TROUBLES {
                        let at = at_ns as f64 / 1e9;
                        running.troubles.push(format!("{name} at {at:.3} s: {text}"));
                    }
                    continue;
                }
                What::Left => continue,
            };
            running.told.push(Told {
                at_ns,
                member: name.clone(),
                step,
            });
        }
        Ok(())
    }

    /// What a member has in its hands, as it said.
    pub(super) fn owned_by(running: &Running, at: usize) -> Vec<i32> {
        let name = running.members.get(at).map(|member| member.name.as_str());
        let owned = name.and_then(|name| running.owned.get(name));
        owned.into_iter().flatten().copied().collect()
    }

    /// The process of a place is gone: the last of its file is read, and the place is empty.
    pub(super) fn gone(&self, running: &mut Running, at: usize) -> Result<(), String> {
        self.read_member(running, at)?;
        let member = &mut running.members[at];
        member.process = None;
        running.owned.remove(&member.name);
        running.told.push(Told {
            at_ns: self.context.clock.now_ns(),
            member: member.name.clone(),
            step: Step::Gone,
        });
        Ok(())
    }

    /// Asks every member of a group to end, all at the same time, and waits.
    pub(super) fn stop_all(&self, running: &mut Running) -> Result<(), String> {
        let interrupted = self.context.interrupted;
        let stopped: Vec<Result<(), String>> = std::thread::scope(|scope| {
            let each: Vec<_> = running
                .members
                .iter_mut()
                .filter_map(|member| member.process.as_mut())
                .map(|process| {
                    scope.spawn(move || match process.stop(LEAVE_LIMIT, interrupted) {
                        Ok(_) => Ok(()),
                        Err(error) => Err(described(&error)),
                    })
                })
                .collect();
            each.into_iter()
                .map(|one| {
                    one.join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        stopped.into_iter().collect::<Result<(), String>>()?;
        for at in 0..running.members.len() {
            if running.members[at].process.is_some() {
                let (name, pid) = (
                    running.members[at].name.clone(),
                    running.members[at].process.as_ref().map(Application::pid),
                );
                self.gone(running, at)?;
                self.tell(&name, pid, ProcessState::Stopped, "left its group");
            }
        }
        Ok(())
    }

    fn wait_for_owners(&self) -> Result<(), String> {
        let limit = Instant::now() + ASSIGN_LIMIT;
        loop {
            self.read()?;
            let waiting = self.lock().iter().find_map(|running| {
                let owned: BTreeSet<i32> = running.owned.values().flatten().copied().collect();
                // A member without a partition is one that nothing can happen to.
                let idle = running.members.len().min(self.partitions)
                    > running.owned.values().filter(|own| !own.is_empty()).count();
                (owned.len() < self.partitions || idle).then(|| running.name.clone())
            });
            let Some(waiting) = waiting else { return Ok(()) };
            if self.context.is_interrupted() {
                return Ok(());
            }
            if Instant::now() >= limit {
                let text = format!(
                    "group {waiting} did not own all partitions within {} s; the load begins all the same",
                    ASSIGN_LIMIT.as_secs()
                );
                self.context.events.notice(NoticeLevel::Warning, text);
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
    }

    /// When the load has ended: the groups are stopped and their lag is read at rest; then they go on until they have
    /// everything, or the limit is reached, and are read again.
    pub(crate) fn rest(&self, counts: &Counts, limit: Duration) -> Result<(), String> {
        let mut all = self.lock();
        if all.len() > 1 {
            self.read_lag(&mut all, "the load had ended")?;
            for running in all.iter_mut() {
                self.start_all(running)?;
            }
        }
        let end = Instant::now() + limit;
        let mut looked = Instant::now();
        loop {
            for running in all.iter_mut() {
                self.read_group(running)?;
            }
            let complete = |running: &Running| running.received.len() as u64 >= counts.acknowledged;
            if all.iter().all(complete) || Instant::now() >= end || self.context.is_interrupted() {
                break;
            }
            // Nothing is left to come for a group that has committed everything: what it has not told of it skipped.
            if looked.elapsed() >= LAG_LOOK {
                looked = Instant::now();
                let mut left = 0;
                for running in all.iter().filter(|running| !complete(running)) {
                    let readings = group_lag(&self.direct, &self.id(running), &self.topic);
                    left += readings.map_or(1, |all| all.iter().map(|one| one.lag().max(0)).sum());
                }
                if left == 0 {
                    break;
                }
            }
            std::thread::sleep(LOOK);
        }
        self.read_lag(&mut all, "the groups had caught up")
    }

    fn read_lag(&self, all: &mut [Running], moment: &'static str) -> Result<(), String> {
        for running in all.iter_mut() {
            self.stop_all(running)?;
        }
        for running in all.iter_mut() {
            let readings = group_lag(&self.direct, &self.id(running), &self.topic)
                .map_err(|error| format!("the lag of group {}: {}", running.name, described(&error)))?;
            let mut account = GroupAccount::new(&self.topic);
            for told in &running.told {
                account.observe(told.at_ns, &told.member, &told.step);
            }
            running.lag.push(RestingLag {
                moment,
                readings,
                consumed: account.consumed(),
            });
        }
        Ok(())
    }

    /// What was seen; members that still run are ended.
    pub(crate) fn facts(&self) -> Vec<GroupFacts> {
        let mut all = self.lock();
        all.drain(..)
            .map(|mut running| {
                running.told.sort_by_key(|told| told.at_ns);
                GroupFacts {
                    name: running.name,
                    group: running.group,
                    told: running.told,
                    faults: running.faults,
                    lag: running.lag,
                    troubles: running.troubles,
                }
            })
            .collect()
    }
}
