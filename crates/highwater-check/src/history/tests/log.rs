use super::story::Story;
use crate::history::Outcome::{Failed, Ok, Unknown};
use crate::history::{LogStep, What};

#[test]
fn records_and_offsets_without_a_read_back() {
    let cases: Vec<(&str, Story, &[&str])> = vec![
        ("nothing", Story::default(), &[]),
        (
            "two records read at one offset",
            Story::default()
                .sends(0, Unknown, &[(0, 1, -1)])
                .sends(3, Unknown, &[(0, 2, -1)])
                .polls(1, &[(0, 1, 5)])
                .polls(2, &[(0, 2, 5)]),
            &["inconsistent-offsets 0:1@5 0:2@5"],
        ),
        (
            "two acknowledgements of one offset",
            Story::default()
                .sends(0, Ok, &[(0, 1, 5)])
                .sends(1, Ok, &[(0, 2, 5)]),
            &["inconsistent-offsets 0:1@5 0:2@5", "reused-offset 0:1@5 0:2@5"],
        ),
        (
            "the offset of an unknown send that nothing proves",
            Story::default()
                .sends(0, Unknown, &[(0, 1, 5)])
                .sends(1, Ok, &[(0, 2, 5)]),
            &[],
        ),
        (
            "acknowledged at one offset, read at another",
            Story::default().sends(0, Ok, &[(0, 1, 1)]).polls(1, &[(0, 1, 3)]),
            &["duplicate 0:1@1 0:1@3"],
        ),
        (
            "the same offset in two partitions",
            Story::default()
                .sends(0, Ok, &[(0, 1, 5), (1, 2, 5)])
                .polls(1, &[(0, 1, 5), (1, 2, 5)]),
            &[],
        ),
        (
            "never sent",
            Story::default()
                .sends(0, Ok, &[(0, 1, 0)])
                .polls(1, &[(0, 1, 0), (0, 2, 1)]),
            &["phantom 0:2@1"],
        ),
        (
            "a partition that nobody here writes to",
            Story::default()
                .sends(0, Ok, &[(0, 1, 0)])
                .polls(1, &[(0, 1, 0), (1, 2, 1)]),
            &[],
        ),
    ];
    for (name, story, expected) in cases {
        assert_eq!(story.found(), expected, "{name}");
    }
}

#[test]
fn the_log_outweighs_acknowledgements() {
    let sent = || {
        Story::default()
            .sends(0, Ok, &[(0, 1, 0)])
            .sends(0, Ok, &[(0, 2, 1)])
    };
    let cases: Vec<(&str, Story, &[&str])> = vec![
        ("as told", sent().logs(&[(0, 1, 0), (0, 2, 1)]).end(0, 2), &[]),
        (
            "swapped",
            sent().logs(&[(0, 2, 0), (0, 1, 1)]).end(0, 2),
            &[
                "inconsistent-offsets 0:1@0 0:1@1",
                "inconsistent-offsets 0:2@1 0:2@0",
                "nonmonotonic-send 0:1@1 0:2@0",
            ],
        ),
        (
            "twice",
            sent().logs(&[(0, 1, 0), (0, 2, 1), (0, 1, 2)]).end(0, 3),
            &["duplicate 0:1@0 0:1@2"],
        ),
        (
            "once aborted, then sent again and committed",
            Story::default()
                .transaction(0, Failed, &[(0, 1, 0)])
                .transaction(0, Ok, &[(0, 1, 2)])
                .raw((0, 1, 0), Some(7))
                .marker(0, 1, 7, false)
                .raw((0, 1, 2), Some(7))
                .marker(0, 3, 7, true)
                .committed((0, 1, 2))
                .end(0, 4),
            &[],
        ),
    ];
    for (name, story, expected) in cases {
        assert_eq!(story.found(), expected, "{name}");
    }
}

#[test]
fn bytes_that_are_not_what_was_sent() {
    let damaged = |mut story: Story| {
        if let Some(What::Log(LogStep::Record(record))) = story.steps.last_mut().map(|step| &mut step.what) {
            record.intact = false;
        }
        story
    };
    let sent = || {
        Story::default()
            .sends(0, Ok, &[(0, 1, 0)])
            .sends(0, Ok, &[(0, 2, 1)])
            .logs(&[(0, 1, 0)])
    };
    let cases: Vec<(&str, Story, &[&str])> = vec![
        (
            "as sent",
            sent().raw((0, 2, 1), None).committed((0, 2, 1)).end(0, 2),
            &[],
        ),
        (
            "the same value, a checksum that does not agree",
            damaged(sent().raw((0, 2, 1), None))
                .committed((0, 2, 1))
                .end(0, 2),
            &["corrupt-payload 0:2@1"],
        ),
        (
            "another value at the offset: no loss, nor a phantom",
            damaged(sent().raw((0, 77, 1), None))
                .committed((0, 77, 1))
                .end(0, 2),
            &["corrupt-payload 0:77@1"],
        ),
    ];
    for (name, story, expected) in cases {
        assert_eq!(story.found(), expected, "{name}");
    }
}
