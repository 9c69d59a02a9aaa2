//! Groups with the classic protocol.

use bytes::Bytes;
use highwater_wire::Connection;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::sync_group_request::SyncGroupRequestAssignment;
use kafka_protocol::messages::{
    DescribeGroupsRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    ListGroupsRequest, SyncGroupRequest, SyncGroupResponse,
};

use crate::arm::{Arm, error, poll, settled};
use crate::ask::{GROUP, nullable};
use crate::client::{group, text};

const JOIN: i16 = 9;
/// The last version in which a member joins without being told its id first.
const JOIN_OLD: i16 = 3;
const SESSION_MS: i32 = 10_000;

/// A member as it is known to its group.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) error: String,
    pub(crate) group: String,
    pub(crate) id: String,
    pub(crate) generation: i32,
    leader: String,
    members: Vec<String>,
    protocol: String,
    skip_assignment: bool,
}

/// Asks to join: protocol `range`, version with member ids given beforehand.
pub(crate) fn member(group_id: &str) -> JoinGroupRequest {
    JoinGroupRequest::default()
        .with_group_id(group(group_id))
        .with_session_timeout_ms(SESSION_MS)
        .with_rebalance_timeout_ms(15_000)
        .with_protocol_type(text("consumer"))
        .with_protocols(protocols(&["range"]))
}

/// Each with a subscription of version 0 to the topic `elsewhere`: Kafka reads it, and never answers a member
/// whose subscription it can't read.
fn protocols(names: &[&str]) -> Vec<JoinGroupRequestProtocol> {
    let one = |name: &&str| {
        JoinGroupRequestProtocol::default()
            .with_name(text(name))
            .with_metadata(Bytes::from_static(
                b"\0\0\0\0\0\x01\0\x09elsewhere\xff\xff\xff\xff",
            ))
    };
    names.iter().map(one).collect()
}

fn understood(group_id: &str, answer: &JoinGroupResponse) -> Member {
    Member {
        error: error(answer.error_code),
        group: group_id.to_owned(),
        id: answer.member_id.to_string(),
        generation: answer.generation_id,
        leader: answer.leader.to_string(),
        members: answer
            .members
            .iter()
            .map(|one| one.member_id.to_string())
            .collect(),
        protocol: nullable(answer.protocol_name.as_ref()),
        skip_assignment: answer.skip_assignment,
    }
}

fn send(connection: &mut Connection, request: &JoinGroupRequest) -> i32 {
    connection.send(request, JOIN).expect("sent")
}

fn receive(connection: &mut Connection, group_id: &str, sent: i32) -> Member {
    let answer = connection
        .receive::<JoinGroupRequest>(JOIN, sent)
        .expect("answered");
    understood(group_id, &answer)
}

fn sync_request(from: &Member, to: &[&String]) -> SyncGroupRequest {
    let assignments = to.iter().map(|id| {
        SyncGroupRequestAssignment::default()
            .with_member_id(text(id))
            .with_assignment(Bytes::from(format!("work of {id}")))
    });
    SyncGroupRequest::default()
        .with_group_id(group(&from.group))
        .with_generation_id(from.generation)
        .with_member_id(text(&from.id))
        .with_protocol_type(Some(text("consumer")))
        .with_protocol_name(Some(text("range")))
        .with_assignments(assignments.collect())
}

fn synced(answer: &SyncGroupResponse) -> String {
    let assignment = String::from_utf8_lossy(&answer.assignment);
    format!("{} {assignment}", error(answer.error_code))
}

fn heartbeat_request(from: &Member) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group(&from.group))
        .with_generation_id(from.generation)
        .with_member_id(text(&from.id))
}

impl Member {
    fn with_generation(&self, generation: i32) -> Self {
        Self {
            generation,
            ..self.clone()
        }
    }

    fn with_id(&self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..self.clone()
        }
    }
}

impl Arm {
    fn join(&mut self, request: &JoinGroupRequest) -> Member {
        let answer = settled(|| self.call(request, JOIN), |answer| answer.error_code);
        understood(request.group_id.0.as_str(), &answer)
    }

