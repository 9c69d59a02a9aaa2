//! One thing made wrong in a story that was right: it is found, under its name, and nothing else is.

use proptest::prelude::*;

use super::story::{Entry, STEP_MS, Story, event_of, number, partition_of};
use crate::changes::{Field, Observed, Operation};

fn streamed(story: &Story) -> Vec<(i32, usize)> {
    story.places(|event| event.operation != Operation::Read)
}

fn pick<T: Copy>(places: &[T], choice: usize) -> T {
    places[choice % places.len()]
}

fn one(name: &str) -> Vec<(String, u64)> {
    vec![(name.to_owned(), 1)]
}

proptest! {
    // Some stories have no place for a defect: another one is taken then.
    #![proptest_config(ProptestConfig { cases: 64, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn a_change_that_is_left_out(seed: u64, choice: usize) {
        let mut story = Story::play(seed, 60);
        let (partition, index) = pick(&streamed(&story), choice);
        let entries = story.partitions.get_mut(&partition).unwrap();
        let was_delete = matches!(entries.get(index + 1), Some(Entry { observed: Observed::Tombstone { .. }, .. }));
        entries.remove(index);
        if was_delete {
            entries.remove(index);
        }
        prop_assert_eq!(story.violations(), one("pipeline-loss"));
        let (findings, _) = story.judge();
        prop_assert_eq!(findings.counts.lost, 1);
        prop_assert_eq!(findings.anomalies[0].examples[0].topic.as_str(), "t.videos");
    }

    #[test]
    fn a_row_that_the_snapshot_left_out(seed: u64, choice: usize) {
        let mut story = Story::play(seed, 90);
        let rows = story.places(|event| event.operation == Operation::Read);
        prop_assume!(!rows.is_empty());
        let (partition, index) = pick(&rows, choice);
        story.partitions.get_mut(&partition).unwrap().remove(index);
        let violations = story.violations();
        prop_assert_eq!(violations.len(), 1);
        prop_assert_eq!(violations[0].0.as_str(), "pipeline-loss");
    }

    #[test]
    fn an_old_change_that_comes_again_by_itself(seed: u64, choice: usize, restart: bool) {
        let mut story = Story::play(seed, 60);
        let places = streamed(&story);
        let (partition, index) = pick(&places, choice);
        let entries = story.partitions.get_mut(&partition).unwrap();
        // Behind it others must stand that are not repeated, and something new must follow.
        prop_assume!(index + 4 < entries.len());
        let position = entries.len() - 2;
        let mut again = entries[index].clone();
        prop_assume!(index + 2 < position);
        again.at_ms = entries[position].at_ms;
        let at_ms = again.at_ms;
        entries.insert(position, again);
        let followed_by_new = matches!(&entries[position + 1].observed, Observed::Change(_));
        prop_assume!(followed_by_new || !restart);
        if restart {
            story.window.interruptions.push(crate::changes::Interruption {
                from_ms: at_ms - 1,
                until_ms: at_ms + 1,
            });
        }
        let violations = story.violations();
        prop_assert!(violations.contains(&("redelivery-outside-window".to_owned(), 1)), "{violations:?}");
    }

    #[test]
    fn two_changes_of_a_row_in_the_wrong_order(seed: u64, choice: usize) {
        let mut story = Story::play(seed, 80);
        let places = story.places(|event| event.operation == Operation::Update);
        let pairs: Vec<((i32, usize), usize)> = places
            .iter()
            .filter_map(|&(partition, index)| {
                let key = key_at(&story, (partition, index));
                let next = places.iter().find(|&&(other, at)| {
                    other == partition && at > index && key_at(&story, (other, at)) == key
                })?;
                Some(((partition, index), next.1))
            })
            .collect();
        prop_assume!(!pairs.is_empty());
        let ((partition, first), second) = pick(&pairs, choice);
        let entries = story.partitions.get_mut(&partition).unwrap();
        let same_transaction = matches!(
            (&entries[first].observed, &entries[second].observed),
            (Observed::Change(a), Observed::Change(b)) if a.transaction == b.transaction
        );
        prop_assume!(!same_transaction || first != second);
        entries.swap(first, second);
        let violations = story.violations();
        prop_assert!(violations.iter().any(|(name, _)| name == "pipeline-reorder"), "{violations:?}");
        prop_assert!(violations.iter().all(|(name, _)| name == "pipeline-reorder"), "{violations:?}");
    }

    #[test]
    fn a_before_or_an_after_that_was_not_so(seed: u64, choice: usize, before: bool) {
        let mut story = Story::play(seed, 60);
        let places = story.places(|event| match before {
            true => event.before.is_some(),
            false => event.after.is_some() && event.operation != Operation::Read,
        });
        prop_assume!(!places.is_empty());
        let event = story.event_mut(pick(&places, choice));
        let side = if before { &mut event.before } else { &mut event.after };
        side.as_mut().unwrap().insert("title".to_owned(), Field::Text("another".to_owned()));
        prop_assert_eq!(story.violations(), one("corrupt-payload"));
        let (findings, _) = story.judge();
        let detail = &findings.anomalies[0].examples[0].detail;
        let named = if before { "`before.title` is \"another\"" } else { "`after.title` is \"another\"" };
        prop_assert!(detail.contains(named), "{detail}");
    }

    #[test]
    fn an_operation_that_was_another_one(seed: u64, choice: usize) {
        let mut story = Story::play(seed, 60);
        let places = story.places(|event| event.operation == Operation::Update);
        prop_assume!(!places.is_empty());
        story.event_mut(pick(&places, choice)).operation = Operation::Create;
        let violations = story.violations();
        prop_assert!(violations.contains(&("corrupt-payload".to_owned(), 1)), "{violations:?}");
    }

    #[test]
    fn an_event_of_a_transaction_that_was_rolled_back(seed: u64, choice: usize) {
        let mut story = Story::play(seed, 80);
        prop_assume!(!story.rolled_back.is_empty());
        let (key, transaction) = story.rolled_back[choice % story.rolled_back.len()].clone();
        let mut event = event_of(&story.changes[choice % story.changes.len()]);
        let known = story.changes.iter().any(|change| change.key == key);
        prop_assume!(known);
        event.key = key.clone();
        event.transaction = Some(transaction);
        event.operation = Operation::Update;
        let at_ms = story.last_ms() + STEP_MS;
        let key = number(&key);
        story.partitions.get_mut(&partition_of(key)).unwrap().push(Entry {
            observed: Observed::Change(Box::new(event)),
            at_ms,
        });
        prop_assert_eq!(story.violations(), one("aborted-read"));
    }

    #[test]
    fn an_event_that_nothing_explains(seed: u64, choice: usize, key in 0_i64..40) {
        let mut story = Story::play(seed, 60);
        let mut event = event_of(&story.changes[choice % story.changes.len()]);
        event.key = Field::Integer(key);
        event.transaction = Some(9_999);
        event.operation = Operation::Update;
        let at_ms = story.last_ms() + STEP_MS;
        story.push(key, at_ms, event);
        prop_assert_eq!(story.violations(), one("pipeline-phantom"));
    }

    #[test]
    fn a_repeat_from_before_the_flush(seed: u64, records in 6_usize..20) {
        let mut story = Story::play(seed, 60);
        story.rewind(records);
        // The position behind everything had been flushed.
        for flushed in &mut story.window.flushed {
            flushed.position.committed = u64::MAX;
        }
        let (_, summary) = story.judge();
        prop_assume!(summary.repeated > 0);
        let violations = story.violations();
        prop_assert_eq!(violations, vec![("redelivery-outside-window".to_owned(), summary.repeated)]);
    }

    #[test]
    fn a_repeat_although_nothing_was_restarted(seed: u64, records in 1_usize..20) {
        let mut story = Story::play(seed, 60);
        story.rewind(records);
        story.window.interruptions.clear();
        let (_, summary) = story.judge();
        prop_assume!(summary.repeated > 0);
        prop_assert_eq!(story.violations(), vec![("redelivery-outside-window".to_owned(), summary.repeated)]);
    }

    #[test]
    fn a_row_that_moves_to_another_partition(seed: u64, choice: usize) {
        let mut story = Story::play(seed, 60);
        let places = streamed(&story);
        let (partition, index) = pick(&places, choice);
        let key = key_at(&story, (partition, index));
        let later = places.iter().any(|&place| place.0 == partition && place.1 > index && key_at(&story, place) == key);
        let earlier = story.places(|event| event.key == key).iter().any(|place| place.1 < index);
        prop_assume!(earlier && !later);
        let entry = story.partitions.get_mut(&partition).unwrap().remove(index);
        let other = (partition + 1) % 3;
        story.partitions.get_mut(&other).unwrap().push(entry);
        let violations = story.violations();
        prop_assert!(violations.iter().any(|(name, _)| name == "key-moved"), "{violations:?}");
    }
}

