use proptest::prelude::*;

use super::super::member::{JoinRequest, Protocol};
use super::*;

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(30);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn request(member_id: &str, fresh: &str) -> JoinRequest {
    JoinRequest {
        member_id: member_id.to_owned(),
        fresh_member_id: fresh.to_owned(),
        instance_id: None,
        protocol_type: "consumer".to_owned(),
        protocols: vec![Protocol {
            name: "range".to_owned(),
            metadata: Bytes::from(format!("subscription of {member_id}{fresh}")),
        }],
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        needs_known_id: false,
    }
}

fn sync(member_id: &str, generation: i32, assignments: &[(&str, &str)]) -> SyncRequest {
    SyncRequest {
        member_id: member_id.to_owned(),
        instance_id: None,
        generation,
        protocol_type: None,
        protocol_name: None,
        assignments: assignments
            .iter()
            .map(|(id, work)| ((*id).to_owned(), Bytes::from((*work).to_owned())))
            .collect(),
    }
}

fn joined(answers: &[Answer], token: u64) -> &JoinAnswer {
    answers
        .iter()
        .find_map(|answer| match answer {
            Answer::Join(found, Ok(joined)) if *found == token => Some(joined),
            _ => None,
        })
        .unwrap_or_else(|| panic!("no join for {token} in {answers:?}"))
}

fn refused(answers: &[Answer], token: u64) -> ResponseError {
    answers
        .iter()
        .find_map(|answer| match answer {
            Answer::Join(found, Err(refusal)) if *found == token => Some(refusal.error),
            Answer::Sync(found, Err(error)) if *found == token => Some(*error),
            _ => None,
        })
        .unwrap_or_else(|| panic!("no refusal for {token} in {answers:?}"))
}

fn work(answers: &[Answer], token: u64) -> &[u8] {
    answers
        .iter()
        .find_map(|answer| match answer {
            Answer::Sync(found, Ok(synced)) if *found == token => Some(&*synced.assignment),
            _ => None,
        })
        .unwrap_or_else(|| panic!("no assignment for {token} in {answers:?}"))
}

/// A stable group of "a" (leader) and "b" in generation 2.
fn group_of_two() -> Group {
    let mut group = Group::default();
    let answers = group.join(request("", "a"), 1, at(0));
    assert_eq!(joined(&answers, 1).generation, 1);
    assert!(group.join(request("", "b"), 2, at(0)).is_empty(), "waits for a");
    let answers = group.join(request("a", ""), 3, at(0));
    let (a, b) = (joined(&answers, 3), joined(&answers, 2));
    assert_eq!((a.generation, b.generation), (2, 2));
    assert_eq!((a.leader.as_str(), b.leader.as_str()), ("a", "a"));
    assert_eq!(
        (a.members.len(), b.members.len()),
        (2, 0),
        "only the leader sees the members"
    );
    assert!(
        group.sync(sync("b", 2, &[]), 4, at(0)).is_empty(),
        "waits for the leader"
    );
    let answers = group.sync(sync("a", 2, &[("a", "p0"), ("b", "p1")]), 5, at(0));
    assert_eq!((work(&answers, 5), work(&answers, 4)), (&b"p0"[..], &b"p1"[..]));
    group
}

#[test]
fn two_members_share_the_work() {
    let mut group = group_of_two();
    assert_eq!(group.heartbeat("a", None, 2, at(1)), Ok(()));
    assert_eq!(group.heartbeat("b", None, 2, at(1)), Ok(()));
    let answers = group.sync(sync("b", 2, &[]), 9, at(1));
    assert_eq!(work(&answers, 9), b"p1", "a lost answer can be asked for again");
}