    /// Joins as clients do: told its id first, and again with it.
    pub(crate) fn join_whole(&mut self, request: &JoinGroupRequest) -> Member {
        let first = self.join(request);
        if first.error != "MemberIdRequired" {
            return first;
        }
        self.join(&request.clone().with_member_id(text(&first.id)))
    }

    /// A new member's id, without joining.
    fn new_id(&mut self, request: &JoinGroupRequest) -> String {
        let first = self.join(request);
        assert_eq!(first.error, "MemberIdRequired");
        first.id
    }

    pub(crate) fn sync(&mut self, from: &Member, to: &[&String]) -> String {
        synced(&self.call(&sync_request(from, to), 5))
    }

    fn see_sync(&mut self, what: &str, from: &Member, to: &[&String]) {
        let answer = self.call(&sync_request(from, to), 5);
        let work = String::from_utf8_lossy(&answer.assignment) == format!("work of {}", from.id);
        self.see(what, format!("{} own work={work}", error(answer.error_code)));
    }

    fn see_joined(&mut self, what: &str, member: &Member) {
        let seen = format!(
            "{} generation={} leader={} members={} protocol={} skip={} id={}",
            member.error,
            member.generation,
            member.id == member.leader,
            member.members.len(),
            member.protocol,
            member.skip_assignment,
            if member.id.is_empty() { "none" } else { "some" },
        );
        self.see(what, seen);
    }

    fn see_join(&mut self, what: &str, request: &JoinGroupRequest) -> Member {
        let member = self.join(request);
        self.see_joined(what, &member);
        member
    }

    fn heartbeat(&mut self, from: &Member) -> String {
        error(self.call(&heartbeat_request(from), 4).error_code)
    }

    fn see_heartbeat(&mut self, what: &str, from: &Member) {
        let seen = self.heartbeat(from);
        self.see(what, seen);
    }

    fn await_rebalance(&mut self, from: &Member) {
        poll("a rebalance", || {
            (self.heartbeat(from) == "RebalanceInProgress").then_some(())
        });
    }

    pub(crate) fn see_leave(&mut self, what: &str, group_id: &str, from: &Member) {
        self.see_leaving(
            what,
            group_id,
            MemberIdentity::default().with_member_id(text(&from.id)),
        );
    }

    fn see_leaving(&mut self, what: &str, group_id: &str, who: MemberIdentity) {
        let request = LeaveGroupRequest::default()
            .with_group_id(group(group_id))
            .with_members(vec![who]);
        let answer = self.call(&request, 4);
        let codes: Vec<String> = answer.members.iter().map(|one| error(one.error_code)).collect();
        self.see(what, format!("{} {codes:?}", error(answer.error_code)));
    }

    /// Waits until a group has no members and is shown so.
    fn await_empty(&mut self, group_id: &str) {
        let request = DescribeGroupsRequest::default().with_groups(vec![group(group_id)]);
        poll("the group", || {
            let answer = self.call(&request, 5);
            (answer.groups[0].group_state.as_str() == "Empty").then_some(())
        });
    }

    fn see_group(&mut self, what: &str, group_id: &str) {
        let request = DescribeGroupsRequest::default().with_groups(vec![group(group_id)]);
        for version in [5, 6] {
            let answer = settled(
                || self.call(&request, version),
                |answer| answer.groups[0].error_code,
            );
            let one = &answer.groups[0];
            let members: Vec<String> = one
                .members
                .iter()
                .map(|member| {
                    format!(
                        "instance={} client={} metadata={} assignment={}",
                        nullable(member.group_instance_id.as_ref()),
                        member.client_id,
                        member.member_metadata.len(),
                        member.member_assignment.len() > 5,
                    )
                })
                .collect();
            let seen = format!(
                "{} state={} type={} protocol={} message={} operations={} {members:?}",
                error(one.error_code),
                one.group_state,
                one.protocol_type,
                one.protocol_data,
                one.error_message.is_some(),
                one.authorized_operations,
            );
            self.see(format!("{what}, version {version}"), seen);
        }
    }
}

