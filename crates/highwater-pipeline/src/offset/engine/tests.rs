use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn new_ticket(delivery: Delivery) -> Ticket {
    match delivery {
        Delivery::New(ticket) => ticket,
        other => panic!("expected a new record, got {other:?}"),
    }
}

#[test]
fn nothing_is_committed_before_something_is_known() {
    let mut engine = OffsetEngine::new(Resume::fresh());
    assert_eq!(engine.take_commit(), None);
    assert_eq!(engine.highest_seen(), None);
    let ticket = new_ticket(engine.deliver(40));
    assert_eq!(engine.take_commit(), None, "delivered is not done");
    assert_eq!(engine.lowest_incomplete(), Some(40));
    assert!(engine.complete(ticket));
    assert_eq!(engine.take_commit().map(|point| point.offset), Some(41));
    assert_eq!(engine.take_commit(), None, "nothing has changed");
    engine.commit_failed();
    assert_eq!(engine.take_commit().map(|point| point.offset), Some(41));
}

#[test]
fn a_step_back_is_ignored_and_counted() {
    let mut engine = OffsetEngine::new(Resume::at(10));
    let tickets: Vec<Ticket> = [10, 11, 14]
        .map(|offset| new_ticket(engine.deliver(offset)))
        .into();
    engine.complete(tickets[0]);
    for (name, offset, expected) in [
        ("below the start", 3, Delivery::Repeated),
        ("complete", 10, Delivery::Repeated),
        ("incomplete", 11, Delivery::Repeated),
        ("in a gap", 12, Delivery::Rewritten),
        ("the highest", 14, Delivery::Repeated),
    ] {
        assert_eq!(engine.deliver(offset), expected, "{name}");
    }
    assert_eq!(
        engine.counts(),
        EngineCounts {
            repeated: 4,
            rewritten: 1,
            ..EngineCounts::default()
        }
    );
    assert_eq!(engine.incomplete(), 2);
}

#[test]
fn tickets_of_before_a_rewind_are_ignored() {
    let mut engine = OffsetEngine::new(Resume::at(0));
    let old = new_ticket(engine.deliver(0));
    engine.rewind(Resume::at(0));
    let new = new_ticket(engine.deliver(0));
    assert!(!engine.complete(old));
    assert_eq!(engine.offset(), 0);
    assert!(engine.complete(new));
    assert!(!engine.complete(new), "a record is completed once");
    assert_eq!(engine.offset(), 1);
    assert_eq!(engine.counts().late, 2);
}

#[test]
fn what_was_done_stays_in_the_metadata_until_it_is_delivered() {
    let (resume, error) = Resume::committed(10, &metadata::encode(10, &[Run { start: 12, end: 15 }]).text);
    assert_eq!(error, None);
    let mut engine = OffsetEngine::new(resume);
    let ten = new_ticket(engine.deliver(10));
    engine.complete(ten);
    let point = engine.take_commit().unwrap();
    assert_eq!(
        metadata::decode(point.offset, &point.metadata),
        Ok(vec![Run { start: 12, end: 15 }])
    );
    let eleven = new_ticket(engine.deliver(11));
    assert_eq!(engine.deliver(13), Delivery::DoneBefore);
    let fifteen = new_ticket(engine.deliver(15));
    engine.complete(eleven);
    assert_eq!(engine.offset(), 15);
    engine.complete(fifteen);
    assert_eq!(engine.offset(), 16);
}

#[test]
fn a_stretch_that_was_done_is_told_from_where_it_was_not_delivered_yet() {
    let (resume, _) = Resume::committed(10, &metadata::encode(10, &[Run { start: 11, end: 15 }]).text);
    let mut engine = OffsetEngine::new(resume);
    let ten = new_ticket(engine.deliver(10));
    assert_eq!(engine.deliver(11), Delivery::DoneBefore);
    assert_eq!(engine.deliver(12), Delivery::DoneBefore);
    assert_eq!(engine.done_above(), [Run { start: 11, end: 15 }]);
    engine.complete(ten);
    assert_eq!(engine.offset(), 13);
    assert_eq!(engine.done_above(), [Run { start: 13, end: 15 }]);
}

