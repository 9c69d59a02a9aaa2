//! Groups: who is a member, what it was given, what was committed.
//!
//! A static member is known by its instance id, whichever member id it has; all others by their member id.
//!
//! Requests cross each other on the wire, and a commit that was under way when its generation ended is no offence. So a
//! commit is told with its generation only if that generation was current when the commit was answered, or was over
//! already when it was sent; otherwise as from no generation (-1). Members of groups that the broker assigns itself
//! (KIP-848) have epochs of their own; theirs are only told where they were over when the commit was sent.

use std::collections::{BTreeMap, HashMap};

use highwater_model::history::{CommitFacts, ConnectionId, GroupFacts, JoinedFacts, ResponseFacts};

use super::clients::ClientKey;
use super::heard::{Heard, by_error};
use super::out::Out;
use super::places::Places;
use super::transactions::Offsets;
use crate::history::{Group, GroupStep, Member, Names, Outcome, Partition, What};
use crate::outcome::Api;

/// Errors after which a member is no member any more.
const PUT_OUT: [i16; 4] = [22, 25, 82, 110];

/// Member epochs that mean goodbye (KIP-848): for good, and of a static member that will be back.
const LEAVING: [i32; 2] = [-1, -2];

#[derive(Debug)]
struct State {
    /// Whether the broker assigns (KIP-848).
    by_broker: bool,
    generation: i32,
    members: BTreeMap<Member, Known>,
    by_id: HashMap<String, Member>,
    /// Place in the history of the last answer to a commit.
    committed_at: u64,
    /// Some of its offsets were committed by transactions, which is done a while after it was answered.
    transactional: bool,
}

#[derive(Debug)]
struct Known {
    client: ClientKey,
    generation: i32,
    partitions: Vec<Partition>,
    next: HashMap<Partition, i64>,
}

/// A member as far as a reader needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    pub(super) member: (Group, Member),
    /// Where it goes on, if known.
    pub(super) next: Option<i64>,
}

/// A commit that waits for its answer.
#[derive(Debug)]
pub(super) struct Commit {
    pub(super) group: Group,
    member: Option<Member>,
    generation: i32,
    /// Its generation was over already.
    stale: bool,
    offsets: Vec<((String, i32), Partition, i64)>,
}

#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<Group, State>,
    by_connection: HashMap<ConnectionId, (Group, Member)>,
}

impl Groups {
    fn state(&mut self, group: Group) -> &mut State {
        self.groups.entry(group).or_insert_with(|| State {
            by_broker: false,
            generation: -1,
            members: BTreeMap::new(),
            by_id: HashMap::new(),
            committed_at: 0,
            transactional: false,
        })
    }

    /// The group and member of who speaks; no member for who has none yet.
    pub(super) fn who(&mut self, facts: &GroupFacts, names: &mut Names) -> (Group, Option<Member>) {
        let group = names.group(&facts.group_id);
        let id = facts
            .instance_id
            .as_deref()
            .filter(|id| !id.is_empty())
            .unwrap_or(&facts.member_id);
        if id.is_empty() {
            return (group, None);
        }
        let member = names.member(id);
        if !facts.member_id.is_empty() && facts.member_id != id {
            self.state(group).by_id.insert(facts.member_id.clone(), member);
        }
        (group, Some(member))
    }

    pub(super) fn disconnected(&mut self, connection: ConnectionId) {
        self.by_connection.remove(&connection);
    }

    /// A member that may have rejoined under a new generation.
    pub(super) fn joined(
        &mut self,
        asked: &GroupFacts,
        joined: &JoinedFacts,
        connection: ConnectionId,
        names: &mut Names,
        out: &mut Out<'_>,
    ) {
        if joined.error != 0 {
            return;
        }
        let mut facts = asked.clone();
        facts.member_id.clone_from(&joined.member_id);
        let (group, member) = self.who(&facts, names);
        if let Some(member) = member {
            self.by_connection.insert(connection, (group, member));
        }
        let state = self.state(group);
        state.generation = state.generation.max(joined.generation);
        if joined.members.is_empty() {
            return;
        }
        // The leader hears who is there; whoever is not is out.
        let there: Vec<Member> = joined
            .members
            .iter()
            .map(|id| state.by_id.get(id).copied().unwrap_or_else(|| names.member(id)))
            .collect();
        let gone: Vec<Member> = state
            .members
            .keys()
            .filter(|member| !there.contains(member))
            .copied()
            .collect();
        for member in gone {
            self.left(group, member, out);
        }
    }

