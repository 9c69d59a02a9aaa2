//! Groups in tables: what is found, and legal cousins that are not.

use crate::history::{
    Action, Group, GroupStep, Kind, Member, Operation, Options, Outcome, Partition, Process, Producer, Step,
    What, check,
};

/// One thing that happens, in few words; partition 0 unless told otherwise.
#[derive(Debug, Clone, Copy)]
enum Do {
    /// The log holds records at these offsets.
    Log(i64, i64),
    /// Member, generation, partitions.
    Own(u32, i32, &'static [u32]),
    Leave(u32),
    Begin(u32, i64),
    Get(u32, i64, i64),
    /// Member, generation, offset.
    Commit(u32, i32, i64),
    Perhaps(u32, i32, i64),
    Refused(u32, i32, i64),
    /// From outside of the group.
    Reset(i64),
    Disturb,
    Abort,
    /// A reader repositioned itself.
    Seek,
}

use Do::{Abort, Begin, Commit, Disturb, Get, Leave, Log, Own, Perhaps, Refused, Reset, Seek};

const GROUP: Group = Group(0);
const PLACE: Partition = Partition(0);

fn committed(member: Option<u32>, generation: i32, offset: i64, outcome: Outcome) -> What {
    What::Group(GroupStep::Committed {
        group: GROUP,
        member: member.map(Member),
        generation,
        partition: PLACE,
        offset,
        outcome,
    })
}

fn steps(story: &[Do]) -> Vec<Step> {
    let mut log = crate::history::tests::Story::default();
    for one in story {
        let what = match *one {
            Log(first, end) => {
                let records: Vec<_> = (first..end)
                    .map(|offset| (0, offset.unsigned_abs(), offset))
                    .collect();
                log = log.sends(9, Outcome::Ok, &records).logs(&records).end(0, end);
                continue;
            }
            Own(member, generation, partitions) => What::Group(GroupStep::Assigned {
                group: GROUP,
                member: Member(member),
                generation,
                partitions: partitions.iter().copied().map(Partition).collect(),
            }),
            Leave(member) => What::Group(GroupStep::Left {
                group: GROUP,
                member: Member(member),
            }),
            Begin(member, offset) => What::Group(GroupStep::Positioned {
                group: GROUP,
                member: Member(member),
                partition: PLACE,
                offset,
            }),
            Get(member, first, last) => What::Group(GroupStep::Delivered {
                group: GROUP,
                member: Member(member),
                partition: PLACE,
                first,
                last,
            }),
            Commit(member, generation, offset) => committed(Some(member), generation, offset, Outcome::Ok),
            Perhaps(member, generation, offset) => {
                committed(Some(member), generation, offset, Outcome::Unknown)
            }
            Refused(member, generation, offset) => {
                committed(Some(member), generation, offset, Outcome::Failed)
            }
            Reset(offset) => committed(None, -1, offset, Outcome::Ok),
            Disturb => What::Disturbed,
            Abort => What::Operation(Operation {
                began: 0,
                process: Process(1),
                outcome: Outcome::Failed,
                kind: Kind::Transaction,
                producer: Some(Producer { id: 1, epoch: 0 }),
                actions: Vec::<Action>::new(),
            }),
            Seek => What::Subscribed {
                process: Process(1),
                partitions: vec![PLACE],
                repositioned: true,
            },
        };
        log = log.what(what);
    }
    log.steps
}

/// What is found, with the offsets it is about.
fn found(story: &[Do]) -> String {
    let findings = check(steps(story), Options::default());
    let words: Vec<String> = findings
        .iter()
        .map(|finding| {
            let offsets: Vec<String> = finding
                .records
                .iter()
                .filter_map(|record| record.offset.map(|offset| offset.to_string()))
                .collect();
            let delta = finding
                .delta
                .map(|delta| format!(" ({delta})"))
                .unwrap_or_default();
            format!("{} {}{delta}", finding.anomaly.name(), offsets.join("-"))
        })
        .collect();
    words.join("; ")
}

const ONE: Do = Own(1, 1, &[0]);

#[track_caller]
fn all(cases: &[(&str, &[Do], &str)]) {
    for (name, story, expected) in cases {
        assert_eq!(found(story), *expected, "{name}");
    }
}

#[test]
fn skips_of_groups() {
    all(&[
        ("nothing", &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 8)], ""),
        (
            "the first",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 1, 8)],
            "group-skip 0 (1)",
        ),
        (
            "in the middle",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 3), Get(1, 6, 8)],
            "group-skip 4 (2)",
        ),
        (
            "twice",
            &[Log(0, 9), ONE, Get(1, 0, 1), Get(1, 3, 4), Get(1, 8, 8)],
            "group-skip 2 (1); group-skip 5 (3)",
        ),
        (
            "the last was not reached yet",
            &[Log(0, 9), ONE, Get(1, 0, 7)],
            "",
        ),
        (
            "another member got it",
            &[
                Log(0, 9),
                ONE,
                Get(1, 0, 3),
                Own(2, 2, &[0]),
                Get(2, 6, 8),
                Get(1, 4, 5),
            ],
            "",
        ),
        ("it began later", &[Log(0, 9), ONE, Begin(1, 5), Get(1, 5, 8)], ""),
        (
            "nothing stands there",
            &[Log(0, 4), Log(6, 9), ONE, Get(1, 0, 3), Get(1, 6, 8)],
            "",
        ),
    ]);
}

