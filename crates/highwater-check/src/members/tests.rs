use highwater_model::RecordId;

use super::*;

/// A story in short: `a p…` assigned, `v p…` revoked, `r p o` processed, `c p next` committed, `x` gone.
fn told(story: &[(&str, &str)], acknowledged: &[(i32, i64)]) -> GroupFindings {
    let mut account = GroupAccount::new("topic");
    for (at, (member, step)) in (1..).zip(story) {
        let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
        let numbers: Vec<i64> = rest
            .split_ascii_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        let partitions = || numbers.iter().map(|n| *n as i32).collect();
        let step = match word {
            "a" => Step::Assigned(partitions()),
            "v" => Step::Revoked(partitions()),
            "r" => Step::Processed(Delivered {
                partition: numbers[0] as i32,
                offset: numbers[1],
                record: Some(record(numbers[0] as i32, numbers[1])),
            }),
            "c" => Step::Committed {
                partition: numbers[0] as i32,
                next: numbers[1],
            },
            "x" => Step::Gone,
            other => panic!("{other}"),
        };
        account.observe(at * 1_000_000_000, member, &step);
    }
    account.finish(acknowledged.iter().map(|(partition, offset)| Expected {
        record: record(*partition, *offset),
        partition: *partition,
        offset: Some(*offset),
    }))
}

fn record(partition: i32, offset: i64) -> RecordId {
    RecordId {
        producer: partition.unsigned_abs(),
        sequence: offset.unsigned_abs(),
    }
}

const FOUR: [(i32, i64); 4] = [(0, 0), (0, 1), (0, 2), (0, 3)];

#[test]
fn what_was_not_committed_when_its_owner_died_comes_again_and_that_is_the_window() {
    let findings = told(
        &[
            ("one", "a 0"),
            ("one", "r 0 0"),
            ("one", "c 0 1"),
            ("one", "r 0 1"),
            ("one", "r 0 2"),
            ("one", "x"),
            ("two", "a 0"),
            ("two", "r 0 1"),
            ("two", "r 0 2"),
            ("two", "r 0 3"),
        ],
        &FOUR,
    );
    assert_eq!((findings.redelivered, findings.widest_window), (2, 2));
    assert_eq!(
        (findings.outside_window, findings.skipped, findings.behind),
        (0, 0, 0)
    );
    assert_eq!((findings.received, findings.deliveries), (4, 6));
}

#[test]
fn what_was_committed_before_must_not_come_again() {
    let findings = told(
        &[
            ("one", "a 0"),
            ("one", "r 0 0"),
            ("one", "r 0 1"),
            ("one", "c 0 2"),
            ("one", "x"),
            ("two", "a 0"),
            ("two", "r 0 1"),
            ("two", "r 0 2"),
            ("two", "r 0 3"),
        ],
        &FOUR,
    );
    assert_eq!((findings.redelivered, findings.outside_window), (0, 1));
    let example = &findings.outside_examples[0];
    assert_eq!((example.partition, example.offset), (0, Some(1)));
    assert_eq!(
        example.detail,
        "two got it again at 7.000 s, though one had committed 2 at 4.000 s"
    );
}

#[test]
fn going_back_without_a_change_of_owners_is_outside_the_window() {
    let findings = told(
        &[
            ("one", "a 0"),
            ("one", "r 0 0"),
            ("one", "r 0 1"),
            ("one", "r 0 0"),
            ("one", "r 0 1"),
        ],
        &FOUR[..2],
    );
    assert_eq!(findings.outside_window, 1, "{findings:?}");
    assert_eq!(
        findings.outside_examples[0].detail,
        "one got it again at 4.000 s, after 1 in the same hands"
    );
}

#[test]
fn a_commit_before_the_work_loses_what_its_owner_had_not_done() {
    let findings = told(
        &[
            ("one", "a 0"),
            ("one", "c 0 3"),
            ("one", "r 0 0"),
            ("one", "x"),
            ("two", "a 0"),
            ("two", "r 0 3"),
        ],
        &FOUR,
    );
    assert_eq!((findings.skipped, findings.behind), (2, 0));
    assert_eq!(
        findings.skipped_examples[0].detail,
        "member one committed 3 at 2.000 s, and nobody processed it"
    );
}

#[test]
fn what_a_group_has_not_come_to_is_behind_and_not_lost() {
    let findings = told(&[("one", "a 0"), ("one", "r 0 0"), ("one", "r 0 1")], &FOUR);
    assert_eq!((findings.skipped, findings.behind), (0, 2));
}

#[test]
fn a_halted_member_that_goes_on_with_what_is_no_longer_its_own_is_counted_by_itself() {
    let findings = told(
        &[
            ("one", "a 0"),
            ("one", "r 0 0"),
            ("one", "c 0 1"),
            ("two", "a 0"),
            ("two", "r 0 1"),
            ("two", "c 0 2"),
            ("one", "r 0 1"),
            ("one", "v 0"),
            ("two", "r 0 2"),
            ("two", "r 0 3"),
        ],
        &FOUR,
    );
    assert_eq!(
        (findings.by_halted, findings.redelivered, findings.outside_window),
        (1, 0, 0)
    );
}

#[test]
fn a_commit_that_is_only_known_to_its_dead_owner_bounds_nothing() {
    // The commit of 2 was applied and its confirmation never written: going on from there skips nothing.
    let findings = told(
        &[
            ("one", "a 0"),
            ("one", "r 0 0"),
            ("one", "c 0 1"),
            ("one", "r 0 1"),
            ("one", "x"),
            ("two", "a 0"),
            ("two", "r 0 2"),
            ("two", "r 0 3"),
        ],
        &FOUR,
    );
    assert_eq!(
        (findings.skipped, findings.redelivered, findings.outside_window),
        (0, 0, 0)
    );
}