#[test]
fn requests_of_the_wrong_member_or_generation_are_refused() {
    let mut group = group_of_two();
    assert_eq!(
        group.heartbeat("c", None, 2, at(1)),
        Err(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        group.heartbeat("a", None, 1, at(1)),
        Err(ResponseError::IllegalGeneration)
    );
    assert_eq!(
        refused(&group.sync(sync("a", 1, &[]), 9, at(1)), 9),
        ResponseError::IllegalGeneration
    );
    assert_eq!(
        refused(&group.join(request("c", ""), 9, at(1)), 9),
        ResponseError::UnknownMemberId
    );
    let mut strange = request("", "d");
    strange.protocols[0].name = "sticky".to_owned();
    assert_eq!(
        refused(&group.join(strange, 9, at(1)), 9),
        ResponseError::InconsistentGroupProtocol
    );
}

#[test]
fn a_member_that_falls_silent_is_dropped_and_the_others_rebalance() {
    let mut group = group_of_two();
    assert_eq!(group.heartbeat("a", None, 2, at(8)), Ok(()));
    assert_eq!(group.next_deadline(), Some(at(10)));
    assert!(group.tick(at(10)).is_empty());
    assert_eq!(
        group.heartbeat("b", None, 2, at(11)),
        Err(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        group.heartbeat("a", None, 2, at(11)),
        Err(ResponseError::RebalanceInProgress)
    );
    let answers = group.join(request("a", ""), 6, at(11));
    assert_eq!(joined(&answers, 6).generation, 3);
    assert_eq!(joined(&answers, 6).members.len(), 1);
}

#[test]
fn a_member_that_leaves_makes_room_at_once() {
    let mut group = group_of_two();
    let (result, _) = group.leave("a", None, at(1));
    assert_eq!(result, Ok(()));
    assert_eq!(
        group.heartbeat("b", None, 2, at(1)),
        Err(ResponseError::RebalanceInProgress)
    );
    let answers = group.join(request("b", ""), 6, at(1));
    assert_eq!(joined(&answers, 6).leader, "b");
    let (result, _) = group.leave("b", None, at(2));
    assert_eq!(result, Ok(()));
    assert!(group.is_empty());
    assert_eq!(group.next_deadline(), None, "nothing to wake up for");
}

#[test]
fn a_rebalance_does_not_wait_for_ever() {
    let mut group = group_of_two();
    let keep_alive = |group: &mut Group, now| {
        assert_eq!(
            group.heartbeat("a", None, 2, now),
            Err(ResponseError::RebalanceInProgress)
        );
    };
    assert!(group.join(request("", "c"), 7, at(1)).is_empty());
    assert!(group.join(request("b", ""), 8, at(1)).is_empty());
    for second in [9, 17, 25] {
        keep_alive(&mut group, at(second));
        assert!(group.tick(at(second)).is_empty());
    }
    let answers = group.tick(at(31));
    assert_eq!(joined(&answers, 7).generation, 3);
    assert_eq!(
        joined(&answers, 8).leader,
        "b",
        "the leader did not come, the oldest leads"
    );
    assert_eq!(
        group.heartbeat("a", None, 3, at(31)),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_leader_that_never_syncs_is_dropped() {
    let mut group = Group::default();
    group.join(request("", "a"), 1, at(0));
    group.join(request("", "b"), 2, at(0));
    group.join(request("a", ""), 3, at(0));
    assert!(group.sync(sync("b", 2, &[]), 4, at(0)).is_empty());
    for second in [8, 16, 24] {
        assert_eq!(group.heartbeat("a", None, 2, at(second)), Ok(()));
        assert!(group.tick(at(second)).is_empty());
    }
    let answers = group.tick(at(30));
    assert_eq!(refused(&answers, 4), ResponseError::RebalanceInProgress);
    let answers = group.join(request("b", ""), 5, at(30));
    assert_eq!(joined(&answers, 5).leader, "b");
}

#[test]
fn a_new_member_may_have_to_come_twice() {
    let mut group = Group::default();
    let mut first = request("", "a");
    first.needs_known_id = true;
    let answers = group.join(first, 1, at(0));
    assert_eq!(refused(&answers, 1), ResponseError::MemberIdRequired);
    assert!(!group.is_empty(), "the id is expected");
    let answers = group.join(request("a", ""), 2, at(1));
    assert_eq!(joined(&answers, 2).member_id, "a");
    let mut second = request("", "b");
    second.needs_known_id = true;
    group.join(second, 3, at(1));
    group
        .heartbeat("a", None, 1, at(9))
        .expect("no rebalance for a mere announcement");
    group.tick(at(11));
    assert_eq!(
        refused(&group.join(request("b", ""), 4, at(12)), 4),
        ResponseError::UnknownMemberId
    );
}

#[test]
fn a_static_member_comes_back_without_a_rebalance_and_fences_its_former_self() {
    let mut group = Group::default();
    let instance = |member_id: &str, fresh: &str| {
        let mut request = request(member_id, fresh);
        request.instance_id = Some(format!("i-{}", &fresh[..1]));
        request.protocols[0].metadata = Bytes::from_static(b"same");
        request
    };
    group.join(instance("", "a1"), 1, at(0));
    group.sync(sync("a1", 1, &[]), 2, at(0));
    group.join(instance("", "b1"), 3, at(0));
    let mut again = instance("a1", "a");
    again.member_id = "a1".to_owned();
    let answers = group.join(again, 4, at(0));
    assert_eq!(joined(&answers, 3).generation, 2);
    group.sync(sync("a1", 2, &[("a1", "p0"), ("b1", "p1")]), 5, at(0));
    let answers = group.join(instance("", "b2"), 6, at(1));
    assert_eq!(joined(&answers, 6).generation, 2, "no rebalance");
    assert_eq!(work(&group.sync(sync("b2", 2, &[]), 7, at(1)), 7), b"p1");
    assert_eq!(
        group.heartbeat("b1", Some("i-b"), 2, at(1)),
        Err(ResponseError::FencedInstanceId)
    );
    assert_eq!(group.heartbeat("a1", Some("i-a"), 2, at(1)), Ok(()));
}

#[test]
fn offsets_are_committed_by_members_of_the_generation_or_by_strangers_to_an_empty_group() {
    let commit = |member: &str, generation| CommitRequest {
        member_id: member.to_owned(),
        instance_id: None,
        generation,
    };
    let mut empty = Group::default();
    assert_eq!(empty.check_commit(&commit("", -1), at(0)), Ok(()));
    assert_eq!(
        empty.check_commit(&commit("a", 1), at(0)),
        Err(ResponseError::UnknownMemberId)
    );
    let mut group = group_of_two();
    assert_eq!(group.check_commit(&commit("a", 2), at(1)), Ok(()));
    assert_eq!(
        group.check_commit(&commit("a", 1), at(1)),
        Err(ResponseError::IllegalGeneration)
    );
    assert_eq!(
        group.check_commit(&commit("", -1), at(1)),
        Err(ResponseError::UnknownMemberId)
    );
    group.join(request("", "c"), 6, at(1));
    assert_eq!(
        group.check_commit(&commit("b", 2), at(1)),
        Ok(()),
        "before it joins again"
    );
    group.join(request("a", ""), 7, at(1));
    group.join(request("b", ""), 8, at(1));
    assert_eq!(
        group.check_commit(&commit("b", 3), at(1)),
        Err(ResponseError::RebalanceInProgress)
    );
}

#[derive(Debug, Clone)]
enum Step {
    Join(usize),
    Sync(usize),
    Heartbeat(usize),
    Leave(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0usize..4).prop_map(Step::Join),
        4 => (0usize..4).prop_map(Step::Sync),
        3 => (0usize..4).prop_map(Step::Heartbeat),
        1 => (0usize..4).prop_map(Step::Leave),
        2 => (0u64..12).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..120)
}

/// A client as the test knows it: its id, and the generation it believes in.
#[derive(Debug, Default, Clone)]
struct Client {
    member_id: String,
    generation: i32,
}

proptest! {
    /// Clients that do anything at any time: every request that was held back is answered exactly once,
    /// generations never go back, each generation has one leader, and time always brings the group to
    /// rest.
    #[test]
    fn a_group_never_wedges(steps in steps()) {
        let mut group = Group::default();
        let mut clients = vec![Client::default(); 4];
        let mut waiting: BTreeMap<u64, usize> = BTreeMap::new();
        let mut leaders: BTreeMap<i32, String> = BTreeMap::new();
        let (mut now, mut token, mut newest) = (Duration::ZERO, 0, 0);
        for step in steps {
            token += 1;
            let answers = match step {
                Step::Join(index) => {
                    waiting.insert(token, index);
                    let fresh = format!("m{token}");
                    group.join(request(&clients[index].member_id, &fresh), token, now)
                }
                Step::Sync(index) => {
                    waiting.insert(token, index);
                    let client = &clients[index];
                    group.sync(sync(&client.member_id, client.generation, &[]), token, now)
                }
                Step::Heartbeat(index) => {
                    let client = &clients[index];
                    let _ = group.heartbeat(&client.member_id, None, client.generation, now);
                    Vec::new()
                }
                Step::Leave(index) => {
                    let member_id = std::mem::take(&mut clients[index].member_id);
                    group.leave(&member_id, None, now).1
                }
                Step::Wait(seconds) => {
                    now += at(seconds);
                    group.tick(now)
                }
            };
            for answer in answers {
                match answer {
                    Answer::Join(token, result) => {
                        let index = waiting.remove(&token).expect("answered once");
                        match result {
                            Ok(joined) => {
                                prop_assert!(joined.generation >= newest);
                                newest = joined.generation;
                                let leader = leaders.entry(newest).or_insert_with(|| joined.leader.clone());
                                prop_assert_eq!(&*leader, &joined.leader);
                                clients[index] = Client { member_id: joined.member_id, generation: joined.generation };
                            }
                            Err(_) => clients[index].member_id.clear(),
                        }
                    }
                    Answer::Sync(token, _) => {
                        prop_assert!(waiting.remove(&token).is_some(), "answered once");
                    }
                }
            }
        }
        for _ in 0..10 {
            let Some(deadline) = group.next_deadline() else { break };
            now = now.max(deadline);
            for answer in group.tick(now) {
                let (Answer::Join(token, _) | Answer::Sync(token, _)) = answer;
                prop_assert!(waiting.remove(&token).is_some(), "answered once");
            }
        }
        prop_assert!(waiting.is_empty(), "never answered: {waiting:?}");
        prop_assert!(group.is_empty());
    }
}