fn key_at(story: &Story, (partition, index): (i32, usize)) -> Field {
    match &story.partitions[&partition][index].observed {
        Observed::Change(event) => event.key.clone(),
        other => panic!("no event: {other:?}"),
    }
}

#[test]
fn a_delete_that_is_left_out_is_named() {
    let mut story = Story::play(11, 80);
    let (partition, index) = story.places(|event| event.operation == Operation::Delete)[0];
    let entries = story.partitions.get_mut(&partition).unwrap();
    entries.drain(index..index + 2);
    let (findings, _) = story.judge();
    assert_eq!(story.violations(), one("pipeline-loss"));
    let detail = &findings.anomalies[0].examples[0].detail;
    assert!(detail.starts_with("delete of videos "), "{detail}");
}

#[test]
fn tombstones_are_counted_and_never_invented() {
    let mut story = Story::play(11, 80);
    let (partition, index) = story.places(|event| event.operation == Operation::Delete)[0];
    let entries = story.partitions.get_mut(&partition).unwrap();
    entries.remove(index + 1);
    let (_, summary) = story.judge();
    assert_eq!((story.violations(), summary.tombstones_missing), (Vec::new(), 1));
    story.partitions.get_mut(&0).unwrap().insert(
        0,
        Entry {
            observed: Observed::Tombstone {
                table: "videos".to_owned(),
                key: Field::Integer(3),
            },
            at_ms: 0,
        },
    );
    assert_eq!(story.violations(), one("pipeline-phantom"));
}

#[test]
fn what_cannot_be_read_is_damaged() {
    let mut story = Story::play(1, 30);
    let at_ms = story.last_ms();
    story.partitions.get_mut(&1).unwrap().push(Entry {
        observed: Observed::Unreadable("the value is not JSON".to_owned()),
        at_ms,
    });
    assert_eq!(story.violations(), one("corrupt-payload"));
}
