//! Several inputs in one output.

use super::story::{INPUTS, Out, Story};
use crate::Anomaly as A;
use crate::pipeline::{Check, Extent, Place};

/// Outputs of one key, in order.
fn outputs(story: &Story, rule: &str, text: impl Fn(&[usize]) -> String) -> Story {
    let mut story = story.clone();
    story.rule = rule.parse().expect("a rule");
    story.out.clear();
    for number in 0..INPUTS {
        let so_far: Vec<usize> = (number % 3..=number).step_by(3).collect();
        story.out.push(Out {
            partition: story.fed[number].place.partition,
            key: story.fed[number].key.clone(),
            value: Some(text(&so_far).into_bytes()),
            headers: Vec::new(),
        });
    }
    story
}

fn numbered() -> Story {
    let mut story = Story::copied("same");
    for (number, fed) in story.fed.iter_mut().enumerate() {
        fed.id = number.to_string();
    }
    story
}

#[test]
fn a_list_covers_what_is_in_it() {
    // Windows of ten inputs, each told twice, as aggregates do.
    let mut story = numbered();
    story.rule = "json:/ids,aggregate".parse().expect("a rule");
    let window = |first: usize| Out {
        partition: 0,
        key: None,
        value: Some(format!(r#"{{"ids":{:?}}}"#, (first..first + 10).collect::<Vec<_>>()).into_bytes()),
        headers: Vec::new(),
    };
    story.out = [0, 0, 10, 10, 20, 20].map(window).into();
    let judged = story.judged();
    assert_eq!(judged.findings, []);
    assert!(judged.whole());
    story.out.drain(2..4);
    let lost: Vec<Vec<Place>> = story
        .judged()
        .findings
        .into_iter()
        .map(|finding| finding.inputs)
        .collect();
    let mut expected: Vec<Vec<Place>> = story.fed[10..20].iter().map(|fed| vec![fed.place]).collect();
    expected.sort();
    assert_eq!(lost, expected);
    // A list that can't be read may hold any of them.
    story.out[0].value = Some(b"{}".to_vec());
    let judged = story.judged();
    assert_eq!(judged.count(A::PipelineLoss), 0);
    assert_eq!(judged.possibly_lost.len(), 10);
    // Ids that were never fed.
    story.out[0].value = Some(br#"{"ids":[0,777]}"#.to_vec());
    assert_eq!(story.judged().count(A::PipelinePhantom), 1);
}

#[test]
fn counts_sums_and_last_ids_are_compared_for_each_key() {
    let story = numbered();
    let count = outputs(&story, "json:/n,aggregate=count", |so_far| {
        format!(r#"{{"n":{}}}"#, so_far.len())
    });
    let sum = outputs(&story, "json:/n,aggregate=sum", |so_far| {
        format!(r#"{{"n":{}}}"#, so_far.iter().sum::<usize>())
    });
    let last = outputs(&story, "json:/n,aggregate=last", |so_far| {
        format!(r#"{{"n":{}}}"#, so_far[so_far.len() - 1])
    });
    for (name, story) in [("count", &count), ("sum", &sum), ("last", &last)] {
        assert_eq!(story.found(), [], "{name}");
        assert!(story.judged().whole(), "{name}");
        // The last output of key b is missing.
        let mut less = story.clone();
        less.out.remove(INPUTS - 2);
        let findings = less.judged().findings;
        assert_eq!(findings.len(), 1, "{name}");
        assert_eq!(findings[0].anomaly, A::PipelineLoss, "{name}");
        assert_eq!(findings[0].key.as_deref(), Some(&b"b"[..]), "{name}");
        // No output of the key at all.
        let mut none = story.clone();
        none.out.retain(|out| out.key.as_deref() != Some(b"b"));
        let findings = none.judged().findings;
        assert_eq!(
            findings[0].note.as_deref(),
            Some("no output for 10 inputs of its key"),
            "{name}"
        );
        // A key that was never fed.
        let mut other = story.clone();
        other.out[0].key = Some(b"z".to_vec());
        assert_eq!(other.judged().count(A::PipelinePhantom), 1, "{name}");
    }
    for (story, told) in [(&count, "count 11, fed 10"), (&sum, "sum 150, fed 145")] {
        let mut more = story.clone();
        more.out.push(more.out[INPUTS - 2].clone());
        let number = told.split([' ', ',']).nth(1).expect("a number");
        more.out[INPUTS].value = Some(format!(r#"{{"n":{number}}}"#).into_bytes());
        let findings = more.judged().findings;
        assert_eq!(findings[0].anomaly, A::PipelineDuplicate);
        assert_eq!(findings[0].note.as_deref(), Some(told));
    }
    let judged = last.judged();
    let duplicates = judged
        .judged
        .iter()
        .find(|judged| judged.check == Check::Duplicate);
    assert!(matches!(
        duplicates.map(|judged| &judged.extent),
        Some(Extent::NotAsked(_))
    ));
}

#[test]
fn figures_that_are_none() {
    let words = outputs(&numbered(), "json:/n,aggregate=count", |_| {
        r#"{"n":"many"}"#.to_owned()
    });
    let judged = words.judged();
    assert_eq!(judged.untraceable.examples[0].why, "`many` is no whole number");
    let mut named = numbered();
    named.fed[4].id = "four".to_owned();
    let sum = outputs(&named, "json:/n,aggregate=sum", |so_far| {
        format!(r#"{{"n":{}}}"#, so_far.iter().sum::<usize>())
    });
    assert!(!sum.judged().whole(), "a sum of words proves nothing");
}