#[test]
fn commits_that_are_ahead() {
    all(&[
        (
            "of what was delivered",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 3), Commit(1, 1, 4)],
            "",
        ),
        (
            "of nothing yet",
            &[Log(0, 9), ONE, Begin(1, 0), Commit(1, 1, 2)],
            "commit-ahead 0 (2)",
        ),
        (
            "by one",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 3), Commit(1, 1, 5)],
            "commit-ahead 4 (1)",
        ),
        (
            "of the last",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 7), Commit(1, 1, 9)],
            "commit-ahead 8 (1)",
        ),
        (
            "delivered later",
            &[
                Log(0, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 3),
                Commit(1, 1, 9),
                Get(1, 4, 8),
            ],
            "commit-ahead 4 (5)",
        ),
        (
            "a marker is no record",
            &[
                Log(0, 4),
                Log(5, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 3),
                Commit(1, 1, 5),
            ],
            "",
        ),
        ("refused", &[Log(0, 9), ONE, Begin(1, 0), Refused(1, 1, 9)], ""),
        ("an administrator", &[Log(0, 9), ONE, Begin(1, 0), Reset(9)], ""),
        (
            "delivered to another member",
            &[
                Log(0, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 8),
                Own(2, 2, &[0]),
                Begin(2, 0),
                Commit(2, 2, 9),
            ],
            "",
        ),
        (
            "told to begin there",
            &[Log(0, 9), ONE, Begin(1, 6), Commit(1, 1, 6)],
            "",
        ),
    ]);
}

#[test]
fn offsets_that_go_back() {
    all(&[
        (
            "forward",
            &[
                ONE,
                Begin(1, 0),
                Get(1, 0, 8),
                Commit(1, 1, 4),
                Commit(1, 1, 9),
                Own(2, 2, &[0]),
                Begin(2, 9),
            ],
            "",
        ),
        (
            "the same again",
            &[ONE, Get(1, 0, 8), Commit(1, 1, 9), Commit(1, 1, 9), Begin(1, 9)],
            "",
        ),
        (
            "a lower commit",
            &[ONE, Get(1, 0, 8), Commit(1, 1, 9), Commit(1, 1, 4)],
            "commit-regression 9-4 (-5)",
        ),
        (
            "told to begin earlier",
            &[ONE, Get(1, 0, 8), Commit(1, 1, 9), Own(2, 2, &[0]), Begin(2, 4)],
            "commit-regression 9-4 (-5)",
        ),
        (
            "forgotten",
            &[ONE, Get(1, 0, 8), Commit(1, 1, 9), Own(2, 2, &[0]), Begin(2, -1)],
            "commit-regression 9-0 (-9)",
        ),
        (
            "a commit that may not have landed",
            &[
                ONE,
                Get(1, 0, 8),
                Commit(1, 1, 4),
                Perhaps(1, 1, 9),
                Own(2, 2, &[0]),
                Begin(2, 4),
            ],
            "",
        ),
        (
            "one that may land late",
            &[
                ONE,
                Get(1, 0, 8),
                Perhaps(1, 1, 4),
                Commit(1, 1, 9),
                Own(2, 2, &[0]),
                Begin(2, 4),
            ],
            "",
        ),
        (
            "refused",
            &[ONE, Get(1, 0, 8), Commit(1, 1, 4), Refused(1, 1, 9), Begin(1, 4)],
            "",
        ),
        (
            "told once",
            &[ONE, Get(1, 0, 8), Commit(1, 1, 9), Begin(1, 4), Begin(1, 4)],
            "commit-regression 9-4 (-5)",
        ),
    ]);
}

