//! Members that do anything at any time, against what must hold whatever they do.

use proptest::prelude::*;

use super::super::member::{Client, JoinRequest, Protocol};
use super::*;

/// Partitions that a leader shares out among its members.
const PARTITIONS: u8 = 6;

#[derive(Debug, Clone)]
enum Step {
    Join(usize),
    Sync(usize),
    Heartbeat(usize),
    Commit(usize),
    Leave(usize),
    /// The client is started again and has forgotten its member id.
    Restart(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 0usize..4;
    let step = prop_oneof![
        5 => who.clone().prop_map(Step::Join),
        5 => who.clone().prop_map(Step::Sync),
        2 => who.clone().prop_map(Step::Heartbeat),
        2 => who.clone().prop_map(Step::Commit),
        1 => who.clone().prop_map(Step::Leave),
        1 => who.prop_map(Step::Restart),
        2 => (0u64..12).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..160)
}

/// A client as the test knows it; the one with number 3 is static.
#[derive(Debug, Default, Clone)]
struct Known {
    member_id: String,
    generation: i32,
    /// The members to share the work among, if it leads.
    led: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
enum Asked {
    Join(usize),
    Sync(usize),
}

struct Model {
    group: Group,
    known: Vec<Known>,
    waiting: BTreeMap<u64, Asked>,
    newest: i32,
    leaders: BTreeMap<i32, String>,
    protocols: BTreeMap<i32, String>,
    /// Who was given which partitions in a generation.
    given: BTreeMap<i32, BTreeMap<String, Bytes>>,
    now: Duration,
    token: u64,
}

fn instance_of(who: usize) -> Option<String> {
    (who == 3).then(|| "instance".to_owned())
}

impl Model {
    fn new(initial_delay: Duration) -> Self {
        Self {
            group: Group::after(
                0,
                GroupSettings {
                    max_size: 3,
                    initial_delay,
                },
            ),
            known: vec![Known::default(); 4],
            waiting: BTreeMap::new(),
            newest: 0,
            leaders: BTreeMap::new(),
            protocols: BTreeMap::new(),
            given: BTreeMap::new(),
            now: Duration::ZERO,
            token: 0,
        }
    }

    fn join(&mut self, who: usize) -> Vec<Answer> {
        let token = self.token;
        self.waiting.insert(token, Asked::Join(who));
        let protocol = |name: &str| Protocol {
            name: name.to_owned(),
            metadata: Bytes::new(),
        };
        // All support "range"; each prefers something of its own.
        let request = JoinRequest {
            member_id: self.known[who].member_id.clone(),
            fresh_member_id: format!("m{token}"),
            instance_id: instance_of(who),
            client: Client::default(),
            protocol_type: "consumer".to_owned(),
            protocols: vec![protocol(&format!("own-{who}")), protocol("range")],
            session_timeout: Duration::from_secs(10),
            rebalance_timeout: Duration::from_secs(15),
            needs_known_id: who != 0,
            may_skip_assignment: true,
        };
        self.group.join(request, token, self.now)
    }

    /// A leader deals its partitions out; what it deals names its generation.
    fn sync(&mut self, who: usize) -> Vec<Answer> {
        let token = self.token;
        self.waiting.insert(token, Asked::Sync(who));
        let Known {
            member_id,
            generation,
            led,
        } = self.known[who].clone();
        let assignments = led
            .iter()
            .enumerate()
            .map(|(turn, id)| {
                let mine = (0..PARTITIONS).filter(|partition| usize::from(*partition) % led.len() == turn);
                let front = generation.to_be_bytes().into_iter();
                (id.clone(), front.chain(mine).collect())
            })
            .collect();
        let request = SyncRequest {
            member_id,
            instance_id: instance_of(who),
            generation,
            protocol_type: None,
            protocol_name: None,
            assignments,
        };
        self.group.sync(request, token, self.now)
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        self.token += 1;
        let answers = match *step {
            Step::Join(who) => self.join(who),
            Step::Sync(who) => self.sync(who),
            Step::Heartbeat(who) => {
                let Known {
                    member_id,
                    generation,
                    ..
                } = &self.known[who];
                let instance = instance_of(who);
                let beat = self
                    .group
                    .heartbeat(member_id, instance.as_deref(), *generation, self.now);
                prop_assert!(beat.is_err() || *generation == self.group.generation);
                Vec::new()
            }
            Step::Commit(who) => {
                let request = CommitRequest {
                    member_id: self.known[who].member_id.clone(),
                    instance_id: instance_of(who),
                    generation: self.known[who].generation,
                };
                let generation = request.generation;
                let committed = self.group.check_commit(&request, self.now);
                prop_assert!(committed.is_err() || generation == self.group.generation);
                Vec::new()
            }
            Step::Leave(who) => {
                let member_id = std::mem::take(&mut self.known[who].member_id);
                self.group.leave(&member_id, None, self.now).1
            }
            Step::Restart(who) => {
                self.known[who] = Known::default();
                Vec::new()
            }
            Step::Wait(seconds) => {
                self.now += Duration::from_secs(seconds);
                self.group.tick(self.now)
            }
        };
        self.check(answers)
    }