pub(crate) fn one_member(arm: &mut Arm) {
    let id = arm.coordinated(GROUP, "g");
    arm.see_group("before", &id);
    let request = member(&id);
    let first = arm.see_join("first", &request);
    // Kafka writes the group down after it has given the id, and shows what is written.
    arm.await_empty(&id);
    arm.see_group("id given", &id);
    let joined = arm.see_join("with its id", &request.clone().with_member_id(text(&first.id)));
    arm.see_group("joined", &id);
    arm.see_heartbeat("heartbeat before sync", &joined);
    arm.see_sync("sync", &joined, &[&joined.id.clone()]);
    arm.see_group("synced", &id);
    arm.see_sync("sync again", &joined, &[]);
    arm.see_heartbeat("heartbeat", &joined);
    let again = arm.see_join("again", &request.with_member_id(text(&joined.id)));
    arm.see_sync("sync of the next generation", &again, &[&again.id.clone()]);
    arm.see_leave("leave", &id, &again);
    arm.see_leave("leave again", &id, &again);
    arm.await_empty(&id);
    arm.see_group("left", &id);
    arm.see_heartbeat("heartbeat after it", &again);
}

pub(crate) fn one_member_in_old_versions(arm: &mut Arm) {
    let id = arm.coordinated(GROUP, "g");
    let request = member(&id);
    let answer = settled(|| arm.call(&request, JOIN_OLD), |answer| answer.error_code);
    let joined = understood(&id, &answer);
    arm.see_joined("join version 3", &joined);
    let sync = SyncGroupRequest::default()
        .with_group_id(group(&id))
        .with_generation_id(joined.generation)
        .with_member_id(text(&joined.id));
    let answer = arm.call(&sync, 0);
    arm.see("sync version 0", synced(&answer));
    let answer = arm.call(&heartbeat_request(&joined), 0);
    arm.see("heartbeat version 0", error(answer.error_code));
    for version in [0, 1, 2] {
        let leave = LeaveGroupRequest::default()
            .with_group_id(group(&id))
            .with_member_id(text(&joined.id));
        let answer = arm.call(&leave, version);
        arm.see(format!("leave version {version}"), error(answer.error_code));
    }
    let answer = settled(
        || arm.call(&member(&id).with_rebalance_timeout_ms(-1), 0),
        |answer| answer.error_code,
    );
    arm.see_joined("join version 0", &understood(&id, &answer));
}

pub(crate) fn wrong_ids_and_generations(arm: &mut Arm) {
    let id = arm.coordinated(GROUP, "g");
    let joined = arm.join_whole(&member(&id));
    let work = [&joined.id.clone()];
    for (what, from) in [
        ("next generation", joined.with_generation(joined.generation + 1)),
        ("generation before", joined.with_generation(joined.generation - 1)),
        ("generation -1", joined.with_generation(-1)),
        ("unknown member", joined.with_id("nobody")),
        ("no member", joined.with_id("")),
    ] {
        arm.see_sync(&format!("{what}: sync"), &from, &work);
        arm.see_heartbeat(&format!("{what}: heartbeat"), &from);
        arm.see_leave(
            &format!("{what}: leave of another group"),
            &arm.name("other"),
            &from,
        );
    }
    arm.see_leave("unknown member: leave", &id, &joined.with_id("nobody"));
    arm.see_join(
        "unknown member: join",
        &member(&id).with_member_id(text("nobody")),
    );
    let odd = sync_request(&joined, &work).with_protocol_name(Some(text("odd")));
    let answer = arm.call(&odd, 5);
    arm.see("another protocol: sync", error(answer.error_code));
    let odd = sync_request(&joined, &work).with_protocol_type(Some(text("odd")));
    let answer = arm.call(&odd, 5);
    arm.see("another type: sync", error(answer.error_code));
    let nowhere = Member {
        group: arm.name("nowhere"),
        ..joined.clone()
    };
    arm.see_heartbeat("unknown group: heartbeat", &nowhere);
    arm.see_sync("unknown group: sync", &nowhere, &work);
    let nameless = Member {
        group: String::new(),
        ..joined.clone()
    };
    arm.see_heartbeat("no group: heartbeat", &nameless);
    arm.see_sync("no group: sync", &nameless, &work);
    arm.see_sync("sync", &joined, &work);
}

