//! One defect in an otherwise good run: at the first, a middle and the last record, with every rule, and exactly that
//! is found.

use super::story::{INPUTS, In, Story, place, told};
use crate::Anomaly as A;
use crate::pipeline::{Order, Windows};

const RULES: [&str; 4] = ["same", "header:id", "json:/order/id", "regex:order-(\\d+);"];
/// Of key `b`, alone in partition 1, so that its neighbours are those of its key.
const FIRST_MIDDLE_LAST: [usize; 3] = [1, 13, INPUTS - 2];

fn each(mut test: impl FnMut(Story, usize)) {
    for rule in RULES {
        for index in FIRST_MIDDLE_LAST {
            test(Story::copied(rule), index);
        }
    }
}

#[test]
fn a_good_run_shows_nothing() {
    for rule in RULES
        .into_iter()
        .chain(["header:id,filter", "header:id,fan-out", "header:id,fan-out=1"])
    {
        for order in [Order::PerKey, Order::PerPartition] {
            let mut story = Story::copied(rule);
            story.order = order;
            let judged = story.judged();
            assert_eq!(judged.findings, [], "{rule}");
            assert!(judged.whole(), "{rule}: {judged:?}");
            assert_eq!((judged.inputs, judged.outputs), (INPUTS as u64, INPUTS as u64));
        }
    }
}

#[test]
fn a_record_left_out() {
    each(|mut story, index| {
        story.out.remove(index);
        assert_eq!(
            story.found(),
            [(A::PipelineLoss, vec![story.fed[index].place], vec![])]
        );
        let finding = &story.judged().findings[0];
        assert_eq!(finding.key.as_deref(), Some(&b"b"[..]));
    });
}

#[test]
fn a_loss_and_an_equal_duplicate_do_not_cancel_out() {
    each(|mut story, index| {
        let other = if index == 1 { 4 } else { 1 };
        // Where the lost one would be stands the other one once more.
        story.out[index] = story.fed[other].copied();
        let (lost, twice) = (story.fed[index].place, story.fed[other].place);
        let mut places = vec![story.place_of(other), story.place_of(index)];
        places.sort();
        let found: Vec<_> = story
            .found()
            .into_iter()
            .filter(|found| found.0 != A::PipelineReorder)
            .collect();
        assert_eq!(
            found,
            [
                (A::PipelineLoss, vec![lost], vec![]),
                (A::PipelineDuplicate, vec![twice], places)
            ]
        );
    });
}

#[test]
fn a_record_repeated_in_and_out_of_the_window() {
    let window = |from, to| {
        let mut windows = Windows::default();
        windows.add(0, 1, from, to);
        Some(windows)
    };
    each(|mut story, index| {
        let again = story.fed[index].copied();
        story.out.push(again);
        let input = story.fed[index].place;
        let outputs = vec![story.place_of(index), story.place_of(INPUTS)];
        let duplicate = (A::PipelineDuplicate, vec![input], outputs.clone());
        let outside = (A::RedeliveryOutsideWindow, vec![input], outputs);
        let only = std::slice::from_ref(&duplicate);
        assert_eq!(story.found(), only, "nothing is known about windows");
        story.windows = window(input.offset, input.offset + 1);
        assert_eq!(story.found(), only);
        assert_eq!(story.judged().findings[0].inside_window, Some(true));
        for beside in [window(0, input.offset), window(input.offset + 1, 100)] {
            story.windows = beside;
            assert_eq!(story.found(), [outside.clone(), duplicate.clone()]);
        }
    });
}

#[test]
fn windows_join() {
    let mut windows = Windows::default();
    for (from, to) in [(5, 8), (0, 2), (7, 9), (1, 3), (20, 20)] {
        windows.add(0, 0, from, to);
    }
    let joined = windows.joined();
    let inside: Vec<i64> = (-1..25)
        .filter(|offset| joined.contains(place(0, *offset)))
        .collect();
    assert_eq!(inside, [0, 1, 2, 5, 6, 7, 8]);
    assert!(!joined.contains(place(1, 1)));
}

#[test]
fn two_records_of_a_key_swapped() {
    each(|mut story, index| {
        let (one, other) = if index == INPUTS - 2 {
            (index - 3, index)
        } else {
            (index, index + 3)
        };
        story.out.swap(one, other);
        // The earlier input now stands where the later one stood.
        let expected = (
            A::PipelineReorder,
            vec![story.fed[one].place, story.fed[other].place],
            vec![story.place_of(other), story.place_of(one)],
        );
        assert_eq!(story.found(), [expected]);
    });
}

#[test]
fn order_of_different_keys_is_promised_by_partition_only() {
    let mut story = Story::copied("header:id");
    // Keys a and c share partition 0.
    story.out.swap(0, 2);
    assert_eq!(story.found(), []);
    story.order = Order::PerPartition;
    let found = story.found();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, A::PipelineReorder);
    assert_eq!(found[0].1, [place(0, 0), place(0, 1)]);
}