#[test]
fn the_end_behind_markers_is_reached() {
    let mut engine = OffsetEngine::new(Resume::at(0));
    let ticket = new_ticket(engine.deliver(0));
    engine.pass(2);
    assert_eq!(engine.offset(), 0, "a record is still open");
    engine.complete(ticket);
    assert_eq!(engine.offset(), 2);
    engine.pass(5);
    assert_eq!(engine.offset(), 5);
    engine.pass(3);
    assert_eq!(engine.offset(), 5, "never back");
}

#[test]
fn intake_pauses_before_the_metadata_is_full_and_nothing_is_left_out() {
    let mut engine = OffsetEngine::new(Resume::at(0));
    let mut state = 7_u64;
    let mut offset = 0;
    let first = new_ticket(engine.deliver(offset));
    while !engine.metadata_full() {
        offset += 1;
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let ticket = new_ticket(engine.deliver(offset));
        if state >> 63 == 1 {
            engine.complete(ticket);
        }
        assert!(offset < 1_000_000, "never full");
    }
    // What was on its way when intake paused still fits.
    for _ in 0..500 {
        offset += 2;
        let ticket = new_ticket(engine.deliver(offset));
        engine.complete(ticket);
    }
    let point = engine.take_commit().unwrap();
    assert!(
        point.metadata.len() >= METADATA_PAUSE_BYTES,
        "{}",
        point.metadata.len()
    );
    assert_eq!(point.left_out, 0);
    engine.complete(first);
    while let Some(place) = engine.slots.iter().position(|slot| !slot.done) {
        engine.complete(Ticket(engine.head + place as u64));
    }
    assert!(!engine.metadata_full());
}

#[test]
fn a_planted_defect_changes_what_is_committed() {
    let mut engine = OffsetEngine::new(Resume::at(0));
    let _open = new_ticket(engine.deliver(0));
    assert_eq!(engine.offset(), 0);
    assert_eq!(flaw::with(Some(Flaw::CommitHighest), || engine.offset()), 1);
}

/// What a person would write: a map of all records.
#[derive(Default)]
struct Model {
    seen: BTreeMap<i64, bool>,
}

impl Model {
    fn offset(&self, start: i64) -> i64 {
        self.seen.iter().find(|(_, done)| !**done).map_or_else(
            || self.seen.last_key_value().map_or(start, |(offset, _)| offset + 1),
            |(offset, _)| *offset,
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_engine_is_the_model(
        start in 0..100_i64,
        gaps in prop::collection::vec(0..4_i64, 1..80),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..120),
    ) {
        let mut engine = OffsetEngine::new(Resume::at(start));
        let mut model = Model::default();
        let mut open: Vec<(i64, Ticket)> = Vec::new();
        let mut next = start;
        let mut gaps = gaps.into_iter();
        for index in order {
            if index.index(3) == 0 && !open.is_empty() {
                let (offset, ticket) = open.swap_remove(index.index(open.len()));
                prop_assert!(engine.complete(ticket));
                model.seen.insert(offset, true);
            } else if let Some(gap) = gaps.next() {
                let offset = next + gap;
                open.push((offset, new_ticket(engine.deliver(offset))));
                model.seen.insert(offset, false);
                next = offset + 1;
            }
            prop_assert_eq!(engine.offset(), model.offset(start));
            prop_assert_eq!(engine.incomplete(), open.len());
            // What is committed, read by the next process, has exactly the records that are not done.
            let (resume, error) = Resume::committed(engine.offset(), &engine.clone().encode().text);
            prop_assert_eq!(error, None);
            let mut next_process = OffsetEngine::new(resume);
            let again: BTreeSet<i64> = model
                .seen
                .keys()
                .copied()
                .filter(|offset| matches!(next_process.deliver(*offset), Delivery::New(_)))
                .collect();
            prop_assert_eq!(again, open.iter().map(|(offset, _)| *offset).collect::<BTreeSet<_>>());
        }
    }
}
