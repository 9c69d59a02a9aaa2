use super::*;

fn roster(nodes: u16, starts: i32) -> Roster {
    Roster::new(1, nodes, starts)
}

#[test]
fn starts_are_counted_on_file() {
    let dir = tempfile::tempdir().expect("dir");
    assert_eq!(count_start(dir.path(), Durability::Process).expect("counts"), 1);
    assert_eq!(count_start(dir.path(), Durability::Process).expect("counts"), 2);
    std::fs::write(dir.path().join(STARTS_FILE), "{\"starts\": 2147483647}").expect("write");
    assert!(matches!(
        count_start(dir.path(), Durability::Process),
        Err(BrokerError::Damaged { .. })
    ));
}

#[test]
fn leaders_are_dealt_round_robin() {
    let leaders: Vec<i32> = (4..9).map(|turn| roster(3, 1).deal(turn, 1)[0]).collect();
    assert_eq!(leaders, [2, 3, 1, 2, 3]);
    assert_eq!(roster(3, 1).deal(1, 3), [2, 3, 1]);
}

#[test]
fn replicas_are_nodes_that_there_are() {
    let cases: [(&str, &[i32], _); 4] = [
        ("two of three", &[3, 1], Ok(())),
        ("none", &[], Err(PlacementError::Empty)),
        ("a stranger", &[1, 4], Err(PlacementError::Unknown(4))),
        ("twice", &[2, 2], Err(PlacementError::Twice(2))),
    ];
    for (name, replicas, expected) in cases {
        assert_eq!(roster(3, 1).check_replicas(replicas), expected, "{name}");
    }
    for (wanted, accepted) in [(-2, false), (0, false), (1, true), (3, true), (4, false)] {
        assert_eq!(roster(3, 1).check_factor(wanted).is_ok(), accepted, "{wanted}");
    }
}

#[test]
fn the_epoch_begins_at_zero_and_goes_up_with_every_start_and_move() {
    let founded = roster(3, 7).found(vec![2]);
    let first = roster(3, 7).leadership(&founded, 0);
    assert_eq!((first.leader, first.epoch), (2, 0));
    let again = roster(3, 8).leadership(&founded, 0);
    assert_eq!((again.leader, again.epoch), (2, 1));
    let moved = again.reassigned(vec![3]);
    assert_eq!((moved.leader, moved.epoch), (3, 2));
    let kept = roster(3, 8).placement(&moved);
    assert_eq!(roster(3, 8).leadership(&kept, 0), moved);
    assert_eq!(roster(3, 9).leadership(&kept, 0).epoch, 3);
}

#[test]
fn a_leader_stays_while_it_is_a_replica() {
    let begun = roster(3, 1).leadership(&roster(3, 1).found(vec![1]), 0);
    let joined = begun.reassigned(vec![2, 1]);
    assert_eq!((joined.leader, joined.epoch), (1, 0));
    let elected = joined.preferred().expect("the first is another");
    assert_eq!((elected.leader, elected.epoch), (2, 1));
    assert_eq!(elected.preferred(), None);
    let shrunk = elected.reassigned(vec![2]);
    assert_eq!((shrunk.leader, shrunk.epoch), (2, 2));
}

#[test]
fn with_fewer_nodes_somebody_else_leads_until_they_are_back() {
    let founded = roster(3, 1).found(vec![3, 2]);
    assert_eq!(roster(2, 2).leadership(&founded, 0).leader, 2);
    assert_eq!(roster(1, 3).leadership(&founded, 5).leader, 1);
    assert_eq!(roster(3, 4).leadership(&founded, 0).leader, 3);
}
