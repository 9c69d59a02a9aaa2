use super::super::member::{Client, JoinRequest, Protocol};
use super::*;

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(30);

fn group_with(max_size: usize, initial_delay: Duration) -> Group {
    Group::after(
        0,
        GroupSettings {
            max_size,
            initial_delay,
        },
    )
}

fn new_group() -> Group {
    group_with(100, Duration::ZERO)
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn request(member_id: &str, fresh: &str) -> JoinRequest {
    JoinRequest {
        member_id: member_id.to_owned(),
        fresh_member_id: fresh.to_owned(),
        instance_id: None,
        client: Client::default(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![Protocol {
            name: "range".to_owned(),
            metadata: Bytes::from(format!("subscription of {member_id}{fresh}")),
        }],
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        needs_known_id: false,
        may_skip_assignment: true,
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
    let mut group = new_group();
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
    let mut group = new_group();
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
    let mut group = new_group();
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
    let mut group = new_group();
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
    let mut empty = new_group();
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

/// A member with an instance id, "i-" and the first letter of its name.
fn static_request(member_id: &str, fresh: &str) -> JoinRequest {
    let mut request = request(member_id, fresh);
    let name = if member_id.is_empty() { fresh } else { member_id };
    request.instance_id = Some(format!("i-{}", &name[..1]));
    request.protocols[0].metadata = Bytes::from_static(b"same");
    request
}

/// A stable group of the static members "a1" (leader) and "b1" in generation 2.
fn static_group() -> Group {
    let mut group = new_group();
    group.join(static_request("", "a1"), 1, at(0));
    group.join(static_request("", "b1"), 2, at(0));
    let answers = group.join(static_request("a1", ""), 3, at(0));
    assert_eq!(joined(&answers, 3).generation, 2);
    group.sync(sync("a1", 2, &[("a1", "p0"), ("b1", "p1")]), 4, at(0));
    group.sync(sync("b1", 2, &[]), 5, at(0));
    group
}

#[test]
fn a_static_leader_that_comes_back_keeps_the_assignment() {
    let mut group = static_group();
    let answers = group.join(static_request("", "a2"), 6, at(1));
    let answer = joined(&answers, 6);
    assert_eq!((answer.generation, answer.leader.as_str()), (2, "a2"));
    assert!(answer.skip_assignment && answer.members.len() == 2, "{answer:?}");
    let mut old = static_request("", "a3");
    old.may_skip_assignment = false;
    let answers = group.join(old, 7, at(1));
    let answer = joined(&answers, 7);
    assert_eq!(
        answer.leader, "a2",
        "an older client must not think that it leads"
    );
    assert!(!answer.skip_assignment && answer.members.is_empty(), "{answer:?}");
    assert_eq!(work(&group.sync(sync("a3", 2, &[]), 8, at(1)), 8), b"p0");
}

#[test]
fn a_static_member_that_is_away_keeps_its_place_until_its_session_ends() {
    let quick = |member_id: &str, fresh: &str| {
        let mut request = static_request(member_id, fresh);
        request.rebalance_timeout = at(4);
        request
    };
    let mut group = new_group();
    group.join(quick("", "a1"), 1, at(0));
    group.join(quick("", "b1"), 2, at(0));
    group.join(quick("a1", ""), 3, at(0));
    group.sync(sync("b1", 2, &[]), 4, at(0));
    group.sync(sync("a1", 2, &[]), 5, at(0));
    assert!(group.join(quick("a1", ""), 6, at(1)).is_empty());
    let answers = group.tick(at(5));
    let third = joined(&answers, 6);
    assert_eq!(
        (third.generation, third.members.len()),
        (3, 2),
        "b1 is away and counts"
    );
    group.sync(sync("a1", 3, &[]), 7, at(5));
    group.tick(at(9));
    assert_eq!(
        group.heartbeat("b1", Some("i-b"), 3, at(9)),
        Err(ResponseError::UnknownMemberId),
        "its work was not fetched in time"
    );
}

#[test]
fn a_static_member_may_be_removed_by_its_instance() {
    let mut group = static_group();
    let (unknown, _) = group.leave("", Some("i-z"), at(1));
    assert_eq!(unknown, Err(ResponseError::UnknownMemberId));
    let (fenced, _) = group.leave("b0", Some("i-b"), at(1));
    assert_eq!(fenced, Err(ResponseError::FencedInstanceId));
    let (removed, _) = group.leave("", Some("i-b"), at(1));
    assert_eq!(removed, Ok(()));
    assert_eq!(
        group.heartbeat("b1", Some("i-b"), 2, at(1)),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_full_group_takes_nobody_new() {
    let mut group = group_with(2, Duration::ZERO);
    let mut announced = request("", "c");
    announced.needs_known_id = true;
    group.join(announced, 1, at(0));
    group.join(request("", "a"), 2, at(0));
    group.sync(sync("a", 1, &[]), 3, at(0));
    group.join(request("", "b"), 4, at(0));
    // While the members come back, the last one is left out.
    assert!(
        group.join(request("c", ""), 5, at(0)).is_empty(),
        "c was quicker than a"
    );
    let answers = group.join(request("a", ""), 6, at(0));
    assert_eq!(refused(&answers, 6), ResponseError::GroupMaxSizeReached);
    let answers = group.tick(at(30));
    assert_eq!(joined(&answers, 4).generation, 2);
    let refusal = group.join(request("", "d"), 7, at(30));
    assert_eq!(refused(&refusal, 7), ResponseError::GroupMaxSizeReached);
}

#[test]
fn an_empty_group_may_wait_for_its_first_members() {
    let mut group = group_with(100, at(3));
    assert!(group.join(request("", "a"), 1, at(0)).is_empty());
    assert_eq!(group.next_deadline(), Some(at(3)));
    assert!(group.join(request("", "b"), 2, at(2)).is_empty());
    assert!(group.tick(at(3)).is_empty(), "somebody came, so a little longer");
    let answers = group.tick(at(6));
    assert_eq!(
        (joined(&answers, 1).generation, joined(&answers, 2).generation),
        (1, 1)
    );
}

#[test]
fn a_member_that_joins_and_never_fetches_its_assignment_is_dropped() {
    let mut group = new_group();
    group.join(request("", "a"), 1, at(0));
    group.join(request("", "b"), 2, at(0));
    group.join(request("a", ""), 3, at(0));
    group.sync(sync("a", 2, &[]), 4, at(0));
    assert_eq!(group.describe().state, StateName::Stable);
    for second in [8, 16, 24] {
        assert_eq!(group.heartbeat("a", None, 2, at(second)), Ok(()));
        assert_eq!(group.heartbeat("b", None, 2, at(second)), Ok(()));
        assert!(group.tick(at(second)).is_empty());
    }
    group.tick(at(30));
    assert_eq!(group.describe().state, StateName::PreparingRebalance);
    assert_eq!(
        group.heartbeat("b", None, 2, at(30)),
        Err(ResponseError::UnknownMemberId)
    );
}

#[test]
fn what_a_group_shows_depends_on_its_state() {
    let mut group = group_of_two();
    let shown = group.describe();
    assert_eq!(
        (shown.state, shown.protocol_name.as_str()),
        (StateName::Stable, "range")
    );
    assert_eq!(shown.members[0].assignment, "p0");
    assert_eq!(shown.members[0].metadata, "subscription of a");
    assert!(group.may_be_subscribed_to("t"), "the subscription cannot be read");
    group.join(request("", "c"), 6, at(1));
    let shown = group.describe();
    assert_eq!(
        (shown.state, shown.protocol_name.as_str()),
        (StateName::PreparingRebalance, "")
    );
    assert_eq!(shown.members[0].assignment, "p0", "still at work on it");
    assert!(shown.members.iter().all(|member| member.metadata.is_empty()));
    for id in ["a", "b", "c"] {
        group.leave(id, None, at(1)).0.expect("leaves");
    }
    let shown = group.describe();
    assert_eq!(
        (shown.state, shown.protocol_type.as_str()),
        (StateName::Empty, "consumer")
    );
    assert!(!group.may_be_subscribed_to("t"));
}