    /// A member was told what it owns.
    pub(super) fn assigned(
        &mut self,
        asked: &GroupFacts,
        facts: &ResponseFacts,
        by_broker: bool,
        (connection, client): (ConnectionId, ClientKey),
        (places, names): (&mut Places, &mut Names),
        out: &mut Out<'_>,
    ) {
        let ResponseFacts::Assigned {
            error,
            member_id,
            member_epoch,
            partitions,
        } = facts
        else {
            return;
        };
        let mut who = asked.clone();
        if let Some(id) = member_id.as_ref().filter(|id| !id.is_empty()) {
            who.member_id.clone_from(id);
        }
        let (group, member) = self.who(&who, names);
        let Some(member) = member else { return };
        if *error != 0 || (by_broker && LEAVING.contains(&asked.generation)) {
            if PUT_OUT.contains(error) || *error == 0 {
                self.left(group, member, out);
            }
            return;
        }
        self.by_connection.insert(connection, (group, member));
        let generation = member_epoch.unwrap_or(asked.generation);
        let partitions: Option<Vec<Partition>> = partitions.as_ref().map(|partitions| {
            let mut partitions: Vec<Partition> = partitions
                .iter()
                .map(|(topic, partition)| places.partition(names, topic, *partition))
                .collect();
            partitions.sort_unstable();
            partitions
        });
        let state = self.state(group);
        state.by_broker = by_broker;
        state.generation = state.generation.max(generation);
        let known = state.members.get(&member);
        let before = known.map(|known| (known.generation, known.partitions.clone()));
        let partitions = partitions.unwrap_or_else(|| {
            before
                .as_ref()
                .map(|(_, partitions)| partitions.clone())
                .unwrap_or_default()
        });
        let now = (generation, partitions);
        if before.as_ref() == Some(&now) {
            return;
        }
        let (generation, partitions) = now;
        state.members.insert(
            member,
            Known {
                client,
                generation,
                partitions: partitions.clone(),
                next: HashMap::new(),
            },
        );
        out.push(What::Group(GroupStep::Assigned {
            group,
            member,
            generation,
            partitions,
        }));
    }

    fn left(&mut self, group: Group, member: Member, out: &mut Out<'_>) {
        if self.state(group).members.remove(&member).is_some() {
            out.push(What::Group(GroupStep::Left { group, member }));
        }
    }

    /// A heartbeat was answered.
    pub(super) fn beat(&mut self, asked: &GroupFacts, error: i16, names: &mut Names, out: &mut Out<'_>) {
        if PUT_OUT.contains(&error)
            && let (group, Some(member)) = self.who(asked, names)
        {
            self.left(group, member, out);
        }
    }

    /// Members left on their own account.
    pub(super) fn leave(&mut self, group_id: &str, members: &[String], names: &mut Names, out: &mut Out<'_>) {
        let group = names.group(group_id);
        for id in members {
            let member = self.state(group).by_id.get(id).copied();
            let member = member.unwrap_or_else(|| names.member(id));
            self.left(group, member, out);
        }
    }

    /// The member that reads a partition as this client: the one that the reader was before, or whose position it is,
    /// or the one of the newest generation.
    pub(super) fn owner(
        &self,
        client: ClientKey,
        partition: Partition,
        linked: Option<(Group, Member)>,
        from: i64,
    ) -> Option<Owner> {
        self.groups
            .iter()
            .flat_map(|(group, state)| {
                state
                    .members
                    .iter()
                    .map(move |(member, known)| (*group, *member, known))
            })
            .filter(|(_, _, known)| known.client == client && known.partitions.contains(&partition))
            .map(|(group, member, known)| {
                (
                    Owner {
                        member: (group, member),
                        next: known.next.get(&partition).copied(),
                    },
                    known.generation,
                )
            })
            .max_by_key(|(owner, generation)| {
                (
                    linked == Some(owner.member),
                    owner.next == Some(from),
                    *generation,
                )
            })
            .map(|(owner, _)| owner)
    }

    /// A member got what is in front of an offset.
    pub(super) fn went_on(&mut self, (group, member): (Group, Member), partition: Partition, next: i64) {
        if let Some(known) = self.state(group).members.get_mut(&member) {
            known.next.insert(partition, next);
        }
    }