pub(crate) fn joins_that_can_not_be(arm: &mut Arm) {
    let id = arm.coordinated(GROUP, "g");
    for session in [5_999, 0, -1, 1_800_001] {
        let request = member(&id).with_session_timeout_ms(session);
        arm.see_join(&format!("session of {session} ms"), &request);
    }
    arm.see_join("no group", &member(""));
    arm.see_join("no protocol", &member(&id).with_protocols(vec![]));
    arm.see_join("no type", &member(&id).with_protocol_type(text("")));
    let joined = arm.join_whole(&member(&id));
    arm.see_sync("sync", &joined, &[&joined.id.clone()]);
    arm.see_join("another type", &member(&id).with_protocol_type(text("connect")));
    arm.see_join(
        "another protocol",
        &member(&id).with_protocols(protocols(&["odd"])),
    );
    arm.see_heartbeat("the group goes on", &joined);
}

pub(crate) fn two_members(arm: &mut Arm) {
    let id = arm.coordinated(GROUP, "g");
    let both = member(&id).with_protocols(protocols(&["sticky", "range"]));
    let one = arm.join_whole(&both);
    arm.see_joined("one alone", &one);
    arm.see_sync(
        "one syncs",
        &Member {
            protocol: "sticky".to_owned(),
            ..one.clone()
        },
        &[&one.id],
    );
    let one = arm.join_whole(&member(&id).with_member_id(text(&one.id)));
    arm.see_joined("one with other protocols", &one);
    arm.see_sync("one syncs again", &one, &[&one.id]);
    let two_id = arm.new_id(&both);
    let mut other = arm.connect();
    let sent = send(&mut other, &both.clone().with_member_id(text(&two_id)));
    arm.await_rebalance(&one);
    let committed = arm.topic("input");
    let seen = arm.commit(&id, (one.generation, &one.id), &committed, 3);
    arm.see("commit while joining", seen);
    arm.see_sync("sync while joining", &one, &[]);
    let one = arm.see_join("one joins", &member(&id).with_member_id(text(&one.id)));
    let two = receive(&mut other, &id, sent);
    arm.see_joined("two joins", &two);
    let seen = arm.commit(&id, (one.generation, &one.id), &committed, 4);
    arm.see("commit while syncing", seen);
    arm.see_heartbeat("heartbeat while syncing", &two);
    let waiting = other.send(&sync_request(&two, &[]), 5).expect("sent");
    arm.see_sync("leader syncs", &one, &[&one.id, &two.id]);
    let answer = other.receive::<SyncGroupRequest>(5, waiting).expect("answered");
    arm.see(
        "follower syncs",
        synced(&answer) == format!("None work of {}", two.id),
    );
    arm.see_leave("leader leaves", &id, &one);
    arm.await_rebalance(&two);
    let two = arm.see_join("the other joins again", &both.with_member_id(text(&two.id)));
    arm.see_sync("and leads", &two, &[&two.id]);
    arm.see_group("at the end", &id);
}

pub(crate) fn a_member_that_does_not_come_back(arm: &mut Arm) {
    let id = arm.coordinated(GROUP, "g");
    let hasty = member(&id).with_rebalance_timeout_ms(1_000);
    let one = arm.join_whole(&hasty);
    arm.sync(&one, &[&one.id]);
    let two = arm.new_id(&hasty);
    let two = arm.see_join("two, when one was thrown out", &hasty.with_member_id(text(&two)));
    arm.see_heartbeat("one", &one);
    arm.see_heartbeat("two before sync", &two);
    arm.see_sync("two syncs", &two, &[&two.id]);
}