#[test]
fn processing_again_from_an_earlier_record_is_no_reorder() {
    let mut story = Story::copied("header:id");
    let again: Vec<_> = story.fed[10..20].iter().map(In::copied).collect();
    story.out.splice(20..20, again);
    let found = story.found();
    assert_eq!(found.len(), 10);
    assert!(found.iter().all(|found| found.0 == A::PipelineDuplicate));
}

#[test]
fn an_output_of_nothing() {
    each(|mut story, index| {
        let mut invented = story.fed[index].clone();
        invented.id = "999".to_owned();
        story.out.insert(index, invented.copied());
        assert_eq!(
            story.found(),
            [(A::PipelinePhantom, vec![], vec![story.place_of(index)])]
        );
    });
}

#[test]
fn a_record_of_an_aborted_transaction() {
    each(|mut story, index| {
        story.fed[index].committed = false;
        let expected = (
            A::PipelinePhantom,
            vec![story.fed[index].place],
            vec![story.place_of(index)],
        );
        assert_eq!(story.found(), [expected]);
        story.out.remove(index);
        assert_eq!(story.found(), []);
        // Aborted and sent again: the one that counts is the second.
        let mut again = story.fed[index].clone();
        again.committed = true;
        again.place.offset = 100;
        story.out.push(again.copied());
        story.fed.push(again);
        assert_eq!(story.found(), []);
        story.out.pop();
        assert_eq!(story.found(), [(A::PipelineLoss, vec![place(1, 100)], vec![])]);
    });
}

#[test]
fn a_key_that_moves() {
    each(|mut story, index| {
        story.out[index].partition = 0;
        let firsts = if index == 1 {
            // The wrong place is the first that is read.
            vec![story.place_of(1), story.place_of(4)]
        } else {
            vec![story.place_of(index), story.place_of(1)]
        };
        assert_eq!(story.found(), [(A::KeyMoved, vec![], firsts)]);
    });
}

#[test]
fn a_fan_out_with_too_few_too_many_and_twice_the_same() {
    let three = || {
        let mut story = Story::copied("header:id,fan-out=3");
        story.out = story
            .fed
            .iter()
            .flat_map(|fed| (0..3).map(move |branch| (fed, branch)))
            .map(|(fed, branch)| {
                let mut out = fed.copied();
                out.value = Some(format!("{branch} of {}", fed.id).into_bytes());
                out
            })
            .collect();
        story
    };
    assert_eq!(three().found(), []);
    for index in FIRST_MIDDLE_LAST {
        let input = three().fed[index].place;
        let mut few = three();
        few.out.remove(3 * index + 1);
        let rest = vec![few.place_of(3 * index), few.place_of(3 * index + 1)];
        assert_eq!(few.found(), [(A::PipelineLoss, vec![input], rest)]);
        assert_eq!(few.judged().findings[0].note.as_deref(), Some("2 of 3 outputs"));

        let mut twice = three();
        twice.out.insert(3 * index, twice.out[3 * index].clone());
        let both = vec![twice.place_of(3 * index), twice.place_of(3 * index + 1)];
        assert_eq!(twice.found(), [(A::PipelineDuplicate, vec![input], both)]);

        let mut many = three();
        let mut fourth = many.out[3 * index].clone();
        fourth.value = Some(b"another".to_vec());
        many.out.insert(3 * index, fourth);
        let all = (0..4).map(|branch| many.place_of(3 * index + branch)).collect();
        assert_eq!(many.found(), [(A::PipelineDuplicate, vec![input], all)]);

        // One gone and another one twice: three outputs, and yet both are told.
        let mut both = three();
        both.out[3 * index] = both.out[3 * index + 1].clone();
        let names: Vec<A> = both
            .judged()
            .findings
            .into_iter()
            .map(|finding| told(finding).0)
            .collect();
        assert_eq!(names, [A::PipelineLoss, A::PipelineDuplicate]);

        let mut none = three();
        none.out.drain(3 * index..3 * index + 3);
        assert_eq!(none.found(), [(A::PipelineLoss, vec![input], vec![])]);
    }
}

#[test]
fn a_filter_may_leave_out_and_not_repeat() {
    each(|mut story, index| {
        if story.rule.to_string().starts_with("same") {
            return;
        }
        story.rule = format!("{},filter", story.rule.source).parse().expect("a rule");
        story.out.remove(index);
        assert_eq!(story.found(), []);
        story.out.push(story.out[0].clone());
        let names: Vec<A> = story.found().into_iter().map(|found| found.0).collect();
        assert_eq!(names, [A::PipelineDuplicate]);
    });
}
