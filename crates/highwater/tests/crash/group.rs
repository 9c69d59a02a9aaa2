//! Two members of a group that read and commit: what was committed never goes back, and is never ahead.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use highwater_wire::batch::{Batches, Step};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{GroupId, HeartbeatRequest, JoinGroupRequest, SyncGroupRequest};
use kafka_protocol::protocol::StrBytes;

use crate::client::{Client, error, text};
use crate::plain;
use crate::worker::{Stop, Worker, wrong};

const MEMBERS: usize = 2;
const PARTITIONS: usize = 2;
const SESSION_TIMEOUT_MS: i32 = 10_000;

/// Offsets of one partition.
#[derive(Debug, Clone, Copy, Default)]
struct Committed {
    /// The largest that was acknowledged, and the largest that was asked for.
    acknowledged: i64,
    asked: i64,
}

type Books = Arc<Mutex<[Committed; PARTITIONS]>>;

/// Membership in one generation, with the positions in the partitions that it brought.
struct Joined {
    member: StrBytes,
    generation: i32,
    positions: Vec<(usize, i64)>,
}

struct Member {
    group: String,
    topic: String,
    joined: Option<Joined>,
    books: Books,
    commits: u64,
}

pub(crate) fn hire(_: &mut Client, prefix: &str) -> Result<Vec<Box<dyn Worker>>, Stop> {
    let books = Books::default();
    let member = || Member {
        group: format!("{prefix}-group"),
        topic: format!("{prefix}-{}", plain::TOPIC),
        joined: None,
        books: Arc::clone(&books),
        commits: 0,
    };
    Ok((0..MEMBERS)
        .map(|_| Box::new(member()) as Box<dyn Worker>)
        .collect())
}

impl Member {
    fn group_id(&self) -> GroupId {
        GroupId(text(&self.group))
    }

    /// Joins, and shares out the partitions if it is the leader. None: again.
    fn join(&mut self, client: &mut Client, former: Option<Joined>) -> Result<Option<Joined>, Stop> {
        let member = former.map(|joined| joined.member).unwrap_or_default();
        let protocol = JoinGroupRequestProtocol::default()
            .with_name(text("by-index"))
            .with_metadata(Bytes::from_static(b"m"));
        let request = JoinGroupRequest::default()
            .with_group_id(self.group_id())
            .with_session_timeout_ms(SESSION_TIMEOUT_MS)
            .with_rebalance_timeout_ms(SESSION_TIMEOUT_MS)
            .with_member_id(member)
            .with_protocol_type(text("consumer"))
            .with_protocols(vec![protocol]);
        let joined = client.call(&request, 3)?;
        match error(joined.error_code) {
            None => {}
            Some(ResponseError::UnknownMemberId | ResponseError::RebalanceInProgress) => return Ok(None),
            Some(error) => return wrong(format!("{}: JoinGroup: {error:?}", self.group)),
        }
        let mut assignments = vec![Vec::new(); joined.members.len()];
        for partition in 0..PARTITIONS {
            // Empty for everybody but the leader.
            if !assignments.is_empty() {
                let index = partition % assignments.len();
                assignments[index].push(partition as u8);
            }
        }
        let assignments = joined
            .members
            .iter()
            .zip(assignments)
            .map(|(member, partitions)| {
                SyncGroupRequestAssignment::default()
                    .with_member_id(member.member_id.clone())
                    .with_assignment(Bytes::from(partitions))
            });
        let request = SyncGroupRequest::default()
            .with_group_id(self.group_id())
            .with_generation_id(joined.generation_id)
            .with_member_id(joined.member_id.clone())
            .with_assignments(assignments.collect());
        let synced = client.call(&request, 2)?;
        self.joined = Some(Joined {
            member: joined.member_id.clone(),
            generation: joined.generation_id,
            positions: Vec::new(),
        });
        match error(synced.error_code) {
            None => {}
            Some(
                ResponseError::RebalanceInProgress
                | ResponseError::IllegalGeneration
                | ResponseError::UnknownMemberId,
            ) => return Ok(None),
            Some(error) => return wrong(format!("{}: SyncGroup: {error:?}", self.group)),
        }
        let mut positions = Vec::new();
        for partition in synced.assignment.iter().map(|partition| usize::from(*partition)) {
            let position = self.committed(client, partition)?;
            positions.push((partition, position));
        }
        Ok(Some(Joined {
            member: joined.member_id,
            generation: joined.generation_id,
            positions,
        }))
    }