pub(crate) fn a_session_that_ends(arm: &mut Arm) {
    let id = arm.coordinated(GROUP, "g");
    let one = arm.join_whole(&member(&id).with_session_timeout_ms(6_000));
    arm.sync(&one, &[&one.id]);
    arm.await_empty(&id);
    arm.see_heartbeat("heartbeat", &one);
    arm.see_sync("sync", &one, &[]);
    arm.see_join("join", &member(&id).with_member_id(text(&one.id)));
}

pub(crate) fn static_members(arm: &mut Arm) {
    let id = arm.coordinated(GROUP, "g");
    let named = member(&id).with_group_instance_id(Some(text("i")));
    let one = arm.see_join("first", &named);
    arm.see_sync("sync", &one, &[&one.id]);
    arm.see_group("synced", &id);
    let again = arm.see_join("comes back without its id", &named);
    arm.see("another id", again.id != one.id);
    arm.see_sync("sync after that", &again, &[]);
    arm.see_heartbeat("the new id", &again);
    arm.see_heartbeat("the old id", &one);
    let beat =
        |from: &Member, instance: &str| heartbeat_request(from).with_group_instance_id(Some(text(instance)));
    for (what, from, instance) in [
        ("old id and instance", &one, "i"),
        ("new id and instance", &again, "i"),
        ("new id and another instance", &again, "j"),
    ] {
        let answer = arm.call(&beat(from, instance), 4);
        arm.see(what, error(answer.error_code));
    }
    let old = sync_request(&one, &[]).with_group_instance_id(Some(text("i")));
    let answer = arm.call(&old, 5);
    arm.see("sync with the old id", error(answer.error_code));
    let fenced = named.clone().with_member_id(text(&one.id));
    arm.see_join("join with the old id", &fenced);
    arm.see_join(
        "join with an unknown id",
        &named.clone().with_member_id(text("nobody")),
    );
    let changed = named.clone().with_protocols(protocols(&["range", "sticky"]));
    arm.see_join("comes back with other protocols", &changed);
    let identity = MemberIdentity::default().with_group_instance_id(Some(text("j")));
    arm.see_leaving("an unknown instance leaves", &id, identity);
    let stale = MemberIdentity::default()
        .with_member_id(text(&one.id))
        .with_group_instance_id(Some(text("i")));
    arm.see_leaving("the old id leaves", &id, stale);
    let identity = MemberIdentity::default().with_group_instance_id(Some(text("i")));
    arm.see_leaving("the instance leaves", &id, identity);
    arm.see_group("at the end", &id);
}

pub(crate) fn listed(arm: &mut Arm) {
    let [alone, empty] = ["alone", "empty"].map(|suffix| arm.coordinated(GROUP, suffix));
    let name = arm.input();
    arm.joined_alone(&alone);
    arm.commit(&empty, (-1, ""), &name, 1);
    let states = |states: &[&str]| {
        ListGroupsRequest::default().with_states_filter(states.iter().map(|one| text(one)).collect())
    };
    for (what, version, request) in [
        ("all", 5, states(&[])),
        ("stable", 4, states(&["Stable"])),
        ("stable, in small letters", 4, states(&["stable"])),
        ("empty", 4, states(&["Empty"])),
        ("of an unknown state", 4, states(&["Odd"])),
        ("classic", 5, states(&[]).with_types_filter(vec![text("classic")])),
        (
            "of the new protocol",
            5,
            states(&[]).with_types_filter(vec![text("consumer")]),
        ),
        (
            "of an unknown type",
            5,
            states(&[]).with_types_filter(vec![text("odd")]),
        ),
        ("version 0", 0, states(&[])),
    ] {
        let answer = arm.call(&request, version);
        let mut seen: Vec<String> = answer
            .groups
            .iter()
            .filter(|one| {
                [&alone, &empty]
                    .iter()
                    .any(|mine| mine.as_str() == one.group_id.0.as_str())
            })
            .map(|one| {
                format!(
                    "{} {}/{}/{}",
                    one.group_id.0.as_str(),
                    one.protocol_type,
                    one.group_state,
                    one.group_type
                )
            })
            .collect();
        seen.sort();
        arm.see(what, format!("{} {seen:?}", error(answer.error_code)));
    }
    arm.see_group("without members", &empty);
}
