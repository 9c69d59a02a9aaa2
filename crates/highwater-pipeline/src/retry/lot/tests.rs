use super::*;
use crate::offset::{Delivery, OffsetEngine, Resume};

fn key(name: &str) -> ParkKey {
    ParkKey::Key(name.as_bytes().into())
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn attempts(made: u32, due: u64) -> Attempts {
    Attempts {
        made,
        first: secs(1),
        due: secs(due),
    }
}

fn tickets() -> Vec<Ticket> {
    let mut engine = OffsetEngine::new(Resume::at(0));
    (0..10)
        .map(|offset| match engine.deliver(offset) {
            Delivery::New(ticket) => ticket,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Written, and read back.
fn park(
    lot: &mut Lot<&'static str>,
    ticket: Ticket,
    name: &str,
    offset: i64,
    tried: Attempts,
    record: &'static str,
) {
    assert_eq!(lot.written(None, key(name), offset, tried, 1, record), None);
    assert_eq!(
        lot.arrived(ticket, key(name), offset, tried, 1, record),
        Arrival::Kept
    );
}

#[test]
fn a_record_runs_only_after_it_was_read_back() {
    let tickets = tickets();
    let mut lot = Lot::default();
    lot.written(None, key("a"), 5, attempts(1, 10), 1, "a5");
    assert!(lot.locked(&key("a")));
    assert!(
        lot.take(secs(99)).is_none(),
        "its completion could not be committed with its effect"
    );
    assert_eq!(
        lot.arrived(tickets[0], key("a"), 5, attempts(1, 10), 1, "a5"),
        Arrival::Kept
    );
    assert!(lot.take(secs(9)).is_none());
    let (permit, ..) = lot.take(secs(10)).unwrap();
    assert_eq!(lot.finished(permit), Some(tickets[0]));
}

#[test]
fn later_records_of_a_key_wait_behind_the_first() {
    let tickets = tickets();
    let mut lot = Lot::default();
    assert!(!lot.locked(&key("a")));
    park(&mut lot, tickets[0], "a", 5, attempts(1, 10), "a5");
    park(&mut lot, tickets[1], "a", 7, attempts(0, 0), "a7");
    park(&mut lot, tickets[2], "b", 6, attempts(1, 4), "b6");
    assert!(lot.locked(&key("a")) && lot.locked(&key("b")));
    assert_eq!(lot.take(secs(3)).map(|(.., record)| record), None);
    let (b, _, record) = lot.take(secs(9)).unwrap();
    assert_eq!(record, "b6");
    assert_eq!(
        lot.take(secs(9)).map(|(.., record)| record),
        None,
        "a7 has no moment of its own, a5 is not due"
    );
    let (a5, _, record) = lot.take(secs(10)).unwrap();
    assert_eq!(record, "a5");
    assert!(lot.take(secs(99)).is_none(), "one of a key at a time");
    lot.finished(a5);
    lot.finished(b);
    assert!(!lot.locked(&key("b")));
    let (a7, _, record) = lot.take(secs(10)).unwrap();
    assert_eq!(record, "a7");
    lot.finished(a7);
    assert_eq!(
        (lot.parked_keys(), lot.records(), lot.bytes(), lot.running()),
        (0, 0, 0, 0)
    );
}

#[test]
fn a_record_that_fails_again_keeps_its_place_and_its_older_version_is_complete() {
    let tickets = tickets();
    let mut lot = Lot::default();
    lot.written(None, key("a"), 5, attempts(1, 10), 1, "a5");
    lot.written(None, key("a"), 6, attempts(0, 0), 1, "a6");
    assert_eq!(
        lot.arrived(tickets[0], key("a"), 5, attempts(1, 10), 1, "a5"),
        Arrival::Kept
    );
    assert_eq!(
        lot.arrived(tickets[1], key("a"), 6, attempts(0, 0), 1, "a6"),
        Arrival::Kept
    );
    let (permit, ..) = lot.take(secs(10)).unwrap();
    assert_eq!(
        lot.written(Some(permit), key("a"), 5, attempts(2, 30), 1, "a5"),
        Some(tickets[0])
    );
    assert_eq!(
        lot.arrived(tickets[2], key("a"), 5, attempts(2, 30), 1, "a5"),
        Arrival::Kept
    );
    assert!(lot.take(secs(29)).is_none());
    let (permit, tried, record) = lot.take(secs(30)).unwrap();
    assert_eq!((tried.made, record), (2, "a5"));
    assert_eq!(lot.finished(permit), Some(tickets[2]));
    let (permit, ..) = lot.take(secs(30)).unwrap();
    assert_eq!(lot.finished(permit), Some(tickets[1]));
}

#[test]
fn a_restart_takes_the_latest_version_in_the_order_of_the_source() {
    let tickets = tickets();
    let mut lot = Lot::default();
    // In the retry topic: a5 (1), a6, a5 again (2).
    assert_eq!(
        lot.arrived(tickets[0], key("a"), 5, attempts(1, 10), 1, "a5"),
        Arrival::Kept
    );
    assert_eq!(
        lot.arrived(tickets[1], key("a"), 6, attempts(0, 0), 1, "a6"),
        Arrival::Kept
    );
    assert_eq!(
        lot.arrived(tickets[2], key("a"), 5, attempts(2, 30), 1, "a5"),
        Arrival::Complete(vec![tickets[0]])
    );
    assert!(lot.take(secs(29)).is_none(), "never early, also after a restart");
    assert_eq!(
        lot.take(secs(30)).map(|(_, tried, record)| (tried.made, record)),
        Some((2, "a5"))
    );
    assert_eq!(
        lot.arrived(tickets[3], key("a"), 5, attempts(1, 10), 1, "a5"),
        Arrival::Complete(vec![tickets[3]]),
        "an older version that comes late"
    );
}

#[test]
fn a_record_put_back_runs_again_at_its_moment() {
    let mut lot = Lot::default();
    park(&mut lot, tickets()[0], "a", 5, attempts(1, 1), "5");
    let (permit, _, record) = lot.take(secs(1)).unwrap();
    lot.put_back(permit, secs(8), record);
    assert!(lot.take(secs(7)).is_none());
    assert!(lot.take(secs(8)).is_some());
}

#[test]
fn an_earlier_record_that_is_written_while_a_later_one_runs_waits_for_it() {
    let mut lot = Lot::default();
    let tickets = tickets();
    park(&mut lot, tickets[0], "a", 7, attempts(0, 0), "a7");
    let (seven, _, record) = lot.take(secs(1)).unwrap();
    park(&mut lot, tickets[1], "a", 5, attempts(0, 0), "a5");
    assert!(lot.take(secs(1)).is_none(), "one of a key at a time");
    lot.put_back(seven, secs(1), record);
    let (five, _, record) = lot.take(secs(1)).unwrap();
    assert_eq!(record, "a5", "and then the earlier one first");
    assert!(lot.take(secs(1)).is_none());
    lot.finished(five);
    assert_eq!(lot.take(secs(1)).map(|(.., record)| record), Some("a7"));
}

#[test]
fn a_record_that_is_written_twice_waits_once() {
    let tickets = tickets();
    let mut lot = Lot::default();
    assert_eq!(
        lot.arrived(tickets[0], key("a"), 5, attempts(1, 10), 1, "by another owner"),
        Arrival::Kept
    );
    lot.written(None, key("a"), 5, attempts(0, 0), 1, "by this one");
    assert_eq!((lot.records(), lot.bytes()), (1, 1));
    assert!(lot.take(secs(9)).is_none(), "and not early");
    assert_eq!(
        lot.arrived(tickets[1], key("a"), 5, attempts(0, 0), 1, "by this one"),
        Arrival::Complete(vec![tickets[1]])
    );
    let (permit, ..) = lot.take(secs(10)).unwrap();
    assert_eq!(lot.finished(permit), Some(tickets[0]));
}