    fn check(&mut self, answers: Vec<Answer>) -> Result<(), TestCaseError> {
        for answer in answers {
            let (Answer::Join(token, _) | Answer::Sync(token, _)) = &answer;
            let asked = self.waiting.remove(token);
            match (asked, answer) {
                (Some(Asked::Join(who)), Answer::Join(_, Ok(joined))) => self.check_join(who, joined)?,
                (Some(Asked::Join(who)), Answer::Join(_, Err(refusal))) => {
                    self.known[who].member_id = match refusal.error {
                        ResponseError::MemberIdRequired => refusal.member_id,
                        _ => String::new(),
                    };
                }
                (Some(Asked::Sync(who)), Answer::Sync(_, Ok(synced))) => {
                    self.check_sync(who, &synced.assignment)?;
                }
                (Some(Asked::Sync(_)), Answer::Sync(_, Err(_))) => {}
                (asked, answer) => prop_assert!(false, "{asked:?} was answered with {answer:?}"),
            }
        }
        Ok(())
    }

    fn check_join(&mut self, who: usize, joined: JoinAnswer) -> Result<(), TestCaseError> {
        prop_assert!(joined.generation >= self.newest, "generations do not go back");
        self.newest = joined.generation;
        if instance_of(who).is_none() {
            let leader = self.leaders.entry(self.newest);
            let leader = leader.or_insert_with(|| joined.leader.clone());
            prop_assert_eq!(&*leader, &joined.leader, "one leader");
        } else {
            // A static member may come back under a new id in the same generation.
            self.leaders.insert(self.newest, joined.leader.clone());
        }
        let protocol = self.protocols.entry(self.newest);
        let protocol = protocol.or_insert_with(|| joined.protocol_name.clone());
        prop_assert_eq!(&*protocol, &joined.protocol_name, "one protocol");
        // A static member that is away keeps its place beyond the limit.
        prop_assert!(joined.members.len() <= 4, "group.max.size");
        let led = joined.members.into_iter().map(|(id, ..)| id);
        let led = if joined.skip_assignment {
            Vec::new()
        } else {
            led.collect()
        };
        self.known[who] = Known {
            member_id: joined.member_id,
            generation: joined.generation,
            led,
        };
        Ok(())
    }

    fn check_sync(&mut self, who: usize, assignment: &Bytes) -> Result<(), TestCaseError> {
        if assignment.is_empty() {
            return Ok(());
        }
        let Some((front, mine)) = assignment.split_first_chunk::<4>() else {
            return Err(TestCaseError::fail("not what a leader handed out"));
        };
        let generation = i32::from_be_bytes(*front);
        prop_assert_eq!(generation, self.group.generation, "of this generation");
        let given = self.given.entry(generation).or_default();
        let name = instance_of(who).unwrap_or_else(|| self.known[who].member_id.clone());
        for (other, theirs) in given.iter().filter(|(other, _)| **other != name) {
            prop_assert!(
                mine.iter().all(|partition| !theirs.contains(partition)),
                "{name} and {other} have the same partition"
            );
        }
        given.insert(name, Bytes::copy_from_slice(mine));
        Ok(())
    }

    /// Everybody falls silent: all that was held back is answered, and the group is at rest.
    fn finish(mut self) -> Result<(), TestCaseError> {
        for _ in 0..30 {
            let Some(deadline) = self.group.next_deadline() else {
                break;
            };
            self.now = self.now.max(deadline);
            let answers = self.group.tick(self.now);
            self.check(answers)?;
        }
        prop_assert!(self.waiting.is_empty(), "never answered: {:?}", self.waiting);
        prop_assert!(self.group.is_empty());
        prop_assert_eq!(self.group.state_name(), StateName::Empty);
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_members_do_a_group_keeps_its_promises(steps in steps(), delayed: bool) {
        let mut model = Model::new(Duration::from_secs(if delayed { 3 } else { 0 }));
        for step in &steps {
            model.take(step)?;
        }
        model.finish()?;
    }
}
