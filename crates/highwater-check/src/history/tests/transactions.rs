use super::story::{Story, poll, send};
use crate::history::Kind::{Plain, Transaction};
use crate::history::Options;
use crate::history::Outcome::{Failed, Ok, Unknown};

type Cases<'a> = Vec<(&'a str, Story, &'a [&'a str])>;

fn hold(cases: Cases<'_>) {
    for (name, story, expected) in cases {
        assert_eq!(story.found(), expected, "{name}");
    }
}

#[test]
fn what_was_aborted_is_read_by_nobody() {
    // Appended to partition 0 and ended there as the marker says.
    let ended = |outcome, commit| {
        Story::default()
            .transaction(0, outcome, &[(0, 1, 0)])
            .raw((0, 1, 0), Some(7))
            .marker(0, 1, 7, commit)
    };
    hold(vec![
        (
            "aborted, and read",
            Story::default()
                .transaction(0, Failed, &[(0, 1, -1)])
                .polls(1, &[(0, 1, 0)]),
            &["aborted-read 0:1@0"],
        ),
        (
            "aborted, and not read",
            Story::default()
                .transaction(0, Failed, &[(0, 1, -1)])
                .transaction(0, Ok, &[(0, 2, 2)])
                .polls(1, &[(0, 2, 2)]),
            &[],
        ),
        (
            "of unknown end, and read: it was committed",
            Story::default()
                .transaction(0, Unknown, &[(0, 1, -1)])
                .polls(1, &[(0, 1, 0)]),
            &[],
        ),
        (
            "aborted as the log says, and read back as committed",
            ended(Unknown, false).committed((0, 1, 0)).end(0, 2),
            &["aborted-read 0:1@0"],
        ),
        (
            "aborted as the log says, and not read back as committed",
            ended(Unknown, false).end(0, 2),
            &[],
        ),
        (
            "failed as the client says, committed as the log says",
            ended(Failed, true).committed((0, 1, 0)).end(0, 2),
            &["client-misclassification 0:1@0"],
        ),
    ]);
}

#[test]
fn a_transaction_does_not_read_its_own_records_before_the_commit() {
    let reads_its_own = |kind| {
        let actions = vec![send((0, 1, 0)), poll(&[(0, 1, 0)])];
        Story::default().operation(0, kind, Ok, actions)
    };
    hold(vec![
        (
            "in a transaction",
            reads_its_own(Transaction),
            &["precommitted-read 0:1@0"],
        ),
        ("outside of one", reads_its_own(Plain), &[]),
        (
            "in the next one",
            Story::default()
                .transaction(0, Ok, &[(0, 1, 0)])
                .operation(0, Transaction, Ok, vec![poll(&[(0, 1, 0)]), send((0, 2, 2))])
                .polls(1, &[(0, 1, 0), (0, 2, 2)]),
            &[],
        ),
    ]);
}

#[test]
fn a_transaction_is_there_as_a_whole_or_not_at_all() {
    let ended = |outcome, commits: [bool; 2]| {
        let mut story = Story::default().transaction(0, outcome, &[(0, 1, 0), (1, 2, 0)]);
        for (partition, commit) in [0, 1].into_iter().zip(commits) {
            let told = (partition, u64::from(partition) + 1, 0);
            story = story.raw(told, Some(7)).marker(partition, 1, 7, commit);
            if commit {
                story = story.committed(told);
            }
            story = story.end(partition, 2);
        }
        story
    };
    hold(vec![
        ("committed", ended(Ok, [true, true]), &[]),
        ("aborted", ended(Failed, [false, false]), &[]),
        (
            "committed, and one partition aborted",
            ended(Ok, [true, false]),
            &["lost-write 1:2@0", "torn-transaction 1:2@0"],
        ),
        (
            "aborted, and one partition committed",
            ended(Failed, [true, false]),
            &["aborted-read 0:1@0", "torn-transaction 0:1@0"],
        ),
    ]);
}

#[test]
fn a_reader_sees_all_of_a_transaction_that_it_reads_past() {
    let written = || {
        Story::default()
            .sends(2, Ok, &[(1, 8, 0)])
            .transaction(0, Ok, &[(0, 1, 0), (1, 2, 1)])
            .sends(2, Ok, &[(1, 9, 3)])
            .polls(3, &[(0, 1, 0), (1, 8, 0), (1, 2, 1), (1, 9, 3)])
    };
    hold(vec![
        (
            "past it",
            written().polls(1, &[(0, 1, 0), (1, 8, 0)]).polls(1, &[(1, 9, 3)]),
            &["poll-skip 1:8@0 1:9@3 skipping 2", "fractured-read 0:1@0 1:2@1"],
        ),
        (
            "past it, and nothing of it was seen",
            written().polls(1, &[(1, 8, 0)]).polls(1, &[(1, 9, 3)]),
            &["poll-skip 1:8@0 1:9@3 skipping 2"],
        ),
        (
            "not that far yet",
            written().polls(1, &[(0, 1, 0), (1, 8, 0)]),
            &[],
        ),
    ]);
}

#[test]
fn transactions_do_not_read_from_each_other_in_a_circle() {
    hold(vec![
        (
            "each read what the other wrote",
            Story::default()
                .operation(0, Transaction, Ok, vec![send((0, 1, 0)), poll(&[(1, 2, 0)])])
                .operation(1, Transaction, Ok, vec![send((1, 2, 0)), poll(&[(0, 1, 0)])]),
            &["information-cycle 1:2@0 0:1@0"],
        ),
        (
            "one read what the other wrote",
            Story::default()
                .operation(0, Transaction, Ok, vec![send((0, 1, 0))])
                .operation(1, Transaction, Ok, vec![send((1, 2, 0)), poll(&[(0, 1, 0)])]),
            &[],
        ),
        (
            "a circle through three",
            Story::default()
                .operation(0, Transaction, Ok, vec![send((0, 1, 0)), poll(&[(2, 3, 0)])])
                .operation(1, Transaction, Ok, vec![send((1, 2, 0)), poll(&[(0, 1, 0)])])
                .operation(2, Transaction, Ok, vec![send((2, 3, 0)), poll(&[(1, 2, 0)])]),
            &["information-cycle 1:2@0 2:3@0 0:1@0"],
        ),
        (
            "each wrote behind the other",
            Story::default()
                .transaction(0, Ok, &[(0, 1, 0), (1, 2, 1)])
                .transaction(1, Ok, &[(0, 3, 1), (1, 4, 0)]),
            &["write-cycle 1:4@0 1:2@1 0:1@0 0:3@1"],
        ),
        (
            "each wrote behind the other, and one was aborted",
            Story::default()
                .transaction(0, Ok, &[(0, 1, 0), (1, 2, 1)])
                .transaction(1, Failed, &[(0, 3, 1), (1, 4, 0)]),
            &[],
        ),
    ]);
}

#[test]
fn the_order_of_offsets_makes_circles_only_where_that_is_asked_for() {
    let story = Story::default()
        .operation(0, Transaction, Ok, vec![send((0, 1, 0)), send((1, 3, 1))])
        .operation(1, Transaction, Ok, vec![poll(&[(0, 1, 0)]), send((1, 2, 0))]);
    let names = |write_order| {
        let options = Options {
            write_order,
            ..Options::default()
        };
        let findings = story.findings(options);
        findings
            .iter()
            .map(|finding| finding.anomaly.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(false), Vec::<&str>::new());
    assert_eq!(names(true), ["information-cycle"]);
}