    /// A commit was sent.
    pub(super) fn committing(
        &mut self,
        facts: &CommitFacts,
        (places, names): (&mut Places, &mut Names),
    ) -> Commit {
        let (group, member) = self.who(&facts.group, names);
        let generation = facts.group.generation;
        Commit {
            group,
            member: member.filter(|_| generation >= 0),
            generation,
            stale: self.is_over(group, member, generation),
            offsets: facts
                .offsets
                .iter()
                .map(|offset| {
                    (
                        (offset.topic.clone(), offset.partition),
                        places.partition(names, &offset.topic, offset.partition),
                        offset.offset,
                    )
                })
                .collect(),
        }
    }

    fn is_over(&mut self, group: Group, member: Option<Member>, generation: i32) -> bool {
        let state = self.state(group);
        let current = if state.by_broker {
            member
                .and_then(|member| state.members.get(&member))
                .map_or(-1, |known| known.generation)
        } else {
            state.generation
        };
        generation >= 0 && current > generation
    }

    /// The generation to be told of a commit that was answered.
    fn told(&mut self, commit: &Commit) -> i32 {
        let by_broker = self.state(commit.group).by_broker;
        let over = self.is_over(commit.group, commit.member, commit.generation);
        if commit.stale || !(over || by_broker) {
            commit.generation
        } else {
            -1
        }
    }

    /// A commit outside of transactions was answered, or never will be.
    pub(super) fn committed(&mut self, commit: &Commit, heard: Heard<'_>, out: &mut Out<'_>) {
        let generation = self.told(commit);
        self.state(commit.group).committed_at = out.index;
        for (place, partition, offset) in &commit.offsets {
            out.push(What::Group(GroupStep::Committed {
                group: commit.group,
                member: commit.member,
                generation,
                partition: *partition,
                offset: *offset,
                outcome: result(Api::OffsetCommit, heard, place),
            }));
        }
    }

    /// Offsets were accepted, or not, as part of a transaction: those that were.
    pub(super) fn pending(&mut self, commit: &Commit, heard: Heard<'_>) -> Offsets {
        let generation = self.told(commit);
        Offsets {
            group: commit.group,
            member: commit.member,
            generation: if commit.stale { generation } else { -1 },
            offsets: commit
                .offsets
                .iter()
                .filter(|(place, ..)| result(Api::TxnOffsetCommit, heard, place) == Outcome::Ok)
                .map(|(_, partition, offset)| (*partition, *offset))
                .collect(),
        }
    }

    /// Offsets were committed by a transaction.
    pub(super) fn transaction_committed(&mut self, commits: &[Offsets], index: u64) {
        for commit in commits {
            let state = self.state(commit.group);
            state.committed_at = index;
            state.transactional = true;
        }
    }

    /// A member was told what is committed. What crossed a commit on its way is left out: it may be from before it.
    pub(super) fn positioned(
        &mut self,
        facts: &ResponseFacts,
        (connection, began, stable): (ConnectionId, u64, bool),
        (places, names): (&mut Places, &mut Names),
        out: &mut Out<'_>,
    ) {
        let ResponseFacts::CommittedOffsets { error: 0, groups } = facts else {
            return;
        };
        let Some((group, member)) = self.by_connection.get(&connection).copied() else {
            return;
        };
        for (group_id, offsets) in groups {
            let state = self.state(group);
            if names.group(group_id) != group
                || state.committed_at > began
                || (state.transactional && !stable)
            {
                continue;
            }
            for committed in offsets {
                let partition = places.partition(names, &committed.topic, committed.partition);
                if let Some(known) = state.members.get_mut(&member)
                    && committed.offset >= 0
                {
                    known.next.insert(partition, committed.offset);
                }
                out.push(What::Group(GroupStep::Positioned {
                    group,
                    member,
                    partition,
                    offset: committed.offset.max(-1),
                }));
            }
        }
    }
}

/// What became of a commit of one partition. What a group goes on with is what its coordinator took, whether the client
/// heard of it or not.
fn result(api: Api, heard: Heard<'_>, place: &(String, i32)) -> Outcome {
    let of_place = |facts: &ResponseFacts| match facts {
        ResponseFacts::Partitions { results, .. } => results
            .iter()
            .find(|result| result.partition == place.1 && result.topic == place.0)
            .map(|result| result.error),
        _ => None,
    };
    match heard {
        Heard::Answer(facts) => of_place(facts).map_or(Outcome::Unknown, |error| by_error(api, error, None)),
        Heard::Nothing(Some(facts)) if of_place(facts) == Some(0) => Outcome::Ok,
        Heard::Nothing(_) => Outcome::Unknown,
        Heard::Refused => Outcome::Failed,
    }
}
