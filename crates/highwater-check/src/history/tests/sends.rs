use super::story::Story;
use crate::history::Outcome::{Ok, Unknown};

#[test]
fn records_of_a_client_stand_in_the_order_in_which_it_sent_them() {
    let cases: Vec<(&str, Story, &[&str])> = vec![
        (
            "in order, with a gap where nothing is",
            Story::default().sends(0, Ok, &[(0, 1, 0), (0, 2, 4)]),
            &[],
        ),
        (
            "the other way round in one operation",
            Story::default().sends(0, Ok, &[(0, 1, 1), (0, 2, 0)]),
            &["int-nonmonotonic-send 0:1@1 0:2@0"],
        ),
        (
            "the other way round in two operations",
            Story::default()
                .sends(0, Ok, &[(0, 1, 1)])
                .sends(0, Ok, &[(0, 2, 0)]),
            &["nonmonotonic-send 0:1@1 0:2@0"],
        ),
        (
            "the other way round by two clients",
            Story::default()
                .sends(0, Ok, &[(0, 1, 1)])
                .sends(1, Ok, &[(0, 2, 0)]),
            &[],
        ),
        (
            "the other way round in two partitions",
            Story::default().sends(0, Ok, &[(0, 1, 1), (1, 2, 0)]),
            &[],
        ),
        (
            "the record of another between them, in one operation",
            Story::default()
                .sends(0, Ok, &[(0, 1, 0), (0, 2, 2)])
                .sends(1, Ok, &[(0, 3, 1)]),
            &["int-send-skip 0:1@0 0:2@2 skipping 3"],
        ),
        (
            "the record of another between them, in two operations",
            Story::default()
                .sends(0, Ok, &[(0, 1, 0)])
                .sends(0, Ok, &[(0, 2, 2)])
                .sends(1, Ok, &[(0, 3, 1)]),
            &[],
        ),
        (
            "a send that perhaps happened, between them",
            Story::default()
                .sends(0, Ok, &[(0, 1, 0), (0, 2, 2)])
                .sends(1, Unknown, &[(0, 3, 1)]),
            &[],
        ),
    ];
    for (name, story, expected) in cases {
        assert_eq!(story.found(), expected, "{name}");
    }
}