#[test]
fn records_that_come_again() {
    all(&[
        (
            "the whole",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 8), Get(1, 0, 8)],
            "redelivery-outside-window 0-8 (9)",
        ),
        (
            "the first",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 0), Get(1, 0, 8)],
            "redelivery-outside-window 0-0 (1)",
        ),
        (
            "the last",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 8), Get(1, 8, 8)],
            "redelivery-outside-window 8-8 (1)",
        ),
        (
            "after a rebalance",
            &[
                Log(0, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 8),
                Own(1, 2, &[0]),
                Begin(1, 0),
                Get(1, 0, 8),
            ],
            "",
        ),
        (
            "to another member",
            &[
                Log(0, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 8),
                Own(2, 2, &[0]),
                Begin(2, 0),
                Get(2, 0, 8),
            ],
            "",
        ),
        (
            "after an abort",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 8), Abort, Get(1, 0, 8)],
            "",
        ),
        (
            "after a fault",
            &[Log(0, 9), ONE, Begin(1, 0), Get(1, 0, 8), Disturb, Get(1, 0, 8)],
            "",
        ),
        (
            "it went back by itself",
            &[
                Log(0, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 8),
                Commit(1, 1, 9),
                Seek,
                Get(1, 0, 8),
            ],
            "",
        ),
        (
            "from the committed offset",
            &[
                Log(0, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 8),
                Commit(1, 1, 4),
                Own(2, 2, &[0]),
                Begin(2, 4),
                Get(2, 4, 8),
            ],
            "",
        ),
        (
            "from in front of it",
            &[
                Log(0, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 8),
                Commit(1, 1, 4),
                Own(2, 2, &[0]),
                Begin(2, 2),
                Get(2, 2, 8),
            ],
            "redelivery-outside-window 2-3 (2); commit-regression 4-2 (-2)",
        ),
        (
            "in front of a commit that may not have landed",
            &[
                Log(0, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 8),
                Perhaps(1, 1, 4),
                Own(2, 2, &[0]),
                Begin(2, 2),
                Get(2, 2, 8),
            ],
            "",
        ),
        (
            "an old member that has not heard yet",
            &[
                Log(0, 9),
                ONE,
                Begin(1, 0),
                Get(1, 0, 3),
                Own(2, 2, &[0]),
                Begin(2, 0),
                Get(2, 0, 8),
                Commit(2, 2, 9),
                Get(1, 4, 8),
            ],
            "",
        ),
    ]);
}

#[test]
fn two_owners() {
    all(&[
        ("in one generation", &[ONE, Own(2, 1, &[0])], "dual-ownership "),
        (
            "one of several",
            &[Own(1, 1, &[1, 0]), Own(2, 1, &[0, 2])],
            "dual-ownership ",
        ),
        ("the next generation", &[ONE, Own(2, 2, &[0])], ""),
        ("the old one heard late", &[Own(2, 2, &[0]), ONE], ""),
        (
            "one by one (cooperative)",
            &[
                Own(1, 1, &[0, 1]),
                Own(1, 2, &[1]),
                Own(2, 2, &[]),
                Own(2, 3, &[0]),
            ],
            "",
        ),
        (
            "given up in the same epoch",
            &[Own(1, 2, &[0, 1]), Own(1, 2, &[1]), Own(2, 2, &[0])],
            "",
        ),
        ("it left", &[ONE, Leave(1), Own(2, 1, &[0])], ""),
        ("the same member again", &[ONE, ONE], ""),
        ("without generations", &[Own(1, -1, &[0]), Own(2, -1, &[0])], ""),
    ]);
}

#[test]
fn commits_of_old_generations() {
    let back = "fencing-violation 4";
    all(&[
        (
            "accepted",
            &[ONE, Get(1, 0, 3), Own(2, 2, &[0]), Commit(1, 1, 4)],
            back,
        ),
        (
            "of a member that moved on",
            &[ONE, Get(1, 0, 3), Own(1, 2, &[1]), Commit(1, 1, 4)],
            back,
        ),
        (
            "refused",
            &[ONE, Get(1, 0, 3), Own(2, 2, &[0]), Refused(1, 1, 4)],
            "",
        ),
        (
            "perhaps",
            &[ONE, Get(1, 0, 3), Own(2, 2, &[0]), Perhaps(1, 1, 4)],
            "",
        ),
        (
            "before",
            &[ONE, Get(1, 0, 3), Commit(1, 1, 4), Own(2, 2, &[0])],
            "",
        ),
        (
            "crossed the rebalance",
            &[ONE, Get(1, 0, 3), Own(2, 2, &[0]), Commit(1, -1, 4)],
            "",
        ),
        (
            "others are ahead, with other partitions (KIP-848)",
            &[ONE, Get(1, 0, 3), Own(2, 2, &[1]), Commit(1, 1, 4)],
            "",
        ),
        (
            "of what it gives up, in the new one",
            &[ONE, Get(1, 0, 3), Own(1, 2, &[1]), Commit(1, 2, 4)],
            "",
        ),
    ]);
}
