use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn push<T>(lanes: &mut Lanes<T>, key: Option<&[u8]>, bytes: usize, record: T) {
    let lane = lanes.lane(key);
    lanes.push(lane, bytes, record);
}

fn drain<T>(lanes: &mut Lanes<T>) -> Vec<(Permit, T)> {
    std::iter::from_fn(|| lanes.take()).collect()
}

fn names(taken: &[(Permit, &'static str)]) -> Vec<&'static str> {
    taken.iter().map(|(_, name)| *name).collect()
}

#[test]
fn what_may_run_together() {
    let cases = [
        ("partition", Ordering::Partition, vec!["a1"]),
        ("key", Ordering::Key, vec!["a1", "b1", "none", "none too"]),
        (
            "unordered",
            Ordering::Unordered,
            vec!["a1", "a2", "b1", "none", "none too"],
        ),
    ];
    for (name, ordering, expected) in cases {
        let mut lanes = Lanes::new(ordering);
        push(&mut lanes, Some(b"a"), 1, "a1");
        push(&mut lanes, Some(b"a"), 1, "a2");
        push(&mut lanes, Some(b"b"), 1, "b1");
        push(&mut lanes, None, 1, "none");
        push(&mut lanes, None, 1, "none too");
        let taken = drain(&mut lanes);
        assert_eq!(names(&taken), expected, "{name}");
        assert_eq!(
            (lanes.records(), lanes.bytes(), lanes.running()),
            (5, 5, expected.len()),
            "{name}"
        );
    }
}

#[test]
fn one_stuck_key_costs_the_others_nothing() {
    let mut lanes = Lanes::new(Ordering::Key);
    push(&mut lanes, Some(b"stuck"), 1, 0);
    let (stuck, _) = lanes.take().unwrap();
    for record in 1..=1_000 {
        push(&mut lanes, Some(b"stuck"), 1, -record);
        push(&mut lanes, Some(b"flows"), 1, record);
    }
    for expected in 1..=1_000 {
        let (permit, record) = lanes.take().unwrap();
        assert_eq!(record, expected);
        lanes.release(permit);
    }
    assert!(lanes.take().is_none());
    assert_eq!(lanes.open_lanes(), 1);
    lanes.release(stuck);
    assert_eq!(lanes.take().unwrap().1, -1);
}

#[test]
fn a_delayed_record_keeps_its_lane_and_comes_at_its_moment() {
    let mut lanes = Lanes::new(Ordering::Key);
    push(&mut lanes, Some(b"a"), 1, "a1");
    push(&mut lanes, Some(b"a"), 1, "a2");
    let (permit, record) = lanes.take().unwrap();
    lanes.delay(permit, record, Duration::from_millis(1_000));
    assert_eq!(
        lanes.wake(Duration::from_nanos(999_999_999)),
        Some(Duration::from_secs(1))
    );
    assert!(lanes.take().is_none());
    assert_eq!(lanes.wake(Duration::from_secs(1)), None);
    let (permit, record) = lanes.take().unwrap();
    assert_eq!(record, "a1");
    lanes.release(permit);
    assert_eq!(lanes.take().unwrap().1, "a2");
}

#[test]
fn clearing_leaves_what_runs() {
    let mut lanes = Lanes::new(Ordering::Key);
    for (key, record) in [("a", 1), ("a", 2), ("b", 3), ("c", 4)] {
        push(&mut lanes, Some(key.as_bytes()), 10, record);
    }
    let (running, _) = lanes.take().unwrap();
    let (delayed, record) = lanes.take().unwrap();
    lanes.delay(delayed, record, Duration::from_secs(9));
    assert_eq!(lanes.clear(), 3);
    assert_eq!(
        (
            lanes.records(),
            lanes.bytes(),
            lanes.running(),
            lanes.open_lanes()
        ),
        (1, 10, 1, 1)
    );
    lanes.release(running);
    assert_eq!(
        (
            lanes.records(),
            lanes.bytes(),
            lanes.running(),
            lanes.open_lanes()
        ),
        (0, 0, 0, 0)
    );
}

#[test]
fn intake_pauses_at_a_limit_and_goes_on_at_half() {
    let mut intake = Intake::new(IntakeLimits {
        records: 10,
        bytes: 1_000,
    });
    for (name, records, bytes, other, expected) in [
        ("below", 9, 999, false, false),
        ("records", 10, 0, false, true),
        ("still above half", 5, 0, false, true),
        ("half", 4, 499, false, false),
        ("bytes", 1, 1_000, false, true),
        ("bytes above half", 1, 500, false, true),
        ("gone", 0, 0, false, false),
        ("another reason", 0, 0, true, true),
    ] {
        assert_eq!(intake.paused(records, bytes, other), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn keys_stay_in_order_and_nothing_is_lost(
        steps in prop::collection::vec((0..4_u8, 0..5_u8, any::<prop::sample::Index>()), 0..300),
        by_partition in any::<bool>(),
    ) {
        let mut lanes = Lanes::new(if by_partition { Ordering::Partition } else { Ordering::Key });
        let mut pushed = 0_u32;
        let mut running: Vec<(Permit, (u8, u32))> = Vec::new();
        let mut last: BTreeMap<u8, u32> = BTreeMap::new();
        let mut now = Duration::ZERO;
        let mut released = 0;
        for (step, key, index) in steps {
            match step {
                0 => {
                    pushed += 1;
                    push(&mut lanes, Some(&[key]), 3, (key, pushed));
                }
                1 => {
                    if let Some((permit, (key, number))) = lanes.take() {
                        prop_assert!(!running.iter().any(|(_, (other, _))| by_partition || *other == key));
                        prop_assert!(last.get(&key).is_none_or(|last| *last <= number));
                        last.insert(key, number);
                        running.push((permit, (key, number)));
                    }
                }
                2 if !running.is_empty() => {
                    let (permit, _) = running.swap_remove(index.index(running.len()));
                    lanes.release(permit);
                    released += 1;
                }
                3 if !running.is_empty() => {
                    let (permit, record) = running.swap_remove(index.index(running.len()));
                    lanes.delay(permit, record, now + Duration::from_secs(2));
                }
                _ => {
                    now += Duration::from_secs(1);
                    lanes.wake(now);
                }
            }
            prop_assert_eq!(lanes.running(), running.len());
            prop_assert_eq!(lanes.bytes(), lanes.records() * 3);
        }
        for (permit, _) in running {
            lanes.release(permit);
            released += 1;
        }
        loop {
            lanes.wake(Duration::MAX);
            let Some((permit, _)) = lanes.take() else { break };
            lanes.release(permit);
            released += 1;
        }
        prop_assert_eq!(released, pushed);
        prop_assert_eq!((lanes.records(), lanes.open_lanes()), (0, 0));
    }
}