    /// The committed offset, compared with the books.
    fn committed(&self, client: &mut Client, partition: usize) -> Result<i64, Stop> {
        let offset = client
            .committed_offset(&self.group, &self.topic, partition as i32)?
            .max(0);
        let known = self.books.lock().unwrap_or_else(PoisonError::into_inner)[partition];
        if (known.acknowledged..=known.asked).contains(&offset) {
            return Ok(offset);
        }
        let what = if offset < known.acknowledged {
            "went back or is lost"
        } else {
            "is ahead"
        };
        wrong(format!(
            "{}: the committed offset of {partition} {what}: {offset}, {known:?}",
            self.group
        ))
    }

    /// Reads on in one partition and commits; false when it has to join again.
    fn read_and_commit(&self, client: &mut Client, joined: &mut Joined, index: usize) -> Result<bool, Stop> {
        let (partition, position) = joined.positions[index];
        let data = client.fetch(&self.topic, partition as i32, position, true)?;
        if let Some(error) = error(data.error_code) {
            return wrong(format!(
                "{}: fetch at {position}: {error:?}: committed too far, or lost",
                self.group
            ));
        }
        let records = data.records.unwrap_or_default();
        let last = Batches::new(&records)
            .filter_map(|step| match step {
                Step::Complete(header, _) => Some(header.last_offset() + 1),
                _ => None,
            })
            .last();
        let Some(next) = last.filter(|next| *next > position) else {
            return Ok(true);
        };
        joined.positions[index].1 = next;
        self.books.lock().unwrap_or_else(PoisonError::into_inner)[partition].asked = next;
        let member = (joined.member.as_str(), joined.generation);
        match client.commit_offset(&self.group, member, &self.topic, partition as i32, next)? {
            None => {
                self.books.lock().unwrap_or_else(PoisonError::into_inner)[partition].acknowledged = next;
                Ok(true)
            }
            Some(
                ResponseError::RebalanceInProgress
                | ResponseError::IllegalGeneration
                | ResponseError::UnknownMemberId,
            ) => Ok(false),
            Some(error) => wrong(format!("{}: OffsetCommit: {error:?}", self.group)),
        }
    }
}

impl Worker for Member {
    fn name(&self) -> &'static str {
        "commits of group members"
    }

    fn settle(&mut self, _: &mut Client) -> Result<(), Stop> {
        // Nobody is a member after a crash; the id is forgotten with the generation.
        self.joined = None;
        Ok(())
    }

    fn check(&mut self, client: &mut Client) -> Result<(), Stop> {
        (0..PARTITIONS).try_for_each(|partition| self.committed(client, partition).map(drop))
    }

    fn step(&mut self, client: &mut Client) -> Result<(), Stop> {
        let mut joined = match self.joined.take() {
            Some(joined) if !joined.positions.is_empty() => joined,
            former => {
                self.joined = self.join(client, former)?.or(self.joined.take());
                return Ok(());
            }
        };
        let heartbeat = HeartbeatRequest::default()
            .with_group_id(self.group_id())
            .with_generation_id(joined.generation)
            .with_member_id(joined.member.clone());
        let mut belongs = error(client.call(&heartbeat, 3)?.error_code).is_none();
        for index in 0..joined.positions.len() {
            belongs = belongs && self.read_and_commit(client, &mut joined, index)?;
        }
        if belongs {
            self.commits += 1;
        } else {
            joined.positions.clear();
        }
        self.joined = Some(joined);
        Ok(())
    }

    fn done(&self) -> u64 {
        self.commits
    }
}
