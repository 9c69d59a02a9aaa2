//! Outputs that name no input, inputs that are named alike, and what can be judged all the same.

use super::story::{INPUTS, Story};
use crate::Anomaly as A;
use crate::pipeline::{Check, Extent, PipelineFindings, Untraced};

fn extent(judged: &PipelineFindings, check: Check) -> &Extent {
    let of_check = judged.judged.iter().find(|judged| judged.check == check);
    &of_check.expect("every check is told").extent
}

#[test]
fn a_trace_that_does_not_come_out_is_told_with_examples() {
    let without = |story: &mut Story| {
        for out in &mut story.out {
            out.headers.clear();
            out.value = Some(b"other".repeat(100));
        }
    };
    for (rule, why) in [
        ("same", "no output has the key and the value of an input"),
        ("header:id", "no output names an input: it has no header `id`"),
        (
            "json:/order/id",
            "no output names an input: its value is not JSON",
        ),
        (
            "regex:order-(\\d+);",
            "no output names an input: nothing in its value is like `order-(\\d+);`",
        ),
    ] {
        let mut story = Story::copied(rule);
        without(&mut story);
        let judged = story.judged();
        assert_eq!(judged.findings, [], "{rule}: nothing can be said");
        assert_eq!(judged.untraceable.count, INPUTS as u64, "{rule}");
        assert_eq!(judged.untraceable.examples.len(), 3, "{rule}");
        let example = &judged.untraceable.examples[0];
        assert_eq!(example.place, story.place_of(0));
        assert_eq!(
            example.value.as_deref().map(<[u8]>::len),
            Some(Untraced::MOST_BYTES)
        );
        for check in [Check::Loss, Check::Duplicate, Check::Reorder, Check::Phantom] {
            assert_eq!(extent(&judged, check), &Extent::Not(why.to_owned()), "{rule}");
        }
        assert!(!judged.whole());
        // Keys are still there to be looked at.
        assert_eq!(extent(&judged, Check::KeyMoved), &Extent::Whole);
        story.out[0].partition = 1;
        assert_eq!(story.judged().count(A::KeyMoved), 1, "{rule}");
    }
}

#[test]
fn what_is_missing_is_said() {
    for (rule, value, why) in [
        (
            "json:/order/id",
            r#"{"order":{}}"#,
            "there is nothing at `/order/id` in its value",
        ),
        (
            "json:/order",
            r#"{"order":{}}"#,
            "at `/order` is neither a text nor a number",
        ),
        (
            "json:/order",
            r#"{"order":[1]}"#,
            "at `/order` is a list; the rule for that is `json:/order,aggregate`",
        ),
        ("key", "", "it has no key"),
    ] {
        let mut story = Story::copied(rule);
        story.out.truncate(1);
        story.out[0].value = Some(value.into());
        story.out[0].key = None;
        let judged = story.judged();
        assert_eq!(judged.untraceable.examples[0].why, why, "{rule}");
    }
}

#[test]
fn one_untraceable_output_may_be_the_one_that_is_missing() {
    let mut story = Story::copied("header:id");
    story.out[7].headers.clear();
    let judged = story.judged();
    assert_eq!(judged.findings, []);
    assert_eq!(judged.possibly_lost, [story.fed[7].place]);
    assert!(matches!(extent(&judged, Check::Loss), Extent::Partly(_)));
    assert!(!judged.whole());
    // Two are missing, and one of them can't be hidden.
    story.out.remove(20);
    let judged = story.judged();
    assert_eq!(judged.count(A::PipelineLoss), 2);
    assert_eq!(judged.possibly_lost, []);
    let note = judged.findings[0].note.as_deref();
    assert_eq!(
        note,
        Some("up to 1 of these may be among the outputs that name no input")
    );
}

#[test]
fn inputs_named_alike_are_not_judged_and_not_forgotten() {
    let mut story = Story::copied("header:id");
    story.fed[10].id = story.fed[7].id.clone();
    story.out.remove(7);
    let judged = story.judged();
    assert_eq!(judged.ambiguous, [story.fed[7].place, story.fed[10].place]);
    assert_eq!(judged.count(A::PipelineLoss), 0);
    assert!(matches!(extent(&judged, Check::Loss), Extent::Partly(_)));
    assert!(!judged.whole());
}

#[test]
fn the_key_can_be_the_id() {
    let mut story = Story::copied("key");
    for (fed, out) in story.fed.iter_mut().zip(&mut story.out) {
        fed.key = Some(fed.id.clone().into_bytes());
        out.key.clone_from(&fed.key);
        out.value = None;
    }
    assert_eq!(story.found(), []);
    story.out.remove(3);
    assert_eq!(
        story.found(),
        [(A::PipelineLoss, vec![story.fed[3].place], vec![])]
    );
}

#[test]
fn numbers_and_texts_name_the_same() {
    let mut story = Story::copied("json:/n");
    for (number, (fed, out)) in story.fed.iter_mut().zip(&mut story.out).enumerate() {
        fed.id = number.to_string();
        let text = if number % 2 == 0 {
            format!(r#"{{"n":{number}}}"#)
        } else {
            format!(r#"{{"n":"{number}"}}"#)
        };
        out.value = Some(text.into_bytes());
    }
    assert_eq!(story.found(), []);
}

#[test]
fn nothing_fed_and_nothing_out() {
    let mut story = Story::copied("same");
    story.out.clear();
    assert_eq!(
        story.judged().count(A::PipelineLoss),
        INPUTS as u64,
        "nothing came out"
    );
    story.fed.clear();
    assert!(story.judged().whole());
}
